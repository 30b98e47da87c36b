"""Captioned pictures out of packages, and the head of the image model that is fitted to them."""
