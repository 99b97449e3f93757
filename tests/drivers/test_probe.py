"""Asking a printer who it is: what virtual models tell, and what must not happen to those that are no printers."""

import asyncio
import random
import time

import pytest

from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.escpos import probe as escpos
from tillkeeper_drivers.escpos import sheet
from tillkeeper_drivers.escpos.profile import load_profiles, parse_profiles
from tillkeeper_drivers.printing.told import Told
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.simulator.shop import render_bytes
from tillkeeper_drivers.star import probe as star
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport, Peer
from tillkeeper_drivers.transport.tcp import TcpTransport

QUICK = escpos.Limits(answer=0.1, longest=2.0)


def asked(model: str) -> tuple[Told, Told]:
    """What the ESC/POS and the Star probe learn of a virtual printer, and nothing is on its paper."""

    async def run() -> tuple[Told, Told]:
        async with VirtualPrinter(model, speed_mm_s=0) as printer:
            way = TcpTransport("127.0.0.1", printer.port)
            told = await escpos.probe(way, QUICK)
            by_star = await star.probe(way, answer_s=0.3) if not told.speaks else Told()
            assert not [slip.text for slip in printer.printed if slip.text.strip()]
            return told, by_star

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("model", "name", "process_id"),
    [("tm-t88vi", "TM-T88VI", "yes"), ("tm-m30", "TM-m30", "yes"), ("tm-u220", "TM-U220", "no")],
)
def test_an_epson_tells_who_it_is_and_what_it_can_do(model: str, name: str, process_id: str) -> None:
    told, _ = asked(model)
    assert (told.speaks, told.maker, told.model) == ("escpos", "EPSON", name)
    assert (told.process_id, told.real_time_status, told.automatic_status) == (process_id, "yes", "yes")
    assert told.model_id == 0x20
    assert told.cutter == "yes"


def test_a_clone_tells_little_and_nothing_is_made_up() -> None:
    told, _ = asked("generic-80")
    assert told.speaks == "escpos"
    assert told.process_id in ("unknown", "no")


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_a_star_is_told_by_its_own_status(model: str) -> None:
    told, by_star = asked(model)
    assert told.speaks == ""
    assert (by_star.speaks, by_star.maker, by_star.real_time_status) == ("star", "Star", "yes")


def test_a_star_that_tells_its_version_is_named() -> None:
    assert star.named(b"\x1b#*,TSP654II Ver2.1\n\x00") == ("TSP654II", "2.1")
    assert star.named(b"\x1b#*,mC-Print3 Ver 3.0 \n\x00") == ("mC-Print3", "3.0")
    assert star.named(b"\x1b#*,\n\x00") == ("", "")
    assert star.named(bytes(range(256)) * 4) == ("", "")


def probed(peer: Peer, faults: Faults | None = None) -> tuple[Told, bytes]:
    """Also all that the device was sent."""

    async def run() -> tuple[Told, bytes]:
        way = MemoryTransport(peer, faults)
        told = await escpos.probe(way, QUICK)
        return told, bytes(way.received)

    return asyncio.run(run())


def test_what_shows_every_byte_is_sent_nothing_that_has_a_shape() -> None:
    """A text display, or a printer of another language: only the status question, which is made of control characters."""
    told, received = probed(lambda _data: b"")
    assert (told.speaks, bool(told.detail)) == ("", True)
    assert set(received) <= {0x10, 0x04, 0x01}


def test_an_echo_is_no_printer() -> None:
    told, received = probed(lambda data: data)
    assert told.speaks == ""
    assert "sends back" in told.detail
    assert set(received) <= {0x10, 0x04, 0x01}


def test_one_that_is_offline_is_not_asked_what_stands_in_its_queue() -> None:
    told, received = probed(lambda _data: b"\x1a")
    assert (told.speaks, "offline" in told.detail) == ("escpos", True)
    assert b"\x1dI" not in received


@pytest.mark.parametrize("seed", range(8))
def test_garbage_without_end_ends(seed: int) -> None:
    chance = random.Random(seed)
    began = time.monotonic()
    told, _ = probed(lambda _data: chance.randbytes(2000), Faults(split_reads=True))
    assert time.monotonic() - began < 10
    assert len(told.model) <= 40
    assert told.model.isascii()
    assert told.model.isprintable() or not told.model


def test_a_name_with_what_steers_a_terminal_is_plain() -> None:
    answers = {b"\x10\x04\x01": b"\x12", b"\x1dI\x43": b"\x5f\x1b[31mEVIL\x07" + b"X" * 60 + b"\0"}
    told, _ = probed(lambda data: answers.get(data, b""))
    assert told.model.startswith("[31mEVIL")
    assert len(told.model) == 40


def test_another_s_confirmation_is_none() -> None:
    """It answers the question for its print id with an id that was not asked for."""
    answers = {b"\x10\x04\x01": b"\x12", b"\x1dI\x43": b"\x5fTM-X\0"}
    told, received = probed(lambda data: b'\x37"abcd\0' if data.startswith(b"\x1d(H") else answers.get(data, b""))
    assert b"\x1d(H" in received
    assert told.process_id == "no"


@pytest.mark.parametrize("faults", [Faults(refuse=True), Faults(reset_after=4), Faults(reset_on_connect=True)])
def test_one_that_goes_away_is_said(faults: Faults) -> None:
    with pytest.raises(TransportError):
        probed(lambda _data: b"\x12", faults)


# --- the sheet ---


@pytest.mark.parametrize("model", ["tm-t88vi", "generic-80", "generic-58"])
def test_each_line_of_the_sheet_reads_as_it_should_where_the_page_is_there(model: str) -> None:
    profile = load_profiles()[model]
    paper = render_bytes(sheet.sheet(profile), model).as_text().splitlines()
    lines = sheet.lines(profile)
    assert len(lines) >= min(25, len(profile.code_pages)) - 1
    for line in lines:
        (row,) = [row for row in paper if row.startswith(f"{line.letter}  ")]
        assert row[3:].rstrip() in line.text if len(line.text) + 3 > profile.columns else row[3:].rstrip() == line.text, line


def test_a_page_that_the_printer_has_not_reads_wrong() -> None:
    """A TM-U220 has no page 45: where it is asked for it, another page's characters come out."""
    wide = load_profiles()["tm-t88vi"]
    paper = render_bytes(sheet.sheet(wide), "tm-u220").as_text().splitlines()
    line = next(line for line in sheet.lines(wide) if line.page == 46)
    assert not any(row.startswith(f"{line.letter}  ") and line.text in row for row in paper)


def test_what_was_learned_is_a_profile() -> None:
    base = load_profiles()["generic-80"]
    made = sheet.learned(
        base, "acme-9", 'Acme "9"', pages={16: "cp1252", 0: "cp437"}, process_id="yes", paper_query="no", cutter="no"
    )
    (read,) = parse_profiles(sheet.as_toml(made)).values()
    assert read == made
    assert (read.cut, read.process_id, list(read.code_pages)) == ("none", True, [16, 0])


@pytest.mark.parametrize("model", sorted(load_profiles()))
def test_every_profile_can_be_exported(model: str) -> None:
    profile = load_profiles()[model]
    assert parse_profiles(sheet.as_toml(profile)) == {model: profile}
