#!/bin/sh
# `current` is followed once: a process stays with the version that it began with.
tree=$(realpath /usr/lib/@NAME@/current)
[ ! -x "$tree/bin/python3" ] || exec "$tree/bin/python3" -I "$tree/bin/@PROGRAM@" "$@"
echo "@PROGRAM@: $tree/bin/python3 is missing: apt install --reinstall @NAME@" >&2
# systemd starts it again at once and for ever: not at full speed.
[ -z "$NOTIFY_SOCKET" ] || sleep 5
exit 1
