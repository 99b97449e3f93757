"""Where the configuration lies of the register that a machine is."""

CONFIG = "/etc/tillkeeper/tillkeeper.toml"
"""Setup writes it, and the units of the package name it."""
