    # Deleted only where the removal found that HQ holds all of it; what is not known counts as not sent.
    left=$(cat @DATA@.left 2>/dev/null || echo "not known")
    if [ -e @DATA@/journal.db ] && [ "$left" != 0 ]; then
        aside=$(set_aside)
        echo "tillkeeper: events that HQ is not known to hold: $left. NOT deleted:" >&2
        echo "tillkeeper: books and configuration are in $aside (root only)." >&2
        echo "tillkeeper: docs/package.md, purge, says how they reach HQ. Delete that folder when they did." >&2
    elif [ -e @DATA@ ]; then
        rm -rf @DATA@
        echo "tillkeeper: deleted @DATA@ (HQ holds all of it)"
    fi
    rm -rf @DATA@.left /var/cache/tillkeeper-probe /run/tillkeeper @CONFIG@
    echo "tillkeeper: deleted @CONFIG@; the users tillkeeper and tillkeeper-probe stay, locked"
