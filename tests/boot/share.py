"""A register has processors of its own; machines that share ours with other work get them first (cgroups of version 1)."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

CPU = Path("/sys/fs/cgroup/cpu")
SHARES = 100_000
"""Of everybody else's 1,024 each. Where nothing else runs it changes nothing."""


@contextlib.contextmanager
def before_others() -> Iterator[None]:
    """This process and those that it starts, while it lasts. Nothing where there is no such cgroup."""
    if not (CPU / "cpu.shares").exists():
        yield
        return
    own = CPU / f"boot-{os.getpid()}"
    own.mkdir()
    (own / "cpu.shares").write_text(f"{SHARES}")
    (own / "cgroup.procs").write_text(f"{os.getpid()}")
    try:
        yield
    finally:
        (CPU / "cgroup.procs").write_text(f"{os.getpid()}")
        with contextlib.suppress(OSError):  # somebody who was started here is still ending
            own.rmdir()
