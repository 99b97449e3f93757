"""The kitchen display's protocol, seen from both ends (docs/kitchen-display-protocol.md)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper_drivers.api import (
    BoardEvent,
    Delivery,
    DisplayDocument,
    NotSent,
    OutcomeUnknown,
    PulseDocument,
    Ticket,
    TicketItem,
)
from tillkeeper_drivers.kds.board import MAX_ENTRIES
from tillkeeper_drivers.kds.messages import MAX_FRAME
from tillkeeper_drivers.kds.websocket import WebSocketDisplay

TOKEN = b"ab12"


def ticket(job: str, check: str = "c1") -> DisplayDocument:
    item = TicketItem("l1", 2, "Crème brûlée", modifiers=("no sugar",))
    return DisplayDocument(job, Ticket(check, "B-001", 1, "grill", "TAKEOUT", (item,), 0), marks=("REROUTED",))


class Page:
    """A display: the socket that the front door would hand in, and the page behind it.

    Args:
        acks: acknowledges each ticket.
        deaf: `send` never returns.
    """

    def __init__(self, acks: bool = True, deaf: bool = False) -> None:
        self.acks = acks
        self.deaf = deaf
        self.gone = False
        self.frames: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()
        self._out: asyncio.Queue[str | None] = asyncio.Queue()

    async def send(self, text: str) -> None:
        await asyncio.sleep(0)
        if self.gone:
            raise ConnectionResetError
        if self.deaf:
            await asyncio.Event().wait()
        frame = json.loads(text)
        self.frames.append(frame)
        self.arrived.set()
        if frame["type"] == "ticket" and self.acks:
            self.say(type="ack", seq=frame["seq"], job_id=frame["job_id"])

    def say(self, raw: str = "", **message: Any) -> None:
        self._out.put_nowait(raw or json.dumps(message))

    def leave(self) -> None:
        self.gone = True
        self._out.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        while (text := await self._out.get()) is not None:
            yield text

    def shown(self) -> list[str]:
        return [frame["job_id"] for frame in self.frames if frame["type"] == "ticket"]

    async def has(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The `count`th frame of `kind`, waited for."""
        async with asyncio.timeout(5):
            while len(found := [frame for frame in self.frames if frame["type"] == kind]) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return found[count - 1]


class Kitchen:
    def __init__(self, **deadlines: Any) -> None:
        self.events: list[BoardEvent] = []
        self.display = WebSocketDisplay("kitchen", self.events.append, epoch="e1", **{"ack_s": 0.3, **deadlines})

    @asynccontextmanager
    async def page(
        self, page: Page, last_seq: int = 0, epoch: str = "", greeted: bool = True
    ) -> AsyncIterator["asyncio.Task[str]"]:
        task: asyncio.Task[str] = asyncio.create_task(self.display.attach(page))
        page.say(type="hello", last_seq=last_seq, epoch=epoch)
        if greeted:
            await page.has("welcome")
            await asyncio.sleep(0)
        try:
            yield task
        finally:
            page.leave()
            await asyncio.wait({task}, timeout=5)
            assert task.done()

    async def deliver(self, job: str, check: str = "c1") -> Delivery:
        return await self.display.deliver(ticket(job, check), TOKEN)

    def received(self) -> list[str]:
        return [event.job_id for event in self.events if event.kind == "received"]


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(20):
            await play()

    asyncio.run(timed())


def test_a_ticket_is_shown_acknowledged_and_confirmed() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            delivery = await kitchen.deliver("j1")
            assert (delivery.how, delivery.by) == ("confirmed", "display ack")
        frame = await page.has("ticket")
        assert frame["seq"] == 1
        assert frame["marks"] == ["REROUTED"]
        assert frame["ticket"]["items"][0]["name"] == "Crème brûlée"
        assert kitchen.events == [BoardEvent("kitchen", "c1", "grill", "received", "j1")]

    run(play)


def test_no_display_is_nothing_sent() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        with pytest.raises(NotSent) as caught:
            await kitchen.deliver("j1")
        assert caught.value.reason == "unreachable"
        async with kitchen.page(page):
            pass
        assert page.shown() == []  # what was not sent is not replayed: the spool still has it
        with pytest.raises(NotSent):
            await kitchen.deliver("j1")

    run(play)


def test_a_connection_without_hello_is_no_display() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(hello_s=0.05), Page()
        task = asyncio.create_task(kitchen.display.attach(page))
        await asyncio.sleep(0)
        with pytest.raises(NotSent):
            await kitchen.deliver("j1")
        assert await task == "no_hello"
        assert (await page.has("bye"))["reason"] == "no_hello"

    run(play)


def test_no_acknowledgement_is_an_unknown_outcome_and_counts_as_behind() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=0.05), Page(acks=False)
        async with kitchen.page(page):
            with pytest.raises(OutcomeUnknown) as caught:
                await kitchen.deliver("j1")
            assert caught.value.reason == "no_answer"
            status = await kitchen.display.status()
            assert (status.reachable, status.behind) == ("yes", 1)
        status = await kitchen.display.status()
        assert (status.reachable, status.behind) == ("no", 1)

    run(play)


@pytest.mark.parametrize(
    "ack", [{"seq": 1, "job_id": "other"}, {"seq": 2, "job_id": "j1"}, {"seq": -1, "job_id": ""}]
)
def test_an_acknowledgement_of_something_else_confirms_nothing(ack: dict[str, Any]) -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=0.1), Page(acks=False)
        async with kitchen.page(page):
            page.say(type="ack", **ack)
            with pytest.raises(OutcomeUnknown):
                await kitchen.deliver("j1")
        assert kitchen.received() == []

    run(play)


def test_what_was_lost_on_the_way_comes_again_after_a_reconnection() -> None:
    async def play() -> None:
        kitchen, first, second = Kitchen(ack_s=5), Page(acks=False), Page()
        async with kitchen.page(first):
            job = asyncio.create_task(kitchen.deliver("j1"))
            await first.has("ticket")
        async with kitchen.page(second, epoch="e1", last_seq=0):
            delivery = await job
            assert (delivery.how, delivery.by) == ("confirmed", "display ack")
            assert (await second.has("ticket"))["replay"] is True

    run(play)


def test_a_display_that_saw_the_ticket_but_lost_its_connection_confirms_by_resync() -> None:
    async def play() -> None:
        kitchen, first, second = Kitchen(ack_s=5), Page(acks=False), Page()
        async with kitchen.page(first):
            job = asyncio.create_task(kitchen.deliver("j1"))
            await first.has("ticket")
        async with kitchen.page(second, epoch="e1", last_seq=1):
            assert (await job).by == "display resync"
        assert second.shown() == []
        assert kitchen.received() == ["j1"]

    run(play)


def test_replay_is_what_the_display_lacks_in_order_without_what_was_bumped() -> None:
    async def play() -> None:
        kitchen, first = Kitchen(), Page()
        async with kitchen.page(first):
            for n in range(1, 6):
                await kitchen.deliver(f"j{n}", f"c{n}")
            first.say(type="bump", check_id="c4", station="grill")
            first.say(type="bump", check_id="c5", station="grill")
            first.say(type="recall", check_id="c5", station="grill")
            first.say(type="bump", check_id="c3", station="bar")
            first.say(type="start", check_id="c1", station="grill", line_id="l1")
            async with asyncio.timeout(5):
                while len(kitchen.events) < 10:  # noqa: ASYNC110 - the callback is synchronous
                    await asyncio.sleep(0)
        for epoch, last_seq, expected in [
            ("e1", 2, ["j3", "j5"]),
            ("e1", 0, ["j1", "j2", "j3", "j5"]),
            ("an older agent", 4, ["j1", "j2", "j3", "j5"]),
        ]:
            page = Page()
            async with kitchen.page(page, epoch=epoch, last_seq=last_seq):
                await page.has("ticket", len(expected))
            assert page.shown() == expected
        kinds = [(event.kind, event.check_id, event.line_id) for event in kitchen.events if event.kind != "received"]
        assert kinds == [
            ("bumped", "c4", ""), ("bumped", "c5", ""), ("recalled", "c5", ""), ("bumped", "c3", ""),
            ("started", "c1", "l1"),
        ]

    run(play)


def test_a_job_delivered_twice_is_confirmed_without_showing_it_again() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            await kitchen.deliver("j1")
            assert (await kitchen.deliver("j1")).by == "display resync"
            assert page.shown() == ["j1"]
            assert kitchen.received() == ["j1"]

    run(play)


def test_a_late_acknowledgement_is_told_to_the_kitchen() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=0.05), Page(acks=False)
        async with kitchen.page(page):
            with pytest.raises(OutcomeUnknown):
                await kitchen.deliver("j1")
            page.say(type="ack", seq=1, job_id="j1")
            page.say(type="hello")  # breaks the protocol: its bye tells that the ack was read
            await page.has("bye")
            assert kitchen.received() == ["j1"]

    run(play)


def test_a_newer_connection_replaces_the_older_one() -> None:
    async def play() -> None:
        kitchen, old, new = Kitchen(), Page(), Page()
        async with kitchen.page(old) as older, kitchen.page(new):
            assert await older == "replaced"
            assert (await old.has("bye"))["reason"] == "replaced"
            await kitchen.deliver("j1")
            assert (old.shown(), new.shown()) == ([], ["j1"])

    run(play)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("{", "bad_frame"),
        ("[]", "bad_frame"),
        ('{"type": "sell"}', "bad_frame"),
        ('{"type": "ack", "seq": "1", "job_id": "j"}', "bad_frame"),
        ('{"type": "bump", "check_id": "c"}', "bad_frame"),
        ('{"type": "bump", "station": "s", "check_id": "' + "c" * 129 + '"}', "bad_frame"),
        ("[" * 16_000, "bad_frame"),
        ("\ud800", "bad_frame"),
        ('{"type": "hello"}', "twice_hello"),
        (" " * (MAX_FRAME + 1), "too_large"),
        ("x" * 1_000_000, "too_large"),
    ],
)
def test_hostile_frames_end_the_connection_with_a_reason_and_nothing_else(frame: str, reason: str) -> None:
    async def play() -> None:
        kitchen, page, next_page = Kitchen(), Page(), Page()
        async with kitchen.page(page) as task:
            page.say(frame)
            assert await task == reason
        assert page.frames[-1]["reason"] == reason
        async with kitchen.page(next_page):
            assert (await kitchen.deliver("j1")).how == "confirmed"

    run(play)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80) | st.recursive(st.integers() | st.text(max_size=5), st.lists).map(json.dumps))
def test_garbage_as_first_frame_never_crashes(frame: str) -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        page.say(frame or " ")
        assert await kitchen.display.attach(page) in ("bad_frame", "no_hello")
        assert kitchen.events == []

    run(play)


def test_a_display_that_takes_no_frame_is_let_go() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=5, send_s=0.05), Page()
        async with kitchen.page(page) as task:
            page.deaf = True
            job = asyncio.create_task(kitchen.deliver("j1"))
            assert await task == "too_slow"
            page.deaf = False
            async with kitchen.page(Page(), epoch="e1"):
                assert (await job).how == "confirmed"

    run(play)


def test_beats_tell_that_the_agent_lives_and_how_far_behind_the_display_is() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=0.02, beat_s=0.01), Page(acks=False)
        async with kitchen.page(page):
            assert (await page.has("beat"))["behind"] == 0
            with pytest.raises(OutcomeUnknown):
                await kitchen.deliver("j1")
            before = len([frame for frame in page.frames if frame["type"] == "beat"])
            assert (await page.has("beat", before + 1))["behind"] == 1

    run(play)


def test_the_board_is_bounded_and_bumped_tickets_go_first() -> None:
    async def play() -> None:
        kitchen, page, fresh = Kitchen(), Page(), Page()
        async with kitchen.page(page):
            for n in range(MAX_ENTRIES):
                await kitchen.deliver(f"j{n}", f"c{n}")
            page.say(type="bump", check_id="c7", station="grill")
            page.say(type="recall", check_id="none", station="grill")
            async with asyncio.timeout(5):
                while kitchen.events[-1].kind != "recalled":  # noqa: ASYNC110 - the callback is synchronous
                    await asyncio.sleep(0)
            await kitchen.deliver("new", "c-new")
            await kitchen.deliver("newer", "c-newer")
        async with kitchen.page(fresh):
            await fresh.has("ticket", MAX_ENTRIES)
        assert set(fresh.shown()) == {f"j{n}" for n in range(1, MAX_ENTRIES) if n != 7} | {"new", "newer"}

    run(play)


def test_a_display_that_acknowledges_nothing_fills_its_board_and_gets_no_more() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(ack_s=0.0), Page(acks=False)
        async with kitchen.page(page):
            for n in range(MAX_ENTRIES):
                with pytest.raises(OutcomeUnknown):
                    await kitchen.deliver(f"j{n}")
            with pytest.raises(NotSent) as caught:
                await kitchen.deliver("one more")
            assert caught.value.reason == "stalled"
            assert (await kitchen.display.status()).behind == MAX_ENTRIES

    run(play)


def test_other_documents_are_refused_and_closing_ends_the_connection() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        assert not kitchen.display.accepts(PulseDocument("j"))
        with pytest.raises(NotSent) as caught:
            await kitchen.display.deliver(PulseDocument("j"), TOKEN)
        assert caught.value.reason == "unsupported"
        async with kitchen.page(page) as task:
            await kitchen.display.close()
            assert await task == "closed"

    run(play)


def test_a_page_that_has_seen_more_than_was_sent_acknowledges_nothing_and_gets_everything() -> None:
    async def play() -> None:
        kitchen, first, second = Kitchen(ack_s=5), Page(acks=False), Page(acks=False)
        async with kitchen.page(first):
            job = asyncio.create_task(kitchen.deliver("j1"))
            await first.has("ticket")
        async with kitchen.page(second, last_seq=2, epoch="e1"):
            assert (await second.has("ticket"))["job_id"] == "j1"
            assert kitchen.received() == []
            second.say(type="ack", seq=1, job_id="j1")
            assert (await job).by == "display ack"

    run(play)
