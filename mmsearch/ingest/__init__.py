"""Write path: a file on disk becomes searchable. Read flow.py first; it names the stages in order."""
