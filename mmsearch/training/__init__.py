"""Fit models to the user's own pairs. train_reranker.py lists the steps: read it first."""
