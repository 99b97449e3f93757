#!/bin/sh
# `current` is followed once: a process stays with the version that it began with.
tree=$(realpath /usr/lib/@NAME@/current) && exec "$tree/bin/python3" -I "$tree/bin/@PROGRAM@" "$@"
