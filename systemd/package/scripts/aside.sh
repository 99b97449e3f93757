# Moves books and configuration to a folder that only root may enter, and prints its name.
set_aside() {
    mkdir -p /var/backups/@NAME@
    chmod 0700 /var/backups/@NAME@
    aside=$(mktemp -d "/var/backups/@NAME@/$(date -u +%Y%m%dT%H%M%SZ).XXXXXX")
    for folder in @DATA@ @CONFIG@; do
        if [ -e "$folder" ]; then
            mkdir -p "$aside$(dirname "$folder")"
            mv "$folder" "$aside$folder"
        fi
    done
    echo "$aside"
}

