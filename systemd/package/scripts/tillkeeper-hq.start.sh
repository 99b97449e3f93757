    # Registers that do not reach it for a second try again and lose nothing.
    timeout 15 deb-systemd-invoke restart @UNITS@ >/dev/null || true
