"""Second stage: look at query and candidate together. A re-ranker a file; blend.py joins it with the first stage."""
