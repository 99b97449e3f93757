"""Secrets that systemd hands over, named in the agent's configuration."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid
from tillkeeper.network.prober import setup
from tillkeeper.secret_files import read_hq_token
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
    assert read_hq_token(Path(config.hq.token_file)) == "the secret"
    assert config.gateways["cards"].token_file == str(handed / "cards")
    (tmp_path / "till.toml").write_text(text(tmp_path, ALL))
    assert setup.read(tmp_path / "till.toml").key == bytes.fromhex(KEY)


def test_what_was_not_handed_over_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "LoadCredential=hq-token:" in problems(tmp_path, HQ)
    assert "can not be read" in problems(tmp_path, {"network": {"key_file": "credential:beacon.key"}})
    (tmp_path / "till.toml").write_text(text(tmp_path, {"network": {"key_file": "credential:beacon.key"}}))
    with pytest.raises(ConfigInvalid, match=r"LoadCredential=beacon\.key:"):
        setup.read(tmp_path / "till.toml")


def test_who_checks_the_file_by_hand_can_not_tell_and_is_not_told_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    config = parsed(tmp_path, ALL)
    assert config.hq.token_file == "credential:hq-token"
    with pytest.raises(ConfigInvalid) as caught:
        read_hq_token(Path(config.hq.token_file))
    assert "LoadCredential=hq-token:" in caught.value.hint


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
