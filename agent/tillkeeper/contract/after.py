"""After an outage: what needs a person, and whether the whole store is well again. Event, command and views of one room."""

import hashlib
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Command, Event, Id, ShortText, View
from tillkeeper.contract.caller import Permission

TaskKind = Literal[
    "frozen_sale",
    "reversal_owed",
    "overpaid",
    "merged",
    "awaiting",
    "held",
    "quarantine",
    "set_aside",
    "adjustment",
    "gap",
    "late_close",
    "from_paper",
]
"""In the order in which they are listed: money of guests first, then what the kitchen waits for, then the books.
frozen_sale: an authorisation with no known end. reversal_owed: a card may have been charged for nothing. overpaid: more was
paid than is due. merged: two registers had one check. awaiting: a guest is gone, a card is to be charged. held: paper that
waits for a person. quarantine: events that a holder does not take. set_aside: a damaged journal may hold sales that nobody else
has. adjustment: came after its day was closed. gap: a day was closed without all events of a register. late_close: a day was
closed twice. from_paper: entered from a slip."""
How = Literal["seen", "settled_otherwise", "written_off"]
"""seen: nothing is left to do. settled_otherwise: done outside this system, as by a bank's own page. written_off: given up."""
SETTLED_BY_A_WORD: frozenset[TaskKind] = frozenset(
    ("overpaid", "merged", "quarantine", "set_aside", "adjustment", "gap", "late_close", "from_paper")
)
"""Where `SettleTask` is enough; all others go by what resolves them."""
MAX_ID = 64


def task_id(kind: TaskKind, *parts: str | int) -> str:
    """The same on every register, and another for another matter: `kind:part:part`, with a digest where that is too long."""
    made = ":".join(map(str, (kind, *parts)))
    return made if len(made) <= MAX_ID else f"{kind}:{hashlib.sha256(made.encode()).hexdigest()[:40]}"


class TaskSettled(Event, frozen=True):
    """A person has dealt with it: it is listed nowhere any more. `amount_minor` as it was listed."""

    task_id: str
    kind: str
    how: str
    reason: str = ""
    amount_minor: int = 0
    by: str = ""


class SettleTask(Command, frozen=True, tag="settle_task"):
    """Only of tasks that `settles` says; `reason` is needed unless it was only seen."""

    task_id: Id
    how: How = "seen"
    reason: ShortText = ""


class Way(msgspec.Struct, frozen=True):
    """One tap that resolves a task: a request that is ready to be sent. `permission`: what a person needs for it.
    `amount_minor` where the tap moves money."""

    label: str
    path: str
    body: dict[str, Any] = {}
    method: Literal["POST"] = "POST"
    permission: Permission | None = None
    amount_minor: int = 0


class TaskView(View, frozen=True):
    """`register`: which one it is about. `at_ms`: since when (wall clock of that register). `amount_minor`: what is at stake,
    None where that is not about money or not known. `words`: what it is. `hint`: what resolves it. `ways`: each is one request,
    to this register. `settles`: `SettleTask` takes it away. `only_there`: it is resolved at that register alone."""

    task_id: str
    kind: TaskKind
    register: str
    words: str
    hint: str
    at_ms: int
    business_day: str = ""
    amount_minor: int | None = None
    check_id: str = ""
    ticket_code: str = ""
    ways: tuple[Way, ...] = ()
    settles: bool = False
    only_there: bool = False


class AfterView(View, frozen=True):
    """`words`: one sentence. `unknown`: what could not be asked, in words: it may hold more. `more`: how many were left off."""

    words: str
    tasks: tuple[TaskView, ...]
    unknown: tuple[str, ...] = ()
    more: int = 0
    at_ms: int = 0


# --- all green? ---


class GreenSaid(View, frozen=True):
    """What a register says of itself. `to_hq`: own events not at HQ, None without one. `troubles`: why it is not green, in
    words; none: it is. `notices`: what is worth a look and keeps nobody from selling."""

    register: str
    version: str
    mode: str
    colour: str
    words: str
    at_ms: int
    selling: bool
    only_here: int
    to_hq: int | None
    jobs_waiting: int
    jobs_held: int
    troubles: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    hq: bool | None = None
    """Whether HQ answers it; None where none is configured."""


class GreenRegister(View, frozen=True):
    """`heard`: it answered now. `silent_s`: since its last word, None where it never said one since this register's start."""

    register: str
    green: bool
    heard: bool
    words: str
    silent_s: float | None = None
    said: GreenSaid | None = None


class GreenView(View, frozen=True):
    """`green` only where every register of the store said so itself, and HQ answers where there is one. `words`: a sentence."""

    green: bool
    words: str
    at_ms: int
    registers: tuple[GreenRegister, ...]
    hq: GreenRegister | None = None


Limit = Annotated[int, Meta(ge=1, le=500)]


class AfterQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`store`: ask the other registers, too, for what only they know."""

    limit: Limit = 200
    store: bool = True
