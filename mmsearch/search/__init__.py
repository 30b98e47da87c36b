"""Read path: a query becomes hits. Read flow.py first; it names the stages in order."""
