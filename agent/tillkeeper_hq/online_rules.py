"""Who gets the orders of web shops, and what becomes of one: pure, with times as arguments (ms since the epoch, HQ's clock).

The lease only says whom to ask first. What keeps an order from being placed twice unmarked is the order itself: it is given to
one register, to another only once that one is silent for `LEASE_S`, and then it says so.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from tillkeeper.contract.online import LEASE_S, OnlineDone, OnlineOrder, TakeOnlineOrders
from tillkeeper.contract.roles import Epoch, leaps

LEASE_MS = LEASE_S * 1000
FORGOTTEN_MS = 60_000
"""A record under which nobody has asked for so long, and that is in no log, counts no more: whoever made it lost its disk."""
_RUN = re.compile(r"\d(?:[ \-]?\d){12,}")


class Lease(NamedTuple):
    """`primary_asked_ms`: when the primary of the epoch last asked."""

    register: str = ""
    until_ms: int = 0
    counter: int = 0
    decided_by: str = ""
    primary_asked_ms: int = 0

    @property
    def epoch(self) -> Epoch:
        return Epoch(self.counter, self.decided_by)

    def holder(self, now_ms: int) -> str:
        return self.register if now_ms < self.until_ms else ""


def asked(lease: Lease, by: TakeOnlineOrders, known: Epoch | None, now_ms: int, since_ms: int) -> Lease:
    """The lease after a register asked. The primary gets it at once; the backup where the primary has not asked for `LEASE_S`;
    whoever goes by an older record than is known, or by one that nobody can have come to, gets nothing. `known`: the highest
    epoch in the store's events. `since_ms`: since when HQ could have heard anybody."""
    left = lease._replace(register="", until_ms=0) if lease.register == by.register else lease
    forgotten = now_ms - max(lease.until_ms, lease.primary_asked_ms, since_ms) >= FORGOTTEN_MS
    if (by.epoch < lease.epoch and not forgotten) or (known is not None and by.epoch < known):
        return left
    if leaps(by.epoch, lease.epoch, known or Epoch()):
        return left
    if by.epoch != lease.epoch:
        stays = lease.register if lease.register in (by.primary, by.backup) else ""
        asked_ms = 0 if lease.epoch == Epoch() else now_ms  # a new primary has its time to ask, too
        lease = Lease(stays, lease.until_ms if stays else 0, by.epoch.counter, by.epoch.register, asked_ms)
        left = lease._replace(register="", until_ms=0) if stays == by.register else lease
    if by.register == by.primary:
        return lease._replace(register=by.register, until_ms=now_ms + LEASE_MS, primary_asked_ms=now_ms)
    primary_silent = now_ms - max(lease.primary_asked_ms, since_ms) >= LEASE_MS
    if by.register == by.backup and primary_silent:
        return lease._replace(register=by.register, until_ms=now_ms + LEASE_MS)
    return left


def settled(state: str, register: str, expired: bool, handed: Mapping[str, str], done: OnlineDone, by: str) -> str:
    """The state of an order after the register `by` said what became of it. `register`: who has it; `handed`: outcome by
    register, with this one. A refusal counts from whoever has the order now; of several that placed it the first one stands.
    Once all who ever had it have said that they did not place it, whoever was the last to say so, it is open again, or expired.
    """
    if state not in ("waiting", "handed_out"):
        return state
    if done.outcome == "accepted":
        return "accepted"
    if done.outcome == "refused" and by == register:
        return "refused"
    if all(outcome in ("not_placed", "refused") for outcome in handed.values()):
        return "expired" if expired else "waiting"
    return state


def names_a_card(order: OnlineOrder) -> bool:
    """Whether a text of the order holds a run of 13 to 19 digits whose check digit is right (ISO/IEC 7812-1 annex B): nothing
    of the kind comes to a disk."""
    texts = (order.name, order.phone, order.note, order.payment_reference, *(line.note for line in order.lines))
    return any(_holds_card(unicodedata.normalize("NFKC", text)) for text in texts if text)


def _holds_card(text: str) -> bool:
    for run in _RUN.findall(text):
        digits = [int(one) for one in run if one.isdigit()]
        for length in range(13, min(19, len(digits)) + 1):
            if any(_luhn(digits[at : at + length]) for at in range(len(digits) - length + 1)):
                return True
    return False


def _luhn(digits: list[int]) -> bool:
    doubled = [digit if at % 2 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(reversed(digits), 1)]
    return sum(doubled) % 10 == 0
