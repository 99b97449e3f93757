"""What a kitchen display shows: its cards, as text and as a picture, and the log that outlives the display."""

import json
import os
from collections import deque
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

JOBS_REMEMBERED = 500
"""docs/kitchen-display-protocol.md, "Sequence, epoch and replay"."""


class Line(NamedTuple):
    """A line of a card and how it stands out: the order type is the largest, what must not be missed is loud."""

    text: str
    kind: Literal["order_type", "head", "loud", "item", "plain"] = "plain"


class Card(msgspec.Struct):
    """One ticket as it was shown. `ticket` is the frame's object, field by field as the agent sent it."""

    seq: int
    epoch: str
    job_id: str
    ticket: dict[str, Any]
    marks: list[str] = []
    bumped: bool = False

    @property
    def check_id(self) -> str:
        return str(self.ticket.get("check_id", ""))

    @property
    def station(self) -> str:
        return str(self.ticket.get("station", ""))

    def lines(self) -> list[Line]:
        """What the card says, from the top: order type, code and time, marks, who for, then items with their modifiers."""
        ticket = self.ticket
        items = ticket.get("items", [])
        changes = any(item.get("action", "add") != "add" for item in items)
        lines = [Line(str(ticket.get("order_type") or ""), "order_type")]
        lines += [Line("  ".join(str(ticket[key]) for key in ("ticket_code", "fired_at_text") if ticket.get(key)), "head")]
        lines += [Line(f"*** {mark} ***", "loud") for mark in self.marks]
        if changes:
            lines.append(Line("*** CHANGE ***", "loud"))
        elif ticket.get("revision", 1) > 1:
            lines.append(Line("*** ADDITION ***", "loud"))
        lines += [Line("RUSH", "loud")] if ticket.get("rush") else []
        table = f"table {ticket['table']}" if ticket.get("table") else ""
        lines.append(Line(" ".join(str(part) for part in (table, ticket.get("server"), ticket.get("name")) if part)))
        many_courses = len({item.get("course", 1) for item in items}) > 1
        course = None
        for item in sorted(items, key=lambda item: int(item.get("course", 1))):
            number = item.get("course", 1)
            if number != course and (many_courses or number > 1):
                lines.append(Line(f"== course {number} ==", "head"))
            course = number
            lines += _item(item)
        lines += [Line(f"! {ticket['note']}")] if ticket.get("note") else []
        return [line for line in lines if line.text]

    def rows(self) -> list[str]:
        """`lines` as plain text."""
        return [line.text for line in self.lines()]


def _item(item: dict[str, Any]) -> list[Line]:
    action = {"void": "VOID ", "modify": "CHANGED "}.get(item.get("action", "add"), "")
    seat = f"  seat {item['seat']}" if item.get("seat") is not None else ""
    lines = [Line(f"{action}{item.get('quantity')} {item.get('name')}{seat}", "loud" if action else "item")]
    lines += [Line(f"   *** {item['order_type']} ***", "loud")] if item.get("order_type") else []
    lines += [Line(f"   {modifier}") for modifier in item.get("modifiers", [])]
    lines += [Line(f"   ! {item['note']}")] if item.get("note") else []
    before = item.get("previous_quantity")
    lines += [Line(f"   was {before}")] if before is not None and before != item.get("quantity") else []
    return lines


class Cards:
    """The cards of one display, newest last, at most `JOBS_REMEMBERED`.

    Args:
        directory: holds `shown.jsonl`, one JSON object for each card shown and each bump or recall, fsynced line by line;
            read again at the next start. A last line torn by a power loss is dropped. None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self.cards: deque[Card] = deque(maxlen=JOBS_REMEMBERED)
        self._log = directory / "shown.jsonl" if directory else None
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
        if self._log is not None and self._log.exists():
            whole = self._log.read_bytes().rpartition(b"\n")[0]
            for line in whole.splitlines():
                self._replay(json.loads(line))
            os.truncate(self._log, len(whole) + 1 if whole else 0)

    def _replay(self, entry: dict[str, Any]) -> None:
        if "job_id" in entry:
            self.cards.append(msgspec.convert(entry, Card))
        else:
            self._mark(entry["check_id"], entry["bumped"])

    def knows(self, job_id: str) -> bool:
        return any(card.job_id == job_id for card in self.cards)

    def keep(self, card: Card) -> None:
        """Write `card` down durably; touches nothing else, so that a thread may do it."""
        self._append(msgspec.to_builtins(card))

    def show(self, card: Card) -> None:
        """Put `card` on the screen."""
        self.cards.append(card)

    def bump(self, check_id: str, *, bumped: bool) -> list[Card]:
        """Take the cards of a check off the screen, or bring them back. The cards concerned."""
        found = self._mark(check_id, bumped)
        if found:
            self._append({"check_id": check_id, "bumped": bumped})
        return found

    def _mark(self, check_id: str, bumped: bool) -> list[Card]:
        found = [card for card in self.cards if card.check_id == check_id]
        for card in found:
            card.bumped = bumped
        return found

    def _append(self, entry: dict[str, Any]) -> None:
        if self._log is not None:
            with self._log.open("ab") as log:
                log.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
                log.flush()
                os.fsync(log.fileno())

    def on_screen(self) -> list[Card]:
        return [card for card in tuple(self.cards) if not card.bumped]

    def as_text(self, *, agent_lost: bool) -> str:
        """The screen as text: cards in order, a rule between them, and a plain sign where the agent is lost."""
        parts = (["!! NO CONNECTION TO THE REGISTER !!"] if agent_lost else []) + [
            "\n".join(card.rows()) for card in self.on_screen()
        ]
        return ("\n" + "-" * 32 + "\n").join(parts) + "\n"

    def as_png(self, *, agent_lost: bool) -> bytes:
        """The screen as a PNG (`board_picture`). Slow: not for an event loop."""
        from tillkeeper_drivers.simulator import board_picture

        return board_picture.draw([card.lines() for card in self.on_screen()], agent_lost=agent_lost)
