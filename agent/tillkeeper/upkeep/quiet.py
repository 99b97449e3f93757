"""When a register may be restarted without anybody noticing. Pure.

An agent that is started again takes orders after a second, and what was answered is in the journal: a restart loses nothing at
any moment. It would still cost a cashier a wait, a customer a second look at the card terminal, and a kitchen a ticket that is
printed again with POSSIBLE DUPLICATE on it. So it waits for a moment in which none of this is under way. A draft on a page is
in the browser and outlives a restart.
"""

from typing import NamedTuple

QUIET_S = 15.0
"""So long nothing was entered: longer than between two items of one order, shorter than between two customers."""


class Doings(NamedTuple):
    """What is under way. `commands`: not yet durable or answered. `cards`: those of them that wait for a gateway. `sending`:
    devices that a document is going out to right now. `idle_s`: since the newest event of this register."""

    commands: int
    cards: int
    sending: tuple[str, ...]
    idle_s: float


def reasons(now: Doings) -> tuple[str, ...]:
    """Why not now, in words; empty for a quiet moment."""
    found = []
    if now.cards:
        found.append(f"a card is being authorised ({now.cards})" if now.cards > 1 else "a card is being authorised")
    if now.commands > now.cards:
        found.append("a command is being stored")
    found += [f"{device} is printing" for device in now.sending]
    if now.idle_s < QUIET_S:
        found.append(f"something was entered {now.idle_s:.0f} s ago; {QUIET_S:g} s without are awaited")
    return tuple(found)
