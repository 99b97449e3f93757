"""The lease of the primary as either side sees it, and what the witnesses' answers allow. Pure.

All times are seconds of the own CLOCK_BOOTTIME, which neither a wall clock that is set nor a suspended machine moves. The
primary counts `LEASE_S` from before it sent the renewal that was answered; the backup waits `GRACE_S` from when it received the
last one, so that clocks which run apart by `DRIFT` never make two holders.
"""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.roles import Epoch, Phase, WitnessSaid
from tillkeeper.roles.records import Record

LEASE_S = 3.0
RENEW_S = 1.0
DRIFT = 0.01
MARGIN_S = 0.5
GRACE_S = LEASE_S * (1 + DRIFT) + MARGIN_S
FIRST_S = 60.0
"""So long primary and backup wait for each other at first: in the morning one of them is switched on before the other."""
RETURN_S = 10.0
"""So long an absent register answers without a gap, and has all events, before it is the backup again."""
CATCH_UP_S = 30.0
"""A register that gets the primary's role waits at most so long for events that others hold."""
PROMOTED_CATCH_UP_S = 1.0
"""The same for a backup, which has got everything all the time."""

Finding = Literal["no_role", "primary_heard", "primary_silent", "not_ready", "lapsed", "leased", "no_backup"]

PHASES: dict[tuple[str, Finding], Phase] = {
    ("none", "no_role"): "following",
    ("backup", "primary_heard"): "guarding",
    ("backup", "primary_silent"): "watching",
    ("primary", "not_ready"): "waiting",
    ("primary", "lapsed"): "waiting",
    ("primary", "leased"): "holding",
    ("primary", "no_backup"): "alone",
}
"""The only place where it is said what a register is: by the role that the record gives it and what its clock finds."""
HOLDING: frozenset[Phase] = frozenset({"holding", "alone"})
"""In these the primary may do what only one may."""


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """What a register remembers of one record, in memory: a restart begins anew.

    `since_s`: since when it goes by the record. `asked_s`: when the newest renewal was sent that the backup answered;
    `granted_s`: when the backup last answered one, at first when it began to be the backup. `continuous`: it has answered one
    since its start. `ready_s`: from when the primary may act at all. `released`: all who had a role before have acknowledged.
    `caught_up`: the primary holds what others hold."""

    since_s: float
    asked_s: float = -math.inf
    granted_s: float = -math.inf
    continuous: bool = False
    ready_s: float = -math.inf
    released: bool = True
    caught_up: bool = True


def started(record: Record, now_s: float, *, released: bool) -> Times:
    """At the start of the agent. A primary without a backup acts after a while: it may have been replaced while it was off, and
    hears of it first."""
    return Times(
        since_s=now_s, granted_s=now_s, ready_s=now_s if record.backup else now_s + GRACE_S,
        released=released or not record.releases, caught_up=False,
    )  # fmt: skip


def adopted(times: Times, before: Record, record: Record, me: str, now_s: float) -> Times:
    """From `before` to a higher `record`. Whoever was primary and still is goes on, under a lease of the new epoch; whoever
    becomes it waits out the lease of one who was not asked."""
    stays = before.primary == me == record.primary
    own = record.epoch.register == me and record.cause in ("promoted", "declared_alone")
    ready_s = now_s + GRACE_S if record.absent and not own else now_s
    return Times(
        since_s=now_s,
        granted_s=now_s,
        continuous=times.continuous and before.backup == me == record.backup,
        ready_s=max(times.ready_s, now_s) if stays else ready_s,
        released=not record.releases,
        caught_up=times.caught_up and stays,
    )


def finding(record: Record, times: Times, me: str, now_s: float) -> Finding:
    match record.role(me):
        case "none":
            return "no_role"
        case "backup":
            return "primary_silent" if now_s - times.granted_s >= GRACE_S else "primary_heard"
    if now_s < times.ready_s or not times.released or not times.caught_up:
        return "not_ready"
    if not record.backup:
        return "no_backup"
    return "leased" if now_s < times.asked_s + LEASE_S else "lapsed"


def phase(record: Record, times: Times, me: str, now_s: float) -> Phase:
    """What the register is at this moment."""
    return PHASES[record.role(me), finding(record, times, me, now_s)]


def holds(record: Record, times: Times, me: str, now_s: float) -> bool:
    """Whether it may do at this moment what only the primary may."""
    return phase(record, times, me, now_s) in HOLDING


def renewed(times: Times, sent_s: float) -> Times:
    """The backup has answered a renewal of this record that was sent then."""
    return replace(times, asked_s=max(times.asked_s, sent_s))


def granted(times: Times, now_s: float) -> Times:
    """The backup answers a renewal of this record. It counts whether the answer arrives or not."""
    return replace(times, granted_s=max(times.granted_s, now_s), continuous=True)


def caught_up(record: Record, times: Times, behind: int, now_s: float) -> Times:
    """`behind`: events that others hold and this register does not."""
    longest_s = PROMOTED_CATCH_UP_S if record.cause == "promoted" else CATCH_UP_S
    return replace(times, caught_up=True) if behind == 0 or now_s - times.since_s >= longest_s else times


def may_stand(record: Record, times: Times, me: str, now_s: float, *, by_hand: bool = False) -> bool:
    """Whether the other side of the lease is away as far as this side can see: then witnesses are asked. `by_hand`: a manager
    who has looked need not wait as long as both have not met yet."""
    first_s = GRACE_S if by_hand else FIRST_S
    if record.role(me) == "backup":
        return now_s - times.granted_s >= (GRACE_S if times.continuous else first_s)
    longest_s = GRACE_S if times.asked_s > -math.inf else first_s
    waiting = record.role(me) == "primary" and bool(record.backup) and now_s >= times.ready_s and times.released
    return waiting and now_s - max(times.asked_s, times.since_s) >= longest_s


def next_record(record: Record, me: str, epoch: Epoch, *, released: bool, witness: str = "", by: str = "") -> Record:
    """What the primary or the backup decides once the other one is agreed to be away, by a witness or by a manager. Whose
    acknowledgement is still missing under `record` must give it under the new one; that of its primary too, which may not even
    know of `record`, unless a manager has looked."""
    promotes = record.backup == me
    away = record.primary if promotes else record.backup
    missing = () if released else (*record.releases, record.primary)
    return Record(
        primary=me, absent=away, epoch=epoch, cause="promoted" if promotes else "declared_alone", witness=witness, by=by,
        releases=tuple(dict.fromkeys(one for one in missing if one != me and not (by and one == away))),
    )  # fmt: skip


# --- witnesses ---


def verdict(answers: Mapping[str, WitnessSaid | None], *, all_of_them: bool) -> tuple[bool, str]:
    """Whether witnesses allow the step, and why not.

    Args:
        answers: of every witness that there is, None of those that did not answer.
        all_of_them: each must agree. The backup needs one only, as long as it has answered the primary since its start: then
            nobody can have declared it away without a witness that now refuses. The primary needs all of them, for the backup
            needs only one.
    """
    for says, words in (("refuses", "knows better"), ("hears", "hears it")):
        if found := [name for name, said in answers.items() if said is not None and said.says == says]:
            return False, f"{_names(found)} {words}"
    silent = [name for name, said in answers.items() if said is None]
    if len(silent) == len(answers):
        return False, "there is nobody to witness it" if not answers else f"{_names(silent)} can not be asked"
    if all_of_them and silent:
        return False, f"{_names(silent)} can not be asked"
    return True, ""


def _names(names: list[str]) -> str:
    return " and ".join(name if name == HQ else f"register {name}" for name in names)


HQ = "HQ"
"""As a witness."""
