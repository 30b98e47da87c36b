"""What the built-in re-ranker is trained on."""
