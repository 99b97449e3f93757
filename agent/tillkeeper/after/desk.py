"""After an outage: one list for the whole store of what needs a person. Each register tells what it knows; what was settled at
one is listed nowhere any more."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from tillkeeper.after.fold import Owed
from tillkeeper.after.listing import Told, merged
from tillkeeper.clock import WallClock
from tillkeeper.contract.after import SETTLED_BY_A_WORD, AfterQuery, AfterView, SettleTask, TaskSettled, TaskView
from tillkeeper.contract.base import Command
from tillkeeper.contract.bodies import reader
from tillkeeper.contract.commands import CommandResult
from tillkeeper.errors import NotFound, Refused, TillkeeperError
from tillkeeper.till.compose import Draft, Moment

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

TOPIC = "after.say"
WITHIN_S = 1.0
KEPT_S = 1.0
"""So long the answers of the others are kept."""
MAX_TOLD = 400
MAX_SETTLED_TOLD = 2_000

_decode = reader(Told)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class AfterParts:
    """`own`: what this register knows beside the logs' own tasks. `order`: all registers of the store. `peers` None: it keeps
    to itself."""

    register: str
    order: Sequence[str]
    owed: Owed
    own: Callable[[], list[TaskView]]
    peers: "PeersDesk | None"
    now_ms: WallClock
    now_s: Callable[[], float]


class AfterDesk:
    """A desk (`till.desk.Desk`) for what a word settles."""

    name = "after"
    commands: tuple[type[Command], ...] = (SettleTask,)

    def __init__(self, parts: AfterParts) -> None:
        self._ = parts
        self._one = asyncio.Lock()
        self._kept: tuple[float, list[Told], list[str]] | None = None
        if parts.peers is not None:
            parts.peers.answers[TOPIC] = self._say

    # --- reading ---

    async def view(self, query: AfterQuery) -> AfterView:
        """The others are asked as of a second ago at most. Raises: StorageUnreadable."""
        others, unknown = await self._others() if query.store else ([], [])
        return merged(self._told(), others, unknown, query.limit, self._.now_ms())

    def _told(self) -> Told:
        tasks = [task for task in self._.own() if not self._.owed.is_settled(task.task_id)]
        return Told(
            register=self._.register,
            tasks=(*self._.owed.tasks(self._.register, self._.now_ms()), *tasks)[:MAX_TOLD],
            settled=self._.owed.settled(MAX_SETTLED_TOLD),
        )

    async def _say(self, _register: str, _body: bytes) -> bytes:
        return _encode(self._told())

    async def _others(self) -> tuple[list[Told], list[str]]:
        async with self._one:
            if self._kept is None or self._.now_s() - self._kept[0] >= KEPT_S:
                names = [name for name in self._.order if name != self._.register]
                told = await asyncio.gather(*map(self._ask, names))
                unknown = [f"register {name}: {one}" for name, one in zip(names, told, strict=True) if isinstance(one, str)]
                self._kept = self._.now_s(), [one for one in told if isinstance(one, Told)], unknown
            return self._kept[1], self._kept[2]

    async def _ask(self, register: str) -> Told | str:
        """What it says, or why it says nothing."""
        if self._.peers is None:
            return "this register asks nobody: it has no keys of the store"
        try:
            return _decode(await self._.peers.ask(register, TOPIC, b"", WITHIN_S, call=True))
        except msgspec.DecodeError:
            return "it says what is not understood here"
        except TillkeeperError as error:
            return "it has an older version" if error.code == "unknown_topic" else error.cause

    # --- settling ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """Raises: NotFound; Refused: not_settled_by_a_word, reason_needed."""
        asked = cast(SettleTask, command)
        if self._.owed.is_settled(asked.task_id):
            return Draft((), None, (), (), CommandResult(events=0, entity_id=asked.task_id))
        view = await self.view(AfterQuery(limit=500))
        task = next((task for task in view.tasks if task.task_id == asked.task_id), None)
        if task is None:
            raise NotFound("settle", f"task {asked.task_id}", "no task of this name is left to do", "see `tillkeeper after`")
        if task.kind not in SETTLED_BY_A_WORD:
            cause = f"{task.words}; saying so does not end it"
            raise Refused("not_settled_by_a_word", "settle", task.task_id, cause, task.hint)
        if (task.kind == "overpaid" or asked.how != "seen") and not asked.reason.strip():
            raise Refused("reason_needed", "settle", task.task_id, "money is at stake", "say what was done, in a few words")
        event = TaskSettled(
            task_id=task.task_id, kind=task.kind, how=asked.how, reason=asked.reason.strip(),
            amount_minor=task.amount_minor or 0, by=asked.by,
        )  # fmt: skip
        return Draft((moment.stamp(event),), None, (), (), CommandResult(events=1, entity_id=task.task_id))

    def accepted(self, draft: Draft) -> None:
        for new in draft.events:
            if isinstance(new.event, TaskSettled):
                self._.owed.settle(new.event.task_id, new.at_ms)
