"""The route table as data: the server's routes and its OpenAPI document are both made from `OPERATIONS`."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from tillkeeper.api import (
    after,
    authorisations,
    cash,
    day,
    found,
    modes,
    network,
    online,
    pairings,
    people,
    previews,
    privacy,
    roles,
    stock,
    trust,
    upkeep,
)
from tillkeeper.api.ports import BooksQuery, ChecksQuery, JobsQuery, Till
from tillkeeper.api.routes import Answer, Call, Operation, PersonBody, command, read
from tillkeeper.contract import commands as c
from tillkeeper.contract import views as v
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.pages import PageSettings
from tillkeeper.contract.together import TakeCheck
from tillkeeper.errors import Refused
from tillkeeper.sales.permits import require_all


async def _health(_till: Till, _call: Call) -> Answer:
    return Answer(v.Health())


async def _status(till: Till, _call: Call) -> Answer:
    return Answer(await till.status())


async def _catalogue(till: Till, _call: Call) -> Answer:
    return Answer(await till.catalogue())


async def _pages(till: Till, call: Call) -> Answer:
    return Answer(replace(await till.pages(), scope=call.caller.scope, device=call.caller.device))


async def _books(till: Till, call: Call) -> Answer:
    require_all("read", "books", ("reports",), call.caller)  # the cash of the day tells what a blind count should come to
    return Answer(await till.books(call.query))


async def _check(till: Till, call: Call) -> Answer:
    return Answer(await till.check(call.params["check_id"]))


async def _checks(till: Till, call: Call) -> Answer:
    return Answer(await till.checks(call.query))


async def _job(till: Till, call: Call) -> Answer:
    return Answer(await till.job(call.params["job_id"]))


async def _jobs(till: Till, call: Call) -> Answer:
    asked: JobsQuery = call.query
    found = await till.jobs(asked)
    return Answer(v.JobPage(jobs=found, more=len(found) >= asked.limit))


async def _devices(till: Till, _call: Call) -> Answer:
    return Answer(v.DeviceList(devices=await till.devices()))


def _person(call: Call, operation: str) -> str:
    """Who does it. Work on devices needs no permission of its own, but somebody: raises `SignInNeeded`."""
    require_all(operation, " ".join(call.params.values()), (), call.caller)
    return call.caller.person(call.body.by)


def _practises(caller: Caller) -> bool:
    """Whether this caller works on jobs of practice only."""
    return caller.scope != "full" and (caller.training or caller.must_practise)


async def _release(till: Till, call: Call) -> Answer:
    person = await _person_at_job(till, call, "release")
    return Answer(*await till.release_job(call.key, call.params["job_id"], person))


async def _release_all(till: Till, call: Call) -> Answer:
    person = _person(call, "release")
    return Answer(*await till.release_jobs(call.key, person, training=_practises(call.caller)))


async def _cancel(till: Till, call: Call) -> Answer:
    person = await _person_at_job(till, call, "cancel")
    return Answer(*await till.cancel_job(call.key, call.params["job_id"], person))


async def _person_at_job(till: Till, call: Call, operation: str) -> str:
    """As `_person`; in training only jobs of practice. Raises `Refused` (`not_training`)."""
    person = _person(call, operation)
    if _practises(call.caller):
        job = await till.job(call.params["job_id"])
        if not job.check_id or not (await till.check(job.check_id)).training:
            cause, hint = "it is no practice", "switch training off to work on it"
            raise Refused("not_training", operation, f"job {job.job_id}", cause, hint)
    return person


async def _test_slip(till: Till, call: Call) -> Answer:
    return Answer(*await till.test_slip(call.key, call.params["device"], _person(call, "test")))


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
    command(_CHECK + "/take", TakeCheck, "Go on here with a check of another register"),
    command(_CHECK + "/await", c.AwaitTender, "Settle a check by a tender that can not be taken now, or take that back"),
    command(_CHECK + "/void", c.VoidCheck, "Void a check"),
    command(_CHECK + "/refunds", c.RefundCheck, "Give money back on a closed check"),
    command(_CHECK + "/receipt", c.ReprintReceipt, "Print the receipt again, marked as a copy"),
    command(_CHECK + "/ticket", c.ReprintTicket, "Print the last kitchen ticket again, marked"),
    command("/v1/no-sales", c.RecordNoSale, "Open the drawer without a sale", "register"),
    read("/v1/jobs", "list_jobs", "What waits for devices, oldest first", v.JobPage, _jobs, tag="devices", query=JobsQuery),
    read("/v1/jobs/{job_id}", "get_job", "One job", v.JobView, _job, tag="devices"),
    _device_work("/v1/jobs/release", "release_jobs", "Print all held kitchen tickets now, in order", v.JobPage, _release_all),
    _device_work("/v1/jobs/{job_id}/release", "release_job", "Print a held job now", v.JobView, _release),
    _device_work("/v1/jobs/{job_id}/cancel", "cancel_job", "Never print this job", v.JobView, _cancel),
    read("/v1/devices", "list_devices", "What the devices last said", v.DeviceList, _devices, tag="devices"),
    _device_work("/v1/devices/{device}/test", "test_device", "Print a test slip", c.JobRef, _test_slip),
    read("/v1/status", "get_status", "Everything about this register, of one moment", v.StatusView, _status),
    read("/v1/health", "get_health", "Whether the agent runs; needs no token", v.Health, _health),
    read("/v1/catalogue", "get_catalogue", "What can be sold and how it can be paid", v.CatalogueView, _catalogue),
    read("/v1/pages", "get_pages", "What pages need to know of the store", PageSettings, _pages),
    read("/v1/books", "get_books", "The sums of a business day", v.BooksView, _books, query=BooksQuery),
    *stock.OPERATIONS,
    *people.OPERATIONS,
    *cash.OPERATIONS,
    *day.OPERATIONS,
    *authorisations.OPERATIONS,
    *previews.OPERATIONS,
    *network.OPERATIONS,
    *found.OPERATIONS,
    *trust.OPERATIONS,
    *modes.OPERATIONS,
    *privacy.OPERATIONS,
    *roles.OPERATIONS,
    *after.OPERATIONS,
    *online.OPERATIONS,
    *upkeep.OPERATIONS,
    *pairings.OPERATIONS,
)
