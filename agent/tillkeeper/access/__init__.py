"""Devices of others than this machine: how they are paired, what they are, and how they reach the register."""
