"""Jobs as documents: which layout a job takes, for paper and for displays."""

from collections.abc import Mapping
from typing import cast

from tillkeeper.config.model import Config
from tillkeeper.kitchen import receipt_layout, slip_layout, ticket_layout
from tillkeeper.kitchen.local_time import local_text
from tillkeeper.kitchen.words import order_type_words
from tillkeeper.spool.model import Job, PulseData, ReceiptData, TicketData
from tillkeeper_drivers.api import Action, DisplayDocument, Document, PrintDocument, PulseDocument, Ticket, TicketItem


def print_document(job: Job, config: Config, personal: Mapping[str, str]) -> PrintDocument:
    """The job on paper.

    Args:
        job: with `TicketData`, `ReceiptData` or `TestSlipData`.
        personal: the texts of `job.personal` by field (`name`, `note`); one that was erased is absent.

    Raises:
        TypeError: a drawer pulse has no paper.
    """
    data = job.data
    if isinstance(data, TicketData):
        blocks = ticket_layout.blocks(data, job.marks, config, personal)
    elif isinstance(data, ReceiptData):
        blocks = receipt_layout.blocks(data, job.marks, config)
    elif isinstance(data, PulseData):
        raise TypeError("a drawer pulse is not printed")
    else:
        blocks = slip_layout.blocks(data, job, config)
    return PrintDocument(job_id=job.job_id, blocks=blocks)


def pulse_document(job: Job, data: PulseData, config: Config) -> PulseDocument:
    """The kick of the drawer that `data` names, as the drawer is wired. Raises KeyError where the config has no such drawer."""
    drawer = config.devices[data.drawer]
    return PulseDocument(job_id=job.job_id, pin=drawer.pin, on_ms=drawer.on_ms)


def display_document(job: Job, data: TicketData, config: Config, personal: Mapping[str, str]) -> DisplayDocument:
    """A ticket for a kitchen display."""
    items = tuple(
        TicketItem(
            line_id=item.line_id,
            quantity=item.quantity,
            name=item.name,
            action=cast(Action, item.action),
            modifiers=item.modifiers,
            note=item.note,
            seat=item.seat,
            course=item.course,
            order_type=order_type_words(item.order_type) if item.order_type else "",
            previous_quantity=item.previous_quantity,
        )
        for item in data.items
    )
    ticket = Ticket(
        check_id=data.check_id,
        ticket_code=data.ticket_code,
        revision=data.revision,
        station=data.station,
        order_type=order_type_words(data.order_type),
        items=items,
        fired_at_ms=data.fired_at_ms,
        fired_at_text=local_text(data.fired_at_ms, config.store.timezone, "%H:%M:%S"),
        table=data.table,
        server=data.server,
        terminal=data.terminal,
        name=personal.get("name", ""),
        covers=data.covers,
        note=personal.get("note", ""),
        check_number=data.check_number,
    )
    return DisplayDocument(job_id=job.job_id, ticket=ticket, marks=job.marks)


def document(job: Job, config: Config, personal: Mapping[str, str]) -> Document:
    """The job as its device takes it: a kick, a ticket on a display, or paper."""
    if isinstance(job.data, PulseData):
        return pulse_document(job, job.data, config)
    device = config.devices.get(job.device)
    if isinstance(job.data, TicketData) and device is not None and device.kind in ("display", "escpos_display"):
        return display_document(job, job.data, config, personal)
    return print_document(job, config, personal)
