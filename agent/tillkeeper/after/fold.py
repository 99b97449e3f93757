"""What the logs of the store say about an outage: which tasks it left behind, and which of them somebody has settled. Pure.

Logs come in any interleaving, so what settles a task may be seen before the task itself.
"""

import msgspec

from tillkeeper.after.money import KINDS, Money
from tillkeeper.contract.after import TaskKind, TaskSettled, TaskView, Way, task_id
from tillkeeper.contract.base import Event
from tillkeeper.contract.day import DayClosed
from tillkeeper.contract.days import Close, close_of, counting
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckOpened, IncarnationBegan
from tillkeeper.contract.paper import SlipEntered

MAX_SETTLED = 10_000
MAX_TASKS = 2_000
"""Open tasks; the oldest are forgotten first, and `forgotten` says so."""
MAX_CODES = 2_000
MAX_CLOSES = 800
"""Two years of days, or fewer where days were closed twice."""


class _Kept(msgspec.Struct):
    tasks: dict[str, TaskView] = {}
    settled: dict[str, int] = {}
    codes: dict[str, str] = {}
    closes: list[tuple[Close, int, str]] = []
    forgotten: int = 0
    money: Money = msgspec.field(default_factory=Money)


class Owed:
    """A follower (`replication.following.Follower`). `tasks`: what is to be dealt with, by id. `settled`: ids and when."""

    name = "after"
    kinds: frozenset[str] | None = KINDS | {"task_settled", "check_opened", "day_closed", "slip_entered", "incarnation_began"}

    def __init__(self) -> None:
        self._ = _Kept()

    def dump(self) -> bytes:
        return msgspec.json.encode(self._)

    def load(self, state: bytes) -> None:
        self._ = msgspec.json.decode(state, type=_Kept)

    # --- what there is ---

    @property
    def forgotten(self) -> int:
        return self._.forgotten

    def is_settled(self, name: str) -> bool:
        return name in self._.settled

    def settled(self, most: int) -> tuple[str, ...]:
        """The newest of them."""
        return tuple(sorted(self._.settled, key=self._.settled.__getitem__, reverse=True)[:most])

    def code(self, check_id: str) -> str:
        """The ticket code of a check that was opened of late; empty where it is not remembered."""
        return self._.codes.get(check_id, "")

    def tasks(self, me: str, now_ms: int) -> tuple[TaskView, ...]:
        """None that was settled. `me`: the register whose requests the ways are. `now_ms`: wall clock."""
        found = (*self._.tasks.values(), *self._closed_twice(), *self._.money.tasks(me, now_ms, self._.codes))
        return tuple(task for task in found if task.task_id not in self._.settled)

    # --- what happens ---

    def settle(self, name: str, at_ms: int) -> None:
        self._.settled[name] = max(at_ms, self._.settled.get(name, 0))
        self._.tasks.pop(name, None)
        if len(self._.settled) > MAX_SETTLED:
            del self._.settled[min(self._.settled, key=self._.settled.__getitem__)]

    def take(self, envelope: Envelope, event: Event) -> None:
        match event:
            case TaskSettled():
                self.settle(event.task_id, envelope.at_ms)
            case CheckOpened():
                self._.codes[event.check_id] = event.ticket_code
                if len(self._.codes) > MAX_CODES:
                    del self._.codes[next(iter(self._.codes))]
            case DayClosed():
                self._closed(envelope, event)
            case IncarnationBegan(reason="corrupt_journal"):
                register, file = envelope.register, event.set_aside or "a file beside it"
                self._add(
                    "set_aside", envelope, task_id("set_aside", register, envelope.incarnation), register,
                    f"The journal of register {register} was damaged and put aside as {file}: what nobody else had of it and "
                    "what can not be read any more is in no books and on no Z",
                    "Compare its receipts of that time with the books. Keep the file; support can look into it.",
                )  # fmt: skip
            case SlipEntered() if not event.training:
                again = ", a number that was entered before" if event.doubled else ""
                self._add(
                    "from_paper", envelope, task_id("from_paper", event.check_id), envelope.register,
                    f"Entered from paper: slip {event.slip}{again}",
                    "Compare it with the slip, then it is done.",
                    amount_minor=event.amount_minor, check_id=event.check_id,
                )  # fmt: skip
            case _:
                self._.money.take(envelope, event)

    def _closed(self, envelope: Envelope, event: DayClosed) -> None:
        self._.closes.append((close_of(envelope, event), envelope.at_ms, event.by))
        self._.closes = sorted(self._.closes, key=lambda kept: kept[0].day)[-MAX_CLOSES:]
        for gap in event.gaps:
            self._add(
                "gap", envelope, task_id("gap", event.day, gap.register), gap.register,
                f"{event.day} was closed without all of register {gap.register}: {gap.reason or 'no reason given'}",
                "What it still has counts once it comes, as of that day. Look whether that register is back.",
            )  # fmt: skip
        for one in event.figures.adjustments:
            books = one.figures
            self._add(
                "adjustment", envelope, task_id("adjustment", event.day, one.of, event.z), envelope.register,
                f"What came after {one.of} was closed is booked in {event.day}",
                "Tell your bookkeeper: the papers of both days say it.",
                amount_minor=books.gross_minor,
            )  # fmt: skip

    def _add(
        self, kind: TaskKind, envelope: Envelope, name: str, register: str, words: str, hint: str, *,
        amount_minor: int | None = None, check_id: str = "", ticket_code: str = "", ways: tuple[Way, ...] = (),
    ) -> None:  # fmt: skip
        if name in self._.settled:
            return
        self._.tasks[name] = TaskView(
            task_id=name, kind=kind, register=register, words=words, hint=hint, at_ms=envelope.at_ms,
            business_day=envelope.business_day, amount_minor=amount_minor, check_id=check_id,
            ticket_code=ticket_code or self.code(check_id), ways=ways, settles=True,
        )  # fmt: skip
        if len(self._.tasks) > MAX_TASKS:
            del self._.tasks[min(self._.tasks, key=lambda one: self._.tasks[one].at_ms)]
            self._.forgotten += 1

    def _closed_twice(self) -> list[TaskView]:
        closes = [close for close, _, _ in self._.closes]
        counts = counting(closes)
        return [
            TaskView(
                task_id=task_id("late_close", close.day, close.at.register, close.z),
                kind="late_close",
                register=close.at.register,
                words=f"{close.day} was closed twice: Z {close.z} of register {close.at.register} does not count, "
                f"Z {counts[close.day].z} of register {counts[close.day].at.register} does",
                hint="Throw the paper away that does not count. Nothing is lost or booked twice.",
                at_ms=at_ms,
                business_day=close.day,
                settles=True,
            )
            for close, at_ms, _ in self._.closes
            if close.day in counts and close != counts[close.day]
        ]
