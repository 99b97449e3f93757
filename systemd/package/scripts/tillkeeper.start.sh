    if [ -n "$2" ] && systemctl --quiet is-active tillkeeper.service; then
        # It goes on with the version it runs, sees the new one, and changes over between two sales.
        deb-systemd-invoke start @ENABLED@ >/dev/null || true
    else
        deb-systemd-invoke restart @ENABLED@ >/dev/null || true
    fi
