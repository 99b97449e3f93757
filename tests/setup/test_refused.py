"""Answers that this machine, or what is on it, makes wrong: named as they stand in the file, with their line."""

import os
from pathlib import Path

import pytest
from tests.setup.test_answers import WHOLE

from tillkeeper.errors import ConfigInvalid
from tillkeeper.setup import checks, machine
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Wrong
from tillkeeper.setup.plan import Present
from tillkeeper.setup.site import Site
from tillkeeper.setup.tables import Places
from tillkeeper.setup.unattended import unattended

HERE = Site(Path("/"), None, None)
RATES = '[taxes.categories.grocery]\npercent = "7"\n'
NOBODYS = next(f"10.255.255.{host}" for host in range(1, 255) if f"10.255.255.{host}" not in machine.own_addresses())


def taken(tmp_path: Path, more: str, before: Present | None = None) -> Answers:
    (tmp_path / "answers.toml").write_text(f"{WHOLE}{RATES}{more}")
    return unattended(tmp_path / "answers.toml", HERE, before or Present(Answers(), Places()))[0]


def refused(tmp_path: Path, more: str) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        taken(tmp_path, more)
    return "\n".join(str(one) for one in caught.value.extra["problems"])


def test_answers_that_are_a_pipe_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "answers.toml")
    with pytest.raises(OSError, match="it is not a file"):
        unattended(tmp_path / "answers.toml", HERE, Present(Answers(), Places()))


def test_an_hq_without_a_token_is_said_by_the_answers_name(tmp_path: Path) -> None:
    more = '[hq]\nurl = "https://hq.example"\n'
    assert "answers.toml:19: hq: 'token_file' is missing" in refused(tmp_path, more)
    kept = Present(Answers(), Places(token_file="hq-token"))  # a token that is there stays
    assert taken(tmp_path, more, kept).hq.url == "https://hq.example"


def test_a_manager_without_a_pin_is_said_by_the_answers_name(tmp_path: Path) -> None:
    assert "answers.toml:19: people: 'pin_file' is missing" in refused(tmp_path, '[people]\nmanager = "ana"\n')


def test_pages_are_served_at_an_address_of_this_machine(tmp_path: Path) -> None:
    more = f'[pages]\nlan = "{NOBODYS}:8443"\n'
    assert f"answers.toml:20: pages.lan: {NOBODYS} is no address of this machine, which has" in refused(tmp_path, more)
    later = taken(tmp_path, f"{more}lan_later = true\n")
    assert later.pages.lan == f"{NOBODYS}:8443"
    assert taken(tmp_path, more, Present(later, Places())).pages.lan == later.pages.lan  # it holds: its cable may be out
    assert taken(tmp_path, '[pages]\nlan = "0.0.0.0:8443"\n').pages.lan == "0.0.0.0:8443"


def test_at_the_keyboard_too() -> None:
    check = checks.lan_of(("127.0.0.1", "192.168.1.11", "fe80::1", "fd00::11"))
    assert check(" 192.168.1.11:8443 ") == "192.168.1.11:8443"
    assert check("[fd00:0::11]:8443") == "[fd00:0::11]:8443"
    assert check("0.0.0.0:8443") == "0.0.0.0:8443"
    with pytest.raises(Wrong) as caught:
        check("10.0.0.9:8443")
    there = "10.0.0.9 is no address of this machine, which has 192.168.1.11, fd00::11"
    assert str(caught.value) == f"{there}. If it gets this one later, type `10.0.0.9:8443 later`"
    assert check("10.0.0.9:8443 later") == "10.0.0.9:8443"
    assert checks.lan_of(())("10.0.0.9:8443") == "10.0.0.9:8443"  # an image: its machine is another one
