"""Whether a register is well again, by what its status says, and what that comes to for the store. Pure."""

from collections.abc import Iterable, Iterator

from tillkeeper.contract.after import GreenRegister, GreenSaid, GreenView
from tillkeeper.contract.views import StatusView
from tillkeeper.diagnostics.words import duration_words

IN_FLIGHT = 50
"""Events that a register which sells may have on their way: not yet at HQ, or not yet at another register."""
MAX_WORDS = 20
"""Troubles of one register."""
SAID_OTHERWISE = frozenset(("device_trouble", "device_silent", "hq_unreachable", "hq_never_reached", "offline_support_off"))
"""Advisories that are told as a trouble of their own here, or that hold in a store that is well."""


def judged(status: StatusView) -> GreenSaid:
    """What a register says of itself."""
    hq = next((sink for sink in status.sinks if sink.kind == "hq"), None)
    return GreenSaid(
        register=status.register,
        version=status.version,
        mode=status.mode,
        colour=status.dot.colour,
        words=status.dot.words,
        at_ms=status.at_ms,
        selling=status.selling,
        only_here=status.only_here,
        to_hq=hq.behind - hq.others if hq is not None and hq.behind is not None else None,
        jobs_waiting=status.jobs_waiting,
        jobs_held=status.jobs_held,
        troubles=tuple(_troubles(status))[:MAX_WORDS],
        notices=tuple(one.title for one in status.advisories if one.severity == "notice")[:MAX_WORDS],
        hq=hq.reachable if hq is not None else None,
    )


def _troubles(status: StatusView) -> Iterator[str]:
    if not status.selling:
        yield "sales can not be stored"
    for sink in status.sinks:
        if sink.kind == "hq":
            if status.dot.colour != "green":
                yield status.dot.words
            if sink.reachable and (sink.behind is None or sink.behind > IN_FLIGHT):
                count = "nobody knows how many" if sink.behind is None else sink.behind
                yield f"still sending to HQ: {count} events are not there"
        elif sink.sends and not sink.reachable:
            yield f"does not reach register {sink.name}"
        elif sink.sends and (sink.behind or 0) > IN_FLIGHT:
            yield f"still sending to register {sink.name}: {sink.behind} events are not there"
    for device in status.devices:
        if device.kind == "drawer":  # it is as its printer; what is its own is an alarm
            continue
        if device.trouble:
            yield f"{device.device}: {device.trouble}"
        elif not device.known:
            yield f"{device.device} has said nothing yet: whether it works is not known"
    roles = status.roles
    alone = roles is not None and not roles.backup and not roles.absent  # so it was set up: an upgrade's preflight warns
    for one in status.advisories:
        if one.severity != "notice" and one.code not in SAID_OTHERWISE and not (alone and one.code == "roles"):
            yield f"{one.title}: {one.text}" if one.text else one.title


def of_said(said: GreenSaid) -> GreenRegister:
    """Of a register that has answered now."""
    words = "; ".join(said.troubles) or said.words
    return GreenRegister(register=said.register, green=not said.troubles, heard=True, words=words, silent_s=0.0, said=said)


def silent(register: str, silent_s: float | None, why: str = "") -> GreenRegister:
    """Of one that has not. `silent_s`: since its last word."""
    since = "never heard since this register was started" if silent_s is None else f"silent for {duration_words(silent_s)}"
    words = f"{why} ({since})" if why else since
    return GreenRegister(register=register, green=False, heard=False, words=words, silent_s=silent_s)


def hq_of(registers: Iterable[GreenRegister]) -> GreenRegister | None:
    """HQ, as those see it who have answered; None where none of them is told of any."""
    seen = {one.register: one.said.hq for one in registers if one.said is not None and one.said.hq is not None}
    if not seen:
        return None
    lost = [register for register, reaches in seen.items() if not reaches]
    words = "answers" if not lost else f"does not answer {_names(lost)}"
    return GreenRegister(register="HQ", green=not lost, heard=len(lost) < len(seen), words=words)


def _names(registers: Iterable[str]) -> str:
    return ", ".join(registers)


def whole(registers: tuple[GreenRegister, ...], at_ms: int) -> GreenView:
    """The store, in one sentence."""
    hq = hq_of(registers)
    bad = [one for one in (*registers, *((hq,) if hq is not None else ())) if not one.green]
    if not bad:
        who = f"all {len(registers)} registers" if len(registers) > 1 else "the register"
        words = f"All green: {who}" + (" and HQ." if hq is not None else "; there is no HQ.")
    else:
        words = f"Not green: {', '.join(_called(one) for one in bad)}."
    return GreenView(green=not bad, words=words, at_ms=at_ms, registers=registers, hq=hq)


def _called(one: GreenRegister) -> str:
    if one.register == "HQ":
        return f"HQ {one.words}"
    first = one.said.troubles[0] if one.said is not None and one.said.troubles else one.words
    more = len(one.said.troubles) - 1 if one.said is not None else 0
    return f"{one.register} ({first}{f', and {more} more' if more > 0 else ''})"
