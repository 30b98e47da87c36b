"""Measure searches on queries with known answers. Read flow.py first."""
