"""Fit stored vectors to the user's own captions and labels, without decoding or embedding anything again."""
