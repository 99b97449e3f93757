"""The barrier of the end of day: what a close still waits for, register by register, and what a person can do about it. Pure.

A day closes when the log of every register that is not parked is held up to its tail by the register that closes and by a
second one (by one, where only one can be heard); or when a manager has signed the gap.
"""

from typing import NamedTuple

from tillkeeper.contract.day import DayMember, Gap, LogHeld, Parked, Tails

BLOCKING = frozenset({"behind", "one_copy", "silent", "unknown", "lost"})


class LogFacts(NamedTuple):
    """One log of a register. `held`: here. `known`: the furthest that anybody is known to hold. `declared`: its tail, as its
    author declared; None where it did not. `is_followed`: its author has begun another log since, so no more will come than is
    `known`; whether that is all it had `MemberFacts.lost` says.
    `holders`: how far each register that can be heard, this one included, holds it."""

    incarnation: str
    held: int
    known: int
    declared: int | None = None
    is_followed: bool = False
    holders: tuple[int, ...] = ()


class MemberFacts(NamedTuple):
    """`silent_s`: since its last word, None where it never said one. `needed`: by how many registers each log is to be held.
    `left`: it is no member of the store any more. `lost`: logs that are over, nobody knows where they ended, and no closed day
    names that."""

    register: str
    own: bool
    heard: bool
    silent_s: float | None
    logs: tuple[LogFacts, ...]
    needed: int
    gap: Gap | None = None
    parked: Parked | None = None
    left: bool = False
    lost: tuple[str, ...] = ()


def tail_of(facts: MemberFacts, log: LogFacts) -> int | None:
    """What the day needs of this log; None where nobody knows."""
    if log.declared is not None:
        return log.declared
    return log.known if log.is_followed or facts.left else None


def member(day: str, facts: MemberFacts) -> DayMember:
    """How one register stands to the close of `day`."""
    logs = tuple(_held(facts, log) for log in facts.logs)
    missing = _missing(logs)
    state, words, todo = _judged(day, facts, logs, missing)
    return DayMember(
        register=facts.register,
        state=state,  # type: ignore[arg-type]
        blocks=state in BLOCKING,
        logs=logs,
        missing=missing,
        silent_s=None if facts.own or facts.heard else facts.silent_s,
        words=words,
        todo=todo,
        lost=facts.lost,
    )


def _held(facts: MemberFacts, log: LogFacts) -> LogHeld:
    tail = tail_of(facts, log)
    copies = sum(seq >= (log.held if tail is None else tail) for seq in log.holders)
    return LogHeld(incarnation=log.incarnation, held=log.held, tail=tail, copies=copies)


def _missing(logs: tuple[LogHeld, ...]) -> int | None:
    """Events that are still to come; None where somebody has to say first how many there are."""
    if not logs or any(log.tail is None for log in logs):
        return None
    return sum(max(0, (log.tail or 0) - log.held) for log in logs)


def _judged(day: str, facts: MemberFacts, logs: tuple[LogHeld, ...], missing: int | None) -> tuple[str, str, str]:
    """(state, words, what to do)."""
    name = facts.register
    if facts.left:
        return "left", f"{name} has left the store", ""
    if facts.parked is not None:
        back = f"take it back: tillkeeper day unpark {name}" if facts.heard else ""
        return "parked", f"{name} is parked: {facts.parked.reason}" + _signed_by(facts.parked.by), back
    if _is_unsigned(facts):
        words = f"{name}: a journal or disk of it was lost, and nobody knows whether it had sold more than what is held here"
        return "lost", words, _way_without(day, facts)
    if missing == 0:
        lacking = [log for log in logs if log.copies < facts.needed]
        if not lacking and facts.gap is not None and facts.lost:
            return "gap", _left_out(facts, facts.gap), ""
        if not lacking:
            return "ready", f"{name}: everything is held", ""
        words = f"{name}: everything is here, but no second register holds it yet"
        return "one_copy", words, "wait a moment; or start another register, and it gets its copy by itself"
    if facts.gap is not None and facts.gap.rest and not (facts.heard and missing is None):
        return "gap", _left_out(facts, facts.gap), ""
    if missing is not None:
        return "behind", f"{name}: {_events(missing)} still to come" + _silence(facts), _ways(day, facts)
    if facts.own or facts.heard:
        return "to_be_asked", f"{name} is there and is asked when the day is closed", ""
    if facts.silent_s is None and not logs:
        return "unknown", f"{name} has never been heard here", _ways(day, facts)
    held = sum(log.held for log in logs)
    words = f"{name}: how much of its log is missing is not known; {_events(held)} held here" + _silence(facts)
    return "silent", words, _ways(day, facts)


def _is_unsigned(facts: MemberFacts) -> bool:
    """Whether a lost log is still to be signed for. What others hold of it is waited for first."""
    unsigned = set(facts.lost) - set(facts.gap.lost if facts.gap is not None else ())
    return bool(unsigned) and all(log.held >= log.known for log in facts.logs if log.incarnation in unsigned)


def _left_out(facts: MemberFacts, gap: Gap) -> str:
    return f"{facts.register}: the rest of its log is left out: {gap.reason}" + _signed_by(gap.by)


def _way_without(day: str, facts: MemberFacts) -> str:
    gap = f"tillkeeper day gap {facts.register} --day {day} --reason ..."
    return f"compare its receipts of that time with the books; then close without the rest: {gap}"


def _silence(facts: MemberFacts) -> str:
    if facts.own or facts.heard:
        return ""
    if facts.silent_s is None:
        return "; not heard since this register started"
    return f"; not heard for {duration(facts.silent_s)}"


def _ways(day: str, facts: MemberFacts) -> str:
    name = facts.register
    if facts.own:
        # What it wrote before may hold closes of days that it knows nothing of: it must not sign that away.
        return (
            "it went with a disk of this register and comes back from the others by itself: wait; or make one of them primary "
            "(tillkeeper roles), and close there"
        )
    if facts.heard:
        return "wait: it comes by itself"
    gap, park = f"tillkeeper day gap {name} --day {day} --reason ...", f"tillkeeper day park {name} --reason ..."
    return f"switch {name} on, or connect it, and wait; or close without the rest: {gap}; or, where it is out of use: {park}"


def _signed_by(by: str) -> str:
    return f" ({by})" if by else ""


def _events(count: int) -> str:
    return f"{count} event" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """As people say it: "40 s", "3 min", "2 h 5 min", "4 days"."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min"
    if whole < 2 * 86_400:
        return f"{whole // 3_600} h {whole % 3_600 // 60} min"
    return f"{whole // 86_400} days"


def summary(day: str | None, members: tuple[DayMember, ...]) -> str:
    """One sentence for all of them."""
    if day is None:
        return "nothing to close"
    blocking = [member for member in members if member.blocks]
    if not blocking:
        return f"{day} can be closed"
    return f"{day} waits for " + ", ".join(member.register for member in blocking)


def tails_of(members: tuple[DayMember, ...]) -> Tails:
    """What the close covers: each log up to its tail; what is left out by a gap, parked or of a register that left, as far as
    it is held here."""
    return {
        member.register: {
            log.incarnation: log.held if log.tail is None else min(log.tail, log.held) for log in member.logs if log.held
        }
        for member in members
    }
