"""Files that it takes to ask HQ, gateways and other probers: what `tillkeeper config check` says of them, each at its line."""

import os
from pathlib import Path

import pytest
from tests.support.authority import Authority

from tillkeeper.beside import problems
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load
from tillkeeper.file_problem import Problem

TEXT = (
    example_toml()
    .replace('url = ""', 'url = "https://hq:1"')
    .replace('token_file = ""           # its', 'token_file = "hq.token" # its')
    .replace('# ca_file = "own-ca.pem"', 'ca_file = "own-ca.pem"')
    .replace("# [network]", '[network]\nkey_file = "b.key"')
)
TEXT += '\n[gateways."bank.one"]\nurl = "http://bank"\ntoken_file = "bank.token"\n'
LINES = {
    "hq.token_file": "hq.token",
    "hq.ca_file": "own-ca.pem",
    "gateways.bank.one.token_file": "bank.token",
    "network.key_file": "b.key",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With nothing wrong in it."""
    (tmp_path / "store.toml").write_text(TEXT, "utf-8")
    (tmp_path / "hq.token").write_text("secret\n")
    (tmp_path / "bank.token").write_text("secret\n")
    (tmp_path / "b.key").write_text("0" * 64 + "\n")
    Authority(tmp_path, "own-ca")
    return tmp_path


def found(folder: Path) -> tuple[Problem, ...]:
    file = folder / "store.toml"
    return problems(file, load(file))


def test_what_can_be_read_is_no_problem(folder: Path) -> None:
    assert found(folder) == ()


@pytest.mark.parametrize("setting", LINES)
def test_what_is_not_there_is_said_with_its_line(setting: str, folder: Path) -> None:
    (folder / LINES[setting]).unlink()
    (problem,) = found(folder)
    assert (problem.where, problem.what.partition(";")[0]) == (
        setting, f"{folder / LINES[setting]} can not be read: No such file or directory",
    )  # fmt: skip
    assert f'"{LINES[setting]}"' in TEXT.split("\n")[problem.line - 1]


@pytest.mark.parametrize(
    ("setting", "content", "words"),
    [
        ("hq.token_file", b"", "has an empty first line"),
        ("hq.token_file", b" \nsecret\n", "has an empty first line"),
        ("hq.token_file", b"\xff\xfe\n", "begins with what is no ASCII text"),
        ("gateways.bank.one.token_file", b"\n", "has an empty first line"),
        ("hq.ca_file", b"no certificate\n", "holds no certificates"),
        ("network.key_file", b"key\n", "does not begin with 64 hexadecimal digits"),
    ],
)
def test_what_is_none_is_said(setting: str, content: bytes, words: str, folder: Path) -> None:
    (folder / LINES[setting]).write_bytes(content)
    (problem,) = found(folder)
    assert (problem.where, words in problem.what) == (setting, True), problem


@pytest.mark.timeout(20)
@pytest.mark.parametrize("setting", LINES)
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(setting: str, folder: Path) -> None:
    (folder / LINES[setting]).unlink()
    os.mkfifo(folder / LINES[setting])
    (problem,) = found(folder)
    assert "can not be read: it is not a file" in problem.what


@pytest.mark.timeout(20)
def test_authorities_without_end_hold_nothing_up(folder: Path) -> None:
    with (folder / "own-ca.pem").open("wb") as file:
        file.truncate(2**31)
    (problem,) = found(folder)
    assert "can not be read: File too large" in problem.what
