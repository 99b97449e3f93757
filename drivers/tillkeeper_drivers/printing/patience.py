"""How long a confirmation is waited for. Pure: times are seconds of any one monotonic clock, and arguments."""

from tillkeeper_drivers.api import Reason, Status, Tri

_Facts = tuple[Reason | None, Tri, Tri, Tri]


class Patience:
    """A printer whose paper ended in mid-ticket goes on by itself once somebody put in a roll, and confirms late. So the time
    starts anew with each change that shows somebody at it, up to `longest_s` in all.

    Args:
        quiet_s: how long where nothing is wrong.
        clearing_s: how long where something is, and nothing moves.
        longest_s: from `now_s`, whatever happens.
    """

    def __init__(self, now_s: float, quiet_s: float, clearing_s: float, longest_s: float) -> None:
        self._quiet_s, self._clearing_s = quiet_s, clearing_s
        self._last_s = now_s + longest_s
        self._until_s = now_s + quiet_s
        self._facts: _Facts | None = None
        """What the trouble looks like; None while there was none."""

    def remaining_s(self, now_s: float, status: Status) -> float:
        """How much longer to wait, 0 or less where it is enough."""
        trouble = status.trouble()
        facts = (trouble, status.cover_open, status.paper_out, status.cutter_error)
        if facts != self._facts and (trouble is not None or self._facts is not None):
            self._facts = facts
            self._until_s = now_s + (self._quiet_s if trouble is None else self._clearing_s)
        return min(self._until_s, self._last_s) - now_s
