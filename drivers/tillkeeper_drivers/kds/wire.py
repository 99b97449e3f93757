"""What the protocol of a display of another maker has to do, and what is told between it and `foreign.ForeignDisplay`."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from tillkeeper_drivers.api import Reason, Ticket, Tri
from tillkeeper_drivers.kds.cards import Card, Move

CardState = Literal["open", "bumped"]


class Refused(Exception):
    """The display itself says that it did not take this; its words, bounded."""


class Saying(NamedTuple):
    """One request. `part`: which of `Wire.parts`; `card`: as the display has it now, None for a new one; `repeat`: it may have
    been sent before, and nobody knows."""

    part: str
    move: Move
    card: Card | None
    ticket: Ticket
    marks: tuple[str, ...]
    job_id: str
    repeat: bool = False


class Look(NamedTuple):
    """What a display says when asked. `reason`: why it is not reachable. `cards`: by name, None where it does not tell;
    `tells_bumps`: a card that is not among them was not bumped, it is lost."""

    reachable: Tri = "unknown"
    online: Tri = "unknown"
    detail: str = ""
    cards: Mapping[str, CardState] | None = None
    tells_bumps: bool = False
    reason: Reason | None = None


class Told(Protocol):
    """Where a wire tells what it hears by itself."""

    def entered(self, name: str) -> None:
        """The display says that it shows this card."""
        ...

    def bumped(self, name: str, number: int = 0) -> None:
        """A cook bumped this card, or one line of it."""
        ...


class Wire(Protocol):
    """The protocol of one maker."""

    sent_is_shown: bool
    """Whether `say` returning is the display's own confirmation."""
    evidence: str

    def name(self, ticket: Ticket, n: int) -> str:
        """See `cards.Namer`."""
        ...

    def parts(self, move: Move) -> tuple[str, ...]:
        """The requests that say a move, in order."""
        ...

    async def say(self, saying: Saying) -> None:
        """Raises:
        Refused: the display's own words; nothing was taken.
        NotSent, OutcomeUnknown: as in `Device.deliver`.
        """
        ...

    async def has(self, saying: Saying) -> bool | None:
        """Whether an earlier try of this arrived; None where the display can not tell. Raises NotSent where it is silent."""
        ...

    async def look(self) -> Look: ...

    def listen(self, told: Told) -> None:
        """Told once, before anything else."""
        ...

    async def close(self) -> None: ...
