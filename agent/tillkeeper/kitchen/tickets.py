"""What the kitchen has to be told about a check: the difference between what it is owed and what it knows.

A station's knowledge is `Check.stations`, the fold of the `ticket_fired` events by `learn`. A change that leaves the
difference empty (a payment, a re-save, another station's item) prints nothing.
"""

from collections.abc import Callable

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.contract.documents import TicketFired, TicketItemFired, TicketReprinted
from tillkeeper.contract.values import DocumentClass
from tillkeeper.kitchen.routing import line_stations
from tillkeeper.sales.model import Check, KnownItem, Line, StationView
from tillkeeper.spool.model import Job, TicketData, TicketLine, WasBefore

IdSource = Callable[[], str]

DUPLICATE = "DUPLICATE"
POSSIBLE_DUPLICATE = "POSSIBLE DUPLICATE"


def learn(view: StationView, event: TicketFired) -> StationView:
    """The station's knowledge after a ticket. Quantities are absolute, so the tickets of two devices of one station, or the
    same event read twice, teach the same."""
    items = dict(view.items)
    for item in event.items:
        if item.action == "void":
            items.pop(item.line_id, None)
        else:
            items[item.line_id] = KnownItem(
                line_id=item.line_id,
                quantity=item.quantity,
                name=item.name,
                modifiers=item.modifiers,
                note=item.note,
                seat=item.seat,
                course=item.course,
                order_type=item.order_type,
            )
    return StationView(revision=event.revision, job_id=event.job_id, items=items)


def owed(check: Check, station: str, config: Config) -> dict[str, KnownItem]:
    """What the station should hold of the check: fired lines with something left, by line id, in the check's order."""
    if check.state == "voided":
        return {}
    return {
        line.line_id: _known(line, check)
        for line in check.lines
        if line.fired and not line.from_paper and line.quantity > 0 and station in line_stations(line, config)
    }


def revise(check: Check, config: Config, now_ms: int, new_id: IdSource) -> list[tuple[TicketFired, Job]]:
    """The tickets and change slips that bring every station from what it knows to what it is owed.

    Args:
        check: after the command; `check.stations` holds what was told before it.
        now_ms: wall clock, ms since the epoch.
        new_id: makes a job id at each call.

    Returns:
        One pair for each device of each station concerned, in the config's order; empty where nothing changed.
    """
    tickets = []
    doubtful = {line.line_id for line in check.lines if line.maybe_fired}
    for station, settings in config.stations.items():
        view = check.stations.get(station, StationView())
        items = _difference(view.items, owed(check, station, config), check)
        if not items:
            continue
        revision = view.revision + 1
        change = any(item.action != "add" for item in items)
        document_class: DocumentClass = "change_slip" if change else "kitchen_ticket"
        for device in settings.devices:
            job = _job(check, station, device, document_class, revision, items, now_ms, new_id())
            if any(item.action == "add" and item.line_id in doubtful for item in items):
                job = msgspec.structs.replace(job, marks=(POSSIBLE_DUPLICATE,))
            event = TicketFired(
                check_id=check.check_id,
                job_id=job.job_id,
                station=station,
                device=device,
                revision=revision,
                document_class=document_class,
                items=tuple(_fired(item, check) for item in items),
                order_type=check.order_type,
            )
            tickets.append((event, job))
    return tickets


def reprint(
    check: Check, config: Config, now_ms: int, new_id: IdSource, *, by: str = "", station: str | None = None
) -> list[tuple[TicketReprinted, Job]]:
    """All that a station (or, with None, every station) holds of the check, once more, marked DUPLICATE."""
    tickets = []
    for name, settings in config.stations.items():
        view = check.stations.get(name)
        if view is None or not view.items or station not in (None, name):
            continue
        items = tuple(_ticket_line(item, check, "add") for item in view.items.values())
        for device in settings.devices:
            job = _job(check, name, device, "kitchen_ticket", view.revision, items, now_ms, new_id())
            event = TicketReprinted(
                check_id=check.check_id, job_id=job.job_id, original_job_id=view.job_id, device=device, by=by
            )
            tickets.append((event, msgspec.structs.replace(job, marks=(DUPLICATE,))))
    return tickets


def _difference(known: dict[str, KnownItem], wanted: dict[str, KnownItem], check: Check) -> tuple[TicketLine, ...]:
    """Voids first, so that nobody starts what is cancelled; then changes and additions in the check's order."""
    voids = [_ticket_line(item, check, "void") for line_id, item in known.items() if line_id not in wanted]
    rest = []
    for line_id, item in wanted.items():
        before = known.get(line_id)
        if before is None:
            rest.append(_ticket_line(item, check, "add"))
        elif before != item:
            changed = _ticket_line(item, check, "modify")
            rest.append(msgspec.structs.replace(changed, previous_quantity=before.quantity, was=_was(before, item)))
    return (*voids, *rest)


def _was(before: KnownItem, after: KnownItem) -> tuple[WasBefore, ...]:
    """What a change replaces: a slip names what it changes."""
    said = []
    if before.name != after.name:
        said.append(WasBefore("name", before.name))
    if before.modifiers != after.modifiers:
        said.append(WasBefore("modifiers", ", ".join(before.modifiers)))
    if before.note != after.note:
        said.append(WasBefore("note", before.note))
    if before.seat != after.seat:
        said.append(WasBefore("seat", "" if before.seat is None else str(before.seat)))
    if before.course != after.course:
        said.append(WasBefore("course", str(before.course)))
    if before.order_type != after.order_type:
        said.append(WasBefore("order_type", before.order_type))
    return tuple(said)


def _known(line: Line, check: Check) -> KnownItem:
    return KnownItem(
        line_id=line.line_id,
        quantity=line.quantity,
        name=line.kitchen_name or line.name,
        modifiers=tuple(
            (f"{chosen.quantity}x " if chosen.quantity > 1 else "") + (chosen.kitchen_name or chosen.name)
            for chosen in line.modifiers
        ),
        note=line.note,
        seat=line.seat,
        course=line.course,
        order_type=line.order_type or check.order_type,
    )


def _ticket_line(item: KnownItem, check: Check, action: str) -> TicketLine:
    own_type = item.order_type if item.order_type != check.order_type else ""
    return TicketLine(
        line_id=item.line_id,
        action=action,
        quantity=item.quantity,
        name=item.name,
        modifiers=item.modifiers,
        note=item.note,
        seat=item.seat,
        course=item.course,
        order_type=own_type,
    )


def _fired(item: TicketLine, check: Check) -> TicketItemFired:
    return TicketItemFired(
        line_id=item.line_id,
        action=item.action,
        quantity=item.quantity,
        name=item.name,
        modifiers=item.modifiers,
        note=item.note,
        seat=item.seat,
        course=item.course,
        order_type=item.order_type or check.order_type,
    )


def _job(
    check: Check,
    station: str,
    device: str,
    document_class: DocumentClass,
    revision: int,
    items: tuple[TicketLine, ...],
    now_ms: int,
    job_id: str,
) -> Job:
    data = TicketData(
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        revision=revision,
        station=station,
        order_type=check.order_type,
        fired_at_ms=now_ms,
        items=items,
        table=check.table,
        server=check.server,
        terminal=check.terminal,
        covers=check.covers,
        car=check.car,
        check_number=check.number,
        training=check.training,
    )
    texts = {"name": check.name, "note": check.note}
    return Job(
        job_id=job_id,
        device=device,
        document_class=document_class,
        data=data,
        created_at_ms=now_ms,
        check_id=check.check_id,
        station=station,
        personal={key: field.digest for key, field in texts.items() if field is not None},
    )
