"""Synthetic sounds to train the built-in audio head on: procedural generators, General MIDI, and synthetic speech."""
