"""What the room that pays by gateways needs of the register; `hands` lends it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tillkeeper.cards.purposes import Payable
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller
from tillkeeper.journal.records import KeptCommand
from tillkeeper.sales.asking import Side
from tillkeeper.sales.calls import Calls
from tillkeeper.sales.model import Authorisation, Check
from tillkeeper.till.compose import Draft, Moment


class Hands(Protocol):
    """What of the intake is used here."""

    def holding(self, name: str) -> AbstractAsyncContextManager[None]: ...

    @property
    def at_hand(self) -> Callable[[str], Check]: ...

    def last_here(self, check_id: str) -> Check | None:
        """As this register knows it, also where another has it by now."""

    @property
    def moment(self) -> Callable[[Caller], Moment]: ...

    @property
    def draft(self) -> Callable[[Payable, Check | None, Caller, Calls, str], Draft]: ...

    def disputed(self, check_id: str) -> bool:
        """Whether another register may still think that it has this check, which is here."""

    def sides(self, check_id: str) -> Sequence[Side]:
        """What each register wrote about a check, as far as it is known; empty where no other one did."""

    def own_events(self, check_id: str) -> Sequence[Event]:
        """What this register's journal has of it."""

    def recorded_before(self, tender_id: str) -> bool:
        """Whether this register recorded it in a log that it lost since."""

    def unfinished_orders(self) -> Sequence[Authorisation]:
        """What was asked for orders in logs that this register lost since, and has no end there."""

    def undo(self, draft: Draft) -> None:
        """It is not going to be: what it took of codes is free again."""

    def examine(self, draft: Draft) -> None:
        """Raises: Refused: the journal would not take it."""

    @property
    def trouble(self) -> str | None: ...

    @property
    def commit(self) -> Callable[[Draft, KeptCommand | None], Awaitable[None]]: ...

    def kept(self, key: str) -> bytes | None: ...

    @property
    def second_copy(self) -> Callable[[], Awaitable[None]] | None: ...
