case "$1" in
configure | abort-upgrade | abort-remove | abort-deconfigure) ;;
*)
    echo "postinst called with unknown argument '$1'" >&2
    exit 1
    ;;
esac

if [ "$1" = configure ] || [ ! -e "$home/current/bin/python3" ]; then
    switch_tree
fi
reap_trees
systemd-sysusers @NAME@.conf
@SETTLE@
# shellcheck disable=SC2043 # one of them, in one of the packages
for unit in @UNITS@; do
    # As the administrator left it: a unit that was switched off stays off.
    deb-systemd-helper unmask "$unit" >/dev/null || true
    if deb-systemd-helper --quiet was-enabled "$unit"; then
        deb-systemd-helper enable "$unit" >/dev/null || true
    else
        deb-systemd-helper update-state "$unit" >/dev/null || true
    fi
done

# After an upgrade that was refused everything still runs as it was.
if [ "$1" != abort-upgrade ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
@START@
fi
