"""Which version is installed beside the one that runs. The package keeps a tree of its own for each (systemd/package): a
process stays in the tree that it was started from, and `current` names the one of the next start."""

import os
import sys
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
