"""Stops single threads of another process until its standard input ends: `python -m tests.boot.halt TID ...` (ptrace(2)).

SIGSTOP stops a process whole; here its loop runs on, and only these threads answer nothing any more."""

import contextlib
import ctypes
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SEIZE, INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000
"""__WALL, wait(2): threads too."""
HALTED = "halted"
REAP_S = 0.01


def main() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    for thread in map(int, sys.argv[1:]):
        for request in (SEIZE, INTERRUPT):
            if libc.ptrace(request, thread, None, None):
                raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}")
        os.waitpid(thread, WALL)
    print(HALTED, flush=True)
    # Who is traced is reaped here first: else a process that was killed would never end.
    while not select.select((sys.stdin,), (), (), REAP_S)[0]:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, WALL | os.WNOHANG)


@contextlib.contextmanager
def halted(*threads: int) -> Iterator[None]:
    """They stand still meanwhile. AssertionError where they can not be halted."""
    command = (sys.executable, "-m", "tests.boot.halt", *map(str, threads))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tracer:
        assert tracer.stdin is not None
        assert tracer.stdout is not None
        try:
            assert tracer.stdout.readline().strip() == HALTED, "the threads can not be halted"
            yield
        finally:
            tracer.stdin.close()


def written(pid: int) -> dict[int, int]:
    """What each thread of a process had written to disks so far, in bytes (proc(5), `io`)."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = dict(line.split(": ") for line in (task / "io").read_text().splitlines())
            found[int(task.name)] = int(lines["write_bytes"])
    return found


if __name__ == "__main__":
    main()
