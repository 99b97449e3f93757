"""A tablet that shows the kitchen's tickets hears every register of the store."""

import subprocess
import tomllib
from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from tests.setup.said import answered, known, typed
from tests.setup.test_interview import NAMED, RATES
from tests.setup.world import World, worlds

from tillkeeper.cli import exits
from tillkeeper.config.lan import Lan
from tillkeeper.config.load import load
from tillkeeper.setup import tablets, text
from tillkeeper.setup.answers import Answers, PagesSaid, RegisterSaid
from tillkeeper.setup.interview import interview

STORE = Answers(
    registers={
        "front": RegisterSaid(letter="A", address="192.168.1.11"),
        "bar": RegisterSaid(letter="B", address="192.168.1.12:7470"),
        "lane": RegisterSaid(letter="C", address="[fd00::13]:7468"),
        "hall": RegisterSaid(letter="D", address="fd00::14"),
    },
    displays=("screen",),
    pages=PagesSaid(lan="192.168.1.11:8443"),
)
OTHERS = ("https://192.168.1.12:8443", "https://[fd00::13]:8443", "https://[fd00::14]:8443")


def test_other_registers_are_where_they_are_with_our_port() -> None:
    assert tuple(tablets.addresses(STORE, Lan()).values()) == OTHERS
    assert tablets.addresses(STORE, Lan(insecure_http=True))["bar"] == "http://192.168.1.12:8443"


@pytest.mark.parametrize("address", ["", "bar", "bar.grill.example", "93.184.216.34", "192.168.1.300"])
def test_no_address_is_made_that_the_stores_certificate_does_not_speak_for(address: str) -> None:
    said = Answers(
        registers={"front": RegisterSaid(letter="A"), "bar": RegisterSaid(letter="B", address=address)},
        displays=STORE.displays,
        pages=STORE.pages,
    )
    assert tablets.addresses(said, Lan()) == {"bar": ""}
    named = tablets.addresses(said, Lan(names=("bar.grill.example",)))
    assert named == {"bar": "https://bar.grill.example:8443" if address == "bar.grill.example" else ""}


def test_the_port_is_what_is_said_else_what_is_there_else_ours() -> None:
    there = ("https://192.168.1.12:9443", "https://192.168.1.99:9444", "https://[fd00::14]:nine")
    assert tuple(tablets.addresses(STORE, Lan(), there).values()) == ("https://192.168.1.12:9443", *OTHERS[1:])
    bar = replace(STORE.registers["bar"], pages_port=9555)
    said = replace(STORE, registers=STORE.registers | {"bar": bar})
    assert tablets.addresses(said, Lan(), there)["bar"] == "https://192.168.1.12:9555"


def test_where_no_tablet_comes_nobody_else_is_let_in() -> None:
    assert tablets.addresses(Answers(registers=STORE.registers, pages=STORE.pages), Lan()) == {}
    assert tablets.addresses(Answers(registers=STORE.registers, displays=STORE.displays), Lan()) == {}


def test_what_people_wrote_stays_and_what_followed_from_old_answers_goes() -> None:
    was = {"bar": "https://192.168.1.12:8443", "lane": "https://192.168.1.13:8443"}
    now = {"bar": "https://192.168.1.22:8443", "lane": "https://192.168.1.13:8443", "hall": ""}
    there = ("https://192.168.1.12:8443", "https://192.168.1.13:9999", "https://old.grill.lan:8443")
    expected = ("https://192.168.1.13:9999", "https://old.grill.lan:8443", "https://192.168.1.22:8443")
    assert tablets.named(there, was, now) == expected
    assert tablets.named(expected, now, now) == expected


def test_a_table_of_which_setup_knows_a_part_does_not_go_with_it() -> None:
    there = '[pages]\nregisters = ["https://192.168.1.12:8443"]\nticket_warn_s = 120\n'
    wanted = text.changes({"pages": {"registers": ["https://192.168.1.12:8443"]}}, {})
    assert tomllib.loads(text.edited(there, wanted, "x")) == {"pages": {"ticket_warn_s": 120}}


@pytest.fixture
def world() -> Iterator[World]:
    with worlds() as made:
        made.change('register = "front"\n', 'register = "front"\ndisplays = ["screen"]\n')
        made.change('devices = ["receipt"]', 'devices = ["receipt", "screen"]')
        made.change("[hq]\n", '[pages]\nlan = "192.168.1.11:8443"\n[hq]\n')
        yield made


def test_setup_writes_them_and_says_whom_a_tablet_would_not_hear(world: World) -> None:
    done = world.unattended()
    assert done.returncode == exits.OK, done.stderr
    assert load(world.config).pages.registers == ("https://192.168.1.12:8443",)
    assert "does not hear" not in done.stdout
    assert "There is nothing to change." in world.unattended().stdout

    world.change('address = "192.168.1.12"\n', 'address = "192.168.1.12"\npages_port = 9443\n')
    assert world.unattended().returncode == exits.OK
    assert load(world.config).pages.registers == ("https://192.168.1.12:9443",)
    world.change("pages_port = 9443\n", "")
    assert "There is nothing to change." in world.unattended().stdout, "what is not said stays"
    said = subprocess.run(world.command("--print-answers"), capture_output=True, text=True, check=True).stdout
    printed = tomllib.loads(said)["registers"]
    assert (printed["front"]["pages_port"], printed["bar"]["pages_port"]) == (8443, 9443)

    world.config.write_text(world.config.read_text().replace("[pages]\n", "[pages]\nticket_warn_s = 120\n"))
    world.change('address = "192.168.1.12"', 'address = "bar.example"')
    done = world.unattended()
    assert done.returncode == exits.OK, done.stderr
    assert (load(world.config).pages.registers, load(world.config).pages.ticket_warn_s) == ((), 120.0)
    assert "the kitchen's tablet does not hear register bar" in done.stdout


ANOTHER = (("pages.same_port", "no"), ("registers.bar.pages_port", "9443"))


@pytest.mark.parametrize(("rows", "port"), [((), 8443), (ANOTHER, 9443)])
def test_at_the_keyboard_only_another_port_is_asked_for(rows: tuple[tuple[str, str], ...], port: int) -> None:
    before = [("registers", "A"), ("registers", "yes"), ("registers.till.address", "192.168.1.11"), ("registers", "bar")]
    before += [("registers.bar.address", "192.168.1.12"), ("displays", "yes")]
    machine = known(hostname="till", addresses=("192.168.1.11",), own=("192.168.1.11",))
    (said, _menu, _secrets), _keys = answered(
        interview(machine, Answers()), typed(NAMED, *RATES, ("people.pin", "271828"), *before, *rows)
    )
    assert said.pages.lan == "192.168.1.11:8443"  # with a tablet the network is what is likely
    assert tablets.addresses(said, Lan()) == {"bar": f"https://192.168.1.12:{port}"}
    assert said.registers["bar"].pages_port == port


def test_an_empty_name_ends_the_other_registers() -> None:
    rows = [("registers", "A"), ("registers", "yes"), ("registers.till.address", "-"), ("registers", "")]
    (said, _menu, _secrets), keys = answered(
        interview(known(hostname="till"), Answers()), typed(NAMED, *RATES, ("people.pin", "271828"), *rows)
    )
    assert list(said.registers) == ["till"]
    assert keys.count("registers") == 2
