"""Secrets that systemd hands over, named in the agent's configuration."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.support.toml import dumps, merged

from tillkeeper import beside
from tillkeeper.asking_files import AskingFiles
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load, parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid
from tillkeeper.network.prober import setup
from tillkeeper_systemd import credentials

KEY = "0123456789abcdef" * 4


def text(folder: Path, changes: dict[str, Any]) -> str:
    return dumps(merged(tomllib.loads(example_toml()), {"data_dir": str(folder / "data")} | changes))


def parsed(folder: Path, changes: dict[str, Any]) -> Config:
    return parse(text(folder, changes), file="till.toml", folder=folder)


def problems(folder: Path, changes: dict[str, Any]) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        parsed(folder, changes)
    return "\n".join(str(one) for one in caught.value.extra["problems"])


HQ = {"hq": {"url": "https://hq.example", "token_file": "credential:hq-token"}}
ALL = HQ | {
    "network": {"key_file": "credential:beacon.key"},
    "gateways": {"cards": {"url": "https://cards.example", "token_file": "credential:cards"}},
}


def test_the_service_reads_what_it_was_handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    (handed / "hq-token").write_text("the secret\n")
    (handed / "beacon.key").write_text(KEY + "\n")
    config = parsed(tmp_path, ALL)
    assert (to_hq := AskingFiles(config).hq) is not None
    assert to_hq.token() == "the secret"
    assert config.gateways["cards"].token_file == str(handed / "cards")
    (tmp_path / "till.toml").write_text(text(tmp_path, ALL))
    assert setup.read(tmp_path / "till.toml").key == bytes.fromhex(KEY)


def test_what_was_not_handed_over_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "till.toml").write_text(text(tmp_path, ALL))
    said = {one.where: one.what for one in beside.problems(tmp_path / "till.toml", load(tmp_path / "till.toml"))}
    assert "LoadCredential=hq-token:" in said["hq.token_file"]
    assert "LoadCredential=cards:" in said["gateways.cards.token_file"]
    assert "can not be read" in said["network.key_file"]
    plan = setup.read(tmp_path / "till.toml")
    assert plan.key_file is not None
    assert plan.key == b""
    assert "LoadCredential=beacon.key:" in setup.read_key(plan.key_file)[1]


def test_who_checks_the_file_by_hand_can_not_tell_and_is_not_told_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    (tmp_path / "till.toml").write_text(text(tmp_path, ALL))
    config = load(tmp_path / "till.toml")
    assert config.hq.token_file == "credential:hq-token"
    assert beside.problems(tmp_path / "till.toml", config) == ()
    files = AskingFiles(config)
    files.look()
    (to_hq, to_cards) = files.unread()
    assert "LoadCredential=hq-token:" in to_hq.hint
    assert "at the next start" in to_cards.hint, "nobody hands it to a process that runs"


@pytest.mark.parametrize("name", ["", "../journal.db", "a/b", ".hidden", "with space", "x" * 256])
def test_a_name_leads_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    said = f"credential:{name}"
    assert credentials.problem(said)
    assert credentials.located(said) == said
    for changes in (
        {"hq": {"url": "https://hq.example", "token_file": said}},
        {"network": {"key_file": said}},
        {"gateways": {"cards": {"url": "https://cards.example", "token_file": said}}},
    ):
        assert "no name of a credential" in problems(tmp_path, changes)


def test_the_tokens_that_the_agent_makes_are_no_credentials(tmp_path: Path) -> None:
    assert "the agent makes it" in problems(tmp_path, {"api": {"token_file": "credential:api"}})
