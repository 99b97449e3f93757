"""Which checks were open when a business day ended. Pure.

A check may be written about by several registers: whoever has the highest claim to it (`contract/together.py`) says whether it
is open. A merge can open again what was closed. Logs come in any interleaving, so what each says is kept with its place, and
the answer is made when somebody asks.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.days import Place
from tillkeeper.contract.events import CheckClosed, CheckOpened, CheckVoided
from tillkeeper.contract.together import CheckForked, CheckMerged, CheckTaken

MAX_ENDED = 2_000
"""Checks that ended lately: those that were still open when a day ended are among them."""
MAX_TURNS = 24
"""Of one check: how often it was begun, ended or opened again; the latest."""
NO_CLAIM = -1

KINDS: tuple[type[Event], ...] = (CheckOpened, CheckTaken, CheckForked, CheckClosed, CheckVoided, CheckMerged)

Posted = Callable[[str, Place], str]
"""(stamp, place) -> business day, as `Days.posted`."""


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """From `at`, stamped with `stamped`, on the check is open or not as its register has it. `hand`: of the claim that it
    writes under, `NO_CLAIM` where the event does not say."""

    at: Place
    stamped: str
    hand: int
    open: bool


class OpenCheck(msgspec.Struct, array_like=True):
    """`register`: the first that had it, as far as known; `stamped`: the day on which it was opened."""

    code: str
    register: str
    stamped: str
    turns: list[Turn] = []


class _Within(msgspec.Struct):
    """Of the check in a merge."""

    ticket_code: str = ""
    business_day: str = ""
    hand: int = 0


class _Said(NamedTuple):
    hand: int
    open: bool
    code: str = ""
    register: str = ""
    stamped: str = ""


_decode = msgspec.json.Decoder(_Within).decode


class OpenChecks:
    """`take` each of `KINDS`. `followed`: (register, incarnation) -> whether that register has begun another log since."""

    def __init__(self, followed: Callable[[str, str], bool]) -> None:
        self.known: dict[str, OpenCheck] = {}
        self._followed = followed
        self._full = 2 * MAX_ENDED

    def take(self, check_id: str, at: Place, stamped: str, event: Event) -> None:
        said = _said(event, at, stamped)
        known = self.known.pop(check_id, None) or OpenCheck("", "", "")
        if isinstance(event, CheckOpened) or not known.code:
            known.code, known.register, known.stamped = said.code, said.register, said.stamped
        turn = Turn(at, stamped, said.hand, said.open)
        last = next((one for one in reversed(known.turns) if one.at[:2] == at[:2]), None)
        if last is None or said.hand != NO_CLAIM or last.open != said.open:
            known.turns = [*known.turns, turn][-MAX_TURNS:]
        self.known[check_id] = known
        if len(self.known) > self._full:
            self._forget()

    def _forget(self) -> None:
        ended = [name for name, one in self.known.items() if not self._is_open(one.turns)]
        for name in ended[:-MAX_ENDED]:
            del self.known[name]
        self._full = len(self.known) + MAX_ENDED

    def code(self, check_id: str) -> str:
        """The ticket code; empty where it is not known any more."""
        known = self.known.get(check_id)
        return known.code if known is not None else ""

    def at_the_end(self, day: str, posted: Posted) -> list[tuple[str, OpenCheck]]:
        """Those that were open when business day `day` ended, oldest first."""
        found = []
        for name, one in self.known.items():
            if self._is_open([turn for turn in one.turns if posted(turn.stamped, turn.at) <= day]):
                found.append((name, one))
        return sorted(found, key=lambda pair: (pair[1].stamped, pair[1].code, pair[0]))

    def _is_open(self, turns: list[Turn]) -> bool:
        """As the register has it that had the highest claim after these."""
        claims = [(turn.hand, turn.at.register) for turn in turns if turn.hand != NO_CLAIM]
        if not claims:
            return False
        _, register = max(claims)
        return max((turn for turn in turns if turn.at.register == register), key=self._order).open

    def _order(self, turn: Turn) -> tuple[bool, str, int]:
        """Within one register: its log of now comes last, and ids of logs rise with time."""
        return not self._followed(turn.at.register, turn.at.incarnation), turn.at.incarnation, turn.at.seq


def _said(event: Event, at: Place, stamped: str) -> _Said:
    match event:
        case CheckOpened():
            return _Said(0, True, event.ticket_code, at.register, stamped)
        case CheckTaken() | CheckForked():
            return _Said(event.hand, event.state == "open", event.ticket_code, event.from_register, event.business_day)
        case CheckMerged():
            check = _within(event.check)
            return _Said(check.hand, event.state == "open", check.ticket_code, at.register, check.business_day)
        case _:
            return _Said(NO_CLAIM, False)


def _within(check: msgspec.Raw) -> _Within:
    try:
        return _decode(check)
    except msgspec.DecodeError:  # its author is out of its mind
        return _Within()
