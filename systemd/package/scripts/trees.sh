home=/usr/lib/@NAME@

# What runs is a second set of names (hard links) for what dpkg unpacked below app/. dpkg puts new files beside old ones and renames
# them, so a process that began with a tree keeps all of it, and a power cut in the middle of an upgrade starts the old version.
switch_tree() {
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
