"""Vectors on disk, and the indexes that find the nearest of them."""
