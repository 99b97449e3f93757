"""Whatever logs say of who has a check, also what no register in its right mind writes: claims rise, and then it is quiet."""

import asyncio
import random
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.across.world import ORDER, Forgetful, Register, forgetful

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckClosed, OrderTypeChanged, RefundRecorded, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckForked, CheckTaken, CheckYielded
from tillkeeper.contract.values import OrderType
from tillkeeper.replication.model import LogId
from tillkeeper.sales.changing_hands import forked, taken, yields
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals

NOW_MS = 2_000_000_000_000
TYPES: tuple[OrderType, ...] = ("dine_in", "takeout", "delivery")
LOGS = 4
"""Two disks that `front` lost, and those of two others."""
WORDS = st.tuples(
    st.integers(0, LOGS - 1),
    st.sampled_from(["taken", "forked", "gone", "closed", "pays", "gives back", "says"]),
    st.integers(0, 3),
    st.integers(0, 2),
)


def event_of(check: Check, what: str, hand: int, to: str, register: Register) -> Event:
    rules = rules_of(register.config.store)
    match what:
        case "taken":
            return taken(check, to, hand, {}, rules)
        case "forked":
            return forked(check, to, hand, {}, rules, lost=False)
        case "gone":
            return yields(check, to, hand)
        case "pays":
            return TenderRecorded(
                check_id=check.check_id, tender_id=register.new_id(), tender="cash", kind="cash", amount_minor=hand,
                tendered_minor=hand, change_minor=0,
            )  # fmt: skip
        case "gives back":
            return RefundRecorded(
                check_id=check.check_id, refund_id=register.new_id(), tender="cash", kind="cash", amount_minor=hand,
                tax_minor=0, reason="cold",
            )  # fmt: skip
        case "says":
            return OrderTypeChanged(check_id=check.check_id, order_type=TYPES[hand % len(TYPES)], taxes={})
    return CheckClosed(check_id=check.check_id, totals=totals(check, rules))


def logs_of(words: list[tuple[int, str, int, int]], opener: int) -> dict[LogId, list[Envelope]]:
    front, side, back = map(Register, ORDER)
    registers = [front, front.another_disk(is_copy=False, clock_ms=0), side, back]
    registers[opener].opens("tea")
    check = registers[opener].open_check
    for which, what, hand, to in words:
        registers[which].says(event_of(check, what, hand, ORDER[to], registers[which]))
    return {one.place: one.envelopes() for one in registers}


def written(front: Forgetful) -> list[Any]:
    return [read_event(one) for one in front.journal.events(front.journal.incarnation, 0, 1_000)]


@settings(deadline=None, max_examples=80)
@given(st.lists(WORDS, max_size=8), st.integers(0, LOGS - 1), st.integers(0, 99))
@example([(0, "taken", 3, 1), (2, "forked", 1, 0)], 0, 0)  # what a disk can not have written is no claim of it
def test_whoever_steps_back_or_takes_it_goes_by_a_higher_claim_and_ends(
    words: list[tuple[int, str, int, int]], opener: int, seed: int
) -> None:
    async def scene() -> None:
        parts = list(logs_of(words, opener).items())
        random.Random(seed).shuffle(parts)
        async with forgetful(NOW_MS, []) as front:
            for which, events in parts:
                await front.hears(which, events)
            for _ in range(2 * len(words) + 4):
                before = len(written(front))
                await front.looks()
            assert len(written(front)) == before
            claims = [one.hand for one in written(front) if isinstance(one, CheckTaken | CheckForked | CheckYielded)]
            assert claims == sorted(claims)

    asyncio.run(scene())


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, max_size=8), st.integers(0, LOGS - 1), st.integers(0, 99))
def test_two_disks_of_a_register_that_hear_each_other_end(
    words: list[tuple[int, str, int, int]], opener: int, seed: int
) -> None:
    """The register runs twice: what one writes is news to the other."""

    async def scene() -> None:
        chance, logs = random.Random(seed), list(logs_of(words, opener).items())
        async with forgetful(NOW_MS, [], "front-8") as one, forgetful(NOW_MS, [], "front-9") as other:
            for front in (one, other):
                for which, events in chance.sample(logs, len(logs)):
                    await front.hears(which, events)
            told = {one: 0, other: 0}
            for _ in range(4 * len(words) + 8):
                was = dict(told)
                for front, there in ((one, other), (other, one)):
                    fresh = front.journal.events(front.journal.incarnation, told[front], 1_000)
                    told[front] += len(fresh)
                    await there.hears(LogId("front", front.journal.incarnation), fresh)
            assert told == was

    asyncio.run(scene())
