"""What a kitchen display shows: its cards, as text and as a picture, and the log that outlives the display."""

import io
import json
import os
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

JOBS_REMEMBERED = 500
"""docs/kitchen-display-protocol.md, "Sequence, epoch and replay"."""


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

    def rows(self) -> list[str]:
        """The card's lines: order type first, marks, then items with their modifiers."""
        ticket = self.ticket
        head = " ".join(str(part) for part in (ticket.get("order_type"), ticket.get("ticket_code")) if part)
        where = [f"table {ticket['table']}"] if ticket.get("table") else []
        rows = [head, *(f"*** {mark} ***" for mark in self.marks), *(["RUSH"] if ticket.get("rush") else [])]
        rows += [" ".join([*where, str(ticket.get("server") or ""), str(ticket.get("name") or "")]).strip()]
        for item in ticket.get("items", []):
            action = {"void": "VOID ", "modify": "CHANGED "}.get(item.get("action"), "")
            rows.append(f"{action}{item.get('quantity')} {item.get('name')}")
            rows += [f"   {modifier}" for modifier in item.get("modifiers", [])]
            rows += [f"   ! {item['note']}"] if item.get("note") else []
        rows += [f"! {ticket['note']}"] if ticket.get("note") else []
        return [row for row in rows if row]


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
        return [card for card in self.cards if not card.bumped]

    def as_text(self, *, agent_lost: bool) -> str:
        """The screen as text: cards in order, a rule between them, and a plain sign where the agent is lost."""
        parts = (["!! NO CONNECTION TO THE REGISTER !!"] if agent_lost else []) + [
            "\n".join(card.rows()) for card in self.on_screen()
        ]
        return ("\n" + "-" * 32 + "\n").join(parts) + "\n"

    def as_png(self, *, agent_lost: bool, across: int = 4) -> bytes:
        """The screen as a PNG. Slow: not for an event loop."""
        from PIL import Image, ImageDraw

        from tillkeeper_drivers.simulator.draw import DRAWING, mono_font

        wide, row_height, gap = 300, 24, 12
        cards = self.on_screen()
        grid = [cards[at : at + across] for at in range(0, len(cards), across)]
        heights = [max(len(card.rows()) for card in row) * row_height + 20 for row in grid]
        size = (across * (wide + gap) + gap, 40 + sum(heights) + gap * (len(heights) + 1))
        with DRAWING:
            image = Image.new("RGB", size, (32, 34, 40))
            pen = ImageDraw.Draw(image)
            sign = "NO CONNECTION TO THE REGISTER" if agent_lost else f"{len(cards)} tickets"
            pen.text((gap, 8), sign, fill=(255, 90, 80) if agent_lost else (200, 200, 200), font=mono_font(20, True))
            y = 40
            for row, height in zip(grid, heights, strict=True):
                for column, card in enumerate(row):
                    x = gap + column * (wide + gap)
                    pen.rectangle((x, y, x + wide, y + height), fill=(250, 250, 245))
                    for number, text in enumerate(card.rows()):
                        loud = text.startswith(("***", "VOID", "CHANGED", "RUSH"))
                        ink = (190, 20, 20) if loud else (20, 20, 24)
                        at = (x + 8, y + 8 + number * row_height)
                        pen.text(at, text[:28], fill=ink, font=mono_font(17, number == 0 or loud))
                y += height + gap
            out = io.BytesIO()
            image.save(out, "PNG", compress_level=1)
        return out.getvalue()
