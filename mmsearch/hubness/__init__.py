"""Items that every query finds: a penalty learned from queries of the user. Read bank.py first."""
