"""The same sources give the same bytes."""

import hashlib
import os
import time
from pathlib import Path

import pytest
from systemd.package.__main__ import main
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
    again: list[str] = []
    ready_debs(("tillkeeper-hq",), tell=again.append)
    assert again == [f"tillkeeper-hq {project_version()} amd64: built before, of the same sources"]
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONHASHSEED", "4711")
    monkeypatch.setenv("LC_ALL", "C")
    time.tzset()
    before = os.umask(0o077)
    try:
        work = tmp_path / "a folder of another name"
        work.mkdir()
        second = tmp_path / "second.deb"
        said: list[str] = []
        build(HQ, "amd64", project_version(), epoch(), work, second, QUICK, kept=tmp_path / "kept", tell=said.append)
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()
    assert digest(first) == digest(second)
    assert [step.split(",")[0].split(":")[0] for step in said] == [
        "what others wrote", "what we wrote", "files", "packed by dpkg-deb",
    ]  # fmt: skip


def test_what_can_not_be_built_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert main(["--into", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "make deb: SOURCE_DATE_EPOCH is 'yesterday': seconds since 1970 are wanted\n"


def test_sources_that_are_no_clone_are_as_old_as_their_changelog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of the sources gives the same package wherever it is unpacked; a clone where git fails is an error."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    changelog = tmp_path / "CHANGELOG.md"
    changelog.touch()
    os.utime(changelog, (1_790_000_000, 1_790_000_000))
    said: list[str] = []
    assert epoch(tmp_path, said.append) == 1_790_000_000
    assert said == ["no clone of git: the sources are of 2026-09-21 14:13 UTC, as CHANGELOG.md is"]
    (tmp_path / ".git").write_text("nonsense")
    with pytest.raises(RuntimeError, match=r"set SOURCE_DATE_EPOCH[^\n]*\n.*git log"):
        epoch(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000001")
    assert epoch(tmp_path) == 1_790_000_001
