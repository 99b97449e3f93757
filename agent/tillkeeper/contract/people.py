"""Staff: who may do what, who is signed in where, hours and tips. Events, commands and views of one room.

PINs never appear here but in `SignIn` and `AskApproval`, which are never stored, logged or given an idempotency key.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import AmountOrNone, Command, Day, Event, Id, View
from tillkeeper.contract.caller import Permission
from tillkeeper.contract.values import TimeEntryKind

Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,8}$(?!\n)")]
Clocked = Literal["out", "in", "break"]


# --- events ---


class StaffAdopted(Event, frozen=True):
    """The roster that is in force from now on, by the SHA-256 of its content (without PINs or their digests)."""

    sha256: str
    members: int
    by: str = ""
    """Who changed the roster's file, as that says."""


class SignedIn(Event, frozen=True):
    employee: str
    terminal: str
    training: bool = False


class SignedOut(Event, frozen=True):
    """`cause`: by_hand, replaced (somebody signed in there), expired, removed (no longer on the roster, or the terminal is
    gone), pin_changed."""

    employee: str
    terminal: str
    cause: str = "by_hand"


class TrainingSwitched(Event, frozen=True):
    """From now on what is rung in this session is practice, or counts."""

    employee: str
    terminal: str
    on: bool


class SignInLockedOut(Event, frozen=True):
    """Too many wrong PINs at a terminal; nobody can sign in there for `seconds`."""

    terminal: str
    failures: int
    seconds: int


class ApprovalGiven(Event, frozen=True):
    """`approver` allowed `employee` one command that needs `permission`: the one whose events follow in the same batch."""

    approver: str
    employee: str
    terminal: str
    permission: str
    command: str
    check_id: str = ""


class TimeEntryRecorded(Event, frozen=True):
    """`by` where another person than the employee entered it."""

    entry_id: str
    employee: str
    kind: TimeEntryKind
    entered_at_ms: int
    by: str = ""


class TipsDeclared(Event, frozen=True):
    """Cash tips that an employee says to have kept in the shift, in store currency; the last word counts. Never part of a
    drawer."""

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
    """`at_ms`: when it was, for what was forgotten; after the employee's last entry and not ahead. None: now."""

    employee: Id
    kind: TimeEntryKind
    at_ms: Annotated[int, Meta(ge=0, le=9_999_999_999_999)] | None = None


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


class SignedOutView(View, frozen=True):
    """Nobody is signed in under that session any more."""

    signed_out: bool = True


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


class StaffListVersion(View, frozen=True):
    """Which list of staff a register has. `version`: the same wherever the list is. `changed_at_ms`: when somebody was changed
    last, by the clock of who did it."""

    version: str
    changed_at_ms: int
    people: int


class StaffList(View, frozen=True):
    staff: tuple[StaffMember, ...]


class TimeEntryView(View, frozen=True):
    entry_id: str
    employee: str
    name: str
    kind: TimeEntryKind
    entered_at_ms: int
    business_day: str
    """On which its shift began."""
    by: str = ""


class WorkedView(View, frozen=True):
    """Minutes of one employee in the shifts that began on one day, breaks taken off; `open`: still clocked in, counted up
    to now."""

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


