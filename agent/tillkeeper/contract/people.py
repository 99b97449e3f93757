"""Staff: who may do what, who is signed in where, hours and tips. Events, commands and views of one room.

PINs never appear here but in `SignIn` and `AskApproval`, which are never stored, logged or given an idempotency key.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import AmountOrNone, Command, Day, Event, Id, View
from tillkeeper.contract.caller import Permission
from tillkeeper.contract.values import TimeEntryKind

Pin = Annotated[str, Meta(pattern=r"^\d{4,8}$(?!\n)")]
Clocked = Literal["out", "in", "break"]


# --- events ---


class StaffAdopted(Event, frozen=True):
    """The roster that is in force from now on, by the SHA-256 of its content (without PINs or their digests)."""

    sha256: str
    members: int


class SignedIn(Event, frozen=True):
    employee: str
    terminal: str
    training: bool = False


class SignedOut(Event, frozen=True):
    """`cause`: by_hand, replaced (somebody else signed in there), expired, removed (no longer on the roster)."""

    employee: str
    terminal: str
    cause: str = "by_hand"


class SignInLockedOut(Event, frozen=True):
    """Too many wrong PINs at a terminal; nobody can sign in there for `seconds`."""

    terminal: str
    failures: int
    seconds: int


class ApprovalGiven(Event, frozen=True):
    """`approver` allowed `employee` one command that needs `permission`."""

    approver: str
    employee: str
    terminal: str
    permission: str


class TimeEntryRecorded(Event, frozen=True):
    """`by` where another person than the employee entered it."""

    entry_id: str
    employee: str
    kind: TimeEntryKind
    entered_at_ms: int
    by: str = ""


class TipsDeclared(Event, frozen=True):
    """Cash tips that an employee says to have kept, in store currency; never part of a drawer."""

    declaration_id: str
    employee: str
    cash_tips_minor: int
    by: str = ""


# --- commands ---


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pin: Pin
    training: bool = False


class AskApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another person's PIN for one command that the signed-in person may not do."""

    pin: Pin
    permission: Permission


class SetTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    on: bool


class RecordTimeEntry(Command, frozen=True, tag="record_time_entry"):
    employee: Id
    kind: TimeEntryKind


class DeclareTips(Command, frozen=True, tag="declare_tips"):
    employee: Id
    cash_tips_minor: AmountOrNone


# --- views ---


class SessionView(View, frozen=True):
    """Who is signed in. `session` goes into the header `Tillkeeper-Session`; empty when it is only asked for again."""

    session: str
    employee: str
    name: str
    roles: tuple[str, ...]
    permissions: tuple[Permission, ...]
    terminal: str
    training: bool
    clocked: Clocked
    signed_in_at_ms: int


class ApprovalView(View, frozen=True):
    """`approval` goes into the header `Tillkeeper-Approval` of one command, within `expires_s`."""

    approval: str
    approver: str
    name: str
    expires_s: float


class StaffMember(View, frozen=True):
    employee: str
    name: str
    roles: tuple[str, ...]
    clocked: Clocked
    since_at_ms: int | None = None


class StaffList(View, frozen=True):
    staff: tuple[StaffMember, ...]


class TimeEntryView(View, frozen=True):
    entry_id: str
    employee: str
    name: str
    kind: TimeEntryKind
    entered_at_ms: int
    business_day: str
    by: str = ""


class WorkedView(View, frozen=True):
    """Minutes of one employee on one day, breaks taken off; `open`: still clocked in, counted up to now."""

    employee: str
    name: str
    worked_min: int
    break_min: int
    cash_tips_minor: int
    open: bool


class TimeEntryList(View, frozen=True):
    """Oldest first."""

    entries: tuple[TimeEntryView, ...]
    worked: tuple[WorkedView, ...]


class TimeEntriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`day` None: the business day that is open now."""

    employee: Id | None = None
    day: Day | None = None


