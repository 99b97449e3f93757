"""The route table as data: the server's routes and its OpenAPI document are both made from `OPERATIONS`."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from tillkeeper.api.ports import BooksQuery, ChecksQuery, JobsQuery, Till
from tillkeeper.contract import commands as c
from tillkeeper.contract import views as v
from tillkeeper.contract.base import Command, ShortText
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.pages import PageSettings
from tillkeeper.contract.people import RecordTimeEntry


class Call(msgspec.Struct, frozen=True):
    """A request, taken apart. `body` and `query` are what the operation's types say, None where it has none. `session`: the
    header of this name, for what is about the session itself."""

    params: dict[str, str]
    key: str = ""
    body: Any = None
    query: Any = None
    caller: Caller = INTEGRATION
    session: str = ""


class Answer(msgspec.Struct, frozen=True):
    """`replayed`: this is the answer of the first time that the key was seen."""

    value: Any
    replayed: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`body` is decoded from JSON and `query` from the query string; `changes`: it wants an Idempotency-Key."""

    method: str
    path: str
    id: str
    summary: str
    answer: Any
    run: Callable[[Till, Call], Awaitable[Answer]]
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    changes: bool = False
    tag: str = ""


class PersonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks."""

    by: ShortText = ""


def path_names(path: str) -> tuple[str, ...]:
    """The names in braces: `/v1/checks/{check_id}` -> ("check_id",)."""
    return tuple(part[1:-1] for part in path.split("/") if part.startswith("{"))


def body_of(command: type[Command], given: tuple[str, ...]) -> type[msgspec.Struct]:
    """The struct of the request body: the command's fields with their bounds, without those that the path gives."""
    fields: list[tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(command):
        if field.name in given:
            continue
        default: Any = msgspec.NODEFAULT
        if field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        elif field.default is not msgspec.NODEFAULT:
            default = msgspec.field(default=field.default)
        fields.append((field.name, field.type, default))
    return msgspec.defstruct(
        f"{command.__name__}Body",
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        namespace={"__doc__": command.__doc__ or ""},
        module=__name__,
    )


def command(path: str, form: type[c.AnyCommand], summary: str, tag: str = "checks") -> Operation:
    body = body_of(form, path_names(path))
    names = [field.name for field in msgspec.structs.fields(body)]

    async def run(till: Till, call: Call) -> Answer:
        given: dict[str, Any] = call.params | {name: getattr(call.body, name) for name in names}
        result, replayed = await till.execute(call.key, form(**given), call.caller)
        return Answer(result, replayed)

    return Operation(
        method="POST",
        path=path,
        id=str(form.__struct_config__.tag),
        summary=summary,
        answer=c.CommandResult,
        run=run,
        body=body,
        changes=True,
        tag=tag,
    )


def read(
    path: str,
    name: str,
    summary: str,
    answer: Any,
    run: Callable[[Till, Call], Awaitable[Answer]],
    *,
    tag: str = "register",
    query: type[msgspec.Struct] | None = None,
) -> Operation:
    return Operation(method="GET", path=path, id=name, summary=summary, answer=answer, run=run, query=query, tag=tag)


async def _health(_till: Till, _call: Call) -> Answer:
    return Answer(v.Health())


async def _status(till: Till, _call: Call) -> Answer:
    return Answer(await till.status())


async def _catalogue(till: Till, _call: Call) -> Answer:
    return Answer(await till.catalogue())


async def _pages(till: Till, _call: Call) -> Answer:
    return Answer(await till.pages())


async def _books(till: Till, call: Call) -> Answer:
    return Answer(await till.books(call.query))


async def _check(till: Till, call: Call) -> Answer:
    return Answer(await till.check(call.params["check_id"]))


async def _checks(till: Till, call: Call) -> Answer:
    asked: ChecksQuery = call.query
    found = await till.checks(asked)
    last = found[-1].check_id if len(found) >= asked.limit else None
    return Answer(v.CheckPage(checks=found, next_before=last))


async def _job(till: Till, call: Call) -> Answer:
    return Answer(await till.job(call.params["job_id"]))


async def _jobs(till: Till, call: Call) -> Answer:
    asked: JobsQuery = call.query
    found = await till.jobs(asked)
    return Answer(v.JobPage(jobs=found, more=len(found) >= asked.limit))


async def _devices(till: Till, _call: Call) -> Answer:
    return Answer(v.DeviceList(devices=await till.devices()))


async def _release(till: Till, call: Call) -> Answer:
    return Answer(*await till.release_job(call.key, call.params["job_id"], call.body.by))


async def _cancel(till: Till, call: Call) -> Answer:
    return Answer(*await till.cancel_job(call.key, call.params["job_id"], call.body.by))


async def _test_slip(till: Till, call: Call) -> Answer:
    return Answer(*await till.test_slip(call.key, call.params["device"], call.body.by))


def _device_work(path: str, name: str, summary: str, answer: Any, run: Callable[[Till, Call], Awaitable[Answer]]) -> Operation:
    return Operation(
        method="POST", path=path, id=name, summary=summary, answer=answer, run=run, body=PersonBody, changes=True, tag="devices"
    )


_CHECK = "/v1/checks/{check_id}"
_LINE = _CHECK + "/lines/{line_id}"

OPERATIONS: tuple[Operation, ...] = (
    command("/v1/orders", c.PlaceOrder, "Open, ring, discount, send and pay in one: all of it or nothing"),
    command("/v1/checks", c.OpenCheck, "Open a check"),
    read("/v1/checks", "list_checks", "List checks, newest first", v.CheckPage, _checks, tag="checks", query=ChecksQuery),
    read(_CHECK, "get_check", "A check by long id, ticket code of today, or number", v.CheckView, _check, tag="checks"),
    command(_CHECK + "/lines", c.AddLines, "Ring lines"),
    command(_LINE + "/change", c.ChangeLine, "Change a line"),
    command(_LINE + "/void", c.VoidLine, "Void a line or some of its pieces"),
    command(_CHECK + "/order-type", c.ChangeOrderType, "Change the order type and with it the taxes"),
    command(_CHECK + "/discounts", c.ApplyDiscount, "Apply a discount"),
    command(_CHECK + "/discounts/{discount_id}/remove", c.RemoveDiscount, "Remove a discount"),
    command(_CHECK + "/send", c.SendOrder, "Send to the kitchen what is not held back"),
    command(_CHECK + "/hold", c.HoldLines, "Hold lines back from the kitchen"),
    command(_CHECK + "/fire", c.FireLines, "Fire lines or a course, now or at a time"),
    command(_CHECK + "/tenders", c.RecordTender, "Take money"),
    command(_CHECK + "/close", c.CloseCheck, "Close a check on which nothing is due"),
    command(_CHECK + "/void", c.VoidCheck, "Void a check"),
    command(_CHECK + "/refunds", c.RefundCheck, "Give money back on a closed check"),
    command(_CHECK + "/receipt", c.ReprintReceipt, "Print the receipt again, marked as a copy"),
    command(_CHECK + "/ticket", c.ReprintTicket, "Print the last kitchen ticket again, marked"),
    command("/v1/no-sales", c.RecordNoSale, "Open the drawer without a sale", "register"),
    command("/v1/time-entries", RecordTimeEntry, "Clock in or out", "register"),
    read("/v1/jobs", "list_jobs", "What waits for devices, oldest first", v.JobPage, _jobs, tag="devices", query=JobsQuery),
    read("/v1/jobs/{job_id}", "get_job", "One job", v.JobView, _job, tag="devices"),
    _device_work("/v1/jobs/{job_id}/release", "release_job", "Print a held job now", v.JobView, _release),
    _device_work("/v1/jobs/{job_id}/cancel", "cancel_job", "Never print this job", v.JobView, _cancel),
    read("/v1/devices", "list_devices", "What the devices last said", v.DeviceList, _devices, tag="devices"),
    _device_work("/v1/devices/{device}/test", "test_device", "Print a test slip", c.JobRef, _test_slip),
    read("/v1/status", "get_status", "Everything about this register, of one moment", v.StatusView, _status),
    read("/v1/health", "get_health", "Whether the agent runs; needs no token", v.Health, _health),
    read("/v1/catalogue", "get_catalogue", "What can be sold and how it can be paid", v.CatalogueView, _catalogue),
    read("/v1/pages", "get_pages", "What pages need to know of the store", PageSettings, _pages),
    read("/v1/books", "get_books", "The sums of a business day", v.BooksView, _books, query=BooksQuery),
)
