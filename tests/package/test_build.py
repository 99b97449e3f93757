"""The same sources give the same bytes."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from systemd.package.debs import QUICK, build, epoch, ready_debs
from systemd.package.model import HQ
from systemd.package.tree import project_version
from tests.support.prerequisites import need


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.timeout(600)
def test_a_second_build_from_nothing_is_the_same_to_the_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another folder, with another file mask, time zone and order of hashes, and without what the first has kept."""
    need("dpkg-deb", root=False)
    first = ready_debs(("tillkeeper-hq",))["tillkeeper-hq"]
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    monkeypatch.setenv("LC_ALL", "C")
    time.tzset()
    before = os.umask(0o077)
    try:
        work = tmp_path / "a folder of another name"
        work.mkdir()
        second = tmp_path / "second.deb"
        build(HQ, "amd64", project_version(), epoch(), work, second, QUICK, kept=tmp_path / "kept")
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()
    assert digest(first) == digest(second)
