    if [ -d /run/systemd/system ]; then
        systemctl stop tillkeeper-nightly.service >/dev/null || true
    fi
    # What HQ does not hold is only here: counted while the program is still here, for a purge that may follow.
    rm -f @DATA@.left
    if [ -e @DATA@/journal.db ]; then
        runuser -u tillkeeper -- @PROGRAM_PATH@ journal unsent @DATA@ >@DATA@.left 2>/dev/null || true
    fi
