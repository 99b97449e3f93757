    # Never waited for without an end: an agent that can not start (its configuration, its journal) is started again and again.
    timeout 15 deb-systemd-invoke start tillkeeper.socket tillkeeper-nightly.timer >/dev/null || true
    if [ -n "$2" ] && systemctl --quiet is-active tillkeeper.service; then
        # The agent goes on with the version that it runs, sees the new one within a second, and changes over between two sales.
        echo "tillkeeper: the register sells on; it changes over to @VERSION@ between two sales (tillkeeper restart)"
        timeout 15 deb-systemd-invoke try-restart tillkeeper-probe.service >/dev/null || true
    else
        timeout 15 deb-systemd-invoke restart tillkeeper.service tillkeeper-probe.service >/dev/null || true
    fi
