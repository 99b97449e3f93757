"""Decisions about when the kitchen gets a line: fire rules, hold, courses, times."""

from collections.abc import Iterable

from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.base import Event
from tillkeeper.contract.values import FireRule
from tillkeeper.sales.context import Draft
from tillkeeper.sales.model import Check, Line

MAX_FIRE_AHEAD_MS = 30 * 86_400_000


def fire_rule(draft: Draft) -> FireRule:
    config = draft.context.config
    return config.register.fire or config.fire


def _waits_for_kitchen(line: Line) -> bool:
    """Not fired, and with pieces that are neither voided nor given back."""
    return not line.fired and line.quantity > line.refunded_quantity


def _fires_by_rule(line: Line) -> bool:
    return _waits_for_kitchen(line) and not line.held and line.fire_at_ms is None and line.course == 1


def fire_by_rule(draft: Draft, cause: FireRule, only: Iterable[str] | None = None) -> None:
    """Fire what is neither held, nor scheduled, nor of a later course; of all lines, or of these."""
    chosen = None if only is None else set(only)
    lines = tuple(
        line.line_id for line in draft.check.lines if _fires_by_rule(line) and (chosen is None or line.line_id in chosen)
    )
    if lines:
        draft.add(ev.LinesFired(check_id=draft.check.check_id, line_ids=lines, cause=cause))


def fire_when_rung(draft: Draft) -> None:
    """The rule `each_item`, for the lines that this command rang."""
    if fire_rule(draft) == "each_item":
        fire_by_rule(draft, "each_item", draft.line_ids)


def send(draft: Draft) -> None:
    draft.require_not_voided()
    fire_by_rule(draft, "on_send")


def hold(draft: Draft, command: cmd.HoldLines) -> None:
    draft.require_not_voided()
    lines = [draft.line(line_id) for line_id in dict.fromkeys(command.line_ids)]
    _require_not_fired(draft, lines)
    to_hold = tuple(line.line_id for line in lines if not line.held)
    if to_hold:
        draft.add(ev.LinesHeld(check_id=draft.check.check_id, line_ids=to_hold))


def fire(draft: Draft, command: cmd.FireLines) -> None:
    """By hand, so held lines fire too."""
    draft.require_not_voided()
    if command.line_ids and command.course is not None:
        raise draft.refuse("ambiguous_fire", "both lines and a course are named", "name one of them")
    if command.line_ids:
        lines = [draft.line(line_id) for line_id in dict.fromkeys(command.line_ids)]
        _require_not_fired(draft, lines)
    else:
        lines = [line for line in draft.check.lines if command.course in (None, line.course)]
    lines = [line for line in lines if _waits_for_kitchen(line)]
    if not lines:
        raise draft.refuse("nothing_to_fire", "nothing of this is still to be fired")
    cause = "by_hand" if command.course is None else "course"
    fire_or_schedule(draft, tuple(line.line_id for line in lines), command.fire_at_ms, cause)


def fire_or_schedule(draft: Draft, line_ids: tuple[str, ...], fire_at_ms: int | None, cause: str) -> None:
    check_id, now_ms = draft.check.check_id, draft.context.now_ms
    if fire_at_ms is None or fire_at_ms <= now_ms:
        draft.add(ev.LinesFired(check_id=check_id, line_ids=line_ids, cause=cause))
        return
    if fire_at_ms > now_ms + MAX_FIRE_AHEAD_MS:
        latest = now_ms + MAX_FIRE_AHEAD_MS
        raise draft.refuse("fire_time_too_far", "the time to fire is more than 30 days ahead", latest_ms=latest)
    draft.add(ev.FireScheduled(check_id=check_id, line_ids=line_ids, fire_at_ms=fire_at_ms))


def fire_order(draft: Draft, command: cmd.PlaceOrder) -> None:
    """A whole order. A time that the order names goes before the store's rule; else each_item and on_send fire now."""
    if command.fire_at_ms is not None:
        lines = tuple(line.line_id for line in draft.check.lines if _fires_by_rule(line))
        if lines:
            fire_or_schedule(draft, lines, command.fire_at_ms, "by_hand")
    elif fire_rule(draft) == "on_send" and command.send:
        fire_by_rule(draft, "on_send")
    else:
        fire_when_rung(draft)


def _require_not_fired(draft: Draft, lines: Iterable[Line]) -> None:
    for line in lines:
        if line.fired:
            raise draft.refuse("line_fired", "the kitchen has this line already", subject=line.line_id)


def due_fires(check: Check, now_ms: int) -> tuple[Event, ...]:
    """The timed fires whose time has come, prepaid checks included; for the caller to apply and to journal."""
    lines = tuple(
        line.line_id
        for line in check.lines
        if _waits_for_kitchen(line) and line.fire_at_ms is not None and line.fire_at_ms <= now_ms and not check.elsewhere
    )
    return (ev.LinesFired(check_id=check.check_id, line_ids=lines, cause="timed"),) if lines else ()


def next_fire_at_ms(check: Check) -> int | None:
    """When `due_fires` next has something, in wall clock ms; None while nothing waits for a time here."""
    if check.elsewhere:
        return None
    times = [line.fire_at_ms for line in check.lines if _waits_for_kitchen(line) and line.fire_at_ms is not None]
    return min(times, default=None)
