"""Rebuild the heads that turn sounds and pictures into the text space: data, features, training, data card."""
