"""The sign-in desk: roster, sessions, wrong PINs. All of it outlives a restart; `people/` has the rules."""

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.caller import Caller, Permission, Scope
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.people import (
    ApprovalView,
    Clocked,
    SessionView,
    SignedIn,
    SignedOut,
    SignInLockedOut,
    StaffAdopted,
    TrainingSwitched,
)
from tillkeeper.errors import Refused
from tillkeeper.people.lockout import Tries
from tillkeeper.people.refusals import ApproverMayNot, SignInNeeded, UnknownTerminal
from tillkeeper.people.roles import permissions_of
from tillkeeper.people.roster import Member, Roster
from tillkeeper.people.sessions import Now, Session, is_over
from tillkeeper.sales.permits import WORDS, require_all
from tillkeeper.till.approvals import APPROVAL_S, Approvals, digest_of
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.desk import Desk
from tillkeeper.till.pinpad import PinPad

SETTING, ROSTER_SETTING = "people", "roster_2"
ROSTER_1_SETTING = "roster"
"""As an earlier version kept it. It is left as it was: such a version could not read what is kept now."""

ByItself = Callable[[Desk, Callable[[Moment], Awaitable[Draft | None]]], Awaitable[None]]


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The desk's state as it is kept. Sessions and wrong PINs by terminal."""

    sessions: dict[str, Session] = {}
    tries: dict[str, Tries] = {}


@dataclass(frozen=True, kw_only=True)
class SignInParts:
    """`now`: the clocks. `setting`: a durable setting. `secret`: the store's; empty where it can not be had. `by_itself`:
    `Intake.by_itself`. `clocked`: whether an employee is clocked in."""

    config: Config
    now: Callable[[], Now]
    setting: Callable[[str], bytes | None]
    secret: str
    by_itself: ByItself
    clocked: Callable[[str], Clocked]


class SignInDesk:
    """Implements `till.desk.Desk`."""

    name = "sign_in"
    commands: tuple[type[Command], ...] = ()

    def __init__(self, parts: SignInParts) -> None:
        self._ = parts
        self.approvals = Approvals(lambda: parts.now().boot_s)
        self._pad = PinPad(parts.secret, parts.config.store.id, parts.now, self._tries, self._count)
        stored = parts.setting(SETTING)
        roster = parts.setting(ROSTER_SETTING) or parts.setting(ROSTER_1_SETTING)
        self._kept = Kept() if stored is None else msgspec.json.decode(stored, type=Kept)
        self.roster: Roster | None = None if roster is None else msgspec.json.decode(roster, type=Roster)
        self._terminals = frozenset(parts.config.terminals or (parts.config.this_register,))
        self.devices: Callable[[], frozenset[str]] = frozenset
        """Further places: paired devices."""

    @property
    def _places(self) -> frozenset[str]:
        return self._terminals | self.devices()

    @property
    def required(self) -> bool:
        """Whether pages need somebody to sign in."""
        return bool(self._.config.staff.file)

    # --- the desk ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        raise Refused("not_here", "decide", str(command.__struct_config__.tag), "no command is decided at this desk")

    def accepted(self, draft: Draft) -> None:
        if (kept := draft.settings.get(SETTING)) is not None:
            self._kept = msgspec.json.decode(kept, type=Kept)
        if (roster := draft.settings.get(ROSTER_SETTING)) is not None:
            self.roster = msgspec.json.decode(roster, type=Roster)
            self.approvals.forget()

    async def _change(self, make: Callable[[Kept], tuple[Kept, tuple[Event, ...]]]) -> None:
        """Make durable what `make` turns the state into, with its events. Raises `StorageRefused`: nothing has changed."""

        async def made(moment: Moment) -> Draft | None:
            kept, events = make(self._kept)
            if kept == self._kept and not events:
                return None
            stamped = tuple(map(moment.stamp, events))
            settings = {SETTING: msgspec.json.encode(kept)}
            return Draft(stamped, None, (), (), CommandResult(events=len(events)), settings)

        await self._.by_itself(self, made)

    async def adopt(self, roster: Roster) -> None:
        """From now on this roster holds; who is no longer on it, or has another PIN, is signed out."""
        if roster == self.roster:
            return

        async def made(moment: Moment) -> Draft:
            kept, events = self._without(self._kept, lambda session: self._end(session, roster))
            news = roster.newest_against(self.roster)
            by = (news.by if news is not None else "") or roster.changed_by
            events = (StaffAdopted(sha256=roster.sha256(), members=len(roster.members), by=by), *events)
            settings = {SETTING: msgspec.json.encode(kept), ROSTER_SETTING: msgspec.json.encode(roster)}
            return Draft(tuple(map(moment.stamp, events)), None, (), (), CommandResult(events=len(events)), settings)

        await self._.by_itself(self, made)

    async def sweep(self) -> None:
        """Journal the end of sessions that are over. They have opened nothing since then, swept or not."""
        if any(self._end(session, self.roster) for session in self._kept.sessions.values()):
            await self._change(lambda kept: self._without(kept, lambda session: self._end(session, self.roster)))

    @staticmethod
    def _without(kept: Kept, end: Callable[[Session], str]) -> tuple[Kept, tuple[Event, ...]]:
        ended = {name: cause for name, session in kept.sessions.items() if (cause := end(session))}
        left = {name: session for name, session in kept.sessions.items() if name not in ended}
        events = tuple(
            SignedOut(employee=kept.sessions[name].employee, terminal=name, cause=cause) for name, cause in ended.items()
        )
        return replace(kept, sessions=left), events

    def _end(self, session: Session, roster: Roster | None) -> str:
        """Why the session is over, or nothing."""
        member = roster.get(session.employee) if roster is not None else None
        if member is None or session.terminal not in self._places:
            return "removed"
        if member.pin != session.pin:
            return "pin_changed"
        return "expired" if is_over(session, self._.now(), self._.config.staff.session_h) else ""

    # --- who asks ---

    def caller(self, scope: Scope, terminal: str, session: str = "", approval: str = "") -> Caller:
        """Who asks. A session or an approval that opens nothing is as good as none."""
        if (found := self._session(session)) is None:
            if scope != "full" and not self.required:
                return Caller(scope=scope, terminal=terminal, permissions=permissions_of(("manager",)))
            return Caller(scope=scope, terminal=terminal)
        kept, member = found
        given = self.approvals.look(approval, kept.employee, kept.terminal)
        return Caller(
            scope=scope,
            terminal=kept.terminal,
            employee=kept.employee,
            permissions=member.permissions,
            training=kept.training,
            must_practise=kept.training and member.practises,
            approver=given.approver if given else "",
            approved=frozenset((given.permission,)) if given else frozenset(),
            approval=given.digest if given else "",
        )

    def _session(self, token: str) -> tuple[Session, Member] | None:
        if not token or self.roster is None or not self.required:
            return None
        digest = digest_of(token)
        for session in self._kept.sessions.values():
            if hmac.compare_digest(session.digest, digest) and not self._end(session, self.roster):
                member = self.roster.get(session.employee)
                return (session, member) if member is not None else None
        return None

    def _tries(self, terminal: str) -> Tries:
        return self._kept.tries.get(terminal, Tries())

    async def _count(self, terminal: str, tries: Tries) -> None:
        events: tuple[Event, ...] = ()
        if tries.wait_s:
            events = (SignInLockedOut(terminal=terminal, failures=int(tries.recent), seconds=tries.wait_s),)
        await self._change(lambda kept: (replace(kept, tries=kept.tries | {terminal: tries}), events))

    async def _who(self, operation: str, pin: str, terminal: str) -> Member:
        if not self.required:
            raise Refused("no_staff", operation, "register", "nobody has to sign in here", "[staff] names no roster")
        return await self._pad.who(operation, pin, terminal, lambda: self.roster)

    def _known(self, terminal: str) -> str:
        """The terminal, the only one where none is named."""
        if not terminal and len(self._terminals) == 1:
            return next(iter(self._terminals))
        if terminal not in self._places:
            known = ", ".join(sorted(self._terminals))
            raise UnknownTerminal("find", f"terminal {terminal[:64]!r}", "it is not configured", f"there are: {known}")
        return terminal

    # --- what people do ---

    async def sign_in(self, pin: str, training: bool, caller: Caller) -> SessionView:
        """Open a session at the caller's terminal; whoever was signed in there is signed out.

        Raises:
            PinWrong, LockedOut, UnknownTerminal, Refused (`no_staff`), Overloaded, StorageRefused
        """
        terminal = self._known(caller.terminal)
        member = await self._who("sign in", pin, terminal)
        token, now = secrets.token_urlsafe(32), self._.now()
        session = Session(
            digest=digest_of(token),
            employee=member.employee,
            terminal=terminal,
            training=training or member.practises,
            at_ms=now.wall_ms,
            boot_s=now.boot_s,
            boot=now.boot,
            pin=member.pin,
        )

        def opened(kept: Kept) -> tuple[Kept, tuple[Event, ...]]:
            rest, events = self._without(kept, lambda old: "replaced" if old.terminal == terminal else "")
            signed_in = SignedIn(employee=member.employee, terminal=terminal, training=session.training)
            return replace(rest, sessions=rest.sessions | {terminal: session}), (*events, signed_in)

        await self._change(opened)
        return self._view(session, member, token)

    async def sign_out(self, token: str) -> None:
        """End the session; one that is over already stays so."""
        digest = digest_of(token)
        await self._change(lambda kept: self._without(kept, lambda old: "by_hand" if old.digest == digest else ""))

    def session(self, token: str) -> SessionView:
        """Who is signed in. Raises `SignInNeeded`."""
        if (found := self._session(token)) is not None:
            return self._view(*found, "")
        if self.required:
            raise SignInNeeded("look", "session")
        return SessionView(
            session="", employee="", name="", roles=("manager",), permissions=tuple(sorted(permissions_of(("manager",)))),
            terminal="", training=False, clocked="out", signed_in_at_ms=0,
        )  # fmt: skip

    async def set_training(self, on: bool, token: str, caller: Caller) -> SessionView:
        """Begin or end practice. Who always practises needs somebody with `training_off` to end it.

        Raises: SignInNeeded, ApprovalNeeded, StorageRefused
        """
        found = self._session(token)
        if found is None:
            raise SignInNeeded("set training", "session")
        session, member = found
        ends = session.training and not on
        wanted: tuple[Permission, ...] = ("training_off",) if member.practises and ends else ()
        used = require_all("set training", "session", wanted, caller)
        with self.approvals.using(used, caller, "set_training") as given:
            switched = TrainingSwitched(employee=member.employee, terminal=session.terminal, on=on)

            def changed(kept: Kept) -> tuple[Kept, tuple[Event, ...]]:
                old = kept.sessions.get(session.terminal)
                if old is None or old.digest != session.digest:  # it has ended meanwhile: a word for it is still good
                    raise SignInNeeded("set training", "session")
                if old.training == on:
                    return kept, ()
                return replace(kept, sessions=kept.sessions | {old.terminal: replace(old, training=on)}), (*given, switched)

            await self._change(changed)
        return self._view(replace(session, training=on), member, "")

    async def approve(self, pin: str, permission: Permission, caller: Caller) -> ApprovalView:
        """Another person's word for one command of the caller's.

        Raises: SignInNeeded, PinWrong, LockedOut, ApproverMayNot
        """
        if not caller.employee:
            raise SignInNeeded("approve", "command")
        member = await self._who("approve", pin, caller.terminal)
        if permission not in member.permissions:
            raise ApproverMayNot(permission, WORDS[permission])
        token = self.approvals.add(member.employee, caller.employee, caller.terminal, permission)
        return ApprovalView(approval=token, approver=member.employee, name=member.name, expires_s=APPROVAL_S)

    def _view(self, session: Session, member: Member, token: str) -> SessionView:
        return SessionView(
            session=token,
            employee=member.employee,
            name=member.name,
            roles=member.roles,
            permissions=tuple(sorted(member.permissions)),
            terminal=session.terminal,
            training=session.training,
            clocked=self._.clocked(member.employee),
            signed_in_at_ms=session.at_ms,
        )

    def names(self) -> Mapping[str, Member]:
        """Everybody on the roster."""
        return {member.employee: member for member in self.roster.members} if self.roster is not None else {}
