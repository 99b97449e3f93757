"""Commands that look at a register's own files find the installed register's, and say whom to run them as."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.people.test_commands import configured
from tests.support.prerequisites import need

from tillkeeper.cli import exits, main, own_files
from tillkeeper.cli.store_site import find

OWNER, TECHNICIAN = 64_990, 64_991
ON_FILES = (
    "staff list", "store create", "store join x", "store recover --alone", "store paper", "probe", "nightly", "pages",
    "config check", "config show", "journal verify", "journal unsent",
)  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of the register that this machine is; the working folder is none."""
    file = configured(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(own_files, "CONFIG", str(file))
    return file


@contextmanager
def as_user(number: int) -> Iterator[None]:
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("command", ON_FILES)
def test_where_no_register_is_installed_it_says_so(
    command: str, installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(own_files, "CONFIG", str(installed.with_name("none.toml")))
    assert main(command.split()) == exits.USAGE
    said = capsys.readouterr().err
    assert "none.toml: there is none" in said
    assert "tillkeeper setup" in said


def test_the_installed_register_needs_no_name(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staff", "list"]) == exits.OK
    assert main(["config", "check"]) == exits.OK
    assert f"{installed}: no problems" in capsys.readouterr().out
    assert main(["nightly"]) == exits.OK
    assert main(["store", "create"]) == exits.OK
    assert "Recovery code" in capsys.readouterr().out
    assert main(["journal", "verify"]) == exits.USAGE
    assert f"no journal at {installed.parent / 'data'}" in capsys.readouterr().err
    assert main(["pages"]) == exits.USAGE
    assert "the agent makes it at its first start" in capsys.readouterr().err


def test_a_file_that_is_named_wins(installed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.toml"
    other.write_text(installed.read_text())
    assert main(["config", "check", str(other)]) == exits.OK
    assert str(other) in capsys.readouterr().out


def test_what_writes_is_its_owners(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need()
    os.chown(installed.parent / "data", OWNER, OWNER)
    for command in ("staff list", "store create"):
        assert main(command.split()) == exits.USAGE
        assert f"belongs to user #{OWNER}: run this as that user (sudo -u '#{OWNER}' tillkeeper" in capsys.readouterr().err
    assert main(["nightly"]) == exits.OK, "root hands over what it writes"


def test_who_may_not_read_is_told_whom_to_run_it_as(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    need()
    with tempfile.TemporaryDirectory() as made:  # not below the folder of pytest, which is closed to others
        folder = Path(made)
        changes = {"hq": {"url": "https://hq.example", "token_file": "hq-token"}}
        monkeypatch.setattr(own_files, "CONFIG", str(configured(folder, changes)))
        (folder / "hq-token").write_text("0123456789abcdef\n")
        (folder / "hq-token").chmod(0o600)
        assert main(["config", "check"]) == exits.OK
        (folder / "data").mkdir()
        os.chown(find(folder / "store.toml").site.data_dir, OWNER, OWNER)
        folder.chmod(0o711)
        with as_user(TECHNICIAN), pytest.raises(exits.UsageError, match=f"belongs to user #{OWNER}"):
            own_files.data_folder(None)
        with as_user(OWNER):
            assert own_files.data_folder(None) == folder / "data"
        capsys.readouterr()
        with as_user(TECHNICIAN):
            assert main(["config", "check"]) == exits.USAGE
        said = capsys.readouterr().out
        assert f"hq.token_file: {folder}/hq-token can not be read: Permission denied to user #{TECHNICIAN};" in said
        folder.chmod(0o700)
        with as_user(TECHNICIAN), pytest.raises(PermissionError):
            own_files.data_folder(None)
