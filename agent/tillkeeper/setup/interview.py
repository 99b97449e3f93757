"""The few questions, in their order. Pure: a generator that yields each and takes its answer, see `asking`.

An empty line takes the default: what the register's configuration says now, else what its machine makes likely.
"""

from msgspec.structs import replace

from tillkeeper.config.lan import is_private, place
from tillkeeper.setup import checks, countries
from tillkeeper.setup.answers import (
    EXAMPLE,
    Answers,
    CategorySaid,
    MenuSaid,
    PagesSaid,
    TaxesSaid,
)
from tillkeeper.setup.asking import Interview, also_empty, ask, ask_yes, say
from tillkeeper.setup.interview_devices import devices
from tillkeeper.setup.interview_links import links
from tillkeeper.setup.interview_people import people
from tillkeeper.setup.interview_registers import registers
from tillkeeper.setup.known import Known, Menu, Secrets


def interview(known: Known, before: Answers) -> Interview[tuple[Answers, Menu, Secrets]]:
    """All of it. `before`: what holds now, or empty answers on a fresh register."""
    secrets = Secrets()
    first = known.fresh and not before.registers
    said = yield from _store(known, before)
    said = yield from registers(known, said)
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
    zone = yield from ask(
        "store.timezone", "Time zone (as Europe/Berlin)", checks.timezone, old.timezone or known.timezone or None
    )
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
    return replace(said, hq=replace(said.hq, url=url))


def _pages(known: Known, said: Answers) -> Interview[Answers]:
    old = said.pages
    port = yield from ask(
        "pages.port", "Port of the pages and of a POS on this machine (0 for none)", checks.port, str(old.port), keep=old.port
    )
    lan = ""
    text = "Shall tablets and other registers open the pages over the store's network (HTTPS)?"
    if (yield from ask_yes("pages.lan", text, default=bool(old.lan) or (known.fresh and bool(said.displays)))):
        at = old.lan or next((f"{address}:8443" for address in known.addresses if is_private(address)), None)
        text = "  at which address and port of this machine"
        lan = yield from ask("pages.lan", text, checks.lan_of(known.own), at, keep=old.lan or None)
    return (yield from _other_pages(replace(said, pages=PagesSaid(port=port, lan=lan))))


def _other_pages(said: Answers) -> Interview[Answers]:
    """A tablet in the kitchen hears all registers."""
    others = {name: one for name, one in said.registers.items() if name != said.register}
    if not said.pages.lan or not said.displays or not others:
        return said
    ours = place(said.pages.lan)[1]
    text = f"Are the pages of the other registers on port {ours}, too?"
    same = yield from ask_yes("pages.same_port", text, default=all(one.pages_port in (0, ours) for one in others.values()))
    for name, one in others.items():
        port = ours
        if not same:
            key, text = f"registers.{name}.pages_port", f"  port of the pages of {name}"
            port = yield from ask(key, text, checks.port_of_pages, str(one.pages_port or ours))
        others[name] = replace(one, pages_port=port)
    return replace(said, registers=said.registers | others)
