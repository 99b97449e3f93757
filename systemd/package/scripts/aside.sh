# Deletes a folder. Of one that is a disk of its own the empty folder stays: nobody can remove what is mounted.
delete_folder() {
    if mountpoint --nofollow -q "$1"; then
        find "$1" -xdev -mindepth 1 -delete
    else
        rm -rf "$1"
    fi
}

# Moves books and configuration to a folder that only root may enter, and prints its name.
set_aside() {
    mkdir -p /var/backups/@NAME@
    chmod 0700 /var/backups/@NAME@
    aside=$(mktemp -d "/var/backups/@NAME@/$(date -u +%Y%m%dT%H%M%SZ).XXXXXX")
    for folder in @DATA@ @CONFIG@; do
        if mountpoint --nofollow -q "$folder"; then
            mkdir -p "$aside$folder"
            cp -a "$folder/." "$aside$folder"
            sync -f "$aside$folder"
            delete_folder "$folder"
        elif [ -e "$folder" ]; then
            mkdir -p "$aside$(dirname "$folder")"
            mv "$folder" "$aside$folder"
        fi
    done
    echo "$aside"
}

