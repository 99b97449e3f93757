"""An Epson KDS seen from the agent: what is on the screen, what is known for sure, and what cooks do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.drivers.kds_tickets import BURGER, FRIES, LONG_MODIFIER, cooked, deliver, item, texts, ticket, until

from tillkeeper_drivers.api import BoardEvent, NotSent, OutcomeUnknown, PulseDocument, ShownTicket, TransportError
from tillkeeper_drivers.httpd import Answer, Asked, serving
from tillkeeper_drivers.kds.epson import EpsonWire
from tillkeeper_drivers.kds.epson_messages import BadAnswer, answered, heard, listed
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.wire import Refused, Saying
from tillkeeper_drivers.simulator.epson_kds import VirtualEpsonKds
from tillkeeper_drivers.transport.tcp import TcpTransport

ANSWER_S = 10.0
QUICK_S = 0.6
"""Where a test waits until the display has kept silent for too long."""


@dataclass
class Kitchen:
    kds: VirtualEpsonKds
    device: ForeignDisplay
    wire: EpsonWire
    events: list[BoardEvent] = field(default_factory=list)


@asynccontextmanager
async def kitchen(
    callback: bool = True, answers_orders: bool = True, answer_s: float = ANSWER_S
) -> AsyncIterator[Kitchen]:
    async with asyncio.timeout(60), VirtualEpsonKds(answers_orders=answers_orders) as kds:
        made = another(kds, callback, answer_s)
        try:
            yield made
        finally:
            await made.device.close()


def another(kds: VirtualEpsonKds, callback: bool = True, answer_s: float = ANSWER_S) -> Kitchen:
    """An agent, or the same one after a restart."""
    events: list[BoardEvent] = []
    wire = EpsonWire("expo", kds.host, kds.port, ("127.0.0.1", 0) if callback else None, answer_s)
    return Kitchen(kds, ForeignDisplay("expo", wire, events.append), wire, events)


def test_a_card_that_was_late_and_is_refused_as_there_already_is_asked_for_once_more() -> None:
    class Late(EpsonWire):
        said = 0

        async def say(self, saying: Saying) -> None:
            self.said += 1
            if self.said == 1:
                raise OutcomeUnknown("show", "expo", "no_answer", "no whole answer", "look at the display")
            raise Refused("error 4 check C1 is there already")

        async def has(self, saying: Saying) -> bool:
            return self.said > 1

    async def run() -> None:
        wire = Late("expo", "127.0.0.1", 1)
        device = ForeignDisplay("expo", wire, lambda _event: None)
        for error in (OutcomeUnknown, NotSent):
            with pytest.raises(error):
                await deliver(device, ticket("j1", BURGER))
        assert (await deliver(device, ticket("j1", BURGER))).how == "confirmed"
        assert wire.said == 2
        await device.close()

    asyncio.run(run())


def in_kitchen(scene: Callable[[Kitchen], Awaitable[None]], **how: Any) -> None:
    async def run() -> None:
        async with kitchen(**how) as made:
            await scene(made)

    asyncio.run(run())


# --- what is shown ---


def test_a_ticket_is_on_the_screen_and_confirmed_by_the_display() -> None:
    async def scene(k: Kitchen) -> None:
        head: dict[str, Any] = {"table": "12", "server": "Ann", "rush": True, "note": "allergy", "name": "Zoë"}
        first = ticket("j1", BURGER, FRIES, marks=("REROUTED",), **head)
        done = await deliver(k.device, first)
        assert (done.how, done.by) == ("confirmed", "display answer")
        assert texts(k.kds) == [
            "TAKEOUT", "*** REROUTED ***", "*** RUSH ***", "For Zoe", "* allergy", "C1  12  Ann",
            "2 Burger", "no onion", "1 Fries",
        ]  # fmt: skip
        assert (await deliver(k.device, first)).by == "display resync", "a ticket that is shown is not sent again"
        assert k.kds.taken == 1

    in_kitchen(scene)


def test_nothing_is_wider_than_a_field_and_no_modifier_is_lost() -> None:
    async def scene(k: Kitchen) -> None:
        name = "Grilled salmon with lemon butter and capers"
        long = item("l1", name, modifiers=(LONG_MODIFIER, "寿司", "x" * 50), note="ça brûle")
        await deliver(k.device, ticket("j1", long, table="the long table at the window", note="n" * 80))
        (asked,) = [request for request in k.kds.requests if request["type"] == "new"]
        fields = [value for entry in asked["itemlist"] for value in entry.values() if isinstance(value, str)]
        modifiers = [one["modifier"] for entry in asked["itemlist"] for one in entry.get("modifierlist", [])]
        assert all(len(text) <= 35 and text.isascii() for text in (*fields, *modifiers))
        said = " ".join(" ".join([*fields, *modifiers]).split())
        assert name in said
        assert LONG_MODIFIER in said
        assert "shou si" in said.lower() or "sushi" in said.lower()
        assert "* ca brule" in said
        assert said.replace(" ", "").count("x") >= 50
        assert len(asked["table"]) <= 20

    in_kitchen(scene)


def test_an_addition_is_appended_and_a_void_strikes_out_that_very_item() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", FRIES, revision=2))
        gone = msgspec.structs.replace(BURGER, action="void")
        await deliver(k.device, ticket("j3", gone, item("l3", "Cola"), revision=3))
        kinds = [request["type"] for request in k.kds.requests]
        assert [kind for kind in kinds if kind != "callback"] == ["new", "append", "void", "append"]
        assert texts(k.kds)[2:] == ["-- 2 Burger --", "no onion", "1 Fries", "1 Cola"]

    in_kitchen(scene)


def test_a_change_strikes_out_what_was_and_says_what_it_was() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        changed = msgspec.structs.replace(BURGER, action="modify", quantity=3, previous_quantity=2, was=("no onion, rare",))
        await deliver(k.device, ticket("j2", changed, revision=2))
        assert texts(k.kds)[2:] == ["-- 2 Burger --", "no onion", "3 CHANGED Burger", "no onion", "was 2", "no onion, rare"]
        voided = msgspec.structs.replace(BURGER, action="void", quantity=3)
        await deliver(k.device, ticket("j3", voided, revision=3))
        assert texts(k.kds)[4] == "-- 3 CHANGED Burger --"

    in_kitchen(scene)


def test_a_whole_check_is_voided_as_one_and_a_void_of_what_was_bumped_is_said_in_words() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", msgspec.structs.replace(BURGER, action="void"), revision=2))
        assert "itemlist" not in k.kds.requests[-1]
        await deliver(k.device, ticket("j3", BURGER, check="c2"))
        await k.kds.bump("C2")
        await until(lambda: bool(cooked(k.events)))
        await deliver(k.device, ticket("j4", msgspec.structs.replace(BURGER, action="void"), check="c2", revision=2))
        assert texts(k.kds)[-3:] == ["C2/2", "2 VOID Burger", "no onion"], "on a card of its own"

    in_kitchen(scene)


def test_a_reprint_is_a_card_of_its_own() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", BURGER, marks=("DUPLICATE",)))
        assert [order.name for order in k.kds.on_screen()] == ["C1", "C1/2"]
        assert "*** DUPLICATE ***" in texts(k.kds)

    in_kitchen(scene)


# --- what is known when something goes wrong ---


def test_a_display_that_is_off_got_nothing() -> None:
    async def scene(k: Kitchen) -> None:
        await k.kds.power_off()
        with pytest.raises(NotSent) as error:
            await deliver(k.device, ticket("j1", BURGER))
        assert error.value.reason == "unreachable"
        assert (await k.device.status()).reachable == "no"
        with pytest.raises(NotSent, match="PulseDocument"):
            await k.device.deliver(PulseDocument("j9"), b"ab12")

    in_kitchen(scene)


@pytest.mark.parametrize("fault", ["deaf", "wrong_id", "half_answer", "garbage", "endless", "drip"])
def test_what_was_not_answered_is_asked_for_and_not_doubled(fault: str) -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.deaf, k.kds.fault = fault == "deaf", "" if fault == "deaf" else fault
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        k.kds.deaf, k.kds.fault = False, ""
        assert (await k.device.status()).behind == 0, "the display lists it"
        done = await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert (done.how, done.by) == ("confirmed", "display resync")
        assert [order.name for order in k.kds.on_screen()] == ["C1"]
        assert "*** POSSIBLE DUPLICATE ***" not in texts(k.kds)

    in_kitchen(scene, answer_s=QUICK_S)


@pytest.mark.parametrize("fault", ["deaf", "half_answer", "garbage", "wrong_id"])
def test_what_the_display_says_that_it_entered_is_shown_whatever_became_of_its_answer(fault: str) -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        k.kds.deaf, k.kds.fault = fault == "deaf", "" if fault == "deaf" else fault
        assert (await deliver(k.device, ticket("j2", FRIES, check="c2"))).how == "confirmed"
        assert [order.name for order in k.kds.on_screen()] == ["C1", "C2"]

    in_kitchen(scene, answer_s=2.0)


def test_a_display_whose_status_nobody_understands_gets_it_again_marked_and_loses_nothing_by_guess() -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.fault = "garbage"
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert [request["type"] for request in k.kds.requests if request["type"] == "new"] == ["new", "new"]
        status = await k.device.status()
        assert (status.reachable, "strange answer" in status.detail, status.behind) == ("yes", True, 1)

    in_kitchen(scene, callback=False)


def test_what_the_display_says_it_lacks_goes_out_again_without_a_mark() -> None:
    async def scene(k: Kitchen) -> None:
        await k.device.status()
        k.kds.slow_s = 5
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        assert (await k.device.status()).behind == 1
        await k.kds.restart()
        k.kds.slow_s = 0
        await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert texts(k.kds)[:2] == ["TAKEOUT", "C1"]
        assert (await k.device.status()).behind == 0

    in_kitchen(scene, answer_s=QUICK_S)


def test_a_display_that_can_not_be_asked_gets_it_again_with_the_mark() -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.slow_s = 5
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, ticket("j1", BURGER))
        await k.kds.restart()
        k.kds.slow_s = 0
        await deliver(k.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))
        assert texts(k.kds)[:2] == ["TAKEOUT", "*** POSSIBLE DUPLICATE ***"]

    in_kitchen(scene, callback=False, answers_orders=False, answer_s=QUICK_S)


def test_a_change_that_broke_off_in_the_middle_goes_on_where_it_was() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER, FRIES))
        change = ticket("j2", msgspec.structs.replace(FRIES, action="void"), item("l3", "Cola"), revision=2)
        k.kds.fault = "half_answer"
        with pytest.raises(OutcomeUnknown):
            await deliver(k.device, change)
        k.kds.fault = ""
        await deliver(k.device, change)
        assert [request["type"] for request in k.kds.requests].count("void") == 1
        assert texts(k.kds)[-2:] == ["-- 1 Fries --", "1 Cola"]

    in_kitchen(scene)


def test_an_error_of_the_display_is_no_double_and_one_bad_ticket_does_not_hold_up_the_others() -> None:
    async def scene(k: Kitchen) -> None:
        k.kds.fault = "error"
        reasons = []
        for _ in range(5):
            with pytest.raises(NotSent, match="order memory is full") as error:
                await deliver(k.device, ticket("j1", BURGER))
            reasons.append(error.value.reason)
        assert set(reasons) == {"offline"}, "all are refused: nothing is given up"
        k.kds.fault = ""
        await deliver(k.device, ticket("j1", BURGER))
        k.kds.fault = "error"
        reasons = []
        for _ in range(3):
            with pytest.raises(NotSent) as error:
                await deliver(k.device, ticket("j2", BURGER, check="c2"))
            reasons.append(error.value.reason)
        assert reasons == ["offline", "offline", "bad_document"]
        with pytest.raises(NotSent) as error:
            await deliver(k.device, ticket("j3", BURGER, check="c3"))
        assert error.value.reason == "offline", "the second in a row is not the ticket's fault"

    in_kitchen(scene)


def test_an_addition_to_a_check_that_the_display_has_forgotten_gets_a_card_of_its_own() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await k.kds.restart()
        with pytest.raises(NotSent):
            await deliver(k.device, ticket("j2", FRIES, revision=2))
        await deliver(k.device, ticket("j2", FRIES, revision=2))
        assert texts(k.kds) == ["TAKEOUT", "C1/2", "1 Fries"]

    in_kitchen(scene)


def test_a_name_that_is_taken_from_another_day_is_told_apart() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j0", BURGER))
        later = another(k.kds)
        for _ in range(2):
            with pytest.raises(NotSent, match="is there already"):
                await deliver(later.device, ticket("j1", FRIES, check="c9", code="C1"))
        await deliver(later.device, ticket("j1", FRIES, check="c9", code="C1"))
        assert [order.name for order in k.kds.on_screen()] == ["C1", "C1/2"]
        await k.kds.bump("C1/2")
        await later.device.status()
        assert cooked(later.events) == [("bumped", "c9", ("j1",))]
        await later.device.close()

    in_kitchen(scene)


def test_another_device_at_the_displays_address_gets_no_byte() -> None:
    asked: list[Asked] = []

    async def stranger(request: Asked) -> Answer:
        asked.append(request)
        return Answer(200, b'{"errorcode":0}')

    async def whose(_peer: str) -> None:
        raise TransportError("wrong_device", "it is another one", bytes_left=False)

    async def run() -> None:
        async with serving("127.0.0.1", 0, stranger) as port:
            gate = TcpTransport("127.0.0.1", port, whose=whose)
            wire = EpsonWire("expo", lambda: "127.0.0.1", port, None, ANSWER_S, gate)
            device = ForeignDisplay("expo", wire, lambda _event: None)
            with pytest.raises(NotSent) as error:
                await deliver(device, ticket("j1", BURGER))
            assert error.value.reason == "wrong_device"
            assert (await device.status()).trouble() == "wrong_device"
            await device.close()

    asyncio.run(run())
    assert asked == []


def test_a_display_that_lost_its_memory_gets_all_open_cards_again_in_order() -> None:
    async def scene(k: Kitchen) -> None:
        for number in range(4):
            await deliver(k.device, ticket(f"j{number}", BURGER, check=f"c{number}"))
        await k.kds.bump("C1")
        await k.device.status()
        await k.kds.restart()
        assert (await k.device.status()).behind == 0
        assert [order.name for order in k.kds.on_screen()] == ["C0", "C2", "C3"]
        assert all("SENT AGAIN" in order.heads[1] for order in k.kds.on_screen())
        await k.device.status()
        assert len(k.kds.orders) == 3

    in_kitchen(scene)


# --- what cooks do ---


def test_a_bump_comes_at_once_and_once_and_a_recall_with_the_next_look() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", FRIES, revision=2))
        await k.kds.bump("C1")
        await until(lambda: bool(cooked(k.events)))
        assert cooked(k.events) == [("bumped", "c1", ("j1", "j2"))]
        await k.device.status()
        await k.kds.recall("C1")
        await k.device.status()
        assert [kind for kind, _check, _jobs in cooked(k.events)] == ["bumped", "recalled"]
        await k.kds.bump("C1")
        await k.device.status()
        assert [kind for kind, _check, _jobs in cooked(k.events)] == ["bumped", "recalled", "bumped"]
        assert k.kds.untold == 0

    in_kitchen(scene)


def test_without_an_address_to_call_a_bump_comes_with_the_next_look() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await k.kds.bump("C1")
        assert cooked(k.events) == []
        await k.device.status()
        assert cooked(k.events) == [("bumped", "c1", ("j1",))]
        assert k.kds.callbacks == {}

    in_kitchen(scene, callback=False)


def test_one_bumped_item_is_its_line() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER, FRIES))
        await k.kds.bump("C1", "2")
        await until(lambda: bool(cooked(k.events)))
        assert [event.line_id for event in k.events if event.kind == "bumped"] == ["l2"]

    in_kitchen(scene)


def test_callbacks_of_strangers_and_nonsense_change_nothing() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        url = k.kds.callbacks[1][1]
        bump = {"type": "callback", "callbackid": 1, "trigger": "onbump", "check": "C1", "table": ""}
        stranger = httpx.AsyncHTTPTransport(local_address="127.0.0.9")
        async with httpx.AsyncClient(transport=stranger, trust_env=False) as forger:
            with pytest.raises(httpx.HTTPError):
                await forger.post(url, json=bump)
        async with httpx.AsyncClient(trust_env=False) as display:
            assert (await display.post(url.rpartition("/")[0] + "/guess", json=bump)).status_code == 404
            assert (await display.get(url)).status_code == 404
            assert (await display.post(url, content=b"x" * 9_000)).status_code == 413
            for nonsense in (b"", b"[" * 8_000, b"{}", b'{"type":"callback","trigger":"onbump","check":7}'):
                assert (await display.post(url, content=nonsense)).status_code == 400
            assert (await display.post(url, json=bump | {"check": "nobody"})).status_code == 200
            assert cooked(k.events) == []
            assert (await display.post(url, json=bump)).status_code == 200
        assert cooked(k.events) == [("bumped", "c1", ("j1",))]

    in_kitchen(scene)


def test_a_listener_that_can_not_listen_is_said_and_stops_no_ticket() -> None:
    async def run() -> None:
        async with VirtualEpsonKds() as kds:
            wire = EpsonWire("expo", kds.host, kds.port, ("192.0.2.1", 8410), ANSWER_S)
            device = ForeignDisplay("expo", wire, lambda _event: None)
            assert (await deliver(device, ticket("j1", BURGER))).how == "confirmed"
            assert "192.0.2.1:8410" in (await device.status()).detail
            await device.close()

    asyncio.run(run())


# --- after a restart of the agent ---


def test_after_a_restart_a_void_finds_its_item_and_what_was_open_is_not_sent_again() -> None:
    async def scene(k: Kitchen) -> None:
        tickets = [ticket("j1", BURGER), ticket("j2", FRIES, revision=2), ticket("j3", BURGER, check="c2")]
        for document in tickets:
            await deliver(k.device, document)
        await k.device.close()
        later = another(k.kds)
        later.device.restore([ShownTicket(document) for document in tickets])
        assert (await deliver(later.device, tickets[1])).by == "display resync"
        await deliver(later.device, ticket("j4", msgspec.structs.replace(BURGER, action="void"), revision=3))
        assert texts(k.kds)[2:5] == ["-- 2 Burger --", "no onion", "1 Fries"]
        await k.kds.bump("C2")
        await later.device.status()
        assert cooked(later.events) == [("bumped", "c2", ("j3",))]
        await later.device.close()

    in_kitchen(scene)


def test_a_ticket_in_flight_at_a_kill_is_asked_for_and_lost_history_is_said_in_words() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        later = another(k.kds)
        later.device.restore([ShownTicket(ticket("j1", BURGER), acked=False)])
        assert (await deliver(later.device, ticket("j1", BURGER, marks=("POSSIBLE DUPLICATE",)))).by == "display resync"
        await later.device.close()
        blind = another(k.kds)
        blind.device.restore([ShownTicket(ticket("j5", FRIES, check="c9", revision=4))])
        await deliver(blind.device, ticket("j6", msgspec.structs.replace(FRIES, action="void"), check="c9", revision=5))
        assert texts(k.kds)[-1] == "1 VOID Fries", "never an item that only may be the right one"
        await blind.device.close()

    in_kitchen(scene)


def test_what_is_bumped_elsewhere_is_named_and_a_day_that_is_over_is_forgotten() -> None:
    async def scene(k: Kitchen) -> None:
        await deliver(k.device, ticket("j1", BURGER))
        await deliver(k.device, ticket("j2", FRIES, revision=2))
        assert k.device.follow(BoardEvent("own", "c1", "grill", "bumped", revision=1)) == ("j1",)
        k.device.expire(lambda _fired_ms: True)
        assert k.device.follow(BoardEvent("own", "c1", "grill", "bumped", revision=2)) == ()

    in_kitchen(scene)


# --- strange answers ---


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(404), NotSent), (Answer(302), NotSent), (Answer(500, b"{}"), OutcomeUnknown),
        (Answer(200, b"[]"), OutcomeUnknown), (Answer(200, b'{"seq":1}'), OutcomeUnknown),
        (Answer(200, b"[" * 100_000), OutcomeUnknown),
        (Answer(200, b'{"errorcode":true}'), OutcomeUnknown), (Answer(200, b'{"errorcode":"5","error":"no"}'), NotSent),
        (Answer(200, b'{"result":"failure"}'), NotSent), (Answer(200, b'{"result":"maybe"}'), OutcomeUnknown),
    ],
)  # fmt: skip
def test_an_answer_that_says_nothing_is_an_unknown_outcome(answer: Answer, error: type[Exception]) -> None:
    async def anything(_asked: Asked) -> Answer:
        return answer

    async def run() -> None:
        async with serving("127.0.0.1", 0, anything) as port:
            device = ForeignDisplay("expo", EpsonWire("expo", "127.0.0.1", port, None, ANSWER_S), lambda _event: None)
            with pytest.raises(error):
                await deliver(device, ticket("j1", BURGER))
            await device.status()
            await device.close()

    asyncio.run(run())


KEYS = ["seq", "errorcode", "orderlist", "check", "itemlist", "itemid", "status", "type", "trigger"]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=400, deadline=None)
def test_no_answer_and_no_callback_breaks_the_decoders(data: bytes) -> None:
    try:
        verdict, body = answered(data, 7)
        assert isinstance(verdict.code, int)
        cards = listed(body)
        assert cards is None or all(number > 0 for card in cards.values() for number in card.numbers)
    except BadAnswer:
        pass
    with suppress(BadAnswer):
        assert heard(data).check


@pytest.mark.parametrize("data", [b'{"seq":7,"errorcode":0}', b'{"errorcode":"0"}', b'{"result":"success"}', b'{"success":1}'])
def test_ways_to_say_that_it_was_taken(data: bytes) -> None:
    assert answered(data, 7)[0].code == 0
