"""Approvals: somebody else's word for one command, in memory, used once."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.caller import Caller, Permission
from tillkeeper.contract.people import ApprovalGiven
from tillkeeper.people.refusals import ApprovalNeeded
from tillkeeper.sales.model import Check
from tillkeeper.sales.permits import require

APPROVAL_S, MAX_APPROVALS = 60.0, 100
"""One that nobody used by then is forgotten; the oldest makes room for one more."""


@dataclass(frozen=True)
class Approval:
    """`employee`: who asked for it, and alone may use it. `until_s` on the boot clock."""

    digest: str
    approver: str
    employee: str
    terminal: str
    permission: Permission
    until_s: float


class Approvals:
    """`now_s`: the boot clock."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._live: dict[str, Approval] = {}
        self._rosters = 0
        """How many there were; what was given under one before is good no more."""

    def add(self, approver: str, employee: str, terminal: str, permission: Permission) -> str:
        """A new one for what `employee` does at `terminal`; its token is given out here and kept nowhere."""
        token, now_s = secrets.token_urlsafe(32), self._now_s()
        self._live = {digest: one for digest, one in self._live.items() if now_s < one.until_s}
        while len(self._live) >= MAX_APPROVALS:
            self._live.pop(next(iter(self._live)))
        digest = digest_of(token)
        self._live[digest] = Approval(digest, approver, employee, terminal, permission, now_s + APPROVAL_S)
        return token

    def forget(self) -> None:
        """All of them: who gave one may no longer be who they were."""
        self._live.clear()
        self._rosters += 1

    def look(self, token: str, employee: str, terminal: str) -> Approval | None:
        """The approval, if it is good for this person at this terminal: whoever signs in there next can not use it."""
        found = self._live.get(digest_of(token)) if token else None
        if found is None or (found.employee, found.terminal) != (employee, terminal):
            return None
        return found if self._now_s() < found.until_s else None

    @contextmanager
    def permitted(self, command: Command, check: Check | None, caller: Caller) -> Iterator[tuple[Event, ...]]:
        """Within, `caller` may do this; gives the event that says by whose word. The approval is used up unless the work fails.

        Raises:
            SignInNeeded, ApprovalNeeded
        """
        used = require(command, check, caller)
        tag, check_id = str(command.__struct_config__.tag), check.check_id if check is not None else ""
        with self.using(used, caller, tag, check_id) as events:
            yield events

    @contextmanager
    def using(
        self, used: tuple[Permission, ...], caller: Caller, command: str, check_id: str = ""
    ) -> Iterator[tuple[Event, ...]]:
        """As `permitted`, where what is needed of the approval has been found out."""
        if not used:
            yield ()
            return
        approval, roster = self._live.pop(caller.approval, None), self._rosters
        if approval is None:
            raise ApprovalNeeded(command.replace("_", " "), "register", "this approval has been used", used[0])
        try:
            yield (
                ApprovalGiven(
                    approver=approval.approver,
                    employee=caller.employee,
                    terminal=caller.terminal,
                    permission=approval.permission,
                    command=command,
                    check_id=check_id,
                ),
            )
        except BaseException:  # nothing was done, a cancellation included: the approval is still good
            if roster == self._rosters:
                self._live[caller.approval] = approval
            raise


def digest_of(token: str) -> str:
    """What is kept of a session or an approval: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
