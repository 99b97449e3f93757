"""Whatever is answered, the agent's own loader takes what comes of it; what is there is the default of the next time."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.setup.said import ADAPTER, GRILL_PRINTER, RECEIPT_PRINTER, SCREEN, STRANGE, answered, known, typed

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.setup import answers, cloning, text
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Question, Wrong
from tillkeeper.setup.interview import interview
from tillkeeper.setup.known import Known, Secrets
from tillkeeper.setup.tables import Places, present, tables

FOLDER = Path("/etc/tillkeeper")
LAST = (
    "Zum Anker", "Europe/Berlin", "EUR", "7", "271828", "tok-0123456789abcdef", "front", "bar", "lane", "window", "x1", "x2",
    "x3", "x4", "x5", "x6", "Q", "https://hq.example", "192.168.1.99:8443",
)  # fmt: skip
"""One of them fits each question that has no default."""
RATES = (("taxes.categories.food.percent", "19"), ("taxes.categories.grocery.percent", "7"))
NAMED = ("store.name", "Anker")

_WORDS = st.sampled_from(
    ["front", "bar", "lane", "kitchen", "grill", "receipt", "cold", "drawer", "screen", "window-2", "Theke"]
)
_TEXTS = st.one_of(
    st.text(max_size=70),
    _WORDS,
    st.lists(_WORDS, min_size=1, max_size=4).map(" ".join),
    st.sampled_from(["A", "b", "Z", "T", "EUR", "usd", "JPY", "KWD", "Europe/Berlin", "UTC", "DE", "de-CH", "-", "none", "r"]),
    st.sampled_from(
        ["192.168.1.11", "10.0.0.7:7468", "bar.local", "fd00::7", "192.168.1.50", "192.168.1.51:9100", "0.0.0.0:8443"]
    ),
    st.sampled_from(
        ["usb:serial=J8", "usb:port=1-1.2", "serial:/dev/ttyS0", "serial:serial=A5", "usb:/dev/usb/lp0", "::1", "[::1]:1"]
    ),
    st.sampled_from(
        ["19", "8.875", "0", "100", "7,7", "12.34567", "1e1", "101", "38400", "8400", "0", "65535", "1", "1 2", "2 1 3"]
    ),
    st.sampled_from(
        ["tm-m30", "tsp100", "kds-text", "generic-58", "https://hq.example:8443", "http://[", "tok-0123456789abcdef"]
    ),
    st.sampled_from(["271828", "111111", "example", "yes", "no", "n", "y"]),
)
_FOUND = st.lists(
    st.sampled_from([RECEIPT_PRINTER, GRILL_PRINTER, ADAPTER, STRANGE, SCREEN]), unique_by=lambda one: one.identity
)


def config_of(said: Answers, places: Places) -> tuple[str, Config]:
    made = tables(said, places)
    written = text.fresh(made)
    assert tomllib.loads(written) == made
    return written, parse(written, file="tillkeeper.toml", folder=FOLDER)


def places_of(said: Answers, tmp: Path) -> Places:
    """As `plan` chooses them, with files that are there."""
    (tmp / "hq-token").write_text("tok-0123456789abcdef\n")
    (tmp / "beacon.key").write_text("0" * 64 + "\n")
    return Places(
        token_file=str(tmp / "hq-token") if said.hq.url else "",
        key_file=str(tmp / "beacon.key") if len(said.registers) > 1 else "",
    )


def some_answer(data: st.DataObject) -> Any:
    """What a person might type: mostly the default, else anything; asked again while it can not be."""

    def answer(question: Question[Any]) -> Any:
        for _ in range(4):
            try:
                return question.value("" if data.draw(st.integers(0, 2)) else data.draw(_TEXTS))
            except Wrong:
                continue
        for last in ("", *LAST):
            try:
                return question.value(last)
            except Wrong:
                continue
        raise AssertionError(f"nothing fits {question.key}: {question.text} [{question.default}]")

    return answer


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), found=_FOUND, seen=_FOUND)
@pytest.mark.timeout(600)
def test_whatever_passes_its_checks_is_a_configuration_and_comes_back_as_it_was(
    data: st.DataObject, found: list[Any], seen: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp = tmp_path_factory.mktemp("etc")
    machine = known(
        found=lambda: tuple(found), addresses=("192.168.1.11",), hostname=data.draw(st.sampled_from(["", "till-1"]))
    )
    (said, _menu, secrets), _keys = answered(interview(machine, Answers()), some_answer(data))
    assert isinstance(secrets, Secrets)
    assert not answers.wrong(said)
    places = places_of(said, tmp)
    written, config = config_of(said, places)

    now, there = present(tomllib.loads(written), config)
    assert there == places
    assert tables(now, there) == tables(said, places)  # so nothing would be changed
    cloned = answers.read(cloning.to_text(now), "answers.toml", Answers())
    assert tables(cloned, places) == tables(said, places)

    # Once more, over what is there, with other answers: the edited file is what a fresh one would be.
    later = known(found=lambda: tuple(seen), fresh=False, has_token=bool(places.token_file))
    (again, _menu, _secrets), _keys = answered(interview(later, now), some_answer(data))
    places = places_of(again, tmp)
    changed = text.edited(written, text.changes(tables(now, there), tables(again, places)), "tillkeeper.toml")
    assert tomllib.loads(changed) == tables(again, places)
    parse(changed, file="tillkeeper.toml", folder=FOLDER)


def first(machine: Known, *rows: tuple[str, str]) -> Answers:
    (said, _menu, _secrets), _keys = answered(
        interview(machine, Answers()), typed(NAMED, *RATES, ("people.pin", "271828"), *rows)
    )
    return said


def test_only_defaults_ask_for_what_can_not_be_found_out() -> None:
    """The name, the tax rates and the PIN have no default; all else is an empty line."""
    without: list[str] = []

    def answer(question: Question[Any]) -> Any:
        if question.default is None:
            without.append(question.key)
            return question.check({"store.name": "Anker", "people.pin": "271828"}.get(question.key, "7"))
        return question.check(question.default)

    (said, _menu, secrets), keys = answered(interview(known(), Answers()), answer)
    assert without == ["store.name", "taxes.categories.food.percent", "taxes.categories.grocery.percent", "people.pin"]
    assert len(keys) < 30
    assert said.store.currency == "EUR"
    assert said.taxes.included
    assert secrets.pin == "271828"
    assert said.people.manager == "manager"
    config_of(said, Places())


def test_two_printers_that_were_found_get_receipts_and_the_kitchen() -> None:
    said = first(known(found=lambda: (RECEIPT_PRINTER, GRILL_PRINTER, ADAPTER)))
    assert list(said.printers) == ["receipt", "kitchen"]  # the adapter is listed, and not taken by itself
    assert said.printers["kitchen"].mac == "00:26:ab:01:02:03"
    assert said.this.receipt_printer == "receipt"
    assert said.this.drawer == "drawer"
    assert {name: one.devices for name, one in said.stations.items()} == {"kitchen": ("kitchen",)}


def test_one_printer_does_both() -> None:
    said = first(known(found=lambda: (GRILL_PRINTER,)))
    assert said.stations["kitchen"].devices == ("receipt",)


def test_looking_again_finds_what_was_plugged_in_meanwhile() -> None:
    seen = iter([(), (RECEIPT_PRINTER,)])
    said = first(known(found=lambda: next(seen)), ("printers", "r"))
    assert said.printers["receipt"].address == "usb:serial=J8XY012345"


def test_a_printer_at_usb_belongs_to_its_register_where_there_are_several() -> None:
    rows = (("registers", "A"), ("registers", "yes"), ("registers.till.address", "192.168.1.11"), ("registers", "bar"))
    said = first(
        known(found=lambda: (RECEIPT_PRINTER, GRILL_PRINTER), hostname="till"), *rows, ("registers.bar.address", "192.168.1.12")
    )
    assert said.printers["receipt"].register == "till"
    assert said.printers["kitchen"].register == ""
    assert (said.primary, said.backup) == ("till", "bar")
    made = tables(said, Places())
    assert made["replication"] == {"listen": "0.0.0.0"}
    assert made["roles"] == {"primary": "till", "backup": "bar"}


ODD = """
[registers.other]
letter = "Q"
address = "[fd00::7]:7470"

[network.links.switch]
where = "%s"
""" % ("in the cellar, behind the third door on the left, " * 3)


def test_empty_lines_over_a_file_that_people_wrote_change_nothing(tmp_path: Path) -> None:
    """Also where it holds what nobody would be allowed to type."""
    written = example_toml().replace('"12 Harbour Street"', '"12 Harbour Street; 2nd floor", "%s"' % ("x" * 80)) + ODD
    written = written.replace('listen = ""               # 127', 'listen = "127.0.0.1:80"   # 127')
    config = parse(written, file="tillkeeper.toml", folder=tmp_path)
    now, places = present(tomllib.loads(written), config)
    machine = known(fresh=False, found=lambda: (RECEIPT_PRINTER, GRILL_PRINTER), people=("ana",), joined=True)
    rows = (("links", "yes"), ("join", "-"))
    (said, _menu, _secrets), keys = answered(interview(machine, now), typed(*rows))
    assert len(keys) > 30
    assert text.changes(tables(now, places), tables(said, places)) == []
    again = answers.read("version = 1\n", "answers.toml", now)
    assert again == now


def test_a_printer_that_went_takes_its_drawer_and_its_station_with_it() -> None:
    before = first(known(found=lambda: (RECEIPT_PRINTER, GRILL_PRINTER)))
    (after, _menu, _secrets), _keys = answered(
        interview(known(fresh=False, people=("manager",)), before), typed(("printers", "2"), ("stations", "kitchen"))
    )
    assert list(after.printers) == ["kitchen"]
    assert after.drawers == {}
    assert after.this.receipt_printer == ""
    config_of(after, Places())


def test_rates_have_to_be_said_for_each_tax_category_of_the_menu() -> None:
    said = first(known(), ("taxes.categories.food.takeaway", "7"))
    made = tables(said, Places())["taxes"]
    assert made["categories"]["food"] == {
        "default": "tax-19",
        "by_order_type": {"takeout": "tax-7", "drive_through": "tax-7", "delivery": "tax-7"},
    }
    assert made["categories"]["grocery"] == {"default": "tax-7"}
    assert made["rates"]["tax-7"] == {"name": "MwSt.", "percent": "7", "included": True}


def test_registers_that_join_are_asked_for_the_code_and_not_for_a_manager() -> None:
    rows = [("registers", "B"), ("registers", "yes"), ("registers.till.address", "-"), ("registers", "bar")]
    rows += [("registers.bar.letter", "A"), ("roles.primary", "bar")]
    (said, _menu, secrets), keys = answered(
        interview(known(hostname="till"), Answers()), typed(NAMED, *RATES, *rows, ("people.manager", "-"))
    )
    assert "join.code" in keys
    assert (secrets.join_code, secrets.pin) == ("", "")
    assert said.people.sign_in


def test_secrets_are_in_no_repr_and_in_no_answer() -> None:
    (said, _menu, secrets), _keys = answered(
        interview(known(), Answers()),
        typed(NAMED, *RATES, ("hq.url", "https://hq.example"), ("hq.token", "tok-0123456789abcdef"), ("people.pin", "271828")),
    )
    assert (secrets.hq_token, secrets.pin) == ("tok-0123456789abcdef", "271828")
    assert "tok-0123" not in f"{said!r} {secrets!r}"
    assert "271828" not in f"{said!r} {secrets!r}"


def test_what_answers_on_the_network_does_not_steer_the_terminal() -> None:
    title = "\x1b[2JTM-m30\n  7  usb:serial=1\u202e"
    hostile = msgspec.structs.replace(GRILL_PRINTER, title=title, detail="\x07", hint="\x9b", trouble="held_by")
    said: list[str] = []
    steps = interview(known(found=lambda: (hostile,)), Answers())
    step = next(steps)
    while not (isinstance(step, Question) and step.key.endswith(".model")):
        said.append(step.text)
        if isinstance(step, Question):
            needed = {"store.name": "Anker"}.get(step.key, "7")
            step = steps.send(step.value("" if step.default is not None else needed))
        else:
            step = steps.send(None)
    listed = next(text for text in said if text.startswith("Printers that"))
    assert len(listed.splitlines()) == 3
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", listed + step.text)
