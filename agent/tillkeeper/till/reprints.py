"""A receipt or a kitchen ticket once more, marked as a copy. Pure."""

from tillkeeper.contract.base import Event
from tillkeeper.contract.commands import CommandResult, JobRef, ReprintReceipt, ReprintTicket
from tillkeeper.errors import NotFound, Refused
from tillkeeper.kitchen.tickets import reprint
from tillkeeper.layouts.copies import refuse_copies
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.sales.training import kitchen_of
from tillkeeper.spool.model import Job
from tillkeeper.till.compose import Draft, Moment, receipt


def reprinted(command: ReprintReceipt | ReprintTicket, check: Check, moment: Moment) -> Draft:
    """Raises: Refused (`nothing_to_reprint`, or no more copies), NotFound (the station was told nothing)."""
    events: list[Event] = []
    jobs: list[Job] = []
    if isinstance(command, ReprintTicket):
        if command.station is not None and command.station not in check.stations:
            told = ", ".join(check.stations) or "no station"
            cause = "it was told nothing of this check"
            raise NotFound("reprint", f"ticket of station {command.station}", cause, f"told: {told}")
        for event, job in reprint(
            check, kitchen_of(moment.config, check), moment.now_ms, moment.new_id, by=command.by, station=command.station
        ):
            events.append(event)
            jobs.append(job)
    elif check.receipts or check.slip is not None:  # what was on paper has no receipt until one is wanted
        refuse_copies(check.receipts, moment.config, check.ticket_code)
        sums = check.closed_totals or totals(check, rules_of(moment.config.store))
        if (made := receipt(check, sums, moment, copy=check.receipts)) is not None:
            events.append(made[0])
            jobs.append(made[1])
            check = apply(check, made[0], moment.business_day, moment.now_ms)
    if not jobs:
        raise Refused("nothing_to_reprint", "reprint", f"check {check.ticket_code}", "nothing was printed for it yet")
    result = CommandResult(
        events=len(events),
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        state=check.state,
        jobs=tuple(JobRef(job.job_id, job.document_class, job.device, job.station) for job in jobs),
    )
    return Draft(tuple(map(moment.stamp, events)), check, tuple(jobs), (), result)
