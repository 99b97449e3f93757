"""I9: a close waits until it holds what the others say that they wrote, and signs nothing where that does not come."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from tests.day.world import Near
from tests.spool.virtual import run_virtual

from tillkeeper.contract.day import DayAsk, DayClosed, DayFigures, DayTail
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckVoided
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.close import HELD_S, CloseParts, Closing
from tillkeeper.day.index import DayIndex
from tillkeeper.day.members import DayMembers, MemberParts
from tillkeeper.errors import Refused
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.till.z_numbers import ZNumbers

DAY = "2026-11-20"
FRONT, SIDE = LogId("front", "f1"), LogId("side", "s1")
TAIL = 9
"""What side says that it wrote."""


class Front:
    """The primary. Of side's log it holds what `held` says, which it is asked at each look."""

    primary, epoch = "front", Epoch(1, "front")

    def __init__(self, folder: Path, held: Callable[[float], int]) -> None:
        self._held, self._loop = held, asyncio.get_running_loop()
        self.held_at_figures: list[int] = []
        index = DayIndex()
        sold = Envelope("s", *FRONT, 1, "check_voided", 1, DAY, 1_795_000_000_000, "{}", "", "")
        index.take(sold, CheckVoided(check_id="c", reason="left"))
        members = DayMembers(
            MemberParts(
                register="front", logs=cast(Any, self), index=index, members=lambda: ("front", "side"),
                states=cast(Any, {"side": Near({FRONT: 100})}), finals=lambda _name: {}, now_s=self._loop.time,
                writing=lambda: FRONT.incarnation,
            )
        )  # fmt: skip
        mine = cast(Any, self)
        self.closing = Closing(
            CloseParts(
                register="front", stamp=mine, index=index, members=members, tails=mine, books=mine, duty=self, ask=self.ask,
                caught_up=self.caught_up, now_s=self._loop.time, numbers=ZNumbers(folder / "z.json"),
            )
        )  # fmt: skip

    def today(self) -> str:
        return DAY

    def holds(self) -> bool:
        return True

    def held(self) -> int:
        return self._held(self._loop.time())

    def heads(self) -> dict[LogId, Mark]:
        return {FRONT: Mark(*FRONT, 1, ""), SIDE: Mark(*SIDE, self.held(), "")}

    async def declare(self, _day: str, _epoch: Epoch) -> DayTail:
        return DayTail(FRONT.incarnation, 1)

    async def ask(self, register: str, _topic: str, body: bytes, _within_s: float) -> bytes:
        assert (register, msgspec.json.decode(body, type=DayAsk)) == ("side", DayAsk(DAY, self.epoch))
        return msgspec.json.encode(DayTail(SIDE.incarnation, TAIL))

    async def caught_up(self) -> None:
        await asyncio.sleep(0)

    async def figures(self, _day: str) -> DayFigures:
        self.held_at_figures.append(self.held())
        return DayFigures(books=DayBooks(business_day=DAY))


def test_a_close_waits_for_the_events_that_another_register_says_it_wrote(tmp_path: Path) -> None:
    async def scenario() -> None:
        front = Front(tmp_path, lambda now_s: TAIL - 2 if now_s < HELD_S / 2 else TAIL)
        closed = await front.closing.close(None, "Mia")
        assert isinstance(closed, DayClosed)
        assert closed.tails == {"front": {"f1": 1}, "side": {"s1": TAIL}}
        assert front.held_at_figures == [TAIL], "added up over all of it"

    run_virtual(scenario())


def test_where_they_do_not_come_nothing_is_added_up_and_no_number_is_used(tmp_path: Path) -> None:
    async def scenario() -> None:
        front = Front(tmp_path, lambda _now_s: TAIL - 2)
        with pytest.raises(Refused) as refused:
            await front.closing.close(None, "Mia")
        assert refused.value.code == "day_not_ready"
        (missing,) = refused.value.extra["missing"]
        assert (missing["register"], missing["state"], missing["missing"]) == ("side", "behind", 2)
        assert front.held_at_figures == []
        assert not (tmp_path / "z.json").exists()

    run_virtual(scenario())
