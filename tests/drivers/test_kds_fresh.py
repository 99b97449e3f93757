"""A Fresh KDS screen seen from the agent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.kds_tickets import BURGER, FRIES, LONG_MODIFIER, deliver, item, texts, ticket

from tillkeeper_drivers.api import BoardEvent, NotSent, OutcomeUnknown, ShownTicket
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.fresh import fresh_display
from tillkeeper_drivers.kds.fresh_messages import BadReply, verdict
from tillkeeper_drivers.kds.wire import Refused
from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds
from tillkeeper_drivers.transport.tcp import TcpTransport

ANSWER_S = 10.0
QUICK_S = 0.8
"""Where a test waits until the screen has kept silent for too long."""
VOID = msgspec.structs.replace(BURGER, action="void")


@dataclass
class Kitchen:
    kds: VirtualFreshKds
    device: ForeignDisplay
    events: list[BoardEvent] = field(default_factory=list)


@asynccontextmanager
async def kitchen(quotes: bool, answer_s: float) -> AsyncIterator[Kitchen]:
    async with asyncio.timeout(60), VirtualFreshKds(quotes=quotes) as kds:
        yield another(kds, answer_s)


def another(kds: VirtualFreshKds, answer_s: float = ANSWER_S) -> Kitchen:
    events: list[BoardEvent] = []
    return Kitchen(kds, fresh_display("expo", TcpTransport(kds.host, kds.port), events.append, answer_s=answer_s), events)


def in_kitchen(scene: Callable[[Kitchen], Awaitable[None]], *, quotes: bool = False, answer_s: float = ANSWER_S) -> None:
    async def run() -> None:
        async with kitchen(quotes, answer_s) as made:
            await scene(made)

    asyncio.run(run())


def commands(k: Kitchen) -> list[str]:
    return [request["command"] for request in k.kds.requests]


@pytest.mark.parametrize("quotes", [False, True])
def test_a_ticket_is_on_the_screen_and_its_id_is_the_confirmation(quotes: bool) -> None:
    async def scene(k: Kitchen) -> None:
        first = ticket("j1", item("l1", "Crème brûlée", modifiers=("寿司", LONG_MODIFIER)), marks=("REROUTED",), table="12")
        done = await deliver(k.device, first)
        assert (done.how, done.by) == ("confirmed", "display answer")
        assert texts(k.kds) == [
            "TOGO", "C1", "TAKEOUT", "*** REROUTED ***", "Table 12", "1 Crème brûlée", "寿司", LONG_MODIFIER,
        ]  # fmt: skip
        assert (await deliver(k.device, first)).by == "display resync"
        assert commands(k) == ["create-order"]

    in_kitchen(scene, quotes=quotes)


def test_a_change_says_the_whole_order_and_a_void_is_left_out_and_named() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER, FRIES))
        changed = msgspec.structs.replace(FRIES, action="modify", quantity=3, previous_quantity=1)
        await deliver(k.device, ticket("j2", VOID, changed, item("l3", "Cola"), revision=2))
        assert commands(k) == ["create-order", "update-order"]
        assert texts(k.kds)[3:] == ["3 CHANGED Fries", "was 1", "1 Cola", "2 VOID Burger", "no onion"]
        assert [line["lineId"] for line in k.kds.requests[-1]["order"]["items"]] == ["l2", "l3", "l1.void"]
        await deliver(k.device, ticket("j3", item("l4", "Water"), revision=3))
        assert "2 VOID Burger" in texts(k.kds), "it stays until the card goes"

    in_kitchen(scene)


def test_a_check_without_a_line_is_cancelled_and_what_comes_then_is_a_new_order() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", VOID, revision=2))
        assert commands(k)[-1] == "cancel-order"
        await deliver(k.device, ticket("j3", FRIES, revision=3))
        assert list(k.kds.orders) == ["c1.grill", "c1.grill.2"]

    in_kitchen(scene)


def test_a_screen_that_is_off_got_nothing() -> None:
    async def scene(k: Kitchen) -> None:
        assert (await k.device.status()).reachable == "yes"
        await k.kds.power_off()
        with pytest.raises(NotSent) as error:
            await deliver(k.device, ticket("j1", BURGER))
        assert error.value.reason == "unreachable"
        assert (await k.device.status()).reachable == "no"

    in_kitchen(scene)


@pytest.mark.parametrize("fault", ["deaf", "wrong_id", "half_answer", "garbage", "endless", "drip"])
def test_what_was_not_answered_is_said_again_as_an_update_and_not_doubled(fault: str) -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.deaf, k.kds.fault = fault == "deaf", "" if fault == "deaf" else fault
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        assert (await k.device.status()).behind == 1
        k.kds.deaf, k.kds.fault = False, ""
        done = await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert done.how == "confirmed"
        assert commands(k) == ["create-order", "update-order"]
        assert texts(k.kds) == ["TOGO", "C1", "TAKEOUT", "2 Burger", "no onion"]
        assert (await k.device.status()).behind == 0

    in_kitchen(scene, answer_s=QUICK_S)


def test_what_never_arrived_is_created_after_all() -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.deaf = True
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        await k.kds.restart()
        k.kds.deaf = False
        await deliver(k.device, ticket("j1", BURGER))
        assert commands(k) == ["create-order", "update-order", "create-order"]
        assert len(k.kds.orders) == 1

    in_kitchen(scene, answer_s=QUICK_S)


def test_an_addition_to_an_order_that_the_screen_no_longer_has_says_what_was_sent_before() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await k.kds.restart()
        await deliver(k.device, ticket("j2", FRIES, revision=2))
        assert texts(k.kds)[3:] == ["2 (SENT BEFORE) Burger", "no onion", "1 Fries"]

    in_kitchen(scene)


def test_an_error_text_is_a_refusal_and_one_bad_ticket_does_not_hold_up_the_others() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j0", BURGER, check="c0"))
        k.kds.fault = "error"
        reasons = []
        for _ in range(3):
            with pytest.raises(NotSent, match="unable to save") as error:
                await deliver(k.device, ticket("j1", BURGER))
            reasons.append(error.value.reason)
        assert reasons == ["offline", "offline", "bad_document"]
        k.kds.fault = ""
        await deliver(k.device, ticket("j2", FRIES, check="c2"))
        assert list(k.kds.orders) == ["c0.grill", "c2.grill"]

    in_kitchen(scene)


def test_after_a_restart_of_the_agent_an_order_is_updated_not_doubled() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        later = another(k.kds)
        later.device.restore([ShownTicket(ticket("j1", BURGER)), ShownTicket(ticket("j2", FRIES, revision=2), acked=False)])
        await deliver(later.device, ticket("j2", FRIES, revision=2, marks=("POSSIBLE DUPLICATE",)))
        await deliver(later.device, ticket("j3", VOID, revision=3))
        assert texts(k.kds)[3:] == ["1 Fries", "2 VOID Burger", "no onion"]
        assert len(k.kds.orders) == 1

    in_kitchen(scene)


def test_the_beacon_is_what_the_pages_show() -> None:
    """The example of "Discover": name of the protocol at 0, version at 12, address at 20, identifier at 30, name at 50."""

    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("127.0.0.1", 0))
            ear.setblocking(False)
            to = f"127.0.0.1:{ear.getsockname()[1]}"
            async with asyncio.timeout(10), VirtualFreshKds(name="emulator", beacon_to=to):
                data = await asyncio.get_running_loop().sock_recv(ear, 2048)
        assert len(data) == 102
        assert (data[:8], data[12:15], data[20:24]) == (b"FreshKDS", b"1.0", bytes([127, 0, 0, 1]))
        assert (data[30:42], data[50:58]) == (b"E7A09AAD7B98", b"emulator")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"c", BadReply), (b"c1.gr", BadReply), (b"c1.grill0", BadReply), (b"", BadReply), (b"\xff", BadReply),
        (b"Error: full", Refused), (b"busy", Refused),
    ],
)  # fmt: skip
def test_half_an_id_and_another_ones_are_no_refusals(reply: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        verdict(reply, "c1.grill")


REPLIES = ["c1.grill", '"c1.grill"\n', "c1", "c2.grill", "Error: no", ""]


@given(st.binary(max_size=80) | st.sampled_from(REPLIES).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_only_the_id_is_a_confirmation(data: bytes) -> None:
    with suppress(BadReply, Refused):
        verdict(data, "c1.grill")
        assert data.decode().strip().strip('"') == "c1.grill"
