"""What a ticket code means while checks of two business days are open: the register was not closed, or guests stayed on."""

import asyncio
from pathlib import Path

from msgspec.structs import replace

from tillkeeper import clock
from tillkeeper.contract.events import CheckOpened
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Appended, Batch, NewEvent
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Check
from tillkeeper.till.shelf import Shelf, Span, row

YESTERDAY, TODAY = "2030-03-17", "2030-03-18"


def opened(check_id: str, day: str) -> Check:
    event = CheckOpened(check_id=check_id, ticket_code="B-001", order_type="dine_in", catalogue_version="v", terminal="front")
    return apply(None, event, day, 0)


async def journal_in(folder: Path) -> Journal:
    return await Journal.open(
        folder / "journal.db", "store-1", "front", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=""
    )


def test_a_code_is_that_of_today_whichever_check_was_touched_last(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await journal_in(tmp_path) as journal:
            shelf = Shelf(journal)
            for last in ("old", "new"):
                for check_id in ("old", "new", last):
                    shelf.put(opened(check_id, YESTERDAY if check_id == "old" else TODAY), Appended(1, ""))
                assert shelf.find("b-001", TODAY) == "new"
                assert shelf.find("B-001", YESTERDAY) == "old"

    asyncio.run(scenario())


def test_closing_one_leaves_the_code_of_the_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await journal_in(tmp_path) as journal:
            shelf = Shelf(journal)
            shelf.put(opened("new", TODAY), Appended(1, ""))
            shelf.put(opened("old", YESTERDAY), Appended(2, ""))
            shelf.put(replace(opened("old", YESTERDAY), state="voided"), Appended(3, ""))
            assert shelf.find("B-001", TODAY) == "new"

    asyncio.run(scenario())


def test_a_guest_who_stays_over_the_end_of_the_day_keeps_the_code(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with await journal_in(tmp_path) as journal:
            shelf = Shelf(journal)
            shelf.put(opened("old", YESTERDAY), Appended(1, ""))
            assert shelf.find("B-001", TODAY) == "old"

    asyncio.run(scenario())


def test_a_check_over_two_logs_is_synced_only_when_both_are(tmp_path: Path) -> None:
    """A register that turns out to be a copy begins a new log while checks are open: the part of them that is in the old one
    counts too, also after a restart. The check itself goes on as it was."""

    async def scenario() -> None:
        async with await journal_in(tmp_path) as journal:
            shelf = Shelf(journal)
            across, before = opened("across", TODAY), opened("before", TODAY)
            for check in (across, before):
                shelf.put(check, await journal.append(Batch(checks=(row(check),), events=(opening(check),))))
            first = journal.incarnation
            second = await journal.renew("restored_copy")
            voided = replace(across, state="voided", ticket_code="B-002")
            held = shelf.put(voided, await journal.append(Batch(checks=(row(voided),), events=(opening(across),))))
            new = opened("new", TODAY)
            shelf.put(new, await journal.append(Batch(checks=(row(new),), events=(opening(new),))))
            assert held.span == Span(second, 2, (first,))

        async with await journal_in(tmp_path) as journal:
            again = Shelf(journal)
            again.load()
            spans = {name: found.span for name in ("across", "before", "new") if (found := again.get(name))}
            assert spans == {"across": held.span, "before": Span(first, 3), "new": Span(second, 3)}

            def at_hq(**upto: int) -> set[str]:
                held_by = {first: upto["one"], second: upto["two"]}
                return {name for name, span in spans.items() if span.is_held(lambda log: held_by[log], journal.end_of)}

            assert at_hq(one=0, two=3) == {"new"}
            assert at_hq(one=2, two=2) == set()
            assert at_hq(one=3, two=1) == {"before"}
            assert at_hq(one=3, two=2) == {"before", "across"}
            assert at_hq(one=3, two=3) == {"before", "across", "new"}

    asyncio.run(scenario())


def opening(check: Check) -> NewEvent:
    event = CheckOpened(
        check_id=check.check_id, ticket_code="B-001", order_type="dine_in", catalogue_version="v", terminal="front"
    )
    return NewEvent(event, TODAY, 0)
