    # Deleted only where the removal found that HQ holds all of it; what is not known counts as not sent. Books are databases: the
    # journal, what is held for other registers, and what of either was set aside. Where the configuration put them elsewhere they stay
    # there, and it is kept: without its token nothing of them reaches HQ.
    has_books() { [ -n "$(find "$1/" -maxdepth 1 -name '*.db' 2>/dev/null)" ]; }
    counted=$(cat @DATA@.left 2>/dev/null || echo "unknown @DATA@")
    left=${counted%% *}
    books=${counted#"$left"}
    books=${books# }
    if [ "${books%/}" != @DATA@ ] && has_books @DATA@; then
        left=unknown
    fi
    if [ "$left" != 0 ] && { [ "${books%/}" != @DATA@ ] || has_books @DATA@; }; then
        aside=$(set_aside)
        echo "tillkeeper: events that HQ is not known to hold, those held for other registers among them: $left. NOT deleted:" >&2
        echo "tillkeeper: books and configuration are in $aside (root only)." >&2
        case "$books" in
        "" | @DATA@ | @DATA@/*) ;;
        *) echo "tillkeeper: the books in $books stay there." >&2 ;;
        esac
        echo "tillkeeper: docs/package.md, purge, says how they reach HQ. Delete that folder when they did." >&2
    elif [ -e @DATA@ ]; then
        delete_folder @DATA@
        [ "$left" = 0 ] && why="HQ holds all of it" || why="no books were in it"
        echo "tillkeeper: deleted @DATA@ ($why)"
    fi
    rm -rf @DATA@.left /var/cache/tillkeeper-probe /run/tillkeeper @CONFIG@
    rm -f /var/lib/systemd/timers/stamp-tillkeeper-nightly.timer  # systemd's note of the last run
    echo "tillkeeper: deleted @CONFIG@; the users tillkeeper and tillkeeper-probe stay, locked"
