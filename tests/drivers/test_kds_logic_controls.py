"""A Logic Controls display seen from the agent: files in a shared folder, and XML over TCP. Nothing here was checked against a
real one."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.kds_tickets import BURGER, FRIES, LONG_MODIFIER, deliver, item, texts, ticket, until

from tillkeeper_drivers.api import NotSent, OutcomeUnknown, ShownTicket
from tillkeeper_drivers.kds.cards import Entry
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.logic_controls import logic_controls_display
from tillkeeper_drivers.kds.logic_controls_xml import ADD, TAGS, BadXml, known_orders, order
from tillkeeper_drivers.simulator.logic_controls import VirtualLogicControls
from tillkeeper_drivers.transport.tcp import TcpTransport

ANSWER_S = 10.0
QUICK_S = 0.8
"""Where a test waits until nobody has taken a file for too long."""
VOID = msgspec.structs.replace(BURGER, action="void")
BOMB = b"""<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><Transaction><Order><ID>&c;</ID></Order></Transaction>"""


@dataclass
class Kitchen:
    kds: VirtualLogicControls
    device: ForeignDisplay


@asynccontextmanager
async def kitchen(folder: Path | None, answer_s: float) -> AsyncIterator[Kitchen]:
    async with asyncio.timeout(60), VirtualLogicControls(folder) as kds:
        yield another(kds, answer_s)


def another(kds: VirtualLogicControls, answer_s: float = ANSWER_S) -> Kitchen:
    place = kds.folder if kds.folder is not None else TcpTransport(kds.host, kds.port)
    return Kitchen(kds, logic_controls_display("line", place, lambda _event: None, kds_station=3, answer_s=answer_s))


def in_kitchen(folder: Path | None, scene: Callable[[Kitchen], Awaitable[None]], answer_s: float = ANSWER_S) -> None:
    async def run() -> None:
        async with kitchen(folder, answer_s) as made:
            await scene(made)

    asyncio.run(run())


@pytest.fixture(params=["folder", "tcp"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "folder" else None


def test_order_change_and_void_are_on_the_screen_and_end_as_sent(way: Path | None) -> None:
    async def scene(k: Kitchen) -> None:
        first = ticket("j1", BURGER, item("l9", "寿司 & <b>", modifiers=(LONG_MODIFIER,)), rush=True, table="12", server="Ann")
        done = await deliver(k.device, first)
        assert (done.how, done.by) == ("sent", "file taken" if way else "TCP drained")
        await k.kds.wait_shown(1, 5)
        assert texts(k.kds) == [
            "TAKEOUT", "C1 12 Ann", "*** RUSH ***", "*** RUSH ***", "2 Burger", "no onion", "1 寿司 & <b>", LONG_MODIFIER,
        ]  # fmt: skip
        await deliver(k.device, ticket("j2", VOID, FRIES, revision=2))
        await k.kds.changed.wait_for(lambda: k.kds.taken == 2, 5)
        assert "-- 2 Burger --" in texts(k.kds)
        assert texts(k.kds)[-1] == "1 Fries"
        rest = [item("l9", "寿司 & <b>", action="void"), msgspec.structs.replace(FRIES, action="void")]
        await deliver(k.device, ticket("j3", *rest, revision=3))
        await k.kds.changed.wait_for(lambda: k.kds.taken == 3, 5)
        assert k.kds.on_screen() == [], "deleted as a whole"

    in_kitchen(way, scene)


def test_a_change_replaces_the_item(way: Path | None) -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        changed = msgspec.structs.replace(BURGER, action="modify", quantity=3, previous_quantity=2)
        await deliver(k.device, ticket("j2", changed, revision=2))
        await k.kds.changed.wait_for(lambda: k.kds.taken == 2, 5)
        assert texts(k.kds)[2:] == ["-- 2 Burger --", "no onion", "3 CHANGED Burger", "no onion", "was 2"]

    in_kitchen(way, scene)


def test_what_nobody_takes_is_taken_back_and_shown_once_later(tmp_path: Path) -> None:
    async def scene(k: Kitchen) -> None:
        await k.kds.power_off()
        for _ in range(2):
            with pytest.raises(NotSent, match="nobody takes files"):
                await deliver(k.device, ticket("j1", BURGER))
            assert os.listdir(tmp_path) == []
        await k.kds.power_on()
        assert (await deliver(k.device, ticket("j1", BURGER))).how == "sent"
        assert len(k.kds.files) == 1

    in_kitchen(tmp_path, scene, QUICK_S)


def test_a_file_left_by_an_agent_that_died_is_not_doubled(tmp_path: Path) -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.deaf = True
        dying = asyncio.ensure_future(deliver(k.device, ticket("j1", BURGER)))
        await until(lambda: any(name.endswith(".xml") for name in os.listdir(tmp_path)))
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        later = another(k.kds)
        later.device.restore([ShownTicket(ticket("j1", BURGER), acked=False)])
        k.kds.deaf = False
        await deliver(later.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert len(k.kds.orders) == 1

    in_kitchen(tmp_path, scene)


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """Nothing that ends in .xml is ever seen half written: names begin with a dot until they are through."""

    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        assert k.kds.files == ["j1-add-C1.xml"]
        assert k.kds.refused == 0

    in_kitchen(tmp_path, scene)


def test_a_folder_that_is_not_there_gets_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        device = logic_controls_display("line", tmp_path / "share", lambda _event: None, answer_s=ANSWER_S)
        with pytest.raises(NotSent) as error:
            await deliver(device, ticket("j1", BURGER))
        assert error.value.reason == "unreachable"
        status = await device.status()
        assert (status.reachable, str(tmp_path / "share") in status.detail) == ("no", True)

    asyncio.run(run())


def test_over_tcp_the_display_is_asked_before_an_order_goes_out_again() -> None:
    async def scene(k: Kitchen) -> None:
        flying = [ticket("j1", BURGER), ticket("j2", FRIES, check="c2")]
        k.device.restore([ShownTicket(document, acked=False) for document in flying])
        await deliver(another(k.kds).device, ticket("j1", BURGER))
        await k.kds.wait_shown(1, 5)
        assert (await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))).by == "display resync"
        await deliver(k.device, ticket("j2", FRIES, check="c2", marks=("POSSIBLE DUPLICATE",)))
        await k.kds.wait_shown(2, 5)
        assert "POSSIBLE DUPLICATE" not in k.kds.as_text(), "the display said that it lacks it"

    in_kitchen(None, scene)


@pytest.mark.parametrize("fault", ["deaf", "wrong_id", "half_answer", "garbage", "endless", "drip"])
def test_a_display_that_answers_nonsense_gets_it_again_with_the_mark(fault: str) -> None:
    async def scene(k: Kitchen) -> None:
        k.device.restore([ShownTicket(ticket("j1", BURGER), acked=False)])
        await deliver(another(k.kds).device, ticket("j1", BURGER))
        await k.kds.wait_shown(1, 5)
        k.kds.deaf, k.kds.fault = fault == "deaf", "" if fault == "deaf" else fault
        done = await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert done.how == "sent"
        k.kds.deaf, k.kds.fault = False, ""
        await until_marked(k)

    async def until_marked(k: Kitchen) -> None:
        expected = "POSSIBLE DUPLICATE" if fault != "wrong_id" else "TAKEOUT"
        await k.kds.changed.wait_for(lambda: expected in k.kds.as_text(), 5)

    in_kitchen(None, scene)


def test_a_display_that_is_off_got_nothing_over_tcp() -> None:
    async def scene(k: Kitchen) -> None:
        assert (await k.device.status()).reachable == "yes"
        await k.kds.power_off()
        with pytest.raises(NotSent) as error:
            await deliver(k.device, ticket("j1", BURGER))
        assert error.value.reason == "unreachable"
        assert (await k.device.status()).reachable == "no"

    in_kitchen(None, scene)


def test_a_display_that_stops_taking_bytes_is_an_unknown_outcome() -> None:
    async def run() -> None:
        async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        server = await asyncio.start_server(hold, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        device = logic_controls_display("line", TcpTransport("127.0.0.1", port), lambda _event: None, answer_s=QUICK_S)
        with pytest.raises((OutcomeUnknown, NotSent)):
            await deliver(device, ticket("j1", item("l1", "x" * 200_000)))
        server.close()

    asyncio.run(run())


# --- XML of strangers ---


@pytest.mark.parametrize(
    "data", [BOMB, b'<!DOCTYPE t SYSTEM "http://127.0.0.1/x"><Transaction/>', b"<Transaction>", b"<other/>", b"x" * 70_000, b""]
)
def test_a_bomb_is_refused_before_it_is_read(data: bytes) -> None:
    with pytest.raises(BadXml):
        known_orders(data)


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"<Transaction><Order><ID>{text}</ID>".encode()))
@settings(max_examples=300, deadline=None)
def test_no_answer_breaks_the_reader(data: bytes) -> None:
    with suppress(BadXml):
        assert isinstance(known_orders(data), frozenset)


def test_every_tag_that_is_sent_is_in_the_table_that_says_where_it_was_read() -> None:
    document = ticket("j1", BURGER, rush=True)
    said = order(ADD, "C1", document.ticket, (), 1, adds=[Entry(1, BURGER)], deletes=[Entry(2, FRIES)])
    assert {tag.decode() for tag in re.findall(rb"<([A-Za-z]+)", said)} == set(TAGS)
    assert "?" in TAGS.values(), "what is not verified says so"
