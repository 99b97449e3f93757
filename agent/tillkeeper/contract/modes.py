"""Modes that a person switches: offline by hand, and offsite. Event, commands and view of one room."""

from typing import Literal

from tillkeeper.contract.base import Command, Event, View
from tillkeeper.contract.views import Dot, Mode

Switch = Literal["offline", "offsite"]


# --- events ---


class ModeSwitched(Event, frozen=True):
    """A person has switched offline or offsite mode on or off; `mode_changed` says when sales went by it. Of the two only one
    is on: switching the one on ends the other."""

    switch: str
    on: bool
    by: str = ""


# --- commands ---


class SwitchOffline(Command, frozen=True, tag="switch_offline"):
    """Sell as without HQ although it may answer: cards, gift cards and loyalty are refused. Ends by hand only; what is sold
    goes on to HQ in the background."""

    on: bool


class SwitchOffsite(Command, frozen=True, tag="switch_offsite"):
    """This register sells away from its store (a market, a pavement sale), by whatever link it has there: the call decides
    which tenders it can take, and no other register is missed. Ends by hand only."""

    on: bool


# --- views ---


class ModeView(View, frozen=True):
    """`mode` is what sales go by now; `pending` what comes after this sale. `by_hand`: which switch is on, empty for none;
    `by` and `since_ms` (wall clock): who switched it on, and when. `words`: why this mode. `paused`: what stands still, in
    words. `may_switch`: an administrator allows it (`offline.support`)."""

    mode: Mode
    dot: Dot
    words: str
    may_switch: bool
    pending: Mode | None = None
    by_hand: Switch | None = None
    by: str = ""
    since_ms: int | None = None
    paused: tuple[str, ...] = ()
