"""The seam to a payment gateway: what it is asked, and what can be heard of it. `gateway_http` speaks to a real one."""

from typing import Literal, Protocol

import msgspec

from tillkeeper.contract.authorisations import Situation
from tillkeeper.contract.values import TenderKind
from tillkeeper.journal.guard import holds_card_number

Heard = Literal[
    "approved", "declined", "never_made", "reversed", "pending", "unknown_here", "partial", "not_begun", "no_answer",
    "not_reached",
]  # fmt: skip
"""`never_made`: it was not made and, by the gateway's word, never will be. `unknown_here`: it has never heard of this id.
`partial`: it approved another amount. `not_begun`: nothing came of this request; of an earlier one that is still on its way
something may. `no_answer`: it may have done anything. `not_reached`: nothing was sent to it."""
MAX_REFERENCE, MAX_WORDS = 64, 80


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One authorisation, the same at every attempt. Amounts in minor units of `currency`."""

    authorisation_id: str
    situation: Situation
    kind: TenderKind
    tender: str
    amount_minor: int
    currency: str
    store: str
    register: str
    terminal: str = ""
    check_id: str = ""
    original: str = ""
    reference: str = ""
    guest_absent: bool = False


class Said(msgspec.Struct, frozen=True):
    """`reference`, `label` and `reason` are safe to be kept: see `harmless`."""

    heard: Heard
    reference: str = ""
    label: str = ""
    reason: str = ""


class Gateway(Protocol):
    """No method raises for what a gateway or a network does: all of it is something heard. Each is over within the time that
    the configuration gives it."""

    async def authorise(self, asked: Asked) -> Said:
        """Make it, or hear again what became of it: the same id is never made twice."""
        ...

    async def query(self, authorisation_id: str, amount_minor: int) -> Said:
        """What became of it. `amount_minor`: that was asked for, so `partial` is heard here too."""
        ...

    async def reverse(self, authorisation_id: str) -> Said:
        """Take it back; `reversed` or `never_made` is final, and whatever comes later under this id is declined."""
        ...

    async def aclose(self) -> None: ...


def harmless(text: object, most: int) -> str:
    """What a gateway says, as it may be kept: printable, no longer than `most`, and of anything that may be a card number only
    the last four digits."""
    if not isinstance(text, str):
        return ""
    shown = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: most * 4]).split())[:most]
    if not holds_card_number(shown):
        return shown
    return "*" + "".join(sign for sign in shown if sign.isdigit())[-4:]
