"""A language as it stands on paper: words, and how numbers, money and times are written."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache

import msgspec

from tillkeeper.layouts import names
from tillkeeper.layouts.local_time import local_text
from tillkeeper.layouts.placeholders import fill
from tillkeeper.sales.money import percent_text

FALLBACK = "en"


class Formats(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`date`, `time`, `seconds`: strftime. `money` has the fields currency and amount, `percent` the field number."""

    decimal: str = "."
    thousands: str = ""
    date: str = "%Y-%m-%d"
    time: str = "%H:%M"
    seconds: str = "%H:%M:%S"
    money: str = "{currency} {amount}"
    percent: str = "{number} %"


class Language(msgspec.Struct, frozen=True):
    """`words` by key (`ticket.table`), complete: what the file lacks is that of its `base`, and at last English.
    `on_paper`: printers have its letters; without them a VOID would come out spelled in Latin ones, which nobody reads."""

    tag: str
    name: str
    formats: Formats
    words: Mapping[str, str]
    on_paper: bool = True

    def printable(self) -> "Language":
        """As it is set on paper: itself, or English words with its own numbers and dates."""
        return self if self.on_paper else msgspec.structs.replace(self, words=language(FALLBACK).words)

    def word(self, key: str, **fields: str) -> str:
        """The phrase `key` with its fields; the key's own letters where no language has it."""
        phrase = self.words.get(key)
        return key.rpartition(".")[2].replace("_", " ") if phrase is None else fill(phrase, fields)

    def order_type(self, order_type: str) -> str:
        """An order type of another version is shown as it is, never left out."""
        return self.words.get(f"order_types.{order_type}") or order_type.upper().replace("_", " ")

    def amount(self, amount_minor: int, minor_digits: int) -> str:
        """12345 with two digits is "123.45" in English; with none "12345"."""
        sign = "-" if amount_minor < 0 else ""
        digits = str(abs(amount_minor)).rjust(minor_digits + 1, "0")
        whole, rest = (digits[:-minor_digits], digits[-minor_digits:]) if minor_digits else (digits, "")
        if self.formats.thousands:
            whole = f"{int(whole):,}".replace(",", self.formats.thousands)
        return sign + whole + (self.formats.decimal + rest if rest else "")

    def money(self, amount_minor: int, minor_digits: int, currency: str) -> str:
        return fill(self.formats.money, {"currency": currency, "amount": self.amount(amount_minor, minor_digits)})

    def percent(self, rate_ppm: int) -> str:
        """190000 is "19 %", 88750 is "8.875 %"."""
        return fill(self.formats.percent, {"number": percent_text(rate_ppm).replace(".", self.formats.decimal)})

    def date(self, at_ms: int | None, timezone: str) -> str:
        """Empty where it has not happened."""
        return "" if at_ms is None else local_text(at_ms, timezone, self.formats.date)

    def day(self, day: str) -> str:
        """A business day (YYYY-MM-DD) as people write it; anything else as it is."""
        try:
            return date.fromisoformat(day).strftime(self.formats.date)
        except ValueError:
            return day

    def time(self, at_ms: int | None, timezone: str, *, seconds: bool = False) -> str:
        form = self.formats.seconds if seconds else self.formats.time
        return "" if at_ms is None else local_text(at_ms, timezone, form)


@cache
def language(tag: str) -> Language:
    """The language with this tag. "de-AT" without a file of its own is "de", and what nobody knows is English: a register
    prints in whatever language it has."""
    known = names.languages()
    while tag not in known and "-" in tag:
        tag = tag.rpartition("-")[0]
    return parse(tag, names.language_text(tag)) if tag in known else language(FALLBACK)


def parse(tag: str, text: str) -> Language:
    """A language from its TOML: `name`, `base`, `on_paper`, `[formats]`, and tables of words.

    Raises:
        tomllib.TOMLDecodeError, msgspec.ValidationError: the file does not have that form.
    """
    table = tomllib.loads(text)
    own = own_words(text)
    base = None if tag == FALLBACK else language(table.get("base", FALLBACK))
    formats = {**(msgspec.structs.asdict(base.formats) if base and "base" in table else {}), **table.get("formats", {})}
    words = {**(base.words if base else {}), **own}
    return Language(tag, str(table["name"]), msgspec.convert(formats, Formats), words, bool(table.get("on_paper", True)))


def own_words(text: str) -> dict[str, str]:
    """The words that a language's TOML has itself, by key."""
    tables = {name: words for name, words in tomllib.loads(text).items() if isinstance(words, dict) and name != "formats"}
    return {f"{name}.{key}": str(phrase) for name, words in tables.items() for key, phrase in words.items()}
