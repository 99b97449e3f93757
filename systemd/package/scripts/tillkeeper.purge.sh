    # Deleted only where the removal found that HQ holds all of it; what is not known counts as not sent. Books are databases: the
    # journal, what is held for other registers, and what of either was set aside.
    left=$(cat @DATA@.left 2>/dev/null || echo "not known")
    if [ "$left" != 0 ] && [ -n "$(find @DATA@/ -maxdepth 1 -name '*.db' 2>/dev/null)" ]; then
        aside=$(set_aside)
        echo "tillkeeper: events that HQ is not known to hold: $left. NOT deleted:" >&2
        echo "tillkeeper: books and configuration are in $aside (root only)." >&2
        echo "tillkeeper: docs/package.md, purge, says how they reach HQ. Delete that folder when they did." >&2
    elif [ -e @DATA@ ]; then
        delete_folder @DATA@
        [ "$left" = 0 ] && why="HQ holds all of it" || why="no books were in it"
        echo "tillkeeper: deleted @DATA@ ($why)"
    fi
    rm -rf @DATA@.left /var/cache/tillkeeper-probe /run/tillkeeper @CONFIG@
    echo "tillkeeper: deleted @CONFIG@; the users tillkeeper and tillkeeper-probe stay, locked"
