if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
case "$1" in
remove)
    for unit in @ALL@; do
        deb-systemd-helper mask "$unit" >/dev/null || true
    done
    ;;
purge)
    for unit in @ALL@; do
        deb-systemd-helper purge "$unit" >/dev/null || true
        deb-systemd-helper unmask "$unit" >/dev/null || true
    done
@PURGE@
    ;;
esac
