"""Checks that several registers of the store work on."""
