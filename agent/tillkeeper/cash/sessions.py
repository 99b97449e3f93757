"""Drawer sessions: what may follow on what. Pure; the events of a drawer are folded into its state by `apply`.

open -> counted -> closed. A counted session waits for its Z and takes no more money, so the next one may be opened at once.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import CashMoved, DrawerCounted, DrawerSessionClosed, DrawerSessionOpened
from tillkeeper.errors import TillkeeperError

State = Literal["open", "counted"]
MAX_WAITING = 10
"""Counted sessions of one drawer that wait for their Z."""

# What may happen in which state, and the state after it. None: the session is closed and leaves the drawer.
STEPS: dict[tuple[State, type[Event]], State | None] = {
    ("open", CashMoved): "open",
    ("open", DrawerCounted): "counted",
    ("counted", DrawerCounted): "counted",
    ("counted", DrawerSessionClosed): None,
}


class IllegalStep(TillkeeperError):
    """An event that cannot follow on the state: a mistake of whoever made it, never of a clerk."""

    code = "illegal_event"
    retry_safe = False


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session that is not closed. `after`: log -> seq before it was opened; all its events are behind."""

    session_id: str
    drawer: str
    opened_at_ms: int
    float_minor: int
    opened_by: str = ""
    terminal: str = ""
    after: dict[str, int] = {}
    state: State = "open"
    counted_at_ms: int | None = None
    counted_by: str = ""
    counted_minor: dict[str, int] | None = None


class Drawer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One drawer. `number`: of its last Z. `sessions`: oldest first, at most one of them open."""

    number: int = 0
    sessions: tuple[Session, ...] = ()

    @property
    def open(self) -> Session | None:
        return next((session for session in self.sessions if session.state == "open"), None)

    @property
    def waiting(self) -> tuple[Session, ...]:
        """Counted, oldest first."""
        return tuple(session for session in self.sessions if session.state == "counted")

    def session(self, session_id: str) -> Session | None:
        return next((session for session in self.sessions if session.session_id == session_id), None)


def apply(drawer: Drawer, event: Event, at_ms: int, after: dict[str, int]) -> Drawer:
    """The drawer after one of its events. `after`: the logs' ends before it, kept with a session that opens.

    Raises:
        IllegalStep: it cannot follow on the state.
    """
    match event:
        case DrawerSessionOpened():
            if drawer.open is not None or drawer.session(event.session_id) is not None:
                raise IllegalStep("apply", f"opening of drawer {event.drawer}", "a session is open")
            opened = Session(
                session_id=event.session_id,
                drawer=event.drawer,
                opened_at_ms=at_ms,
                float_minor=event.float_minor,
                opened_by=event.by,
                terminal=event.terminal,
                after=after,
            )
            return replace(drawer, sessions=(*drawer.sessions, opened))
        case CashMoved() | DrawerCounted() | DrawerSessionClosed():
            return _step(drawer, event, at_ms)
    return drawer


def _step(drawer: Drawer, event: CashMoved | DrawerCounted | DrawerSessionClosed, at_ms: int) -> Drawer:
    session = drawer.session(event.session_id)
    subject = f"{type(event).__name__} to session {event.session_id}"
    if session is None or (session.state, type(event)) not in STEPS:
        raise IllegalStep("apply", subject, f"the session is {session.state if session else 'not there'}")
    others = tuple(one for one in drawer.sessions if one is not session)
    if isinstance(event, DrawerSessionClosed):
        if event.number != drawer.number + 1:
            raise IllegalStep("apply", subject, f"number {event.number} after {drawer.number}")
        return Drawer(number=event.number, sessions=others)
    if isinstance(event, DrawerCounted):
        counted = replace(
            session, state="counted", counted_at_ms=at_ms, counted_by=event.by, counted_minor=dict(event.counted_minor)
        )
        return replace(drawer, sessions=tuple(counted if one is session else one for one in drawer.sessions))
    return drawer
