home=/usr/lib/@NAME@

# Where /usr and dpkg's database are file systems of their own, a power cut may keep the word that all is unpacked and lose the last
# renames. What dpkg had not yet renamed, or not yet removed, is the sign of it; it goes into no tree, nor does a file of before.
check_unpacked() {
    set -- "$home/app" -xdev '(' -name '*.dpkg-new' -o -name '*.dpkg-tmp' ')'
    [ -n "$(find "$@" -print -quit)" ] || return 0
    sums=$(dpkg-query --control-path @NAME@ md5sums)
    if ! (cd / && grep -F " ${home#/}/app/" "$sums" | md5sum --check --status); then
        echo "@NAME@: a power cut took files that were being unpacked: install the same package once more" >&2
        exit 1
    fi
    find "$@" -delete
}

# What runs is a second set of names (hard links) for what dpkg unpacked below app/. dpkg puts new files beside old ones and renames
# them, so a process that began with a tree keeps all of it, and a power cut in the middle of an upgrade starts the old version.
switch_tree() {
    check_unpacked
    mkdir -p "$home/versions"
    rm -rf "$home"/versions/.new.*
    fresh=$(mktemp -d "$home/versions/.new.XXXXXX")
    cp -al "$home/app/." "$fresh/"
    chmod 0755 "$fresh"
    tree=@VERSION@.${fresh##*.}
    mv -T "$fresh" "$home/versions/$tree"
    sync -f "$home/versions/$tree"
    ln -sfn "versions/$tree" "$home/current.new"
    mv -T "$home/current.new" "$home/current"
    sync -f "$home"
}

# Trees that no process runs from any more.
reap_trees() {
    now=$(readlink "$home/current")
    running=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ')
    for old in "$home"/versions/*; do
        case " $now $running " in
        *" versions/${old##*/} "* | *"$old/"*) ;;
        *) rm -rf "$old" ;;
        esac
    done
}
