"""What people type and configure: tokens, `tillkeeper online`, `[online]`."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.support.toml import dumps, merged

from tillkeeper.cli.online import text
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load
from tillkeeper.errors import ConfigInvalid
from tillkeeper_hq.credentials import parse


def hq_token(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillkeeper_hq", "token", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_token_is_shown_once_and_its_entry_lets_the_shop_in() -> None:
    done = hq_token("integration", "--store", "corner", "--name", 'web "shop"')
    assert done.returncode == 0, done.stderr
    token = done.stdout.split("\n\n")[1].strip()
    entry = done.stdout.partition("[[")[2]
    assert token not in entry
    caller = parse("[[" + entry, "credentials").caller(token)
    assert caller is not None
    assert (caller.store, caller.register, caller.integration) == ("corner", "", 'web "shop"')
    assert not caller.may_read("corner")
    assert hq_token("register", "--store", "corner").returncode == 2
    assert hq_token("reader", "--store", "corner").returncode == 0


def test_the_command_says_who_takes_them_and_what_became_of_the_last() -> None:
    row = {"id": "w-1", "outcome": "refused", "ticket_code": "", "reason": "Cola is sold out", "may_be_doubled": False}
    doubled = {"id": "w-2", "outcome": "accepted", "ticket_code": "B-002", "reason": "", "may_be_doubled": True}
    said = text({"takes": True, "words": "Online orders come here.", "waiting": 2, "rows": [row, doubled]})
    assert said.startswith("Online orders come here. 2 wait at HQ.")
    assert "Cola is sold out" in said
    assert "may be doubled: another register had it" in said
    assert text({"takes": False, "words": "This register takes none.", "waiting": 0, "rows": []}) == "This register takes none."


@pytest.mark.parametrize(
    ("online", "words"),
    [
        ({"take": True}, "there is no HQ to ask"),
        ({"tender": "hous"}, "no tender 'hous'"),
        ({"tender": "card"}, "has to be of kind custom"),
    ],
)
def test_a_configuration_that_can_not_work_is_refused(tmp_path: Path, online: dict[str, object], words: str) -> None:
    file = tmp_path / "store.toml"
    file.write_text(dumps(merged(tomllib.loads(example_toml()), {"online": online, "hq": {"url": ""}})), "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        load(file)
    assert words in str(refused.value.extra["problems"])
