"""What goes over into the next business day beside checks: drawer sessions, and card sales without an outcome. Pure."""

from collections.abc import Callable

import msgspec

from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationSettled, ReversalOwed
from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import DrawerCounted, DrawerSessionClosed, DrawerSessionOpened
from tillkeeper.contract.day import FrozenSale
from tillkeeper.contract.days import Place

MAX_ENDED = 2_000
"""Drawer sessions that ended lately: those that were still open when a day ended are among them. Card sales likewise."""


class Going(msgspec.Struct, frozen=True, omit_defaults=True):
    """A drawer session, from its beginning to its end, as far as they are known. `stamped`, `ended`: the days that these events
    are stamped with."""

    register: str
    stamped: str = ""
    at: Place | None = None
    drawer: str = ""
    float_minor: int = 0
    by: str = ""
    counted: bool = False
    ended: str = ""
    end_at: Place | None = None


class Pending:
    """`go` takes events of drawer sessions, `call` those of authorisations; of any logs, in any interleaving. `calls` has None
    for what has an outcome, or is to be reversed."""

    def __init__(self, sessions: dict[str, Going] | None = None, calls: dict[str, FrozenSale | None] | None = None) -> None:
        self.sessions, self.calls = sessions or {}, calls or {}

    def go(self, at: Place, stamped: str, event: Event) -> None:
        sessions = self.sessions
        match event:
            case DrawerSessionOpened(session_id=name):
                opened = Going(at.register, stamped, at, drawer=event.drawer, float_minor=event.float_minor, by=event.by)
                _begin(sessions, name, opened)
            case DrawerCounted(session_id=name):
                known = sessions.get(name, Going(at.register))
                sessions[name] = msgspec.structs.replace(known, counted=True)
            case DrawerSessionClosed(session_id=name):
                _end(sessions, name, at, stamped)

    def call(self, at: Place, event: Event) -> None:
        calls = self.calls
        match event:
            case AuthorisationAsked(authorisation_id=name) if name not in calls:
                calls[name] = FrozenSale(
                    check_id=event.check_id,
                    ticket_code="",
                    register=at.register,
                    amount_minor=event.amount_minor,
                    state="asked",
                )
            case AuthorisationSettled(authorisation_id=name, outcome="unknown"):
                if (known := calls.get(name)) is not None:
                    calls[name] = msgspec.structs.replace(known, state="unknown")
            case AuthorisationSettled(authorisation_id=name) | ReversalOwed(authorisation_id=name):
                calls.pop(name, None)
                calls[name] = None
                settled = [one for one, known in calls.items() if known is None] if len(calls) > 2 * MAX_ENDED else []
                for one in settled[:-MAX_ENDED]:
                    del calls[one]

    def open_sessions(self, day: str, posted: Callable[[str, Place], str]) -> list[tuple[str, Going]]:
        """Those that were open when business day `day` ended, oldest first. `posted`: as `Days.posted`."""
        found = []
        for name, one in self.sessions.items():
            if one.at is None or posted(one.stamped, one.at) > day:
                continue
            if one.end_at is None or posted(one.ended, one.end_at) > day:
                found.append((name, one))
        return sorted(found, key=lambda pair: (pair[1].stamped, pair[0]))

    def frozen(self, code: Callable[[str], str]) -> list[FrozenSale]:
        """`code`: check id -> ticket code."""
        waiting = [call for call in self.calls.values() if call is not None]
        return [msgspec.structs.replace(call, ticket_code=code(call.check_id)) for call in waiting]


def _begin(going: dict[str, Going], name: str, begun: Going) -> None:
    known = going.get(name)
    if known is None:
        going[name] = begun
    elif known.at is None:  # its end came first, from another log
        going[name] = msgspec.structs.replace(begun, counted=known.counted, ended=known.ended, end_at=known.end_at)


def _end(going: dict[str, Going], name: str, at: Place, stamped: str) -> None:
    known = going.pop(name, Going(at.register))
    going[name] = known if known.end_at is not None else msgspec.structs.replace(known, ended=stamped, end_at=at)
    ended = [one for one, known in going.items() if known.end_at is not None] if len(going) > 2 * MAX_ENDED else []
    for one in ended[:-MAX_ENDED]:
        del going[one]
