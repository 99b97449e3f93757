"""What a single answer may be: text as it was typed in, the value out, `Wrong` with the reason where it can not be. Pure."""

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Collection
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from tillkeeper.config import address as where
from tillkeeper.config.lan import is_private, place
from tillkeeper.config.load import known_profiles, star_profiles
from tillkeeper.file_problem import nearest
from tillkeeper.layouts.names import languages
from tillkeeper.people import pins
from tillkeeper.sales.money import percent_text, ppm
from tillkeeper.setup.asking import Wrong

MAX_NAME = 60
PIN_LENGTH = 6
LATER = "later"
RESERVED = frozenset({"receipt", "none", "-"})
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*")
_TOKEN = re.compile(r"[\x21-\x7e]{16,4000}")
_CREDENTIAL = re.compile(r"credential:[A-Za-z0-9._-]{1,64}")


def line(text: str) -> str:
    """A name or a line that is printed."""
    text = text.strip()
    if not text:
        raise Wrong("it can not be empty")
    if len(text) > MAX_NAME:
        raise Wrong(f"at most {MAX_NAME} characters")
    if not text.isprintable():
        raise Wrong("no control characters")
    if "\N{REPLACEMENT CHARACTER}" in text:
        raise Wrong("this did not arrive as UTF-8: set the terminal to it, or write plain letters")
    return text


def lines(text: str) -> tuple[str, ...]:
    """Several, with semicolons between."""
    return tuple(line(part) for part in text.split(";") if part.strip())


def identifier(text: str) -> str:
    """What journal and reports call something."""
    if not _ID.fullmatch(text.strip()):
        raise Wrong("letters (a to z), digits and . _ : - only, 64 at most")
    return text.strip()


def word(text: str) -> str:
    """A short name that is typed in commands: of a register, a printer, a station."""
    if not _WORD.fullmatch(text.strip()):
        raise Wrong("small letters (a to z), digits and . _ - only, 32 at most, as front or bar-2")
    return text.strip()


def other_than(taken: Collection[str], check: Callable[[str], str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        value = check(text)
        if value in taken:
            raise Wrong(f"{value} is taken already")
        return value

    return checked


def letter(text: str) -> str:
    text = text.strip().upper()
    if not re.fullmatch("[A-Z]", text):
        raise Wrong("one letter, A to Z")
    if text == "T":
        raise Wrong("T begins the ticket codes of training: take another")
    return text


def timezone(text: str) -> str:
    text = text.strip()
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(text, zoneinfo.available_timezones())
        raise Wrong(f"there is no such time zone{f'; did you mean {near}?' if near else ', as Europe/Berlin'}") from None
    return text


def currency(text: str) -> str:
    text = text.strip().upper()
    if not re.fullmatch("[A-Z]{3}", text):
        raise Wrong("three letters of ISO 4217, as EUR or USD")
    return text


def language(text: str) -> str:
    text = text.strip()
    if text not in languages() and text.partition("-")[0] not in languages():
        raise Wrong(f"there are words in {', '.join(sorted(languages()))}")
    return text


def country(text: str) -> str:
    text = text.strip().upper()
    if not re.fullmatch("[A-Z]{2}", text):
        raise Wrong("two letters of ISO 3166, as DE or US")
    return text


def percent(text: str) -> str:
    """As it is written in a configuration: "8.875"."""
    try:
        return percent_text(ppm(text.strip().rstrip("%").strip().replace(",", ".")))
    except ValueError as error:
        raise Wrong("a number from 0 to 100 with at most four decimals, as 8.875") from error


def host(text: str) -> str:
    """Of a register: an IP address, or a name that the store's network knows."""
    text = text.strip()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if re.fullmatch(r"[0-9.]+", text) or not _HOST.fullmatch(text):
            raise Wrong("an IP address, as 192.168.1.11, or a host name") from None
    return text


def ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise Wrong("an IP address, as 192.168.1.1") from None


def lan(text: str) -> str:
    """Where pages are served on the store's network: a private address, with a port."""
    try:
        place(text.strip())
    except ValueError as error:
        raise Wrong(str(error)) from None
    return text.strip()


def lan_of(own: Collection[str]) -> Callable[[str], str]:
    """One of this machine's own addresses, with a port; with the word `LATER` behind it any private one.

    Args:
        own: all that this machine has; empty where that is not known.
    """

    def checked(text: str) -> str:
        at, _, word = text.strip().partition(" ")
        if trouble := foreign(lan(at), own) if word.strip().lower() != LATER else "":
            raise Wrong(f"{trouble}. If it gets this one later, type `{at} {LATER}`")
        return at

    return checked


def foreign(listen: str, own: Collection[str]) -> str:
    """Why this machine, which has the addresses `own`, can not serve pages at `listen`; empty where it can."""
    host = ipaddress.ip_address(place(listen)[0])
    if not own or host.is_unspecified or str(host) in own:
        return ""
    there = [one for one in own if is_private(one) and not ipaddress.ip_address(one).is_link_local]
    return f"{host} is no address of this machine, which has {', '.join(there) or 'no private one'}"


def port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text.strip()) or not int(text) <= 65_535 or 0 < int(text) < 1024:
        raise Wrong("a number from 1024 to 65535, or 0 for no pages")
    return int(text)


def port_of_pages(text: str) -> int:
    if not (found := port(text)):
        raise Wrong("a number from 1024 to 65535")
    return found


def url(text: str) -> str:
    text = text.strip()
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound or not text.isascii() or not text.isprintable() or " " in text:
        raise Wrong("an address that begins with https:// (or http://), as https://hq.example:8443")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Wrong("without a user name, a query or a fragment: the token is asked for by itself")
    return text


def token(text: str) -> str:
    if not _TOKEN.fullmatch(text.strip()):
        raise Wrong("a token has at least 16 letters, digits or signs, without spaces")
    return text.strip()


def device(text: str) -> str:
    """The address of a printer."""
    text = text.strip()
    if not text.isascii() or not text.isprintable() or len(text) > 200:
        raise Wrong(f"an address has plain letters: {where.FORMS}")
    if where.kind(text) == "tcp" and not where.is_host_port(text):
        text = f"{text}:9100"
    if where.kind(text) == "folder" or where.problem(text):
        raise Wrong(where.problem(text) or f"{text!r} is not {where.FORMS}")
    return text


def mac(text: str) -> str:
    if not (found := where.mac(text)):
        raise Wrong("a MAC, as 00:26:ab:01:02:03")
    return found


def model(text: str) -> str:
    text, known = text.strip(), known_profiles() | star_profiles()
    if text not in known:
        near = nearest(text.lower(), known)
        raise Wrong(f"this model is not known{f'; did you mean {near}?' if near else ', ? lists those that are'}")
    return text


def pin_of(length: int) -> Callable[[str], str]:
    """Never quoted."""

    def pin(text: str) -> str:
        if len(text) != length or not (text.isascii() and text.isdigit()):
            raise Wrong(f"a PIN has {length} digits")
        if weak := pins.weakness(text):
            raise Wrong(f"this PIN is too easy: {weak}")
        return text

    return pin


def rooted(text: str) -> str:
    if not PurePosixPath(text.strip()).is_absolute() or not text.isprintable():
        raise Wrong("a path from the root")
    return text.strip()


def secret_file(text: str) -> str:
    """A path from the root, or "credential:NAME"."""
    text = text.strip()
    if text.startswith("credential:"):
        if not _CREDENTIAL.fullmatch(text):
            raise Wrong("credential:NAME, of letters, digits and . _ -")
        return text
    if not PurePosixPath(text).is_absolute() or not text.isprintable():
        raise Wrong("a path from the root, as /root/hq-token, or credential:NAME")
    return text
