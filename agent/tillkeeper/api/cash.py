"""Drawers in the route table."""

import msgspec

from tillkeeper.api.ports import DrawerQuery, SessionsQuery, Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract import cash as c
from tillkeeper.contract.commands import JobRef

_DRAWER = "/v1/drawers/{drawer}"


class DrawerDone(msgspec.Struct, frozen=True):
    """What a count or a Z comes to; `report` as it is when the answer is made. `jobs`: pulse or paper."""

    events: int
    report: c.DrawerReport
    jobs: tuple[JobRef, ...]


def _told(operation: Operation) -> Operation:
    """The command, answered with the report of its session: it is made after the command is durable, for before a count is, it
    can tell nobody how much was expected."""

    async def run(till: Till, call: Call) -> Answer:
        done = await operation.run(till, call)
        query = DrawerQuery(session=done.value.entity_id)
        report = await till.drawers.report(call.params["drawer"], query, call.caller)
        return Answer(DrawerDone(done.value.events, report, done.value.jobs), done.replayed)

    return msgspec.structs.replace(operation, answer=DrawerDone, run=run)


async def _list(till: Till, _call: Call) -> Answer:
    return Answer(till.drawers.drawers())


async def _report(till: Till, call: Call) -> Answer:
    return Answer(await till.drawers.report(call.params["drawer"], call.query, call.caller))


async def _sessions(till: Till, call: Call) -> Answer:
    return Answer(till.drawers.closed(call.params["drawer"], call.query))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/drawers", "list_drawers", "Drawers with their sessions", c.DrawerList, _list, tag="cash"),
    command(_DRAWER + "/open", c.OpenDrawerSession, "Begin a session with its float", "cash"),
    command(_DRAWER + "/movements", c.MoveCash, "Paid in, paid out, safe drop", "cash"),
    _told(command(_DRAWER + "/count", c.CountDrawer, "Count blind: the session takes no more money", "cash")),
    _told(command(_DRAWER + "/close", c.CloseDrawerSession, "Close a counted session and print its Z", "cash")),
    command(_DRAWER + "/report", c.PrintDrawerReport, "Print an X, or a Z again", "cash"),
    read(_DRAWER + "/report", "get_drawer_report", "X or Z", c.DrawerReport, _report, tag="cash", query=DrawerQuery),
    read(
        _DRAWER + "/sessions", "list_drawer_sessions", "Closed sessions, newest first", c.DrawerSessionList, _sessions,
        tag="cash", query=SessionsQuery,
    ),
)  # fmt: skip
