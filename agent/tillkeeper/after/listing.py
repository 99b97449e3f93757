"""What an outage left behind, from what this register has at hand: each with what resolves it. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tillkeeper.contract.after import AfterView, TaskKind, TaskView, Way, task_id
from tillkeeper.contract.base import View
from tillkeeper.contract.views import JobView

KINDS: tuple[TaskKind, ...] = TaskKind.__args__  # type: ignore[attr-defined]
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


class Awaited(msgspec.Struct, frozen=True):
    """A check whose guest is gone, to be paid by `tender`."""

    check_id: str
    ticket_code: str
    tender: str
    due_minor: int
    since_ms: int
    business_day: str


class Aside(msgspec.Struct, frozen=True):
    """Events of one log that one holder put into quarantine. `place`: "HQ", or the register that holds them. `upto`: changes
    when there are more."""

    place: str
    register: str
    incarnation: str
    count: int
    upto: int
    reason: str = ""
    at_ms: int = 0
    amount_minor: int | None = None


class Told(View, frozen=True):
    """What a register knows: its tasks, and which it knows to be settled."""

    register: str
    tasks: tuple[TaskView, ...] = ()
    settled: tuple[str, ...] = ()


def awaiting(register: str, checks: Iterable[Awaited]) -> list[TaskView]:
    return [
        TaskView(
            task_id=task_id("awaiting", one.check_id),
            kind="awaiting",
            register=register,
            words=f"{one.ticket_code} is to be paid by {one.tender}, the guest is gone",
            hint="Take the payment now that it can be authorised.",
            at_ms=one.since_ms,
            business_day=one.business_day,
            amount_minor=one.due_minor,
            check_id=one.check_id,
            ticket_code=one.ticket_code,
            ways=(
                Way(
                    f"Charge {one.tender}", f"/v1/checks/{one.check_id}/tenders", {"tender": one.tender},
                    permission="tender", amount_minor=one.due_minor,
                ),
            ),
        )
        for one in checks
    ]  # fmt: skip


def held(register: str, jobs: Iterable[JobView]) -> list[TaskView]:
    """Paper that waits for a person."""
    return [
        TaskView(
            task_id=task_id("held", job.job_id),
            kind="held",
            register=register,
            words=f"{_paper(job)} was not printed and waits{f': {job.reason}' if job.reason else ''}",
            hint="Print it now, or say that nobody needs it any more.",
            at_ms=job.created_at_ms,
            check_id=job.check_id,
            ticket_code=job.ticket_code,
            ways=(
                Way("Print now", f"/v1/jobs/{job.job_id}/release"),
                Way("Never print it", f"/v1/jobs/{job.job_id}/cancel"),
            ),
        )
        for job in jobs
    ]


_PAPERS: Mapping[str, str] = {
    "kitchen_ticket": "The kitchen ticket", "change_slip": "The change for the kitchen", "receipt": "The receipt",
    "report": "A report", "test_slip": "A test slip", "drawer_pulse": "A drawer's pulse",
}  # fmt: skip


def _paper(job: JobView) -> str:
    what = _PAPERS.get(job.document_class, job.document_class)
    return f"{what}{f' of {job.ticket_code}' if job.ticket_code else ''}{f' for {job.station}' if job.station else ''}"


def quarantine(asides: Iterable[Aside]) -> list[TaskView]:
    return [
        TaskView(
            task_id=task_id("quarantine", one.place, one.register, one.incarnation, one.upto),
            kind="quarantine",
            register=one.register,
            words=_aside_words(one),
            hint="Nothing is lost: the money counts where it was taken. Call support; HQ's page Rejected shows each.",
            at_ms=one.at_ms,
            amount_minor=one.amount_minor,
            settles=True,
        )
        for one in asides
    ]


def _aside_words(one: Aside) -> str:
    what = f"1 event of register {one.register} is" if one.count == 1 else f"{one.count} events of register {one.register} are"
    where = "HQ" if one.place == "HQ" else f"register {one.place}"
    return f"{what} in quarantine at {where}{f': {one.reason}' if one.reason else ''}"


def merged(own: Told, others: Sequence[Told], unknown: Sequence[str], limit: int, at_ms: int) -> AfterView:
    """All that anybody knows of, once, without what anybody knows to be settled. What only another register can do has no
    way here."""
    settled = {name for told in (own, *others) for name in told.settled}
    found: dict[str, TaskView] = {task.task_id: task for task in own.tasks}
    for told in others:
        for task in told.tasks:
            if task.task_id not in found:
                found[task.task_id] = _there(told.register, task)
    left = (task for name, task in found.items() if name not in settled)
    tasks = sorted(left, key=lambda task: (_RANK[task.kind], task.at_ms, task.task_id))
    more = max(0, len(tasks) - limit)
    return AfterView(words=_words(tasks, unknown), tasks=tuple(tasks[:limit]), unknown=tuple(unknown), more=more, at_ms=at_ms)


def _there(register: str, task: TaskView) -> TaskView:
    if not task.ways:
        return task
    return msgspec.structs.replace(task, ways=(), hint=f"At register {register}: {task.hint}", only_there=True)


def _words(tasks: Sequence[TaskView], unknown: Sequence[str]) -> str:
    rest = f"; {len(unknown)} could not be asked" if unknown else ""
    if not tasks:
        return f"Nothing is left to do{rest}." if unknown else "Nothing is left to do."
    money = sum(1 for task in tasks if task.amount_minor)
    of_money = f", {money} of them about money" if money else ""
    return f"{len(tasks)} thing{' is' if len(tasks) == 1 else 's are'} left to do{of_money}{rest}."
