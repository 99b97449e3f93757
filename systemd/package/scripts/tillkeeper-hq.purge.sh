    # The books of all stores: never deleted by a package.
    if [ -e @DATA@ ] || [ -n "$(ls -A @CONFIG@ 2>/dev/null)" ]; then
        aside=$(set_aside)
        echo "tillkeeper-hq: NOT deleted: books and configuration are in $aside (root only). Delete that folder when you are sure." >&2
    fi
    rm -rf @CONFIG@
    echo "tillkeeper-hq: the user tillkeeper-hq stays, locked; a database in PostgreSQL was not touched"
