"""Files that are the same, or nearly. Read flow.py first."""
