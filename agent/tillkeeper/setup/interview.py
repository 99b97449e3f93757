"""The few questions, in their order. Pure: a generator that yields each and takes its answer, see `asking`.

An empty line takes the default: what the register's configuration says now, else what its machine makes likely.
"""

from collections.abc import Callable

from msgspec.structs import replace

from tillkeeper.config.lan import is_private
from tillkeeper.setup import checks, countries
from tillkeeper.setup.answers import (
    EXAMPLE,
    Answers,
    CategorySaid,
    HqSaid,
    MenuSaid,
    PagesSaid,
    RegisterSaid,
    RolesSaid,
    TaxesSaid,
)
from tillkeeper.setup.asking import Interview, Wrong, also_empty, ask, ask_yes, say
from tillkeeper.setup.interview_devices import devices
from tillkeeper.setup.interview_links import links
from tillkeeper.setup.interview_people import people
from tillkeeper.setup.known import Known, Menu, Secrets

LETTERS = "ABCDEFGHIJKLMNOPQRSUVWXYZ"
"""Without T."""
MOST_REGISTERS = len(LETTERS)
NO_NAMES = frozenset({"", "localhost", "debian", "register"})


def interview(known: Known, before: Answers) -> Interview[tuple[Answers, Menu, Secrets]]:
    """All of it. `before`: what holds now, or empty answers on a fresh register."""
    secrets = Secrets()
    first = known.fresh and not before.registers
    said = yield from _store(known, before)
    said = yield from _registers(known, said)
    said, menu = yield from _menu(known, said)
    said = yield from _taxes(menu, said)
    said = yield from devices(known, menu, said, first=first)
    said = yield from _hq(known, said, secrets)
    said = yield from people(known, said, secrets, first=first)
    said = yield from _pages(known, said)
    said = yield from links(said)
    return said, menu, secrets


def _store(known: Known, said: Answers) -> Interview[Answers]:
    old = said.store
    name = yield from ask(
        "store.name", "Name of the store, as receipts show it", checks.line, old.name or None, keep=old.name or None
    )
    header = yield from ask(
        "store.receipt_header", "Lines below it on receipts (address, tax number; with ; between, - for none)",
        _lines, "; ".join(old.receipt_header) or "-", keep=old.receipt_header,
    )  # fmt: skip
    zone = yield from ask("store.timezone", "Time zone", checks.timezone, old.timezone or known.timezone or None)
    place = yield from ask(
        "store.country",
        "Country (two letters, - for none)",
        also_empty(checks.country),
        old.country or ("-" if old.name else known.country or "-"),
    )
    likely = countries.currency_of(place)
    currency = yield from ask("store.currency", "Currency", checks.currency, old.currency or likely or None)
    language = known.language or countries.language_of(place)
    tongue = yield from ask(
        "store.language", "Language of receipts and pages", checks.language, old.language if old.name else language
    )
    store = replace(old, name=name, receipt_header=header, timezone=zone, country=place, currency=currency, language=tongue)
    return replace(said, store=store)


def _lines(text: str) -> tuple[str, ...]:
    return () if text.strip() == "-" else checks.lines(text)


# --- registers ---


def _registers(known: Known, said: Answers) -> Interview[Answers]:
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
        default = waiting.pop(0) if waiting else None
        if default is None and found and not (yield from ask_yes("registers", "One more register?", default=False)):
            break
        text = "Name of another register" + (" (- : it is gone)" if default else "")
        checked = checks.other_than({me, *found}, checks.identifier)
        name = yield from ask("registers", text, also_empty(checked) if default else checked, default)
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


# --- what is sold ---


def _menu(known: Known, said: Answers) -> Interview[tuple[Answers, Menu]]:
    text = "Menu: a file (catalogue, or .tsv export of orders), or example for a made-up one to try with"
    menu = yield from ask("menu.file", text, known.menu, said.menu.file or EXAMPLE)
    if menu.file == EXAMPLE:
        yield from say("  This is AN EXAMPLE, and no store's menu: replace it before you sell.")
    return replace(said, menu=MenuSaid(file=menu.file)), menu


def _taxes(menu: Menu, said: Answers) -> Interview[Answers]:
    """A rate is never guessed: where none is known yet there is no default."""
    old, country = said.taxes, said.store.country
    known = bool(old.categories)
    name = yield from ask(
        "taxes.name", "What is the tax called on receipts?", checks.line,
        old.name if known else countries.tax_name(said.store.language, country), keep=old.name if known else None,
    )  # fmt: skip
    included = yield from ask_yes(
        "taxes.included", "Do the menu's prices contain it?", default=old.included if known else countries.tax_included(country)
    )
    categories: dict[str, CategorySaid] = {}
    for key, count in menu.taxes.items():
        before = old.categories.get(key, CategorySaid())
        text = f"Tax on '{key}' ({count} of {menu.items} items), in percent"
        percent = yield from ask(f"taxes.categories.{key}.percent", text, checks.percent, before.percent or None)
        away = yield from ask(
            f"taxes.categories.{key}.takeaway", f"  and where '{key}' is taken away or delivered", checks.percent,
            before.takeaway or percent,
        )  # fmt: skip
        categories[key] = CategorySaid(percent=percent, takeaway="" if away == percent else away)
    kept = {key: one for key, one in old.categories.items() if key not in categories}
    return replace(said, taxes=TaxesSaid(name=name, included=included, categories=categories | kept))


# --- HQ, pages ---


def _hq(known: Known, said: Answers, secrets: Secrets) -> Interview[Answers]:
    url = yield from ask(
        "hq.url",
        "Address of HQ, the server that gets the books (- for none)",
        also_empty(checks.url),
        said.hq.url or "-",
        keep=said.hq.url or None,
    )
    if url:
        kept = known.has_token and bool(said.hq.url)
        text = "Token of this register at HQ (not shown" + ("; - keeps the one that is there)" if kept else ")")
        secrets.hq_token = yield from ask(
            "hq.token", text, also_empty(checks.token) if kept else checks.token, "-" if kept else None, secret=True
        )
    return replace(said, hq=HqSaid(url=url))


def _pages(known: Known, said: Answers) -> Interview[Answers]:
    old = said.pages
    port = yield from ask(
        "pages.port", "Port of the pages and of a POS on this machine (0 for none)", checks.port, str(old.port), keep=old.port
    )
    lan = ""
    text = "Shall tablets and other registers open the pages over the store's network (HTTPS)?"
    if (yield from ask_yes("pages.lan", text, default=bool(old.lan))):
        at = old.lan or next((f"{address}:8443" for address in known.addresses if is_private(address)), None)
        lan = yield from ask("pages.lan", "  at which address and port of this machine", checks.lan, at, keep=old.lan or None)
    return replace(said, pages=PagesSaid(port=port, lan=lan))
