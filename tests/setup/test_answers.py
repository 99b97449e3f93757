"""A file of answers: what is wrong with one is said with its line, and what it does not say stays as it is."""

import re

import pytest

from tillkeeper.errors import ConfigInvalid
from tillkeeper.setup import answers, cloning
from tillkeeper.setup.answers import Answers

WHOLE = """\
version = 1
register = "front"

[store]
name = "Harbour Grill"
timezone = "Europe/Berlin"
currency = "EUR"

[registers.front]
letter = "A"

[menu]
file = "example"

[taxes.categories.food]
percent = "19"
"""


def problems(text: str, before: Answers | None = None) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        answers.read(text, "answers.toml", before or Answers())
    return [str(one) for one in caught.value.extra["problems"]]


@pytest.mark.parametrize(
    ("was", "put", "said"),
    [
        ('name = "Harbour Grill"', 'nmae = "Harbour Grill"', r":5: store.nmae: unknown key 'nmae' \(did you mean 'name'\?\)"),
        ("version = 1", "version = 2", r":1: version: version 2 is not known: this tillkeeper reads version = 1"),
        ("version = 1\n", "", r"version: 'version' is missing"),
        ('"Europe/Berlin"', '"Europe/Berln"', r":6: store.timezone: 'Europe/Berln': .* did you mean Europe/Berlin\?"),
        ('"EUR"', '"eur"', r":7: store.currency: write it as 'EUR'"),
        ('letter = "A"', 'letter = "T"', r":10: registers.front.letter: 'T': T begins the ticket codes of training"),
        ('letter = "A"', 'letter = "A"\nprinter = "x"', r":11: registers.front.printer: unknown key 'printer'"),
        ('percent = "19"', 'percent = "190"', r":16: taxes.categories.food.percent: '190': a number from 0 to 100"),
        ('percent = "19"', "percent = 19", r":16: taxes.categories.food.percent: should be text, not a whole number"),
        ('register = "front"', 'register = "bar"', r":2: register: there is no \[registers.bar\]"),
        ('file = "example"', "", r":12: menu: 'file' is missing"),
        ('currency = "EUR"', "", r":4: store.currency: 'currency' is missing"),
        ('name = "Harbour Grill"', 'name = "Harbour', r":5: "),
        ('[menu]', '[people]\nmanager = "ana"\nsign_in = false\n[menu]', r":13: people.manager: .* sign_in = true"),
        ("[menu]", '[hq]\nurl = "https://u:p@hq"\n[menu]', r":13: hq.url: .* without a user name"),
        ("[menu]", '[roles]\nprimary = "bar"\n[menu]', r":13: roles.primary: there is no \[registers.bar\]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(was: str, put: str, said: str) -> None:
    assert was in WHOLE
    found = problems(WHOLE.replace(was, put, 1))
    assert any(re.search(said, one) for one in found), found


def test_a_secret_in_the_place_of_its_file_is_not_repeated() -> None:
    for key, table in (("token_file", "hq"), ("pin_file", "people"), ("code_file", "join")):
        said = "\n".join(problems(WHOLE + f'\n[{table}]\n{key} = "tok-0123456789abcdef"\n'))
        assert f"{table}.{key}" in said
        assert "tok-0123456789abcdef" not in said


def test_all_errors_come_at_once() -> None:
    text = WHOLE.replace("Europe/Berlin", "Nowhere/X").replace('"A"', '"T"').replace('"19"', '"-1"')
    assert len(problems(text)) == 3


def test_what_a_file_does_not_say_stays() -> None:
    before = answers.read(
        WHOLE + '\n[pages]\nport = 8500\n[printers.receipt]\naddress = "192.168.1.40:9100"\n', "a.toml", Answers()
    )
    after = answers.read('version = 1\n[store]\nname = "Other"\n', "b.toml", before)
    assert (after.store.name, after.store.currency, after.pages.port) == ("Other", "EUR", 8500)
    assert list(after.printers) == ["receipt"]
    assert after.taxes == before.taxes


def test_of_named_things_a_file_says_all_or_none() -> None:
    before = answers.read(WHOLE + '\n[printers.receipt]\naddress = "192.168.1.40:9100"\n', "a.toml", Answers())
    after = answers.read('version = 1\n[printers.bar]\naddress = "192.168.1.41:9100"\n', "b.toml", before)
    assert list(after.printers) == ["bar"]


def test_a_manager_means_that_people_sign_in() -> None:
    said = answers.read(WHOLE + '\n[people]\nmanager = "ana"\npin_file = "/root/pin"\n', "a.toml", Answers())
    assert said.people.sign_in


def test_a_clone_says_the_same_and_names_no_secret() -> None:
    text = WHOLE + '\n[hq]\nurl = "https://hq.example"\ntoken_file = "/root/hq-token"\n[people]\nsign_in = true\n'
    said = answers.read(text, "a.toml", Answers())
    cloned = cloning.to_text(said)
    again = answers.read(cloned, "b.toml", Answers())
    assert (again.store, again.registers, again.taxes, again.hq.url) == (said.store, said.registers, said.taxes, said.hq.url)
    assert again.hq.token_file == ""
    assert not re.search(r"^\s*[a-z_]*_file", cloned, re.MULTILINE)
