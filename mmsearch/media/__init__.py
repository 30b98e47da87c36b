"""Bytes of media files to arrays and texts, within limits and with typed errors."""
