"""Reads what came out of the printers, as a cook or a guest would: which document, of which order, with which marks.

Works on the text of a slip alone. A document that an agent or a printer did not finish hangs in the printer and becomes the top
of the next slip: a slip is therefore cut into its documents first.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from anyascii import anyascii

from tillkeeper_drivers.simulator.board import Card

_CODE = re.compile(r"\s*([A-Z]-\d{3,})\s*")
_STATION = re.compile(r"(\S.*?)\s{2,}\d\d:\d\d:\d\d")
_MARK = re.compile(r"\s*((?:POSSIBLE )?DUPLICATE|REROUTED FROM .*|CARRY TO KITCHEN: .*|FROM REGISTER .*|COPY \d+)\s*")
_RECEIPT_HEAD = 2
"""Lines between a receipt's code and its store name: order type and address."""


class Print(msgspec.Struct, frozen=True):
    """A document on a device, whole or torn. `station` is the title on it, empty on receipts and where it was torn before.
    `text` is folded (`fold`)."""

    device: str
    kind: Literal["ticket", "receipt"]
    code: str
    marks: tuple[str, ...]
    station: str
    text: str

    @property
    def marked_repeat(self) -> bool:
        return any("DUPLICATE" in mark for mark in self.marks)


def fold(text: str) -> str:
    """Letters and digits alone, romanised: the same for every code page, line break and column."""
    return "".join(character for character in anyascii(text).lower() if character.isalnum())


def prints_of(device: str, slips: Iterable[str], address: str) -> Iterator[Print]:
    """All documents on the slips of a printer. `address`: the line that stands above the order type on receipts alone."""
    for slip in slips:
        rows = slip.splitlines()
        codes = [at for at, row in enumerate(rows) if _CODE.fullmatch(row)]
        if not codes:
            continue  # a report
        starts = [_start(rows, at, address) for at in codes]
        for at, start, end in zip(codes, starts, [*starts[1:], len(rows)], strict=True):
            part = rows[start:end]
            found = _CODE.fullmatch(rows[at])
            station = next((match[1] for row in part if (match := _STATION.fullmatch(row.strip()))), "")
            yield Print(
                device=device,
                kind="receipt" if _is_receipt(rows, at, address) else "ticket",
                code=found[1] if found else "",
                marks=tuple(match[1].strip() for row in part if (match := _MARK.fullmatch(row))),
                station=station,
                text=fold("\n".join(part)),
            )


def cards_of(device: str, cards: Iterable[Card], titles: dict[str, str]) -> Iterator[Print]:
    """All documents that a display showed. `titles`: station -> its title."""
    for card in cards:
        station = str(card.ticket["station"])
        items = [f"{item['quantity']} x {item['name']} {' '.join(item['modifiers'])}" for item in card.ticket["items"]]
        code = str(card.ticket["ticket_code"])
        yield Print(device, "ticket", code, tuple(card.marks), titles.get(station, station), fold(" ".join(items)))


def _is_receipt(rows: list[str], code_at: int, address: str) -> bool:
    return code_at >= _RECEIPT_HEAD and rows[code_at - _RECEIPT_HEAD].strip() == address


def _start(rows: list[str], code_at: int, address: str) -> int:
    """Where the document begins whose code stands on row `code_at`: its marks stand above its head."""
    start = max(0, code_at - (_RECEIPT_HEAD + 1 if _is_receipt(rows, code_at, address) else 1))
    while start > 0 and _MARK.fullmatch(rows[start - 1]):
        start -= 1
    return start
