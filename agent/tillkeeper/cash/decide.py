"""Decisions about drawers: a command and the drawer as it is, and the event that it comes to - or a refusal. Pure.

Nothing here compares an amount with what is expected: a refusal that did would tell what to expect, one try after the other.
"""

from collections.abc import Callable

from tillkeeper.cash.figures import over_short
from tillkeeper.cash.sessions import MAX_WAITING, Drawer, Session
from tillkeeper.config.model import Config
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.cash import (
    CashMoved,
    CloseDrawerSession,
    CountDrawer,
    DrawerCommand,
    DrawerCounted,
    DrawerFigures,
    DrawerSessionClosed,
    DrawerSessionOpened,
    MoveCash,
    OpenDrawerSession,
)
from tillkeeper.errors import NotFound, Refused
from tillkeeper.file_problem import alike
from tillkeeper.sales.decide import require_plain_text
from tillkeeper.sales.permits import require_all
from tillkeeper.sales.refusals import reason_needed

NewId = Callable[[], str]


def operation_of(command: DrawerCommand) -> str:
    return str(command.__struct_config__.tag).replace("_", " ")


def require_usable(command: DrawerCommand, config: Config, drawer: Drawer | None, caller: Caller) -> Drawer:
    """The drawer that the command names; one that left the configuration as long as it has sessions.

    Raises:
        Refused: `training_drawer`, `control_characters`.
        NotFound: there is no such drawer.
    """
    operation = operation_of(command)
    known = [name for name, device in config.devices.items() if device.kind == "drawer"]
    if command.drawer not in known and not (drawer and drawer.sessions):
        near = alike(command.drawer, known)
        hint = f"did you mean {' or '.join(near)}?" if near else "see the list of drawers"
        raise NotFound(operation, f"drawer {command.drawer}", "no drawer of this name is configured", hint)
    if caller.training:
        cause = "this is practice: the drawer stays shut and its money is not touched"
        raise Refused("training_drawer", operation, command.drawer, cause, "switch training off first")
    require_plain_text(command, operation)
    return drawer or Drawer()


def open_session(command: OpenDrawerSession, drawer: Drawer, terminal: str, new_id: NewId) -> DrawerSessionOpened:
    operation = operation_of(command)
    if drawer.open is not None:
        session = drawer.open.session_id
        raise Refused(
            "session_open", operation, command.drawer, "it has an open session", "count that one first", session_id=session
        )
    if len(drawer.waiting) >= MAX_WAITING:
        cause = f"{MAX_WAITING} counted sessions of it wait for their Z"
        raise Refused("too_many_sessions", operation, command.drawer, cause, "close the oldest", max=MAX_WAITING)
    return DrawerSessionOpened(
        session_id=new_id(), drawer=command.drawer, float_minor=command.float_minor, terminal=terminal, by=command.by
    )


def move_cash(command: MoveCash, drawer: Drawer, new_id: NewId) -> CashMoved:
    operation = operation_of(command)
    session = _open_one(command, drawer)
    reason_needed(command.reason, operation, command.drawer)
    return CashMoved(
        movement_id=new_id(),
        session_id=session.session_id,
        drawer=command.drawer,
        kind=command.kind,
        amount_minor=command.amount_minor,
        reason=command.reason,
        by=command.by,
    )


def count(command: CountDrawer, drawer: Drawer, config: Config, caller: Caller) -> DrawerCounted:
    """The count of the open session; or again, of one that waits for its Z, by somebody who may see what is expected."""
    session = _open_one(command, drawer) if command.session_id is None else named(command, drawer, command.session_id)
    meant = command.open_session_id
    if meant is not None and meant != session.session_id:
        cause = "another session has been opened since the counting began"
        hint = "look at the drawer's sessions, and count what lies in it now"
        raise Refused("session_changed", operation_of(command), command.drawer, cause, hint, session_id=session.session_id)
    recount = session.state == "counted"
    if recount:
        require_all(operation_of(command), f"drawer {command.drawer}", ("see_expected",), caller)
    known = {config.store.currency, *(tender.currency for tender in config.tenders.values() if tender.currency)}
    for currency in command.counted:
        if currency not in known:
            cause = "no tender takes this currency"
            hint = f"count {' and '.join(sorted(known))}"
            raise Refused("unknown_currency", operation_of(command), currency, cause, hint, known=tuple(sorted(known)))
    return DrawerCounted(
        session_id=session.session_id,
        drawer=command.drawer,
        counted_minor=dict(command.counted),
        by=command.by,
        recount=recount,
    )


def to_close(command: CloseDrawerSession, drawer: Drawer) -> Session:
    """The session that a Z is for."""
    operation = operation_of(command)
    session = named(command, drawer, command.session_id) if command.session_id else next(iter(drawer.waiting), drawer.open)
    if session is None:
        raise Refused("no_drawer_session", operation, command.drawer, "no session of it waits for its Z", drawer=command.drawer)
    if session.state == "open":
        cause = "its session has not been counted"
        raise Refused("not_counted", operation, command.drawer, cause, "count it first", session_id=session.session_id)
    return session


def close(command: CloseDrawerSession, drawer: Drawer, session: Session, figures: DrawerFigures) -> DrawerSessionClosed:
    """`figures`: of all events of the session, which as a counted one gets no more."""
    counted = session.counted_minor or {}
    return DrawerSessionClosed(
        session_id=session.session_id,
        drawer=command.drawer,
        number=drawer.number + 1,
        figures=figures,
        counted_minor=counted,
        over_short_minor=over_short(figures.expected_minor, counted),
        by=command.by,
    )


def named(command: DrawerCommand, drawer: Drawer, session_id: str) -> Session:
    session = drawer.session(session_id)
    if session is None:
        cause = f"drawer {command.drawer} has no such session that is not closed"
        raise NotFound(operation_of(command), f"session {session_id}", cause, "see the list of drawers")
    return session


def _open_one(command: DrawerCommand, drawer: Drawer) -> Session:
    if drawer.open is None:
        hint = "open one with its float"
        if isinstance(command, CountDrawer) and drawer.waiting:
            hint = "it is counted and waits for its Z; to count again, name the session"
        raise Refused(
            "no_drawer_session", operation_of(command), command.drawer, "it has no open session", hint, drawer=command.drawer
        )
    return drawer.open
