"""Changing over to another version, or to other settings, between two sales."""
