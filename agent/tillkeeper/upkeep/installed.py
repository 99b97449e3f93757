"""Which version runs, and which is installed beside it. The package keeps a tree of its own for each (systemd/package): a
process stays in the tree that it was started from, and `current` names the one of the next start."""

import os
import sys
from functools import cache
from pathlib import Path

TREES = "versions"
"""Name of the folder of the trees; `current` is beside it."""


def waiting_version(prefix: str = sys.prefix) -> str:
    """The version that the next start brings, where that is another tree than the one at `prefix`; else empty. An environment
    that no package brought never has one."""
    tree = Path(prefix)
    if tree.parent.name != TREES:
        return ""
    try:
        next_one = Path(os.readlink(tree.parent.parent / "current")).name
    except OSError:
        return ""  # a package that is being removed
    return "" if next_one == tree.name else next_one.rpartition(".")[0]


@cache
def made_ms(prefix: str = sys.prefix) -> int:
    """When the package of the tree at `prefix` was made, by the date that its files carry (docs/package.md); 0 for an
    environment that no package brought."""
    tree = Path(prefix)
    if tree.parent.name != TREES:
        return 0
    try:
        return (tree / "pyvenv.cfg").stat().st_mtime_ns // 1_000_000
    except OSError:
        return 0
