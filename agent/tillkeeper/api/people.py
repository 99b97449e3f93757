"""The routes of people: sign in and out, approvals, the time clock, tips."""

from collections.abc import Awaitable, Callable

import msgspec

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract import people as p

Run = Callable[[Till, Call], Awaitable[Answer]]


async def _sign_in(till: Till, call: Call) -> Answer:
    asked: p.SignIn = call.body
    return Answer(await till.people.sign_in(asked.pin, asked.training, call.caller))


async def _sign_out(till: Till, call: Call) -> Answer:
    await till.people.sign_out(call.session)
    return Answer(p.SignedOutView())


async def _session(till: Till, call: Call) -> Answer:
    return Answer(till.people.session(call.session))


async def _training(till: Till, call: Call) -> Answer:
    asked: p.SetTraining = call.body
    return Answer(await till.people.set_training(asked.on, call.session, call.caller))


async def _approve(till: Till, call: Call) -> Answer:
    asked: p.AskApproval = call.body
    return Answer(await till.people.approve(asked.pin, asked.permission, call.caller))


async def _staff(till: Till, _call: Call) -> Answer:
    return Answer(till.hours.staff())


async def _time_entries(till: Till, call: Call) -> Answer:
    return Answer(till.hours.time_entries(call.query))


def _act(path: str, name: str, summary: str, answer: type, run: Run, body: type[msgspec.Struct] | None = None) -> Operation:
    """A POST without an Idempotency-Key: a PIN is never kept with a key, and each of these may be said twice."""
    return Operation(method="POST", path=path, id=name, summary=summary, answer=answer, run=run, body=body, tag="people")


OPERATIONS: tuple[Operation, ...] = (
    _act("/v1/sign-in", "sign_in", "Sign in with a PIN", p.SessionView, _sign_in, p.SignIn),
    _act("/v1/sign-out", "sign_out", "End the session", p.SignedOutView, _sign_out),
    read("/v1/session", "get_session", "Who is signed in", p.SessionView, _session, tag="people"),
    _act("/v1/session/training", "set_training", "Begin or end practice", p.SessionView, _training, p.SetTraining),
    _act("/v1/approvals", "ask_approval", "Somebody else's PIN for one command", p.ApprovalView, _approve, p.AskApproval),
    read("/v1/staff", "list_staff", "Who works here, and who is clocked in", p.StaffList, _staff, tag="people"),
    command("/v1/time-entries", p.RecordTimeEntry, "Clock in or out, begin or end a break", "people"),
    read(
        "/v1/time-entries",
        "list_time_entries",
        "The shifts that began on a day, and what they come to",
        p.TimeEntryList,
        _time_entries,
        tag="people",
        query=p.TimeEntriesQuery,
    ),
    command("/v1/tips", p.DeclareTips, "Declare the cash tips of a shift", "people"),
)
