if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
case "$1" in
remove)
    # shellcheck disable=SC2043 # one of them, in one of the packages
    for unit in @UNITS@; do
        deb-systemd-helper mask "$unit" >/dev/null || true
    done
    ;;
purge)
    # shellcheck disable=SC2043 # one of them, in one of the packages
    for unit in @UNITS@; do
        deb-systemd-helper purge "$unit" >/dev/null || true
        deb-systemd-helper unmask "$unit" >/dev/null || true
    done
    if [ -L @DATA@ ]; then
        echo "@NAME@: @DATA@ is a link: what is in $(readlink -m @DATA@) stays there." >&2
    fi
@PURGE@
    ;;
esac
