"""Questions about this register and the others of the store. Pure."""

from collections.abc import Callable

from msgspec.structs import replace

from tillkeeper.setup import checks
from tillkeeper.setup.answers import Answers, RegisterSaid, RolesSaid
from tillkeeper.setup.asking import Interview, Wrong, also_empty, ask, ask_yes
from tillkeeper.setup.known import Known

LETTERS = "ABCDEFGHIJKLMNOPQRSUVWXYZ"
"""Without T."""
MOST_REGISTERS = len(LETTERS)
NO_NAMES = frozenset({"", "localhost", "debian", "register"})


def registers(known: Known, said: Answers) -> Interview[Answers]:
    """This one and the others of the store."""
    likely = known.hostname if known.hostname not in NO_NAMES else "front"
    fresh = not said.registers
    me = yield from ask(
        "register",
        "Name of this register (a short word, as front or bar)",
        checks.identifier,
        likely if fresh else said.register,
    )
    mine = said.registers.get(said.register, RegisterSaid())
    others = {name: one for name, one in said.registers.items() if name not in (me, said.register)}
    taken = {one.letter for one in others.values()}
    free = next((letter for letter in LETTERS if letter not in taken), None)
    letter = yield from ask(
        f"registers.{me}.letter",
        "Its letter: ticket codes begin with it",
        checks.other_than(taken, checks.letter),
        mine.letter or free,
    )
    if (yield from ask_yes("registers", "Are there other registers in this store?", default=bool(others))):
        address = mine.address or next(iter(known.addresses), None)
        text = "Address of this register, for the others (- for none yet)"
        at = yield from ask(
            f"registers.{me}.address", text, also_empty(_address(others)), address or "-", keep=mine.address or None
        )
        mine = replace(mine, letter=letter, address=at)
        others = yield from _others(me, mine, others)
    else:
        mine, others = replace(mine, letter=letter), {}
    registers = _in_order(said, me, mine, others)
    said = _followed(replace(said, register=me, registers=registers), said.register)
    return (yield from _primary(said))


def _followed(said: Answers, was: str) -> Answers:
    """What is wired to a register follows its new name, or goes with it."""
    printers = {
        name: replace(one, register=said.register if one.register == was else one.register)
        for name, one in said.printers.items()
    }
    gone = {name for name, one in printers.items() if one.register and one.register not in said.registers}
    stations = {
        name: replace(one, devices=tuple(device for device in one.devices if device not in gone))
        for name, one in said.stations.items()
    }
    return replace(said, printers={name: one for name, one in printers.items() if name not in gone}, stations=stations)


def _address(others: dict[str, RegisterSaid]) -> Callable[[str], str]:
    """A host, or host:port, that no other register has."""

    def checked(text: str) -> str:
        host, colon, port = text.strip().rpartition(":")
        if colon and ":" not in host and port.isdecimal():
            at = f"{checks.host(host)}:{int(port)}"
            if not 1 <= int(port) <= 65_535:
                raise Wrong("a port is a number from 1 to 65535")
        else:
            at = checks.host(text)
        if name := next((name for name, one in others.items() if _same_place(one.address, at)), ""):
            raise Wrong(f"register {name} has this address")
        return at

    return checked


def _same_place(one: str, other: str) -> bool:
    """With and without the port that counts where none is said."""
    return one.removesuffix(":7468") == other.removesuffix(":7468") and bool(one)


def _others(me: str, mine: RegisterSaid, before: dict[str, RegisterSaid]) -> Interview[dict[str, RegisterSaid]]:
    found: dict[str, RegisterSaid] = {}
    waiting = list(before)
    while len(found) < MOST_REGISTERS - 1:
        default = waiting.pop(0) if waiting else ""
        text = f"Name of another register (- : {'it is gone' if default else 'no more'})"
        checked = checks.other_than({me, *found}, checks.identifier)
        name = yield from ask("registers", text, also_empty(checked), default or "-")
        if not name and not default:
            break
        if not name:
            continue
        old = before.get(name, RegisterSaid())
        there = {me: mine, **found}
        taken = {one.letter for one in there.values()}
        free = next((letter for letter in LETTERS if letter not in taken), None)
        usual = old.letter if old.letter not in taken and old.letter else free
        letter = yield from ask(f"registers.{name}.letter", "  its letter", checks.other_than(taken, checks.letter), usual)
        text = "  its address (- for none yet)"
        at = yield from ask(
            f"registers.{name}.address", text, also_empty(_address(there)), old.address or "-", keep=old.address or None
        )
        found[name] = replace(old, letter=letter, address=at)
    return found


def _in_order(said: Answers, me: str, mine: RegisterSaid, others: dict[str, RegisterSaid]) -> dict[str, RegisterSaid]:
    """As they were, new ones last."""
    all_of_them = {me: mine, **others}
    names = [me if name == said.register else name for name in said.registers]
    return {name: all_of_them[name] for name in dict.fromkeys([*names, me, *others]) if name in all_of_them}


def _primary(said: Answers) -> Interview[Answers]:
    if len(said.registers) < 2:
        return replace(said, roles=RolesSaid(primary=said.register if said.roles.primary else ""))

    def registered(text: str) -> str:
        if text.strip() not in said.registers:
            raise Wrong(f"one of {', '.join(said.registers)}")
        return text.strip()

    leads = yield from ask(
        "roles.primary", "Which register leads (primary)? It makes the store's keys", registered, said.primary
    )
    led = replace(said, roles=replace(said.roles, primary=leads))
    return replace(led, roles=RolesSaid(primary=leads, backup=led.backup))
