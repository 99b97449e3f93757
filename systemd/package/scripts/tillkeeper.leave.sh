    if [ -d /run/systemd/system ]; then
        systemctl stop tillkeeper-nightly.service >/dev/null || true
    fi
    # What HQ does not hold is only here: counted while the program is still here, for a purge that may follow. Where the books are the
    # configuration says; one that can not be read tells nothing.
    as_agent() { runuser -u tillkeeper -- @PROGRAM_PATH@ "$@" 2>/dev/null; }
    books=@DATA@
    if [ -e @CONFIG@/tillkeeper.toml ]; then
        books=$(as_agent config show @CONFIG@/tillkeeper.toml | sed -n 's/^  "data_dir": "\(.*\)",\{0,1\}$/\1/p') || true
    fi
    rm -f @DATA@.left
    if [ -e "$books/journal.db" ]; then
        left=$(as_agent journal unsent "$books") || left=unknown
        echo "$left $books" >@DATA@.left
    elif [ "${books%/}" != @DATA@ ]; then
        echo "unknown $books" >@DATA@.left
    fi
