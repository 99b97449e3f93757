"""`tillkeeper staff`, `clock` and `pages`, as somebody types them."""

import io
import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS, FILE, Person, page_token, write_roster
from tests.support.toml import dumps, merged
from tests.till.world import config_in

from tillkeeper.cli import main
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load

DEADLINE_S = 20.0


def configured(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """A configuration with a roster in `folder`."""
    import tomllib

    file = folder / "store.toml"
    own = {"data_dir": str(folder / "data"), "staff": {"file": FILE}, "api": {"listen": "127.0.0.1:8460"}}
    file.write_text(dumps(merged(merged(tomllib.loads(example_toml()), own), changes or {})), "utf-8")
    return file


def staff(file: Path, *arguments: str, pin: str = "", before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    action, *rest = arguments
    line = [*before, sys.executable, "-m", "tillkeeper", "staff", action, "--config", str(file), *rest]
    line += ["--pin-stdin"] if pin else []
    return subprocess.run(line, input=f"{pin}\n", capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_a_disk_that_takes_no_byte_is_no_fault_of_the_configuration(tmp_path: Path) -> None:
    file = configured(tmp_path)
    refused = staff(file, "add", "mia", "--role", "manager", pin=BOSS.pin, before=("prlimit", "--fsize=0"))
    assert refused.returncode == 4, refused.stderr
    assert f"make {tmp_path}/data/store-secret: File too large" in refused.stderr
    assert list((tmp_path / "data").iterdir()) == []


def test_people_are_added_changed_and_removed(tmp_path: Path) -> None:
    file = configured(tmp_path)
    assert staff(file, "add", "mia", "--name", "Mia M.", "--role", "manager", pin=BOSS.pin).returncode == 0
    added = staff(file, "add", "ana", "--role", "cashier", pin=ANA.pin)
    assert re.search(r"mia +Mia M\. +manager", added.stdout)
    assert staff(file, "set-roles", "ana", "--role", "cook", "--role", "cashier").returncode == 0
    assert staff(file, "set-pin", "ana", pin="240681").returncode == 0
    listed = json.loads(staff(file, "list", "--json").stdout)
    assert listed["staff"][0] == {"employee": "ana", "name": "ana", "roles": ["cook", "cashier"]}
    assert staff(file, "remove", "mia").returncode == 0
    assert "mia" not in staff(file, "list").stdout
    for name in (FILE, "data/store-secret"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    written = (tmp_path / FILE).read_text()
    assert not any(pin in written + added.stdout + added.stderr for pin in (ANA.pin, BOSS.pin, "240681"))


@pytest.mark.parametrize(
    ("arguments", "pin", "words"),
    [
        (("add", "ben", "--role", "cashier"), ANA.pin, "this PIN is taken"),
        (("add", "ben", "--role", "cashier"), "123456", "too easy: it counts up"),
        (("add", "ben", "--role", "cashier"), "1397", "a PIN has 6 digits"),
        (("add", "ben", "--role", "cashier"), "13972x", "a PIN has 6 digits"),
        (("add", "ana", "--role", "cashier"), "240681", "already on the roster"),
        (("set-pin", "ben"), "240681", "not on the roster"),
        (("add", "b n", "--role", "cashier"), "240681", "may hold letters"),
        (("add", "ben", "--role", "emperor"), "240681", "invalid choice"),
    ],
)
def test_what_can_not_be_is_refused_and_changes_nothing(
    arguments: tuple[str, ...],
    pin: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = configured(tmp_path)
    write_roster(tmp_path / FILE, tmp_path / "data", (ANA,))
    before = (tmp_path / FILE).read_bytes()
    action, *rest = arguments
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{pin}\n"))
    try:
        code = main(["staff", action, "--config", str(file), *rest, "--pin-stdin"])
    except SystemExit as end:  # argparse
        code = int(end.code or 0)
    refused = capsys.readouterr()
    assert code == 2
    assert words in refused.err
    if "taken" in words:
        assert "ana" not in refused.err, "whose PIN it is stays unsaid"
    assert pin not in refused.out + refused.err
    assert (tmp_path / FILE).read_bytes() == before


def test_without_a_roster_in_the_configuration_it_says_what_to_write(tmp_path: Path) -> None:
    file = configured(tmp_path, {"staff": None})
    refused = staff(file, "list")
    assert refused.returncode == 2
    assert 'add `file = "staff.json"`' in refused.stderr


def test_a_pin_that_is_typed_is_not_shown(tmp_path: Path) -> None:
    file = configured(tmp_path)
    line = [sys.executable, "-m", "tillkeeper", "staff", "add", "ana", "--config", str(file), "--role", "cashier"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, line)
    try:
        said = read_until(terminal, b"New PIN, 6 digits:")
        os.write(terminal, ANA.pin.encode() + b"\n")
        said += read_until(terminal, b"The same again:")
        os.write(terminal, ANA.pin.encode() + b"\n")
        said += read_until(terminal, b"cashier")
        assert ANA.pin.encode() not in said
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    assert load(file).staff.file == str(tmp_path / FILE)
    assert "ana" in (tmp_path / FILE).read_text()


def read_until(terminal: int, what: bytes) -> bytes:
    said = b""
    while what not in said:
        ready, _, _ = select.select([terminal], [], [], DEADLINE_S)
        assert ready, said
        said += os.read(terminal, 4096)
    return said


def test_a_person_added_by_the_command_signs_in(tmp_path: Path) -> None:
    config = staffed(tmp_path, ())
    file = configured(tmp_path)
    staff(file, "add", "ana", "--role", "cashier", pin=ANA.pin)

    async def scene(store: Store) -> None:
        assert (await store.page().sign_in(Person("ana", ANA.pin, ())))["name"] == "ana"

    in_store(config, scene)


def test_the_links_of_pages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = configured(tmp_path, {"terminals": {"window": {"title": "Window"}, "lane": {"title": "Lane", "view": "lane"}}})
    assert main(["pages", "--config", str(file)]) == 2
    assert "the agent makes it at its first start" in capsys.readouterr().err

    async def scene(_store: Store) -> None:
        return

    in_store(staffed(tmp_path), scene)
    token = page_token(tmp_path / "data")
    assert main(["pages", "--config", str(file), "--json"]) == 0
    links = [link["url"] for link in json.loads(capsys.readouterr().out)["pages"]]
    assert links == [
        f"http://127.0.0.1:8460/register/?terminal=window#token={token}",
        f"http://127.0.0.1:8460/register/?terminal=lane#token={token}",
        f"http://127.0.0.1:8460/kitchen/?device=kitchen#token={token}",
        f"http://127.0.0.1:8460/diagnostics/#token={token}",
    ]
    assert main(["pages", "--data", str(tmp_path / "data"), "--url", "http://127.0.0.1:9/"]) == 0
    assert f"http://127.0.0.1:9/register/?terminal=counter#token={token}" in capsys.readouterr().out
    assert main(["pages", "--data", str(tmp_path / "data")]) == 2
    assert "give --url, the http address that it printed" in capsys.readouterr().err


def test_the_time_clock_on_the_command_line(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def scene(store: Store) -> None:
        import asyncio

        async def clock(*arguments: str) -> subprocess.CompletedProcess[str]:
            line = [sys.executable, "-m", "tillkeeper", "clock", *arguments, "--socket", config.api.socket]
            return await asyncio.to_thread(
                subprocess.run, line, capture_output=True, text=True, timeout=DEADLINE_S, check=False
            )

        for action in ("in", "break", "back"):
            assert (await clock(action, "ana")).returncode == 0
        refused = await clock("in", "ana")
        assert refused.returncode == 1
        assert "possible now: begin a break, clock out" in refused.stderr
        assert (await clock("out", "ana", "--at", "1999-01-01T00:00")).returncode == 1
        assert (await clock("out", "ana", "--at", "noon")).returncode == 2
        shown = (await clock("list")).stdout
        assert "still clocked in" in shown
        assert [line.split()[4:6] for line in shown.splitlines()[1:4]] == [
            ["clock", "in"],
            ["break", "start"],
            ["break", "end"],
        ]

    in_store(config, scene)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"terminals": {"lane": {"title": "Lane", "drawer": "drawr"}}}, "no device 'drawr' (did you mean 'drawer'?)"),
        ({"terminals": {"lane": {"title": "Lane", "receipt_printer": "drawer"}}}, "needed is escpos"),
        ({"terminals": {"lane": {"title": "Lane", "view": "lane", "drawer": "drawer"}}}, "a lane takes no cash"),
        ({"terminals": {"a b": {"title": "Lane"}}}, "may hold letters"),
        ({"staff": {"pin_length": 3}}, "out of range"),
    ],
)
def test_a_wrong_place_is_named(
    changes: dict[str, Any], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", str(configured(tmp_path, changes))]) == 2
    assert words in capsys.readouterr().out
