"""The states of a job. `TABLE` is the only place where a state changes; `docs/job-states.md` is made from it.

Every function takes a job and returns a new one; an event that the table does not know raises and changes nothing.
"""

from typing import Any, Literal, get_args

import msgspec

from tillkeeper.contract.values import JobState
from tillkeeper.errors import Conflict
from tillkeeper.journal.records import JobRow
from tillkeeper.spool.model import Job

JobEvent = Literal[
    "attempt_began",  # the token is stored, the first byte may leave
    "refused",  # no byte left
    "went_out",  # left, on a device that can not confirm, with a clean status
    "was_confirmed",  # the device itself said that it is done
    "to_be_repeated",  # outcome unknown: again, marked
    "left_unconfirmed",  # outcome unknown, and it is not repeated
    "was_held",  # waits for a person
    "was_released",  # a person wants it now
    "was_rerouted",  # another device has it as a new job
    "was_rejected",  # this document can not be done here
    "grew_too_old",  # nobody needs it any more
    "was_cancelled",  # a person does not want it
    "was_doubted",  # the journal is an older copy: an attempt may have begun that it does not know
]

TABLE: dict[tuple[JobState, JobEvent], JobState] = {
    ("queued", "attempt_began"): "sending",
    ("queued", "was_held"): "held",
    ("queued", "was_rerouted"): "rerouted",
    ("queued", "was_rejected"): "failed",
    ("queued", "grew_too_old"): "expired",
    ("queued", "was_cancelled"): "expired",
    ("queued", "was_doubted"): "sending",
    ("sending", "refused"): "queued",
    ("sending", "went_out"): "sent",
    ("sending", "was_confirmed"): "confirmed",
    ("sending", "to_be_repeated"): "queued",
    ("sending", "left_unconfirmed"): "unconfirmed",
    ("sending", "was_held"): "held",
    ("sending", "was_rejected"): "failed",
    ("held", "was_released"): "queued",
    ("held", "was_cancelled"): "expired",
    ("held", "left_unconfirmed"): "unconfirmed",
    ("held", "was_doubted"): "sending",
}

SETTLED: frozenset[JobState] = frozenset({"sent", "confirmed", "unconfirmed", "failed", "expired", "rerouted"})
"""Ends. A settled job leaves memory and is not loaded at start."""

_ENDS: dict[JobState, JobEvent] = {
    "sent": "went_out",
    "confirmed": "was_confirmed",
    "unconfirmed": "left_unconfirmed",
    "failed": "was_rejected",
}
"""By which an attempt comes to which end."""

REROUTED = "REROUTED"
"""How every mark of a document begins that was meant for another device."""
CARRY = "CARRY TO KITCHEN"
"""How the mark of a ticket begins that came out at the register because no device of its station can be reached."""


class IllegalTransition(Conflict):
    """The job is in a state that does not know this event; nothing has changed."""

    code = "illegal_transition"


def move(job: Job, event: JobEvent, **changes: Any) -> Job:
    """The job after `event`, with `changes` to its other fields.

    Raises:
        IllegalTransition: `TABLE` has no such step.
    """
    state = TABLE.get((job.state, event))
    if state is None:
        raise IllegalTransition("change", f"job {job.job_id}", f"a job that is {job.state} can not be told {event}")
    return msgspec.structs.replace(job, state=state, **changes)


def begin(job: Job, token: str) -> Job:
    """An attempt, to be stored before the first byte. `token`: four characters 20h-7Eh."""
    return move(job, "attempt_began", token=token, attempts=job.attempts + 1, reason="", evidence="")


def settle(job: Job, event: JobEvent, now_ms: int, *, reason: str = "", evidence: str = "") -> Job:
    """An end, or `held`."""
    after = move(job, event, token="", reason=reason, evidence=evidence)
    return msgspec.structs.replace(after, settled_at_ms=now_ms if is_settled(after.state) else None)


def refuse(job: Job, now_ms: int, reason: str) -> Job:
    """Back in the queue without a byte sent."""
    since = job.first_refused_at_ms if job.first_refused_at_ms is not None else now_ms
    return move(job, "refused", token="", reason=reason, first_refused_at_ms=since)


def lose(job: Job, event: JobEvent, now_ms: int, *, reason: str, mark: str = "", next_try_at_ms: int = 0) -> Job:
    """An attempt ended unknown. From now on every attempt of this document carries `mark`."""
    after = settle(job, event, now_ms, reason=reason)
    return msgspec.structs.replace(
        after,
        may_have_printed=True,
        unknown_attempts=job.unknown_attempts + 1,
        next_try_at_ms=next_try_at_ms,
        marks=with_mark(job.marks, mark) if mark else job.marks,
    )


def recall(job: Job, outcome: JobState, now_ms: int, *, reason: str, evidence: str = "") -> Job:
    """The end (one of `SETTLED`) that the job had in a time that this journal does not know."""
    if outcome in ("expired", "rerouted"):
        if job.state != "queued":
            job = move(job, "refused" if job.state == "sending" else "was_released")
        event: JobEvent = "was_cancelled" if outcome == "expired" else "was_rerouted"
        return settle(job, event, now_ms, reason=reason, evidence=evidence)
    if job.state != "sending":
        job = move(job, "was_doubted")
    return settle(job, _ENDS[outcome], now_ms, reason=reason, evidence=evidence)


def release(job: Job, now_ms: int, by: str) -> Job:
    """A person wants a held job now; its age and its attempts count anew."""
    return move(
        job,
        "was_released",
        released_at_ms=now_ms,
        next_try_at_ms=0,
        first_refused_at_ms=None,
        unknown_attempts=0,
        reason=f"released by {by}" if by else "released",
    )


def moved_to(job: Job, new_job_id: str, device: str, mark: str) -> Job:
    """The new job that another device gets for a rerouted one; what may be on paper already stays known. An empty `mark`: it
    is back where it belongs."""
    kept = tuple(other for other in job.marks if not other.startswith((REROUTED, CARRY)))
    again = device in job.visited
    return msgspec.structs.replace(
        job,
        job_id=new_job_id,
        device=device,
        state="queued",
        origin=job.origin or job.job_id,
        marks=with_mark(kept, mark) if mark else kept,
        rerouted_from=job.device,
        home=job.home or job.device,
        visited=(job.device,) if again else (*job.visited, job.device),
        round=job.round + again,
        attempts=0,
        first_refused_at_ms=None,
        next_try_at_ms=0,
        token="",
        reason="",
        evidence="",
    )


def together(job: Job, others: tuple[Job, ...]) -> Job:
    """One paper for several jobs that say the same: it carries what is known of any of them."""
    marks = job.marks
    for other in others:
        for mark in other.marks:
            marks = with_mark(marks, mark)
    printed = job.may_have_printed or any(other.may_have_printed for other in others)
    return msgspec.structs.replace(job, marks=marks, may_have_printed=printed)


def with_mark(marks: tuple[str, ...], mark: str) -> tuple[str, ...]:
    """Each mark once, in the order in which they came."""
    return marks if mark in marks else (*marks, mark)


def is_settled(state: JobState) -> bool:
    return state in SETTLED


# --- as rows ---

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Job).decode


def job_row(job: Job) -> JobRow:
    """The job as the journal keeps it."""
    return JobRow(
        job_id=job.job_id,
        device=job.device,
        state=job.state,
        created_at_ms=job.created_at_ms,
        settled=is_settled(job.state),
        body=_encode(job),
        check_id=job.check_id,
    )


def decode(body: bytes) -> Job:
    """The job of a row's body. Raises msgspec.DecodeError where it is of no known form."""
    return _decode(body)


# --- as a picture ---


def render_states() -> str:
    """`docs/job-states.md`, made from `TABLE`."""
    lines = [
        "# States of a job",
        "",
        "Made from `tillkeeper.spool.jobs.TABLE` by `python -m tillkeeper.spool.jobs`; a test compares. An event that is not",
        "in the table raises `IllegalTransition` and changes nothing.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> queued",
        *(f"    {state} --> {after}: {event}" for (state, event), after in TABLE.items()),
        *(f"    {state} --> [*]" for state in get_args(JobState) if state in SETTLED),
        "```",
        "",
        "| state | event | new state |",
        "|---|---|---|",
        *(f"| {state} | {event} | {after} |" for (state, event), after in TABLE.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_states(), end="")
