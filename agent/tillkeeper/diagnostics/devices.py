"""What is found of devices, drawers and what waits for them. Pure."""

from collections.abc import Iterator

from tillkeeper.diagnostics import network
from tillkeeper.diagnostics.advisory import Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.diagnostics.words import counted, duration_words

DEVICE_SILENT_S = 60.0
"""So long after the start a device may be unknown without a word about it."""
MISSED_DRAWER_S = 600.0
"""So long it is said that a drawer did not open: by then somebody has the money in it."""
HELD_HINT = (
    "What is held waits for a person: `tillkeeper jobs list --state held`, then `tillkeeper jobs release ID` or "
    "`tillkeeper jobs cancel ID`; or Held documents in the register's status view."
)
BY_ITSELF = (
    "Tickets that wait print by themselves once it has no trouble; a receipt older than 15 minutes is held for a person, and a "
    "drawer never opens late."
)


def device_trouble(facts: Facts) -> Iterator[Found]:
    for device in facts.devices:
        # A drawer's troubles are its printer's, or told as `drawer_stuck`.
        if device.trouble and device.kind != "drawer" and not network.explains_device(facts, device):
            waiting = f"; {counted(device.queued, 'document waits', 'documents wait')}" if device.queued else ""
            waiting += f"; {counted(device.held, 'is held', 'are held')}" if device.held else ""
            hint = f"{BY_ITSELF} {HELD_HINT}" if device.held else BY_ITSELF
            yield Found({"device": device.device, "trouble": device.trouble, "waiting": waiting}, device.device, hint)


def device_silent(facts: Facts) -> Iterator[Found]:
    for device in facts.devices:
        if not device.known and not device.trouble and device.kind != "drawer" and facts.uptime_s > DEVICE_SILENT_S:
            yield Found({"device": device.device}, device.device)


def device_moved(facts: Facts) -> Iterator[Found]:
    for moved in facts.devices_moved:
        yield Found({"device": moved.device, "configured": moved.configured, "now": moved.now}, moved.device)


def tickets_late(facts: Facts) -> Iterator[Found]:
    for late in facts.late:
        tickets = "1 ticket has" if late.count == 1 else f"{late.count} tickets have"
        which = f"{late.code} was fired" if late.count == 1 else f"the oldest, {late.code}, was fired"
        why = f": {late.trouble}" if late.trouble else ""
        words = {"station": late.title, "tickets": tickets, "which": which, "age": duration_words(late.age_s)}
        words |= {"device": late.device, "why": why, "where": " everywhere" if late.out_at else ""}
        words["besides"] = f" It came out at {late.out_at}." if late.out_at else ""
        hint = f"Look at {late.device}: what it lacks goes there by itself once it takes it." if late.out_at else ""
        yield Found({**words}, late.station, hint)


def drawer_open(facts: Facts) -> Iterator[Found]:
    for one in facts.drawers_open:
        yield Found({"drawer": one.drawer, "age": duration_words(one.age_s)}, one.drawer)


def drawer_stuck(facts: Facts) -> Iterator[Found]:
    for drawer in facts.drawers_stuck:
        yield Found({"drawer": drawer}, drawer)


def drawer_missed(facts: Facts) -> Iterator[Found]:
    for one in facts.drawers_missed:
        if one.age_s <= MISSED_DRAWER_S:
            yield Found({"drawer": one.drawer, "printer": one.printer, "age": duration_words(one.age_s)}, one.drawer)


def drawer_left_open(facts: Facts) -> Iterator[Found]:
    for drawer in facts.drawers_left_open:
        yield Found({"drawer": drawer}, drawer)


def paper_low(facts: Facts) -> Iterator[Found]:
    for device in facts.devices:
        if device.paper_near_end == "yes" and device.paper_out != "yes":
            yield Found({"device": device.device}, device.device)


def display_behind(facts: Facts) -> Iterator[Found]:
    for device in facts.devices:
        if device.behind:
            yield Found({"device": device.device, "count": counted(device.behind, "ticket", "tickets")}, device.device)


def held_tickets(facts: Facts) -> Iterator[Found]:
    if facts.held_tickets:
        one, many = "kitchen ticket was not printed and waits", "kitchen tickets were not printed and wait"
        yield Found({"were": counted(facts.held_tickets, one, many)})


def held_others(facts: Facts) -> Iterator[Found]:
    if facts.held_others:
        one = facts.held_others == 1
        what = counted(facts.held_others, "receipt or report was", "receipts or reports were")
        job = facts.held_other or "JOB"
        also = "" if one else " (the oldest; `tillkeeper jobs list --state held` shows all)"
        hint = (
            f"`tillkeeper jobs release {job}` prints it{also}, `tillkeeper jobs cancel {job}` drops it; or Print now and Never "
            "under Held documents in the register's status view."
        )
        itself = "is not printed by itself" if one else "are not printed by themselves"
        yield Found({"were": what, "itself": itself}, hint=hint)
