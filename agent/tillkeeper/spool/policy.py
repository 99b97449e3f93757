"""What follows from what happened to a document, by its class (the table of `docs/devices-policy.md`). Pure: `now_ms` (wall
clock, ms since the epoch) and `jitter` (0 to 1) are arguments, decisions are values, the worker carries them out."""

from typing import Literal

import msgspec

from tillkeeper.contract.values import DocumentClass
from tillkeeper.spool.jobs import CARRY, REROUTED
from tillkeeper.spool.model import Job, WiredData
from tillkeeper_drivers.api import NOT_THERE, Reason, Status

POSSIBLE_DUPLICATE = "POSSIBLE DUPLICATE"
DUPLICATE = "DUPLICATE"

RETRY_FIRST_MS = 250
RETRY_MOST_MS = 5_000
REPEAT_AFTER_MS = 15_000
"""From the start of the attempt that nobody answered to its marked repeat."""
MAX_REPEATS = 5
"""After that many attempts with unknown outcome a kitchen document waits for a person."""
BUSY_PATIENCE = 3
"""A busy device is not dead: fail-over waits this many times longer."""
ISLAND_PATIENCE_MS = 5_000
"""Where the network is known to be cut off nobody waits longer for what can not come; a plug put back at once is waited for."""
MOST_ROUNDS = 4
"""Patience doubles with each round of a ticket, so many times."""
RECEIPT_STALE_MS = 15 * 60_000
"""The guest has left: an older receipt is held; so is a report, which a person wants at once or not at all."""
PULSE_STALE_MS = 10_000
"""A drawer never opens late."""
TEST_SLIP_STALE_MS = 60_000
NONSENSE_WAIT_MS = 60_000
"""No wait is longer: one that seems to be comes from a wall clock that was set back."""

KITCHEN: frozenset[DocumentClass] = frozenset({"kitchen_ticket", "change_slip"})
HOPELESS: frozenset[Reason] = frozenset({"unsupported", "bad_document"})


class Route(msgspec.Struct, frozen=True):
    """What the config says about the job's station; the defaults serve documents without one. `devices` (its own) and
    `backups` are device ids."""

    title: str = ""
    devices: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    carry: bool = False
    alarm_after_ms: int = 0
    on_unknown: Literal["reprint_marked", "hold"] = "reprint_marked"
    stale_after_ms: int = 1_800_000
    reroute_after_ms: int = 20_000


# --- decisions ---


class Go(msgspec.Struct, frozen=True, tag=True):
    pass


class Retry(msgspec.Struct, frozen=True, tag=True):
    """Not before `after_ms` from now."""

    after_ms: int


class Repeat(msgspec.Struct, frozen=True, tag=True):
    """Print again with `mark`, not before `at_ms`."""

    at_ms: int
    mark: str


class Reroute(msgspec.Struct, frozen=True, tag=True):
    """`carried`: to the register's own printer, for a person to bring it; the tickets of the station's other devices are the
    same paper."""

    to_device: str
    mark: str
    carried: bool = False


class Hold(msgspec.Struct, frozen=True, tag=True):
    """`mark`: carried by what a person releases."""

    reason: str
    mark: str = ""


class Expire(msgspec.Struct, frozen=True, tag=True):
    reason: str


class Fail(msgspec.Struct, frozen=True, tag=True):
    reason: str


class LeaveUnconfirmed(msgspec.Struct, frozen=True, tag=True):
    reason: str


AfterRefusal = Retry | Reroute | Fail
AfterUnknown = Repeat | Hold | LeaveUnconfirmed


def before_attempt(job: Job, route: Route, now_ms: int) -> Go | Hold | Expire:
    """Whether the document is still wanted at its age; a release starts the age anew."""
    age_ms = now_ms - (job.released_at_ms if job.released_at_ms is not None else job.created_at_ms)
    seconds = age_ms // 1000
    if job.document_class == "drawer_pulse":
        # From the future as well: the clock was set back since, and nobody can tell how late it is by now.
        return Expire(f"{seconds} s old: a drawer does not open late") if abs(age_ms) > PULSE_STALE_MS else Go()
    if job.document_class == "test_slip":
        return Expire(f"{seconds} s old") if age_ms > TEST_SLIP_STALE_MS else Go()
    if job.document_class == "receipt":
        return Hold(f"{seconds} s old: the guest has left") if age_ms > RECEIPT_STALE_MS else Go()
    if job.document_class == "report":
        return Hold(f"{seconds} s old: release it if it is still wanted") if age_ms > RECEIPT_STALE_MS else Go()
    return Hold(f"{seconds} s old: release it if it is still wanted") if age_ms > route.stale_after_ms else Go()


def after_refusal(
    job: Job,
    reason: Reason,
    route: Route,
    now_ms: int,
    *,
    refusals: int,
    since_ms: int,
    open_backups: tuple[str, ...],
    jitter: float,
    carry_to: str = "",
    island: bool = False,
) -> AfterRefusal:
    """No byte left, or the device says beforehand that it can not.

    Args:
        refusals: how many in a row, this one included.
        since_ms: since when the device has refused.
        open_backups: those that can take it over, best first.
        carry_to: the printer at the register, where nothing that the station has can be reached; else empty.
        island: this register is known to be cut off from the store's network.
    """
    if isinstance(job.data, WiredData):
        return Fail(reason)  # what follows is decided by the register whose job it is
    takes_over = _elsewhere(job, reason, route, open_backups, carry_to)
    if reason in HOPELESS:
        return Fail(reason) if takes_over is None or takes_over.carried else takes_over
    patience_ms = route.reroute_after_ms * (BUSY_PATIENCE if reason == "busy" else 1) << min(job.round, MOST_ROUNDS)
    if island and reason in NOT_THERE:
        patience_ms = min(patience_ms, ISLAND_PATIENCE_MS)
    if takes_over is not None and now_ms - since_ms >= patience_ms:
        return takes_over
    return Retry(backoff_ms(refusals, jitter))


def _elsewhere(job: Job, reason: Reason, route: Route, open_backups: tuple[str, ...], carry_to: str) -> Reroute | None:
    if job.document_class not in KITCHEN:
        return None
    if open_backups:
        home = job.home or job.device
        return Reroute(open_backups[0], "" if open_backups[0] == home else rerouted_mark(route, job))
    if carry_to and reason in NOT_THERE:
        return Reroute(carry_to, carry_mark(route, job), carried=True)
    return None


def after_unknown(job: Job, reason: str, route: Route, now_ms: int, *, began_ms: int) -> AfterUnknown:
    """Bytes left and nobody confirmed them, or the agent died in between. `began_ms`: when the attempt began."""
    if job.document_class in ("drawer_pulse", "test_slip") or isinstance(job.data, WiredData):
        return LeaveUnconfirmed(reason)
    mark = unknown_mark(job)
    if job.document_class in ("receipt", "report") or route.on_unknown == "hold":
        return Hold(f"it may have printed ({reason}): look", mark)
    if job.unknown_attempts + 1 >= MAX_REPEATS:
        return Hold(f"it may have printed, tried {MAX_REPEATS} times ({reason}): look", mark)
    return Repeat(max(now_ms, began_ms + REPEAT_AFTER_MS), mark)


def unknown_mark(job: Job) -> str:
    """What a document carries that may be on paper already; empty where it is never done again."""
    if job.document_class in ("drawer_pulse", "test_slip"):
        return ""
    return DUPLICATE if job.document_class in ("receipt", "report") else POSSIBLE_DUPLICATE


def may_repeat_now(status: Status) -> Reason | None:
    """None where the status is clean; else why a repeat has to wait. A silent device is not clean."""
    trouble = status.trouble()
    if trouble is not None:
        return trouble
    return None if status.reachable == "yes" else "no_answer"


def backoff_ms(refusals: int, jitter: float) -> int:
    """Doubles from `RETRY_FIRST_MS` to `RETRY_MOST_MS`; `jitter` (0 to 1) takes off up to a half, so that two registers
    that share a printer do not knock in step."""
    full = min(RETRY_MOST_MS, RETRY_FIRST_MS << min(16, max(0, refusals - 1)))
    return int(full * (1 - jitter / 2))


def wait_ms(job: Job, now_ms: int) -> int:
    """How long this one job has to wait yet."""
    wait = job.next_try_at_ms - now_ms
    return wait if 0 < wait <= NONSENSE_WAIT_MS else 0


def rerouted_mark(route: Route, job: Job) -> str:
    return f"{REROUTED} FROM {(route.title or job.device).upper()}"


def carry_mark(route: Route, job: Job) -> str:
    return f"{CARRY}: {(route.title or job.station).upper()}"


def alarming(job: Job, route: Route, now_ms: int) -> bool:
    """Whether people have to be told that this ticket has not come out. What is held has an alarm of its own, and a device that
    can not confirm is done with a ticket that went out."""
    if job.document_class not in KITCHEN or job.state not in ("queued", "sending") or not route.alarm_after_ms:
        return False
    since_ms = job.released_at_ms if job.released_at_ms is not None else job.created_at_ms
    return now_ms - since_ms >= route.alarm_after_ms
