"""What cooks do, over restarts and several displays of a station (docs/kitchen-display-protocol.md)."""

import asyncio
from typing import Any

import pytest
from tests.drivers.test_kds_websocket import TOKEN, Kitchen, Page, run

from tillkeeper_drivers.api import BoardEvent, Delivery, DisplayDocument, ShownTicket, Ticket, TicketItem
from tillkeeper_drivers.kds.connection import MAX_TOLD
from tillkeeper_drivers.kds.messages import MAX_JOBS
from tillkeeper_drivers.kds.websocket import PAST


def slip(job: str, check: str = "c1", revision: int = 1, line: str = "l1", fired_at_ms: int = 0) -> DisplayDocument:
    item = TicketItem(line, 1, "Burger", action="add" if revision == 1 else "void")
    return DisplayDocument(job, Ticket(check, "B-001", revision, "grill", "TAKEOUT", (item,), fired_at_ms))


async def deliver(kitchen: Kitchen, document: DisplayDocument) -> Delivery:
    return await kitchen.display.deliver(document, TOKEN)


async def told(kitchen: Kitchen, kind: str, count: int = 1) -> BoardEvent:
    """The `count`th event of `kind`, waited for."""
    async with asyncio.timeout(5):
        while len(found := [event for event in kitchen.events if event.kind == kind]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return found[count - 1]


async def state(kitchen: Kitchen, **hello: Any) -> tuple[Page, dict[str, Any]]:
    """A page that connects, and the board as it was told."""
    page = Page()
    async with kitchen.page(page, **hello):
        board = await page.has("board")
        await kitchen_idle(page)
    return page, board


async def kitchen_idle(page: Page) -> None:
    page.say(type="hello")  # breaks the protocol: its bye says that all before it was read
    await page.has("bye")


def test_after_a_restart_a_fresh_page_gets_what_is_open_in_order_and_never_what_was_bumped() -> None:
    async def play() -> None:
        kitchen = Kitchen()
        kitchen.display.restore(
            [
                ShownTicket(slip("j1", "c1")),
                ShownTicket(slip("j2", "c2"), bumped=True),
                ShownTicket(slip("j3", "c1", 2), stop_seen=True),
                ShownTicket(slip("j4", "c4"), acked=False),
            ]
        )
        page, board = await state(kitchen)
        assert page.shown() == ["j1", "j3", "j4"]
        assert [frame.get("stop_seen", False) for frame in page.frames if frame["type"] == "ticket"] == [False, True, False]
        assert (board["open"], board["bumped"], board["stop_seen"]) == (["j1", "j3", "j4"], ["j2"], ["j3"])
        assert kitchen.received() == ["j4"], "what had been acknowledged before the restart is not told again"

    run(play)


def test_what_was_shown_before_a_restart_is_confirmed_without_sending_it_again() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        kitchen.display.restore([ShownTicket(slip("j1"), bumped=True), ShownTicket(slip("j2"))])
        async with kitchen.page(page):
            await page.has("ticket")
            assert (await deliver(kitchen, slip("j1"))).by == "display resync"
            assert (await deliver(kitchen, slip("j3"))).by == "display ack"
        assert page.shown() == ["j2", "j3"]

    run(play)


def test_a_bump_means_what_the_cook_saw_and_not_what_was_on_its_way() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            await deliver(kitchen, slip("j1"))
            await deliver(kitchen, slip("j2", revision=2))
            page.say(type="bump", check_id="c1", station="grill", job_ids=["j1", "elsewhere"], touch="t1")
            event = await told(kitchen, "bumped")
            assert event == BoardEvent("kitchen", "c1", "grill", "bumped", job_ids=("j1",), revision=1, touch="t1")
        _page, board = await state(kitchen)
        assert (board["open"], board["bumped"]) == (["j2"], ["j1"])

    run(play)


def test_a_bump_without_job_ids_leaves_alone_what_was_not_acknowledged() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            await deliver(kitchen, slip("j1"))
            page.acks = False
            job = asyncio.create_task(deliver(kitchen, slip("j2", revision=2)))
            await page.has("ticket", 2)
            page.say(type="bump", check_id="c1", station="grill")
            assert (await told(kitchen, "bumped")).job_ids == ("j1",)
            page.say(type="ack", seq=2, job_id="j2")
            await job

    run(play)


def test_the_display_is_told_when_its_touch_is_kept() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            kitchen.display.kept("t1")
            assert (await page.has("kept"))["touch"] == "t1"
        kitchen.display.kept("t2")  # nobody is connected: it asks again when it is back

    run(play)


def test_another_display_of_the_station_follows_up_to_the_revision_that_was_seen() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page):
            for document in (slip("j1"), slip("j2", revision=2), slip("j3", "c3")):
                await deliver(kitchen, document)
            for kind in ("stop_seen", "bumped", "recalled"):
                touch = BoardEvent("other", "c1", "grill", kind, job_ids=("x1",), revision=1)  # type: ignore[arg-type]
                assert kitchen.display.follow(touch) == ("j1",)
            assert kitchen.display.follow(BoardEvent("other", "c1", "bar", "bumped", revision=9)) == ()
            await page.has("shared", 3)
        frames = [(frame["kind"], frame["job_ids"]) for frame in page.frames if frame["type"] == "shared"]
        assert frames == [("stop_seen", ["j1"]), ("bumped", ["j1"]), ("recalled", ["j1"])]
        _page, board = await state(kitchen)
        assert (board["open"], board["stop_seen"]) == (["j1", "j2", "j3"], ["j1"])

    run(play)


def test_a_line_is_ticked_off_until_a_later_slip_speaks_of_it() -> None:
    async def play() -> None:
        kitchen, page, later = Kitchen(), Page(), Page()

        async def done_lines() -> list[list[str]]:
            again, _board = await state(kitchen)
            return [frame.get("done_lines", []) for frame in again.frames if frame["type"] == "ticket"]

        async with kitchen.page(page):
            await deliver(kitchen, slip("j1"))
            page.say(type="bump", check_id="c1", station="grill", line_id="l1")
            assert (await told(kitchen, "bumped")).line_id == "l1"
        assert await done_lines() == [["l1"]]
        async with kitchen.page(later):
            later.say(type="recall", check_id="c1", station="grill", line_id="l1")
            await told(kitchen, "recalled")
            later.say(type="bump", check_id="c1", station="grill", line_id="l1")
            await told(kitchen, "bumped", 2)
            await deliver(kitchen, slip("j2", revision=2))
        assert await done_lines() == [[], []]

    run(play)


def test_a_fresh_page_is_told_what_can_be_recalled_when_it_asks() -> None:
    async def play() -> None:
        kitchen, page, silent = Kitchen(), Page(), Page()
        kitchen.display.restore([ShownTicket(slip(f"j{n}", f"c{n}"), bumped=n < PAST + 2) for n in range(PAST + 3)])
        task = asyncio.create_task(kitchen.display.attach(page))
        page.say(type="hello", past=True)
        await page.has("past", PAST)
        await kitchen_idle(page)
        await task
        assert [frame["job_id"] for frame in page.frames if frame["type"] == "past"] == [f"j{n}" for n in range(2, PAST + 2)]
        async with kitchen.page(silent):
            await kitchen_idle(silent)
        assert not [frame for frame in silent.frames if frame["type"] == "past"]

    run(play)


def test_tickets_of_yesterday_leave_a_display_that_stays_open() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        kitchen.display.restore(
            [ShownTicket(slip("old", fired_at_ms=5)), ShownTicket(slip("new", fired_at_ms=50)),
             ShownTicket(slip("never seen", fired_at_ms=5), acked=False)]
        )  # fmt: skip
        async with kitchen.page(page):
            await page.has("ticket", 2)
            page.acks = False
            kitchen.display.expire(lambda fired_at_ms: fired_at_ms < 10)
            shared = await page.has("shared")
            assert (shared["kind"], shared["job_ids"]) in [("bumped", ["old"]), ("bumped", ["old", "never seen"])]
        _page, board = await state(kitchen)
        assert "old" in board["bumped"]
        assert "new" in board["open"]

    run(play)


def test_frames_say_what_time_it_is_at_the_agent() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(beat_s=0.01, now_ms=lambda: 1_234), Page()
        async with kitchen.page(page):
            assert (await page.has("welcome"))["now_ms"] == 1_234
            assert (await page.has("beat"))["now_ms"] == 1_234

    run(play)


@pytest.mark.parametrize("job_ids", [["j"] * (MAX_JOBS + 1), ["j" * 129], "j", [1]])
def test_a_touch_that_names_nonsense_ends_the_connection(job_ids: Any) -> None:
    async def play() -> None:
        kitchen, page = Kitchen(), Page()
        async with kitchen.page(page) as task:
            page.say(type="stop_seen", check_id="c", station="grill", job_ids=job_ids)
            assert await task == "bad_frame"

    run(play)


def test_a_display_that_takes_nothing_does_not_make_the_agent_grow() -> None:
    async def play() -> None:
        kitchen, page = Kitchen(send_s=60), Page()
        async with kitchen.page(page) as task:
            page.deaf = True
            for n in range(MAX_TOLD + 2):
                kitchen.display.kept(f"t{n}")
            assert await task == "too_slow"
            page.deaf = False

    run(play)
