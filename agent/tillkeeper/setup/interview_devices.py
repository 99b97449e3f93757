"""Questions about printers, drawer, screen and stations: what is there is listed, and each gets its work. Pure.

In a store of several registers, printers that are plugged into another one are that one's matter and stay as they are.
"""

from collections.abc import Callable, Collection, Iterable

from msgspec.structs import replace

from tillkeeper.cli.terminal import clean
from tillkeeper.config import address as where
from tillkeeper.contract.devices import FoundView
from tillkeeper.setup import checks
from tillkeeper.setup.answers import Answers, DrawerSaid, PrinterSaid, RegisterSaid, StationSaid
from tillkeeper.setup.asking import Interview, Wrong, ask, ask_yes, say
from tillkeeper.setup.interview_models import Candidate, model
from tillkeeper.setup.interview_routing import routing
from tillkeeper.setup.known import Known, Menu
from tillkeeper.setup.tables import TEXT_DISPLAY

RECEIPT = "receipt"
AGAIN = "r"
MOST = 32


def devices(known: Known, menu: Menu, said: Answers, *, first: bool) -> Interview[Answers]:
    chosen = yield from _which(known, said)
    gone = {name for name in _mine(said) if name not in {one.name for one in chosen}}
    stations: dict[str, StationSaid] = {
        name: replace(
            one, devices=tuple(device for device in one.devices if device not in _mine(said) and device not in said.displays)
        )
        for name, one in said.stations.items()
    }
    printers = {name: one for name, one in said.printers.items() if name not in _mine(said)}
    register = replace(said.this, receipt_printer="" if said.this.receipt_printer in _mine(said) else said.this.receipt_printer)
    for candidate in chosen:
        printer = yield from model(known, candidate, several=len(said.registers) > 1, me=said.register)
        guess = f"{RECEIPT} kitchen" if len(chosen) == 1 else RECEIPT if candidate is chosen[0] else "kitchen"
        work = yield from _work(candidate, said, printer.model, guess, register.receipt_printer)
        name = candidate.name or _unique(RECEIPT if RECEIPT in work else work[0], (_names(said) - gone) | set(printers))
        printers[name] = printer
        if RECEIPT in work:
            register = replace(register, receipt_printer=name)
        for station in work:
            if station != RECEIPT:
                old = stations.get(station, StationSaid())
                stations[station] = replace(old, devices=(*old.devices, name))
    said = replace(said, printers=printers, registers={**said.registers, said.register: register})
    said = yield from _drawer(said, first=first)
    said = yield from _screens(said, stations)
    said = replace(said, stations={name: one for name, one in said.stations.items() if one.devices})
    said = _without_missing(said)
    return (yield from routing(menu, said))


def _mine(said: Answers) -> dict[str, PrinterSaid]:
    return {name: one for name, one in said.printers.items() if one.register in ("", said.register)}


def _names(said: Answers) -> set[str]:
    """Of all devices that are known, other makers' screens in the stations too."""
    used = {device for station in said.stations.values() for device in station.devices}
    return {*said.printers, *said.drawers, *said.displays, *used}


def _unique(wanted: str, taken: Collection[str]) -> str:
    number, name = 1, wanted
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


# --- which printers ---


def _which(known: Known, said: Answers) -> Interview[list[Candidate]]:
    while True:
        candidates = _candidates(said, known.found())
        listed = [f"  {number}  {one.words}{one.trouble}" for number, one in enumerate(candidates, 1)]
        yield from say("\n".join(["Printers that are configured, plugged in or answer:", *(listed or ["  none"])]))
        usual = " ".join(str(number) for number, one in enumerate(candidates, 1) if one.usual) or "none"
        chosen = yield from ask(
            "printers", "Which does this register use? Numbers; an address of one that is not listed; r looks again; none",
            _choice(candidates, said), usual,
        )  # fmt: skip
        if chosen is not None:
            return chosen


def _candidates(said: Answers, found: Iterable[FoundView]) -> list[Candidate]:
    there = [Candidate(name, one, f"{name}: {one.model}, {one.address}") for name, one in _mine(said).items()]
    addresses = {one.address for one in said.printers.values()}
    macs = {one.mac for one in said.printers.values() if one.mac}
    fresh = not said.printers
    for one in found:
        if one.bus == "display" or not one.address or one.address in addresses or (one.mac and one.mac in macs):
            continue
        addresses.add(one.address)
        macs.add(one.mac)
        try:
            address, mac = checks.device(one.address), where.mac(one.mac) if one.bus == "network" else ""
        except Wrong:
            continue
        # Whoever answers on the network chose its title: it must not steer the terminal.
        words = clean(f"{one.title}, {one.address}") + (f" ({one.profile})" if one.profile else "")
        trouble = f"\n     {clean(one.detail)}. {clean(one.hint)}" if one.trouble else ""
        printer = PrinterSaid(address=address, model=one.profile or "generic-80", mac=mac)
        there.append(Candidate("", printer, words, trouble, usual=fresh and one.bus != "serial", is_known=bool(one.profile)))
    return there[:MOST]


def _choice(candidates: list[Candidate], said: Answers) -> Callable[[str], list[Candidate] | None]:
    """None: look again."""
    foreign = {one.address: name for name, one in said.printers.items() if name not in _mine(said)}

    def checked(text: str) -> list[Candidate] | None:
        words = text.replace(",", " ").split()
        if words == [AGAIN]:
            return None
        if words in (["none"], ["-"]):
            return []
        chosen: dict[str, Candidate] = {}
        for word in words:
            if word.isdecimal() and len(word) < 4:
                if not 1 <= int(word) <= len(candidates):
                    raise Wrong(f"there is no number {word}" + (f", 1 to {len(candidates)}" if candidates else ""))
                one = candidates[int(word) - 1]
            else:
                address = checks.device(word)
                listed = next((one for one in candidates if one.printer.address == address), None)
                one = listed or Candidate("", PrinterSaid(address=address), address, is_known=False)
            if name := foreign.get(one.printer.address):
                raise Wrong(f"{one.printer.address} is {name} of another register already")
            chosen[one.printer.address] = one
        if not chosen or len(chosen) > MOST:
            raise Wrong(f"a number, an address, {AGAIN} or none")
        return list(chosen.values())

    return checked


# --- what each of them does ---


def _work(candidate: Candidate, said: Answers, model: str, guess: str, taken: str) -> Interview[tuple[str, ...]]:
    """`guess`: where it has no work yet. `taken`: the printer from which receipts come already."""
    name, known = candidate.name, set(said.stations)
    prints = not taken and model != TEXT_DISPLAY
    now = [RECEIPT] if name and said.this.receipt_printer == name and prints else []
    now += [station for station, one in said.stations.items() if name and name in one.devices]
    if not prints:
        guess = "kitchen"

    def checked(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(word if word in known else checks.word(word) for word in text.replace(",", " ").split()))
        if not words:
            raise Wrong("receipt, or the name of a station, as kitchen or bar")
        if RECEIPT in words and taken:
            raise Wrong(f"receipts come out of {taken} already")
        if RECEIPT in words and model == TEXT_DISPLAY:
            raise Wrong("a text display prints no receipts")
        if {"none", "-"} & set(words):
            raise Wrong("leave it out of the list of printers, then")
        return words

    text = "  what does it print? receipt, and stations by name (kitchen, bar, ...), with spaces"
    return (
        yield from ask(
            f"stations.{name or candidate.printer.address}", text, checked, " ".join(now) or guess, keep=tuple(now) or None
        )
    )


def _drawer(said: Answers, *, first: bool) -> Interview[Answers]:
    register, drawers = said.this, dict(said.drawers)
    printer = register.receipt_printer
    drawer = ""
    if printer:
        text = f"Is a cash drawer plugged into {printer}?"
        if (yield from ask_yes("drawers", text, default=bool(register.drawer) or first)):
            drawer = register.drawer or _unique("drawer", _names(said))
            drawers[drawer] = replace(said.drawers.get(drawer, DrawerSaid()), printer=printer)
    used = {one.drawer for name, one in said.registers.items() if name != said.register}
    if register.drawer and register.drawer != drawer and register.drawer not in used:
        drawers.pop(register.drawer, None)
    registers = {**said.registers, said.register: replace(register, drawer=drawer)}
    return replace(said, registers=registers, drawers=drawers)


def _screens(said: Answers, stations: dict[str, StationSaid]) -> Interview[Answers]:
    """Our kitchen page on a tablet or a screen."""
    text = "Is there a kitchen screen: a tablet or browser that shows the tickets?"
    if not (yield from ask_yes("displays", text, default=bool(said.displays))):
        return replace(said, displays=(), stations=stations)
    names = said.displays or (_unique("screen", _names(said)),)
    made = dict(stations)
    for name in names:
        now = [station for station, one in said.stations.items() if name in one.devices]
        usual = " ".join(now or [station for station, one in made.items() if one.devices]) or "kitchen"
        shown = yield from ask(
            f"displays.{name}",
            f"  which stations does {name} show? with spaces",
            _stations(made),
            usual,
            keep=tuple(now) or None,
        )
        for station in shown:
            old = made.get(station, StationSaid())
            made[station] = replace(old, devices=(*old.devices, name))
    return replace(said, displays=tuple(names), stations=made)


def _stations(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def checked(text: str) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(word if word in known else checks.word(word) for word in text.replace(",", " ").split()))
        if not words or checks.RESERVED & set(words):
            raise Wrong("names of stations, as kitchen or bar")
        return words

    return checked


def _without_missing(said: Answers) -> Answers:
    """Nothing points at a printer that went."""
    with_sockets = {name for name, one in said.printers.items() if one.model != TEXT_DISPLAY}
    drawers = {name: one for name, one in said.drawers.items() if one.printer in with_sockets}

    def whole(one: RegisterSaid) -> RegisterSaid:
        printer = one.receipt_printer if one.receipt_printer in said.printers else ""
        return replace(one, receipt_printer=printer, drawer=one.drawer if one.drawer in drawers else "")

    return replace(said, drawers=drawers, registers={name: whole(one) for name, one in said.registers.items()})
