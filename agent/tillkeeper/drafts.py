"""Drafts: files that are written under a name of their own and get their real one when they are complete. What a kill or a
power cut leaves of them is removed at a later start."""

import logging
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

_FORM = re.compile(r"\..+\.[0-9a-f]{16}")
AT_WORK_S = 60.0
"""A younger one may be somebody's who is just writing it."""


def name(path: Path) -> Path:
    """Of a new draft of `path`: in its folder, and nobody else's."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def sweep(folders: Iterable[Path], now_s: float) -> None:
    """Remove those that nobody writes any more. Never raises: what can not be removed harms nobody. `now_s`: the wall clock."""
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                old = [entry.path for entry in entries if _FORM.fullmatch(entry.name) and _left(entry, now_s)]
            for path in old:
                os.unlink(path)
                log.info("removed %s, a draft that was never finished", path)
        except OSError as error:
            log.info("drafts in %s are left alone: %s", folder, error.strerror)


def _left(entry: "os.DirEntry[str]", now_s: float) -> bool:
    facts = entry.stat(follow_symlinks=False)
    return stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() and now_s - facts.st_mtime > AT_WORK_S
