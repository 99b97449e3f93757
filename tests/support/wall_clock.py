"""A wall clock that can be set for one process alone, by libfaketime: Debian's package `faketime`.

    clock = WallClock(tmp_path / "wall")
    process = Popen([*clock.prefix, ...])
    clock.set_ahead("+1d")                  # as `date -s` would, for that process; its monotonic and boot clocks go on

What the kernel stamps (packets) keeps the true time: to that process it looks as after every step.
"""

import os
from pathlib import Path

from tests.support.prerequisites import need

LIBRARY = "faketime/libfaketimeMT.so.1"
PLACES = (Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib/aarch64-linux-gnu"), Path("/usr/lib/arm-linux-gnueabihf"))


class WallClock:
    """Skips the test where libfaketime is missing (fails it where CI=true)."""

    def __init__(self, file: Path) -> None:
        need("faketime", root=False)
        library = next(path / LIBRARY for path in PLACES if (path / LIBRARY).exists())
        self._file = file
        self.set_ahead("+0")
        self.prefix = (
            "env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={file}", "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        )  # fmt: skip

    def set_ahead(self, offset: str) -> None:
        """By so much of the true time: "+1d", "-1y", "+0" (faketime(1))."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset}\n", "ascii")
        os.replace(fresh, self._file)
