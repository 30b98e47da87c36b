"""The SQL catalog: what is in a collection, and where each vector lies. SQL owns the truth."""
