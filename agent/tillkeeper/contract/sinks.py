"""Who has copies of a register's events, as its status says it."""

from typing import Literal

from tillkeeper.contract.base import View
from tillkeeper.contract.people import StaffListVersion

SinkKind = Literal["hq", "register"]


class SinkView(View, frozen=True):
    """Who gets copies of this register's events: HQ, or another register of the store. `behind`: how many it is still to get,
    None where that is not known; `others`: how many of those are events of other registers, which it is sent as well and may
    hold already. `words`: all of it for people. `version`: of that register's agent, where it is known.
    `sends`: this register sends to it; a register that is only heard has its copies from others. `staff`: the list of staff
    that it was last known to have."""

    name: str
    kind: SinkKind
    reachable: bool
    behind: int | None = None
    words: str = ""
    version: str = ""
    sends: bool = True
    others: int = 0
    staff: StaffListVersion | None = None
