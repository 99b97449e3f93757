"""Answers as tables of the configuration, and back. Pure.

`tables` is all that setup ever writes; of a file that is there already only the difference between `tables` of the present and
of the new answers is changed, so what a person wrote by hand and setup does not know of stays as it is.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from tillkeeper.config.load import BUILTIN, star_profiles
from tillkeeper.config.model import Config, SerialLine
from tillkeeper.config.section import Section
from tillkeeper.sales.money import minor_digits, percent_text, ppm
from tillkeeper.setup.answers import (
    EXAMPLE,
    Answers,
    CategorySaid,
    DrawerSaid,
    HqSaid,
    MenuSaid,
    PagesSaid,
    PeopleSaid,
    PrinterSaid,
    RegisterSaid,
    RolesSaid,
    StationSaid,
    StoreSaid,
    TaxesSaid,
)
from tillkeeper.setup.tablets import port_of

DATA = "/var/lib/tillkeeper"
STAFF = f"{DATA}/staff.json"
API_SOCKET = "/run/tillkeeper/tillkeeper.sock"
PROBE_SOCKET = "/run/tillkeeper/probe/probe.sock"
AWAY = ("takeout", "drive_through", "delivery")
PRINTERS = ("escpos", "star", "escpos_display")
TEXT_DISPLAY = "kds-text"
"""The model of an `escpos_display`."""

Table = dict[str, Any]


class Places(Section, frozen=True):
    """What the configuration names besides the answers: its menu, HQ's token and own authorities, the beacon key, where the
    other registers' pages are; empty where there is none."""

    menu: str = BUILTIN
    token_file: str = ""
    ca_file: str = ""
    key_file: str = ""
    pages: tuple[str, ...] = ()


def tables(said: Answers, places: Places) -> Table:
    """The configuration that the answers make, in the order in which it is written."""
    several = len(said.registers) > 1
    listen = f"127.0.0.1:{said.pages.port}" if said.pages.port else ""
    made: Table = {
        "this_register": said.register,
        "data_dir": DATA,
        "store": _store(said),
        "taxes": _taxes(said.taxes),
        "registers": {name: _without_empty(replace(one, pages_port=0)) for name, one in said.registers.items()},
        "devices": _devices(said),
        "stations": {
            name: {"title": one.title or name.capitalize(), "devices": list(one.devices)} for name, one in said.stations.items()
        },
        "routing": _routing(said),
        "tenders": {"cash": {"kind": "cash", "title": "Cash"}, "card": {"kind": "card", "title": "Card"}},
        "catalogue": {"file": places.menu},
        "staff": {"file": STAFF} if said.people.sign_in else {},
        "hq": _hq(said, places),
        "roles": {"primary": said.primary, "backup": said.backup} if several else {},
        "replication": {"listen": "0.0.0.0"} if several else {},  # noqa: S104 - an address of its own may not be there yet at boot
        "api": {"listen": listen, "socket": API_SOCKET},
        "lan": {"listen": said.pages.lan} if said.pages.lan else {},
        "pages": {"registers": list(places.pages)} if places.pages else {},
        "network": _network(said, places),
    }
    return {key: value for key, value in made.items() if value or key in ("devices", "stations")}


def _hq(said: Answers, places: Places) -> Table:
    if not said.hq.url:
        return {}
    own = {"ca_file": places.ca_file} if places.ca_file else {}
    return {"url": said.hq.url, "token_file": places.token_file} | own


def _without_empty(value: msgspec.Struct) -> Table:
    """Its fields that say something."""
    built: Table = msgspec.to_builtins(value)
    plain = {key: list(item) if isinstance(item, tuple) else item for key, item in built.items()}
    return {key: item for key, item in plain.items() if item not in ("", [], {})}


def _store(said: Answers) -> Table:
    digits = minor_digits(said.store.currency)
    made = _without_empty(said.store) | {"id": store_id(said), "language": said.store.language}
    order = ("id", "name", "timezone", "currency", "language", "country", "receipt_header")
    ordered = {key: made[key] for key in order if key in made}
    return ordered | ({"minor_digits": digits} if digits != 2 else {})


def store_id(said: Answers) -> str:
    """As journal and HQ call the store: what was said, else its name in plain letters."""
    from anyascii import anyascii

    if said.store.id:
        return said.store.id
    plain = "".join(sign if sign.isalnum() else " " for sign in anyascii(said.store.name).lower())
    return "-".join(plain.split())[:64].strip("-") or "store"


def _taxes(said: TaxesSaid) -> Table:
    rates: Table = {}
    categories: Table = {}

    def rate(percent: str) -> str:
        exact = percent_text(ppm(percent))
        name = f"tax-{exact.replace('.', '_')}"
        rates[name] = {"name": said.name, "percent": exact, "included": said.included}
        return name

    for key, one in said.categories.items():
        categories[key] = {"default": rate(one.percent)}
        if one.takeaway and ppm(one.takeaway) != ppm(one.percent):
            categories[key]["by_order_type"] = dict.fromkeys(AWAY, rate(one.takeaway))
    return {"rates": rates, "categories": categories}


def _devices(said: Answers) -> Table:
    devices: Table = {}
    stars = star_profiles()
    for name, one in said.printers.items():
        kind = "star" if one.model in stars else "escpos_display" if one.model == TEXT_DISPLAY else "escpos"
        made = {"kind": kind, "address": one.address, "profile": one.model, "mac": one.mac, "register": one.register}
        devices[name] = {key: value for key, value in made.items() if value}
        if one.serial != SerialLine():
            devices[name]["serial"] = msgspec.to_builtins(one.serial)
    devices |= {name: {"kind": "display"} for name in said.displays}
    return devices | {name: {"kind": "drawer", "printer": one.printer, "pin": one.pin} for name, one in said.drawers.items()}


def _routing(said: Answers) -> Table:
    first = list(said.stations)[:1]
    taken: dict[str, list[str]] = {}
    for name, one in said.stations.items():
        for category in one.categories:
            taken.setdefault(category, []).append(name)
    return {"default": first} | ({"categories": taken} if taken else {})


def _network(said: Answers, places: Places) -> Table:
    made: Table = {"socket": PROBE_SOCKET}
    if places.key_file:
        made["key_file"] = places.key_file
    links = {key: _without_empty(getattr(said.links, key)) for key in ("switch", "router", "modem", "internet", "backup")}
    cables = {name: _without_empty(one) for name, one in said.links.cables.items()}
    links = {"cables": {name: one for name, one in cables.items() if one}} | links
    if links := {key: value for key, value in links.items() if value}:
        made["links"] = links
    return made


# --- and back ---


def present(raw: Mapping[str, Any], config: Config) -> tuple[Answers, Places]:
    """What the configuration `config`, loaded from the tables `raw`, says of what setup asks."""
    named = Places(
        menu=raw["catalogue"]["file"],
        token_file=raw.get("hq", {}).get("token_file", ""),
        ca_file=raw.get("hq", {}).get("ca_file", ""),
        key_file=raw.get("network", {}).get("key_file", ""),
        pages=config.pages.registers,
    )
    menu = EXAMPLE if named.menu == BUILTIN else config.catalogue.file
    store = config.store
    port = config.api.listen.rpartition(":")[2]
    said = Answers(
        register=config.this_register,
        store=StoreSaid(
            id=store.id, name=store.name, timezone=store.timezone, currency=store.currency, language=store.language,
            country=store.country, receipt_header=store.receipt_header,
        ),
        registers={
            name: RegisterSaid(
                letter=one.letter, address=one.address, receipt_printer=one.receipt_printer, drawer=one.drawer,
                pages_port=0 if name == config.this_register else port_of(one.address, named.pages),
            )
            for name, one in config.registers.items()
        },
        roles=RolesSaid(primary=config.roles.primary or next(iter(config.registers)), backup=config.roles.backup),
        menu=MenuSaid(file=menu),
        taxes=_taxes_said(config),
        printers={
            name: PrinterSaid(
                address=one.address, model=one.profile or "generic-80", mac=one.mac, register=one.register, serial=one.serial
            )
            for name, one in config.devices.items()
            if one.kind in PRINTERS
        },
        drawers={
            name: DrawerSaid(printer=one.printer, pin=one.pin) for name, one in config.devices.items() if one.kind == "drawer"
        },
        displays=tuple(name for name, one in config.devices.items() if one.kind == "display"),
        stations=_stations_said(config),
        hq=HqSaid(url=config.hq.url, ca_file=config.hq.ca_file),
        pages=PagesSaid(port=int(port) if port else 0, lan=_lan(raw)),
        people=PeopleSaid(sign_in=bool(config.staff.file)),
        links=config.network.links,
    )  # fmt: skip
    return said, named


def _lan(raw: Mapping[str, Any]) -> str:
    section = raw.get("lan")
    return str(section.get("listen", "")) if isinstance(section, dict) else ""


def _taxes_said(config: Config) -> TaxesSaid:
    rates = config.taxes.rates
    categories = {}
    for name, one in config.taxes.categories.items():
        usual = percent_text(ppm(rates[one.default].percent))
        away = next((rates[rate] for kind, rate in one.by_order_type.items() if kind in AWAY), None)
        takeaway = "" if away is None else percent_text(ppm(away.percent))
        categories[name] = CategorySaid(percent=usual, takeaway="" if takeaway == usual else takeaway)
    first = next(iter(rates.values()), None)
    if first is None:
        return TaxesSaid(categories=categories)
    return TaxesSaid(name=first.name, included=first.included, categories=categories)


def _stations_said(config: Config) -> dict[str, StationSaid]:
    default = config.routing.default
    ordered = [*(name for name in default), *(name for name in config.stations if name not in default)]
    return {
        name: StationSaid(
            title=config.stations[name].title,
            devices=config.stations[name].devices,
            categories=tuple(category for category, takers in config.routing.categories.items() if name in takers),
        )
        for name in ordered
    }
