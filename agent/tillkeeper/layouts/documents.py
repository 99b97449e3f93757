"""Jobs as documents: which layout and language a job takes, for paper and for displays. Pure."""

from collections.abc import Mapping
from typing import cast

from tillkeeper.config.model import Config
from tillkeeper.layouts import paper
from tillkeeper.layouts.fields import Sheet
from tillkeeper.layouts.language import Language, language
from tillkeeper.layouts.marks import mark_texts, training_of
from tillkeeper.layouts.model import DocumentName, Layout
from tillkeeper.layouts.tickets import was_before
from tillkeeper.spool.model import Job, PulseData, ReceiptData, ReportData, TestSlipData, TicketData
from tillkeeper_drivers.api import Action, DisplayDocument, Document, PrintDocument, PulseDocument, Ticket, TicketItem

Choice = Mapping[tuple[DocumentName, str], Layout]
"""Layouts by document and station; the station is empty for the store's own choice."""


def name_of(job: Job) -> DocumentName:
    """Which document the job is. Raises TypeError: a drawer pulse has no paper."""
    data = job.data
    if isinstance(data, TicketData):
        return "change_slip" if job.document_class == "change_slip" else "kitchen_ticket"
    if isinstance(data, ReceiptData):
        return "refund_receipt" if data.title == "REFUND" else "receipt"
    if isinstance(data, ReportData):
        if data.whole_store:
            return "day_report"
        return "x_report" if data.kind == "x" else "z_report"
    if isinstance(data, PulseData):
        raise TypeError("a drawer pulse is not printed")
    return "test_slip"


def language_of(job: Job, config: Config) -> Language:
    """The station's where the job is for one that has its own, else the store's."""
    station = config.stations.get(job.station)
    return language((station.language if station is not None else "") or config.store.language)


def print_document(
    job: Job, config: Config, personal: Mapping[str, str], layouts: Choice, spoken: Language | None = None
) -> PrintDocument:
    """The job on paper.

    Args:
        job: anything but a drawer pulse.
        personal: the texts of `job.personal` by field (`name`, `note`); one that was erased is absent.
        layouts: see `shelf.chosen`.
        spoken: instead of the language that the config says.

    Raises:
        TypeError: a drawer pulse has no paper.
    """
    name = name_of(job)
    layout = layouts.get((name, job.station)) or layouts[name, ""]
    sheet = Sheet(job, config, personal, (spoken or language_of(job, config)).printable())
    return PrintDocument(job_id=job.job_id, blocks=paper.blocks(layout, sheet), bell=rings(job, config))


def rings(job: Job, config: Config) -> bool:
    """Whether the bell of the printer, where it has one, is to be heard with it: kitchen tickets and slips, in the
    kitchen, and a test slip that is to show that it rings."""
    station, device = config.stations.get(job.station), config.devices.get(job.device)
    if isinstance(job.data, TestSlipData) and device is not None:
        return job.data.bell and device.bell_pin is not None
    if not isinstance(job.data, TicketData) or station is None or device is None:
        return False
    return station.bell and device.bell_pin is not None


def pulse_document(job: Job, data: PulseData, config: Config) -> PulseDocument:
    """The kick of the drawer that `data` names, as the drawer is wired. Raises KeyError where the config has no such drawer."""
    drawer = config.devices[data.drawer]
    return PulseDocument(job_id=job.job_id, pin=drawer.pin, on_ms=drawer.on_ms)


def display_document(
    job: Job, data: TicketData, config: Config, personal: Mapping[str, str], spoken: Language | None = None
) -> DisplayDocument:
    """A ticket for a kitchen display. `spoken`: instead of the language that the config says."""
    spoken = spoken or language_of(job, config)
    sheet = Sheet(job, config, personal, spoken)
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
            order_type=spoken.order_type(item.order_type) if item.order_type else "",
            previous_quantity=item.previous_quantity,
            was=tuple(was_before(sheet, was) for was in item.was),
        )
        for item in data.items
    )
    ticket = Ticket(
        check_id=data.check_id,
        ticket_code=data.ticket_code,
        revision=data.revision,
        station=data.station,
        order_type=spoken.order_type(data.order_type),
        items=items,
        fired_at_ms=data.fired_at_ms,
        fired_at_text=spoken.time(data.fired_at_ms, config.store.timezone, seconds=True),
        table=data.table,
        server=data.server,
        terminal=data.terminal,
        name=personal.get("name", ""),
        covers=data.covers,
        car=data.car,
        note=personal.get("note", ""),
        check_number=data.check_number,
        order_kind=data.order_type,
    )
    training = (spoken.word("marks.training"),) if training_of(data) else ()
    return DisplayDocument(job_id=job.job_id, ticket=ticket, marks=(*training, *mark_texts(sheet)))


def document(job: Job, config: Config, personal: Mapping[str, str], layouts: Choice) -> Document:
    """The job as its device takes it: a kick, a ticket on a display, or paper."""
    if isinstance(job.data, PulseData):
        return pulse_document(job, job.data, config)
    device = config.devices.get(job.device)
    kind = device.kind if device is not None else ""
    if isinstance(job.data, TicketData) and kind in ("display", "fresh_kds", "logic_controls"):
        return display_document(job, job.data, config, personal)
    if isinstance(job.data, TicketData) and kind in ("escpos_display", "epson_kds"):  # a printer's letters, or only ASCII
        return display_document(job, job.data, config, personal, language_of(job, config).printable())
    return print_document(job, config, personal, layouts)
