"""The end of day in the route table."""

from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract import day as d
from tillkeeper.contract.base import Day
from tillkeeper.errors import BadRequest
from tillkeeper.sales.permits import require_all

_DAY = "/v1/days/{day}"
_decode_day = msgspec.json.Decoder(Day).decode


class DaysQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`before`: only days before it."""

    before: Day | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 31


def _named(call: Call) -> str:
    given = call.params["day"]
    try:
        return _decode_day(msgspec.json.encode(given))
    except msgspec.ValidationError as error:
        raise BadRequest("find", f"day {given[:20]}", "a day is written YYYY-MM-DD") from error


async def _status(till: Till, _call: Call) -> Answer:
    return Answer(await till.day.status())


async def _days(till: Till, call: Call) -> Answer:
    require_all("read", "days", ("reports",), call.caller)
    return Answer(await till.day.days(call.query.before, call.query.limit))


async def _report(till: Till, call: Call) -> Answer:
    require_all("read", "day", ("reports",), call.caller)
    return Answer(await till.day.report(_named(call)))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/day", "get_day", "What would be closed next, and what that waits for", d.DayStatus, _status, tag="day"),
    command("/v1/day/close", d.CloseDay, "Close a business day of the whole store", "day"),
    command("/v1/day/gaps", d.DeclareGap, "Close without what is missing of a register's log", "day"),
    command("/v1/registers/{register}/park", d.ParkRegister, "The close of a day waits for this register no more", "day"),
    command("/v1/registers/{register}/unpark", d.UnparkRegister, "The close of a day waits for this register again", "day"),
    read("/v1/days", "list_days", "Closed days, newest first", d.ClosedDayList, _days, tag="day", query=DaysQuery),
    read(_DAY, "get_day_report", "A day of the whole store", d.DayReport, _report, tag="day"),
    command(_DAY + "/report", d.PrintDayReport, "Print the Z of a day again", "day"),
)
