"""What this machine says of itself: time zone, language, addresses, what is plugged in, menus that it can read."""

import asyncio
import os
import re
import socket
from pathlib import Path

from tillkeeper.contract.devices import FoundView
from tillkeeper.errors import ConfigInvalid, TillkeeperError
from tillkeeper.layouts.names import languages
from tillkeeper.setup.answers import EXAMPLE
from tillkeeper.setup.asking import Wrong
from tillkeeper.setup.disk import MAX_BYTES, read
from tillkeeper.setup.known import Menu
from tillkeeper.setup.site import Site
from tillkeeper_systemd.credentials import located, missing

IDENTIFY_S = 8.0
_ZONES = "/usr/share/zoneinfo"


def timezone(root: Path) -> str:
    """Of /etc/localtime (localtime(5)) or /etc/timezone; empty where it is UTC, which is rarely meant."""
    link = root / "etc/localtime"
    name = os.readlink(link).partition("zoneinfo/")[2] if link.is_symlink() else ""
    if not name:
        name = (read(root / "etc/timezone") or b"").decode("ascii", "replace").strip()
    return "" if name.rpartition("/")[2] in ("", "UTC", "UCT", "GMT", "Universal", "Zulu") else name


def country(zone: str, tongue: str) -> str:
    """Of the zone as zone.tab says (it names one for each), else of the locale ("de_DE.UTF-8")."""
    for line in (read(Path(_ZONES, "zone.tab")) or b"").decode("utf-8", "replace").splitlines():
        columns = line.split("\t")
        if len(columns) > 2 and columns[2] == zone and not line.startswith("#"):
            return columns[0]
    found = re.match(r"[a-z]{2,3}_([A-Z]{2})", tongue)
    return found[1] if found and not zone else ""


def locale(root: Path) -> str:
    """As it is set for the machine, else for whoever runs this; empty for the neutral ones."""
    text = (read(root / "etc/default/locale") or read(root / "etc/locale.conf") or b"").decode("ascii", "replace")
    found = re.search(r'^LANG="?([A-Za-z0-9_.@-]+)"?$', text, re.MULTILINE)
    said = found[1] if found else os.environ.get("LANG", "")
    return "" if said.partition(".")[0] in ("C", "POSIX") else said


def language(tongue: str) -> str:
    """The words that fit a locale; empty where there are none, or no locale is set."""
    tag = tongue.partition(".")[0].partition("@")[0].replace("_", "-")
    return next((one for one in (tag, tag.partition("-")[0]) if one in languages()), "")


def hostname() -> str:
    name = socket.gethostname().partition(".")[0].lower()
    return name if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", name) else ""


def addresses() -> tuple[str, ...]:
    """IPv4 addresses of this machine that others reach; that of the default route first."""
    import psutil

    found = [
        one.address
        for name, all_of_it in psutil.net_if_addrs().items()
        for one in all_of_it
        if one.family == socket.AF_INET
        and not one.address.startswith(("127.", "169.254."))
        and not name.startswith(("docker", "veth"))
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nobody's; a connected datagram socket sends nothing
            first = probe.getsockname()[0]
        except OSError:
            first = ""
    return tuple(sorted(found, key=lambda address: address != first))


def own_addresses() -> tuple[str, ...]:
    """All of this machine, IPv6 too."""
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    found = (one for each in psutil.net_if_addrs().values() for one in each if one.family in families)
    return tuple(dict.fromkeys(one.address.partition("%")[0] for one in found))


def found_devices() -> tuple[FoundView, ...]:
    """As `tillkeeper devices discover` without an agent: two seconds. Nothing where it can not be looked."""
    from tillkeeper.clock import wall_ms
    from tillkeeper.devices.finder import Finder
    from tillkeeper.devices.found import FoundDesk
    from tillkeeper.devices.locator import Locator
    from tillkeeper.devices.registry import profiles

    async def look() -> tuple[FoundView, ...]:
        locator = Locator(wall_ms)
        finder = Finder(locator, profiles=profiles)
        await finder.look()
        return (await FoundDesk(finder, locator).search()).found

    try:
        return asyncio.run(look())
    except OSError:
        return ()


def identified(address: str) -> str:
    """The name of the model that a printer on the network says that it is; empty where it does not say, or nobody answers."""
    from tillkeeper.config.address import host_port
    from tillkeeper.devices.pairing import model_at
    from tillkeeper.devices.registry import profiles
    from tillkeeper_drivers.api import TransportError

    async def told() -> str:
        async with asyncio.timeout(IDENTIFY_S):
            return await model_at(*host_port(address), profiles())

    try:
        return asyncio.run(told())
    except (TransportError, OSError, TimeoutError):
        return ""


def models() -> dict[str, str]:
    """Of printers and text displays, with their titles."""
    from tillkeeper.devices.pairing import titles

    return titles()


# --- files that are named ---


def read_menu(site: Site, typed: str, *, start: Path) -> Menu:
    """The example, a catalogue, or what an export of orders makes. Relative paths start from `start`.

    Raises:
        Wrong: with what is wrong with it.
    """
    from tillkeeper.config.load import builtin_menu

    if typed.strip() == EXAMPLE:
        return _menu(EXAMPLE, builtin_menu().read_bytes(), None)
    file = start / Path(typed.strip()).expanduser()
    try:
        content = read(file)
    except TillkeeperError as error:
        raise Wrong(f"{file}: {error.cause}") from error
    if content is None:
        raise Wrong(f"there is no file {file}")
    if len(content) >= MAX_BYTES:
        raise Wrong(f"{file} is too large")
    if file.suffix == ".tsv":
        content = _imported(file, content)
        return _menu(str(file), content, content)
    inside = file.is_relative_to(site.folder)
    return _menu(str(file), content, None if inside else content)


def _imported(file: Path, content: bytes) -> bytes:
    from tillkeeper.cli.tsv_import import import_tsv

    try:
        return import_tsv(content.decode("utf-8-sig"), file.name).catalogue.encode()
    except UnicodeDecodeError:
        raise Wrong(f"{file} is not UTF-8 text") from None
    except ConfigInvalid as error:
        raise Wrong(_first(error)) from error


def _menu(file: str, raw: bytes, content: bytes | None) -> Menu:
    from tillkeeper.sales.catalogue import parse_catalogue

    try:
        found = parse_catalogue(raw, Path(file).name)
    except ConfigInvalid as error:
        raise Wrong(_first(error)) from error
    taxes: dict[str, int] = {}
    for item in found.items.values():
        taxes[item.tax] = taxes.get(item.tax, 0) + 1
    return Menu(file, len(found.items), {key: one.name for key, one in found.categories.items()}, taxes, content)


def _first(error: ConfigInvalid) -> str:
    problems = error.extra.get("problems", ())
    more = f", and {len(problems) - 1} more: `tillkeeper catalogue check` lists them" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else error.cause


def read_secret(path: str, setting: str, start: Path) -> str:
    """The first line of a file of one's own, or of "credential:NAME" that was handed to this process. Never quoted.

    Raises:
        ConfigInvalid: there is none.
    """
    file = start / Path(located(path)).expanduser()
    try:
        raw = read(file)
    except TillkeeperError as error:
        raise ConfigInvalid("read", setting, error.cause, missing(path)) from error
    secret = (raw or b"").split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    if not secret:
        cause = f"there is no file {path}" if raw is None else f"the first line of {path} is empty"
        raise ConfigInvalid("read", setting, cause, missing(path))
    return secret
