"""What must hold between the parts of a configuration: every name points at something, no two things share one place.
What a file beside it adds - a printer model, a layout - may be named here; whether it is there is asked by `beside`.

Works on the raw tables of the file, so that it can run over a file whose form is broken elsewhere: what has the wrong type
is skipped here, `load` has reported it already.
"""

import re
import zoneinfo
from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from urllib.parse import SplitResult, urlsplit

from tillkeeper.config import address as where
from tillkeeper.config import (
    displays,
    gateway_rules,
    lan,
    network_rules,
    online,
    replication_rules,
    roles,
    secret_rules,
    wired_rules,
)
from tillkeeper.config.raw import Report, Table
from tillkeeper.config.raw import table as _table
from tillkeeper.config.raw import tables as _tables
from tillkeeper.config.raw import text as _text
from tillkeeper.config.raw import texts as _texts
from tillkeeper.layouts.names import builtin_layouts, languages
from tillkeeper.sales.money import minor_digits
from tillkeeper_systemd import credentials

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LOWEST_RATE, _HIGHEST_RATE = Decimal("0.000000001"), Decimal(1_000_000_000)
_PAPER = ("escpos", "star")
_PRINTERS = (*_PAPER, "escpos_display")
_TAKE_TICKETS = (*_PRINTERS, "display", *displays.KINDS)
_KINDS = (*_TAKE_TICKETS, "drawer")


def check(document: Table, profiles: Collection[str], report: Report, star: Collection[str] = ()) -> None:
    """Report each rule that `document` breaks as `report(path, what, wrong, right)`.

    Args:
        profiles, star: the models that the ESC/POS driver and the Star driver know.
    """
    _ids(document, report)
    _store(document, report)
    _taxes(document, report)
    _registers(document, report)
    _terminals(document, report)
    _stations(document, report)
    _routing(document, report)
    _devices(document, profiles, star, report)
    displays.check(document, report)
    _shared_places(document, report)
    _tenders(document, report)
    _files(document, report)
    _api(document, report)
    _layouts(document, report)
    network_rules.check(document, report)
    replication_rules.check(document, report)
    roles.check(document, report)
    online.check(document, report)
    wired_rules.check(document, _PRINTERS, report)
    gateway_rules.check(document, report)
    lan.check(document, report)


# --- the rules ---


def _ids(document: Table, report: Report) -> None:
    for section in ("registers", "devices", "stations", "tenders", "terminals", "gateways"):
        for name in _table(document, section):
            if not _ID.fullmatch(name):
                report((section, name), f"{name!r} as a name may hold letters, digits and . _ : - only, 64 at most")
    store = _text(_table(document, "store"), "id")
    if "id" in _table(document, "store") and not _ID.fullmatch(store):
        report(("store", "id"), f"{store!r} as an id may hold letters, digits and . _ : - only, 64 at most")


def _store(document: Table, report: Report) -> None:
    store = _table(document, "store")
    zone = _text(store, "timezone")
    if zone and not _zone_exists(zone):
        report(("store", "timezone"), f"no timezone {zone!r}", zone, zoneinfo.available_timezones())
    currency, digits = _text(store, "currency"), store.get("minor_digits", 2)
    if currency and not _CURRENCY.fullmatch(currency):
        report(("store", "currency"), f"{currency!r} is not a currency code of ISO 4217 (three capitals)", currency.upper())
    elif currency and isinstance(digits, int) and digits != minor_digits(currency):
        at = ("store", "minor_digits") if "minor_digits" in store else ("store", "currency")
        report(at, f"{currency} has {minor_digits(currency)} minor digits, not {digits}")


def _zone_exists(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return False
    return True


def _taxes(document: Table, report: Report) -> None:
    rates = _table(document, "taxes", "rates")
    for name, rate in _tables(document, "taxes", "rates"):
        percent = rate.get("percent")
        if isinstance(percent, int | float | str) and not isinstance(percent, bool) and not _is_percent(percent):
            report(("taxes", "rates", name, "percent"), f"{percent!r} is not a percentage (0 to 100, at most 4 decimals)")
    for name, category in _tables(document, "taxes", "categories"):
        path = ("taxes", "categories", name)
        _points(category, "default", rates, "tax rate", path, report)
        by_type = _table(category, "by_order_type")
        for order_type in by_type:
            _points(by_type, order_type, rates, "tax rate", (*path, "by_order_type"), report)


def _is_percent(value: float | str) -> bool:
    try:
        percent = Decimal(str(value))
    except InvalidOperation:
        return False
    return percent.is_finite() and 0 <= percent <= 100 and percent * 10_000 == int(percent * 10_000)


def _points(table: Table, key: str, targets: Table, kind: str, path: tuple[str, ...], report: Report) -> bool:
    """Whether `table[key]` names one of `targets`; reports where it names something else."""
    name = _text(table, key)
    if name and name not in targets:
        report((*path, key), f"no {kind} {name!r}", name, targets)
    return name in targets


def _registers(document: Table, report: Report) -> None:
    registers, devices = _table(document, "registers"), _table(document, "devices")
    _points(document, "this_register", registers, "register", (), report)
    letters: dict[str, str] = {}
    for name, register in _tables(document, "registers"):
        path = ("registers", name)
        for key, kinds in (("receipt_printer", _PAPER), ("drawer", ("drawer",))):
            if _points(register, key, devices, "device", path, report):
                _is_kind(document, _text(register, key), kinds, (*path, key), report)
        letter = _text(register, "letter")
        if letter and letters.setdefault(letter, name) != name:
            report((*path, "letter"), f"letter {letter!r} belongs to register {letters[letter]!r} already")
        if letter == "T":
            report((*path, "letter"), "letter 'T' begins the ticket codes of training")


def _terminals(document: Table, report: Report) -> None:
    """An empty name is a place without that device."""
    devices = _table(document, "devices")
    for name, terminal in _tables(document, "terminals"):
        path = ("terminals", name)
        for key, kinds in (("receipt_printer", _PAPER), ("drawer", ("drawer",))):
            if _points(terminal, key, devices, "device", path, report):
                _is_kind(document, _text(terminal, key), kinds, (*path, key), report)
        if _text(terminal, "view") == "lane" and _text(terminal, "drawer"):
            report((*path, "drawer"), "a lane takes no cash: it has no drawer")


def _is_kind(document: Table, device: str, kinds: Collection[str], path: tuple[str | int, ...], report: Report) -> None:
    kind = _text(_table(document, "devices", device), "kind")
    if kind in _KINDS and kind not in kinds:
        right = [name for name, other in _tables(document, "devices") if _text(other, "kind") in kinds]
        report(path, f"device {device!r} is of kind {kind!r}, needed is {' or '.join(kinds)}", device, right)


def _stations(document: Table, report: Report) -> None:
    devices = _table(document, "devices")
    for name, station in _tables(document, "stations"):
        path = ("stations", name)
        if station.get("devices") == []:
            report((*path, "devices"), "a station needs a device")
        own = _texts(station, "devices")
        for at, device in own:
            if device not in devices:
                report((*path, "devices", at), f"no device {device!r}", device, devices)
            else:
                _is_kind(document, device, _TAKE_TICKETS, (*path, "devices", at), report)
        _backups(document, name, station, [device for _at, device in own], report)


def _backups(document: Table, name: str, station: Table, own: list[str], report: Report) -> None:
    """One as a text, or a list of them, best first."""
    devices, stations = _table(document, "devices"), _table(document, "stations")
    path = ("stations", name, "backup")
    single = _text(station, "backup")
    chain: list[tuple[tuple[str | int, ...], str]] = [(path, single)] if single else []
    chain += [((*path, at), backup) for at, backup in _texts(station, "backup")]
    for n, (at, backup) in enumerate(chain):
        if backup not in devices and backup not in stations:
            report(at, f"no device and no station {backup!r}", backup, [*devices, *stations])
        elif backup in devices:
            _is_kind(document, backup, _TAKE_TICKETS, at, report)
        if backup in own or (backup == name and backup not in devices):
            report(at, f"{backup!r} can not be its own backup")
        if backup in [other for _, other in chain[:n]]:
            report(at, f"{backup!r} is in this chain already")


def _routing(document: Table, report: Report) -> None:
    stations, routing = _table(document, "stations"), _table(document, "routing")
    lists: list[tuple[tuple[str, ...], list[tuple[int, str]]]] = [(("routing", "default"), _texts(routing, "default"))]
    for key in ("categories", "items"):
        table = _table(routing, key)
        lists += [(("routing", key, name), _texts(table, name)) for name in table]
    for path, names in lists:
        for at, name in names:
            if name not in stations:
                report((*path, at), f"no station {name!r}", name, stations)


def _devices(document: Table, profiles: Collection[str], star: Collection[str], report: Report) -> None:
    devices, own = _table(document, "devices"), bool(_text(_table(document, "models"), "own"))
    for name, device in _tables(document, "devices"):
        path, kind = ("devices", name), _text(device, "kind")
        address, profile = _text(device, "address"), _text(device, "profile")
        if kind in _PRINTERS and not address:
            report(path, f"a printer needs an 'address' ({where.FORMS})")
        if kind in _PAPER and not profile:
            report(path, "a printer needs a 'profile'")
        if address and (wrong := where.problem(address)):
            report((*path, "address"), wrong)
        if "mac" in device:
            _mac(device, path, report)
        if "serial" in device and (not address or where.kind(address) != "serial"):
            report((*path, "serial"), "'serial' means nothing without an address serial:/dev/...")
        if "hold" in device and ((kind in _KINDS and kind not in _PAPER) or not address or where.kind(address) != "tcp"):
            report((*path, "hold"), "'hold' is for network printers; a serial or USB one is this register's alone anyway")
        known, others = (star, profiles) if kind == "star" else (profiles, star)
        may_be_own = own and kind != "star" and profile not in others
        if profile and profile not in known and not may_be_own and (kind in _PRINTERS or profile not in others):
            foreign_kind = f" of kind {kind!r}" if profile in others else ""
            report((*path, "profile"), f"no profile {profile!r}{foreign_kind}", profile, known)
        if kind == "drawer" and not _text(device, "printer"):
            report(path, "a drawer needs a 'printer'")
        if _points(device, "printer", devices, "device", path, report):
            _is_kind(document, _text(device, "printer"), _PAPER, (*path, "printer"), report)
        if "left_open_s" in device and kind in _TAKE_TICKETS:
            report((*path, "left_open_s"), "'left_open_s' is for drawers")
        foreign = {"drawer": ("address", "profile", "bell_pin"), "display": ("address", "profile", "printer", "bell_pin")}
        # What a kind that is none would mean is not known: its own error is enough.
        for key in foreign.get(kind, ("printer",) if kind in _TAKE_TICKETS else ()):
            if key in device:
                report((*path, key), f"{key!r} means nothing for a device of kind {kind!r}")


def _mac(device: Table, path: tuple[str, ...], report: Report) -> None:
    address, mac = _text(device, "address"), _text(device, "mac")
    if not address or where.kind(address) != "tcp":
        report((*path, "mac"), "'mac' means nothing without a network address")
    elif not where.mac(mac):
        report((*path, "mac"), f"{mac!r} is not the MAC of a device, as 00:26:ab:01:02:03")


def _shared_places(document: Table, report: Report) -> None:
    """Two devices on one address or of one MAC, two things on one pin."""
    addresses: dict[str, str] = {}
    macs: dict[tuple[str, int], str] = {}
    pins: dict[tuple[str, int], str] = {}
    for name, device in _tables(document, "devices"):
        address, bell = _text(device, "address"), device.get("bell_pin")
        if address and addresses.setdefault(address, name) != name:
            report(("devices", name, "address"), f"device {addresses[address]!r} has this address already")
        mac = where.mac(_text(device, "mac"))
        if mac and address and not where.problem(address):
            same = mac, where.host_port(address)[1]
            if macs.setdefault(same, name) != name:
                report(("devices", name, "mac"), f"device {macs[same]!r} has this MAC already")
        if isinstance(bell, int):
            pins[name, bell] = f"the bell of {name!r}"
    for name, device in _tables(document, "devices"):
        printer, pin = _text(device, "printer"), device.get("pin", 2)
        if _text(device, "kind") != "drawer" or not printer or not isinstance(pin, int):
            continue
        owner = pins.setdefault((printer, pin), f"drawer {name!r}")
        if owner != f"drawer {name!r}":
            at = ("devices", name, "pin") if "pin" in device else ("devices", name)
            report(at, f"{owner} hangs on pin {pin} of printer {printer!r} already")


def _tenders(document: Table, report: Report) -> None:
    own = _text(_table(document, "store"), "currency")
    currencies = {own}
    for name, tender in _tables(document, "tenders"):
        path, currency, rate = ("tenders", name), _text(tender, "currency"), _text(tender, "rate")
        currencies.add(currency or own)
        if currency and not _CURRENCY.fullmatch(currency):
            report((*path, "currency"), f"{currency!r} is not a currency code of ISO 4217 (three capitals)", currency.upper())
        if currency and _text(tender, "kind") not in ("cash", ""):
            report((*path, "currency"), "only cash comes in another currency")
        if currency and currency != own and not rate:
            report(path, f"a tender in {currency} needs a 'rate'")
        if rate and (not currency or currency == own):
            report((*path, "rate"), "a 'rate' belongs to a tender in another currency")
        if rate and not _is_rate(rate):
            report((*path, "rate"), f"{rate[:40]!r} is not a positive number as text, {_LOWEST_RATE} to {_HIGHEST_RATE}")
    for currency in _table(document, "cash_rounding"):
        if own and currency not in currencies:
            report(("cash_rounding", currency), f"neither the store nor a tender uses {currency!r}", currency, currencies)


def _is_rate(rate: str) -> bool:
    """Within bounds as well: "1e999999999" is a number that nobody can reckon with."""
    try:
        value = Decimal(rate)
    except InvalidOperation:
        return False
    return value.is_finite() and _LOWEST_RATE <= value <= _HIGHEST_RATE


def _files(document: Table, report: Report) -> None:
    hq = _table(document, "hq")
    url, token = _text(hq, "url"), _text(hq, "token_file")
    parts = _split(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc):
        report(("hq", "url"), f"{url!r} is not an http(s) address")
    if url and not token:
        report(("hq",), "with a 'url' comes a 'token_file'")
    elif why := secret_rules.name_problem(token):
        report(("hq", "token_file"), why)
    for name in ("token_file", "page_token_file"):
        if _text(_table(document, "api"), name).startswith(credentials.PREFIX):
            report(("api", name), "can be no credential: the agent makes it, and others read it")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # a bracket that is not closed
        return SplitResult("", "", "", "", "")


def _api(document: Table, report: Report) -> None:
    api = _table(document, "api")
    listen = _text(api, "listen")
    if listen and (not where.is_host_port(listen, lowest=0) or listen.rpartition(":")[0] not in _LOOPBACK):
        report(("api", "listen"), f"{listen!r} is not 127.0.0.1:PORT: the API listens on this machine only")
    for at, origin in _texts(api, "origins"):
        parts = _split(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
            report(("api", "origins", at), f"{origin!r} is not an origin (https://host, no path)")


def _layouts(document: Table, report: Report) -> None:
    """Languages, the country, and the names of layouts where they can be ours only; else `layouts.shelf` looks for them."""
    store, section = _table(document, "store"), _table(document, "layouts")
    _language(store, ("store", "language"), report)
    country = _text(store, "country")
    if country and not re.fullmatch("[A-Z]{2}", country):
        report(("store", "country"), f"{country!r} is not a country code of ISO 3166-1 (two capitals)", country.upper()[:2])
    ours = not _text(section, "folder")
    if ours:
        _named(_table(section, "use"), ("layouts", "use"), report)
    for name, station in _tables(document, "stations"):
        _language(station, ("stations", name, "language"), report)
        if ours:
            _named(_table(station, "layouts"), ("stations", name, "layouts"), report)


def _language(table: Table, path: tuple[str, ...], report: Report) -> None:
    tag = _text(table, "language")
    if tag and tag not in languages() and tag.partition("-")[0] not in languages():
        report(path, f"there are no words in the language {tag!r}", tag, languages())


def _named(table: Table, path: tuple[str, ...], report: Report) -> None:
    for key in table:
        if (name := _text(table, key)) and name not in builtin_layouts():
            report((*path, key), f"no layout {name!r}", name, builtin_layouts())
