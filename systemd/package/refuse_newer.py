"""Ends with words where this machine holds files of formats that are newer than a package reads. Part of `preinst`, so it needs
nothing but Debian's Python and changes nothing.

    refuse_newer.py NAME VERSION DATA CONFIG "FILE:FORMAT FILE:FORMAT"

The format is SQLite's user_version: bytes 60 to 63 of the first page (sqlite.org/fileformat2.html, 1.3). After a power cut the
newest first page may still be in the -wal file (same document, 4.1): all its copies there count, for a format only ever grows.
"""

import sys
import tomllib
from pathlib import Path

WAL_HEADER, FRAME_HEADER = 32, 24


def format_of(file: Path) -> int:
    """0 where there is no such file. Raises OSError."""
    found = 0
    if file.is_file():
        with file.open("rb") as opened:
            found = number(opened.read(100), 60)
    wal = file.with_name(f"{file.name}-wal")
    if wal.is_file():
        with wal.open("rb") as opened:
            size = number(opened.read(WAL_HEADER), 8)
            while size and len(header := opened.read(FRAME_HEADER)) == FRAME_HEADER:
                page = opened.read(size)
                if number(header, 0) == 1:
                    found = max(found, number(page, 60))
    return found


def number(page: bytes, at: int) -> int:
    return int.from_bytes(page[at : at + 4], "big")


def folder_of(data: str, config: Path, name: str) -> Path:
    """As the configuration has it, where it can be read."""
    settings = {"tillkeeper": ("tillkeeper.toml", "data_dir"), "tillkeeper-hq": ("hq.toml", "data")}
    file, setting = settings[name]
    try:
        text = Path(config, file).read_text("utf-8")
        said = tomllib.loads(text).get(setting, data)
    except (OSError, ValueError):
        said = data
    return Path(config, said) if isinstance(said, str) else Path(data)


def main() -> int:
    name, version, data, config, formats = sys.argv[1:]
    folder = folder_of(data, Path(config), name)
    for known in formats.split():
        file, _, newest = known.partition(":")
        try:
            found = format_of(folder / file)
        except OSError as error:
            print(f"{name} {version}: {folder / file} can not be read ({error}). Nothing was changed.", file=sys.stderr)
            return 1
        if found > int(newest):
            print(
                f"{name} {version} can not read {folder / file}: it has format {found}, this version reads up to {newest}.\n"
                f"Nothing was changed. Install the version that wrote the file, or a newer one.\n"
                f"Must it be {version}? /usr/share/doc/{name}/package.md, downgrade: the books have to reach HQ first.",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
