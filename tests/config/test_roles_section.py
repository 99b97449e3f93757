"""[roles]: who is primary and who backup, until somebody assigns the roles otherwise."""

from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.errors import ConfigInvalid

SIDE = '\n[registers.side]\nletter = "C"\n'


def load(more: str) -> Config:
    return parse(example_toml() + SIDE + more, file="example.toml", folder=Path.cwd())


def test_without_it_nothing_is_said() -> None:
    assert (load("").roles.primary, load("").roles.backup) == ("", "")


def test_two_registers_have_two_roles() -> None:
    roles = load('\n[roles]\nprimary = "side"\nbackup = "front"\n').roles
    assert (roles.primary, roles.backup) == ("side", "front")


@pytest.mark.parametrize(
    ("section", "where", "what"),
    [
        ('primary = "sied"', "roles.primary", "no register 'sied'"),
        ('backup = "back"', "roles.backup", "no register 'back'"),
        ('primary = "side"\nbackup = "side"', "roles.backup", "register 'side' is the primary already"),
        ('backup = "front"', "roles.backup", "register 'front' is the primary already"),
    ],
)
def test_what_is_no_assignment_is_said_with_its_place(section: str, where: str, what: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        load(f"\n[roles]\n{section}\n")
    (problem,) = error.value.extra["problems"]
    assert (problem.where, problem.what) == (where, what)
