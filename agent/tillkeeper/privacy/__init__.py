"""Texts about persons: found, erased wherever they are held, and kept no longer than the store wants."""
