"""A desk: a room of the till that decides commands about something else than a check - a drawer, a person, what is sold out.

A desk keeps its state in memory, as durable batches have made it. One command at a time is at a desk: from its draft until the
draft is durable. `draft` says what changes and changes nothing; `accepted` takes over what has become durable.
"""

from typing import Protocol

from tillkeeper.contract.base import Command
from tillkeeper.till.compose import Draft, Moment


class Desk(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def commands(self) -> tuple[type[Command], ...]:
        """What is decided here."""
        ...

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """What the command comes to; `moment.caller` is who asks. `Draft.settings` holds the desk's state after it, so that a
        start need not read old events.

        Raises:
            Refused, NotFound: nothing has changed.
        """
        ...

    def accepted(self, draft: Draft) -> None:
        """The draft is durable: it counts from now on. Must not raise."""
        ...
