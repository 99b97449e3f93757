# An upgrade leaves everything running; the new postinst sees to it.
if [ "$1" = remove ]; then
    if [ -d /run/systemd/system ]; then
        deb-systemd-invoke stop @UNITS@ >/dev/null || true
    fi
@LEAVE@
    rm -rf "$home/current" "$home/current.new" "$home/versions"
fi
