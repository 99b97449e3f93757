"""From the agent's own values to what clients read. Pure: texts, totals and times are arguments."""

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from tillkeeper.contract import views as v
from tillkeeper.contract.authorisations import FrozenView
from tillkeeper.contract.together import ElsewhereView
from tillkeeper.contract.values import Personal, Totals
from tillkeeper.sales.authorisations import frozen
from tillkeeper.sales.merge import overpaid_minor
from tillkeeper.sales.model import Authorisation, Check, Line
from tillkeeper.spool.model import Job, ReceiptData, TicketData
from tillkeeper_drivers.api import NOT_THERE, Reason, Status

TROUBLE_WORDS: dict[Reason, str] = {
    "unreachable": "does not answer (is it switched on and connected?)",
    "not_plugged_in": "is not plugged in (look at its cable and its power)",
    "no_permission": "may not be opened by the agent's user",
    "wrong_device": "is not the device at this address: nothing is sent to it",
    "unknown_model": "is of a model that no file tells of: nothing is sent to it",
    "busy": "is busy with another computer",
    "cover_open": "the cover is open",
    "paper_out": "the paper is out",
    "cutter": "the cutter is stuck",
    "temperature": "is too hot: it goes on by itself in a minute",
    "offline": "says that it is offline",
    "unrecoverable": "has a fault: switch it off and on",
    "no_answer": "is connected and silent",
    "lost": "the connection broke",
    "unsupported": "can not do this",
    "bad_document": "did not accept a document",
    "stalled": "stopped taking data",
}

UNSHOWN = "no tablet and no browser shows it (is one switched on, and its page open?)"
"""Of a kitchen page that nobody has open: it calls the register, never the register it."""
_REASON = re.compile(rf"(?:(?<=\()|^)(?:{'|'.join(TROUBLE_WORDS)})(?=\)|$)")


def line_state(line: Line) -> v.LineState:
    if line.quantity == 0:
        return "voided"
    if line.fired:
        return "fired"
    if line.fire_at_ms is not None:
        return "scheduled"
    return "held" if line.held else "waiting"


def _line_view(line: Line) -> v.LineView:
    return v.LineView(
        line_id=line.line_id,
        item_id=line.item_id,
        name=line.name,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        state=line_state(line),
        tax=line.tax,
        station=line.station,
        modifiers=line.modifiers,
        seat=line.seat,
        course=line.course,
        order_type=line.order_type,
        note=line.note,
        fire_at_ms=None if line.fired else line.fire_at_ms,
        voided_quantity=line.voided_quantity,
        refunded_quantity=line.refunded_quantity,
    )


def _frozen_view(one: Authorisation) -> FrozenView:
    return FrozenView(
        authorisation_id=one.authorisation_id,
        state=one.state,
        situation=one.situation,
        tender=one.tender,
        amount_minor=one.amount_minor,
        asked_at_ms=one.asked_at_ms,
        reason=one.reason,
    )


def _text(personal: Personal | None, texts: Mapping[str, str]) -> str | None:
    return None if personal is None else texts.get(personal.digest)


def check_view(
    check: Check, totals: Totals, texts: Mapping[str, str], *, synced: bool, elsewhere: ElsewhereView | None = None
) -> v.CheckView:
    """`texts`: digest -> text, for those that are still held; a digest without one was erased."""
    personal = {"name": check.name, "phone": check.phone, "note": check.note}
    return v.CheckView(
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        state=check.state,
        synced=synced,
        order_type=check.order_type,
        business_day=check.business_day,
        opened_at_ms=check.opened_at_ms,
        terminal=check.terminal,
        catalogue_version=check.catalogue_version,
        totals=totals,
        number=check.number,
        table=check.table,
        covers=check.covers,
        server=check.server,
        name=_text(check.name, texts),
        phone=_text(check.phone, texts),
        note=_text(check.note, texts),
        erased=tuple(field for field, value in personal.items() if value is not None and value.digest not in texts),
        lines=tuple(_line_view(line) for line in check.lines),
        discounts=tuple(v.DiscountView(**msgspec.structs.asdict(discount)) for discount in check.discounts),
        payments=tuple(v.PaymentView(**msgspec.structs.asdict(payment)) for payment in check.payments),
        refunds=tuple(v.RefundView(**msgspec.structs.asdict(refund)) for refund in check.refunds),
        receipts=check.receipts,
        closed_at_ms=check.closed_at_ms,
        void_reason=check.void_reason,
        awaiting=check.awaiting,
        training=check.training,
        car=check.car,
        elsewhere=elsewhere,
        doubt=check.doubt,
        conflicts=check.conflicts,
        overpaid_minor=overpaid_minor(check, totals),
        slip=check.slip,
        frozen=tuple(_frozen_view(one) for one in frozen(check)),
    )


def check_summary(
    check: Check, totals: Totals, texts: Mapping[str, str], *, synced: bool, elsewhere: ElsewhereView | None = None
) -> v.CheckSummary:
    return v.CheckSummary(
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        state=check.state,
        synced=synced,
        order_type=check.order_type,
        business_day=check.business_day,
        opened_at_ms=check.opened_at_ms,
        terminal=check.terminal,
        gross_minor=totals.gross_minor,
        due_minor=totals.due_minor,
        lines=sum(1 for line in check.lines if line.quantity > 0),
        number=check.number,
        table=check.table,
        server=check.server,
        name=_text(check.name, texts),
        closed_at_ms=check.closed_at_ms,
        awaiting=check.awaiting,
        training=check.training,
        car=check.car,
        elsewhere=elsewhere,
        doubt=check.doubt,
        conflicts=len(check.conflicts),
        slip=check.slip,
        frozen=bool(frozen(check)),
    )


def job_view(job: Job, now_ms: int) -> v.JobView:
    """`now_ms`: wall clock; an age is never negative, whatever the clock did."""
    code = job.data.ticket_code if isinstance(job.data, ReceiptData | TicketData) else ""
    return v.JobView(
        job_id=job.job_id,
        device=job.device,
        document_class=job.document_class,
        state=job.state,
        created_at_ms=job.created_at_ms,
        age_s=max(0, now_ms - job.created_at_ms) / 1000,
        check_id=job.check_id,
        ticket_code=code,
        station=job.station,
        attempts=job.attempts,
        may_have_printed=job.may_have_printed,
        marks=job.marks,
        reason=reason_words(job.reason),
        evidence=job.evidence,
        rerouted_from=job.rerouted_from,
        settled_at_ms=job.settled_at_ms,
    )


def device_view(
    device: str,
    kind: str,
    status: Status | None,
    *,
    asked_age_s: float | None = None,
    queued: int = 0,
    held: int = 0,
    stations: tuple[str, ...] = (),
    refuses: Reason | None = None,
    busy: bool = False,
) -> v.DeviceView:
    """`status` None: it was not asked since the start, and all of it is unknown. `asked_age_s`: since the last answer.
    `refuses`: why it has been taking no documents for some time, whatever it says about itself. `busy`: something waits while
    it prints for somebody else."""
    said = status or Status()
    trouble = said.trouble() or refuses
    return v.DeviceView(
        device=device,
        kind=kind,
        known=any(getattr(said, field) != "unknown" for field in ("reachable", "online", "cover_open", "paper_out")),
        asked_age_s=asked_age_s,
        reachable=said.reachable,
        online=said.online,
        cover_open=said.cover_open,
        paper_out=said.paper_out,
        paper_near_end=said.paper_near_end,
        cutter_error=said.cutter_error,
        unrecoverable_error=said.unrecoverable_error,
        auto_recoverable_error=said.auto_recoverable_error,
        temperature_error=said.temperature_error,
        mechanical_error=said.mechanical_error,
        buffer_full=said.buffer_full,
        queued=queued,
        held=held,
        behind=said.behind,
        trouble="" if trouble is None else _trouble_words(kind, said, trouble),
        note=TROUBLE_WORDS["busy"] if busy and trouble is None else "",
        detail=said.detail,
        stations=stations,
    )


def drawer_view(
    drawer: str,
    printer: str,
    status: Status | None,
    *,
    asked_age_s: float | None = None,
    drawer_open: v.Tri = "unknown",
    refuses: Reason | None = None,
    stuck: bool = False,
) -> v.DeviceView:
    """As `device_view`, of a drawer at `printer`, whose `status` it is: paper, cover and cutter do not concern a drawer."""
    said = status or Status()
    away = (said.trouble() if said.reachable == "no" else None) or (refuses if refuses in NOT_THERE else None)
    trouble = "did not open when it was last kicked" if stuck else ""
    return v.DeviceView(
        device=drawer,
        kind="drawer",
        known=said.reachable != "unknown" or drawer_open != "unknown",
        asked_age_s=asked_age_s,
        reachable="no" if away else said.reachable,
        drawer_open=drawer_open,
        trouble=f"its printer, {printer}, {TROUBLE_WORDS[away]}" if away else trouble,
        detail=said.detail if away else "",
    )


def wired_view(view: v.DeviceView, register: str) -> v.DeviceView:
    """Of a device that is wired to another register: what is known of it is what that one says."""
    there = f"on register {register}"
    if view.trouble and view.detail and not view.detail.startswith(there):
        return msgspec.structs.replace(view, register=register, trouble=f"can not be used: {view.detail}")
    return msgspec.structs.replace(view, register=register, trouble=f"{there}: {view.trouble}" if view.trouble else "")


def reason_words(reason: str) -> str:
    """Why a job is as it is, for people: a `Reason` in it (alone, or in brackets within a sentence) in words."""
    return _REASON.sub(lambda found: TROUBLE_WORDS[cast(Reason, found[0])], reason)


def _trouble_words(kind: str, said: Status, trouble: Reason) -> str:
    if kind == "display" and trouble == "unreachable":
        return UNSHOWN
    if trouble == "offline" and said.mechanical_error == "yes":
        return "has a mechanical error: open its cover, take out jammed paper, shut it"
    return TROUBLE_WORDS[trouble]
