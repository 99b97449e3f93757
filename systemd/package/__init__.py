"""Builds the Debian packages of agent and HQ: `make deb`, or `python -m systemd.package`. See docs/package.md."""
