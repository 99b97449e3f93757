"""Whether all have what they need of each other, after everything was mended [I2, I17]."""

from collections.abc import Sequence
from typing import Protocol

from tests.simulation import days
from tests.simulation.hq import Hq, Shelf
from tests.simulation.register import Machine

from tillkeeper.replication import sinks
from tillkeeper.replication.model import LogId
from tillkeeper.sales.authorisations import frozen
from tillkeeper.till.shelf import check_of


class Run(days.Run, Protocol):
    """`numbers`: check -> the number that somebody was told of."""

    lost: set[str]
    numbers: dict[str, int]

    def roles_apart(self) -> str: ...

    def shelves_apart(self) -> str: ...


def missing(run: Run, whole: Hq) -> str:
    """What HQ or another register still lacks; empty once everything has converged. [I2, I17]"""
    hq = whole.shelf
    there = {event.hash for event in hq.rows()}
    absent = [event for name, event in run.written_events.items() if name not in there and name not in run.lost]
    if absent:
        event = absent[0]
        return f"HQ lacks {len(absent)} events, the first {event.register} {event.incarnation[:6]} {event.seq} {event.type}"
    for one in run.machines:
        if words := _behind(run, one, hq):
            return words
    if count := whole.orders.open():
        return f"{count} orders of the web shop are not settled"
    return run.shelves_apart()


def _behind(run: Run, one: Machine, hq: Shelf) -> str:
    if one.till is None or one.desk is None:
        return f"{one.name} is not up"
    if open_ones := one.till.intake.authorising._unsettled.open:
        return f"{one.name} has {len(open_ones)} authorisations that are not settled"
    past = one.till.taking.past
    if past is not None and (owed := past.unfinished()):
        return f"{one.name} has {len(owed)} orders to take back that a lost log was being paid for"
    if waiting := one.till.healing.waiting:
        return f"{one.name} looks again at {sorted(waiting)}"
    if mine := [there.check.check_id for there in one.till.taking.open_elsewhere() if there.where.mine]:
        return f"{one.name} has not taken {mine} again"
    here = (held.check for held in one.till.shelf.open_checks() if not held.check.elsewhere)
    if waits := [check.check_id for check in here if frozen(check)]:
        return f"{one.name} has {len(waits)} frozen checks, {waits[0]} for one"
    pending = [row.job_id for row in one.platter.jobs.values() if not row.settled]
    if pending:
        return f"{one.name} has {len(pending)} tickets to print"
    known = run.numbers
    # Of a check that it has in quarantine alone HQ tells no number.
    doubtful = {check for check in known if any(check in event.body for event in hq.aside())}
    unnumbered = [
        kept.row.check_id
        for kept in one.platter.checks.values()
        if kept.row.number is None and kept.row.check_id in known.keys() - doubtful and not check_of(kept.row).elsewhere
    ]
    if unnumbered:
        return f"{one.name} has {len(unnumbered)} checks without their number, {unnumbered[0]} for one"
    if words := run.roles_apart():
        return words
    others = [other for other in run.machines if other is not one]
    order = one.desk.parts.order
    if len({other.register for other in run.machines}) < len(run.machines):
        return ""  # of two machines with one name only one is heard
    if words := _past(one, others):
        return words
    for register in sinks.lines(order, one.register, order):
        other = next(other for other in others if other.register == register)
        marks = other.platter.held.marks()
        for log in one.platter.logs:
            mark = marks.get(LogId(one.register, log.incarnation))
            if mark is None or mark.seq < len(log.events):
                there = mark.seq if mark is not None else 0
                return f"{register} holds {there} of {len(log.events)} events of {one.name} {log.incarnation[:6]}"
    return ""


def _past(one: Machine, others: Sequence[Machine]) -> str:
    """What others hold of a register's own logs it has as well, on its own disk or taken back from them."""
    own = {LogId(one.register, log.incarnation): len(log.events) for log in one.platter.logs}
    there = one.platter.held.marks()
    for other in others:
        for log, mark in other.platter.held.marks().items():
            here = max(own.get(log, 0), there[log].seq if log in there else 0)
            if log.register == one.register and here < mark.seq:
                return f"{one.name} has {here} events of its log {log.incarnation[:6]}, {other.name} holds {mark.seq}"
    return ""
