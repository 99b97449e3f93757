"""What the directory keeps of each check: where its events are, and what each log says of who has it and how it stands there.
Pure, and the same in whatever order logs are heard."""

from typing import NamedTuple

import msgspec

from tillkeeper.across.descent import Descent
from tillkeeper.contract.base import Event
from tillkeeper.contract.events import CheckClosed, CheckNumbered, CheckOpened, CheckVoided
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.contract.values import CheckState
from tillkeeper.replication.model import LogId

MAX_EVENTS = 3_000
"""Of one check in one log; what comes after that is looked at by those who merge it no more."""
_UNSAID = -1


class Side(NamedTuple):
    """Of one register: its claim, who has the check by its word (empty: itself), and how it stands there."""

    hand: int = _UNSAID
    elsewhere: str = ""
    state: CheckState = "open"

    def claim(self, register: str) -> tuple[int, str]:
        """(hand, who has it), of the register that says so."""
        return max(0, self.hand), self.elsewhere or register


class Kept(msgspec.Struct):
    """Of one log. `seqs`: where its events of the check are. `sides`: (seq, how it stands from there on), where it changed."""

    log: LogId
    seqs: list[int] = []
    sides: list[tuple[int, Side]] = []

    def heard(self, seq: int, event: Event) -> bool:
        """Whether there was room for it (`MAX_EVENTS`)."""
        was = self.sides[-1][1] if self.sides else None
        side = _after(was, event)
        if side is not None and side != was:
            del self.sides[MAX_EVENTS - 1 :]
            self.sides.append((seq, side))
        has_room = len(self.seqs) < MAX_EVENTS
        if has_room:
            self.seqs.append(seq)
        return has_room


def _after(was: Side | None, event: Event) -> Side | None:
    """None until a log says something of it."""
    side = was or Side()
    match event:
        case CheckOpened():
            return side._replace(hand=max(0, side.hand))
        case CheckTaken() | CheckForked():
            return Side(event.hand, "", event.state)
        case CheckHandedOver() | CheckYielded():
            return Side(event.hand, event.to, event.state)
        case CheckClosed():
            return side._replace(state="closed")
        case CheckVoided():
            return side._replace(state="voided")
        case CheckMerged(state=state):
            return side._replace(state=state)
    return was


class Entry(msgspec.Struct):
    """Of one check."""

    check_id: str
    ticket_code: str = ""
    business_day: str = ""
    number: int | None = None
    logs: list[Kept] = []

    def heard(self, log: LogId, seq: int, business_day: str, event: Event) -> bool:
        """The next event of a log. Whether there was room for it."""
        match event:
            case CheckOpened(ticket_code=code):
                self.ticket_code, self.business_day = code, business_day
            case CheckTaken() | CheckForked():
                self.ticket_code, self.business_day = event.ticket_code, event.business_day
                self.number = event.number if event.number is not None else self.number
            case CheckNumbered(number=number):
                self.number = number
        kept = next((one for one in self.logs if one.log == log), None)
        if kept is None:
            kept = Kept(log)
            self.logs.append(kept)
        return kept.heard(seq, event)

    def tips(self, descent: Descent) -> list[LogId]:
        """Logs of which no other one of the same register knows everything."""
        return sorted(descent.tips({one.log: one.seqs[-1] for one in self.logs}))

    def sides(self, descent: Descent) -> dict[str, Side]:
        """By register. Of several disks of one register the highest claim holds; where one of them may still be at it, it is
        open."""
        found: dict[str, Side] = {}
        for log in self.tips(descent):
            side = self._side(log, descent)
            was = found.get(log.register, side)
            found[log.register] = max(was, side, key=lambda one: (*one.claim(log.register), one.state == "open", one.state))
        return found

    def _side(self, log: LogId, descent: Descent) -> Side:
        """How it stands on the disk on which this log is written."""
        found = Side()
        for incarnation, upto in descent.path(log).items():
            of_log = (one.sides for one in self.logs if one.log == log._replace(incarnation=incarnation))
            for seq, side in next(of_log, ()):
                if seq <= upto:
                    found = side if side.hand != _UNSAID else found._replace(state=side.state)
        return found


def owner_of(sides: dict[str, Side]) -> tuple[str, Side]:
    """Who has the highest claim, and by whose word."""
    if not sides:
        return "", Side()
    name, side = max(sides.items(), key=lambda one: (*one[1].claim(one[0]), not one[1].elsewhere, one[0]))
    return side.elsewhere or name, side
