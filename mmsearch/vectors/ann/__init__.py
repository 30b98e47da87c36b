"""Indexes on FAISS: exact scans of mapped rows, and structures that propose where to look. Its only home."""
