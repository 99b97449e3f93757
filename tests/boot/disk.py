"""The disk of a machine: an ext4 of its own in a file, that can be full and lose its power."""

import contextlib
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.boot.image import run

MEGABYTE = 1 << 20
SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN, linux/ext4.h: _IOR('X', 125, __u32)."""
WITHOUT_FLUSH = 2
"""EXT4_GOING_FLAGS_NOLOGFLUSH: what was not synced to the disk is lost, as with a plug that is pulled (xfstests, `godown`)."""
FILLER = "filler"


class Disk:
    """`with Disk(folder, "r1") as disk`: mounted at `disk.place` until then."""

    def __init__(self, folder: Path, name: str, megabytes: int = 96) -> None:
        self._file, self.place, self._megabytes = folder / f"{name}.ext4", folder / f"{name}.disk", megabytes

    def __enter__(self) -> "Disk":
        with self._file.open("wb") as file:
            file.truncate(self._megabytes * MEGABYTE)
        run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._file))
        self.place.mkdir()
        self._mount()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(("umount", "--lazy", str(self.place)), check=False, capture_output=True)

    def _mount(self) -> None:
        run("mount", "-o", "loop", str(self._file), str(self.place))

    def power_off(self) -> None:
        """At once; nothing is written any more, and every file on it is an error. `repair` first, then it can be used again."""
        with _opened(self.place) as handle:
            fcntl.ioctl(handle, SHUTDOWN, struct.pack("I", WITHOUT_FLUSH))

    def repair(self) -> None:
        """As at the next power-on: what is on it is read anew, and its log first."""
        run("umount", "--lazy", str(self.place))
        # Whoever was given a copy of all mounts, as other machines are, keeps the dead one alive: so this is another file.
        fresh = self._file.with_suffix(".new")
        run("cp", "--sparse=always", str(self._file), str(fresh))
        fresh.rename(self._file)
        self._mount()

    def fill(self, but_megabytes: int = 0) -> None:
        """To the last block, or nearly."""
        file = self.place / FILLER
        with file.open("wb", buffering=0) as out:
            for size in (MEGABYTE, 4096):
                with contextlib.suppress(OSError):  # ENOSPC
                    while True:
                        out.write(b"\0" * size)
                        os.fsync(out.fileno())
            out.truncate(max(0, out.tell() - but_megabytes * MEGABYTE))

    def make_space(self) -> None:
        (self.place / FILLER).unlink()


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
