"""Which count of Star's ETB counter means that this document, and no earlier one, is printed. Pure.

The counter has five bits and tells nobody's name. A document that was given up may still stand in the printer's buffer with an
ETB at its end, and is counted when somebody closes the cover. So each document is opened by setting the counter to 0
(`ESC RS E 0`) and counting it up to a start of its own; the document's end is the count after that. What may still be counted
of earlier ones never comes to that number:

- a document that was opened and not confirmed is counted from its own start, so the next one has another;
- an opening that was not answered counts to its own start, so the next one is higher; and where there is no higher one, the
  last has to be seen first (or is believed to be lost after many tries: a printer that hung was switched off and on);
- the first start of a driver is not a low one, for what it may have left behind in an earlier life.
"""

from tillkeeper_drivers.star.commands import COUNTER_MODULUS

_STEP = 3
_FIRST, _HIGHEST = 5, 9
_TRIES = 20
_NEAR = (0, 1, 2)
"""What is in the buffer and not behind a reset counts on from where the counter is."""


class Counting:
    """Starts, one after the other."""

    def __init__(self) -> None:
        self._next = self._level = _FIRST
        self._open = 0
        """The start of the last opening that was not answered; 0 where there is none."""
        self._refused = 0

    def start(self, counter: int) -> int | None:
        """Where the next document's own count begins, 1 to 28; None while earlier openings are to be waited for.

        Args:
            counter: as last heard, 0 to 31.
        """
        if self._open and self._open == counter:
            self.answered()
        elif self._refused >= _TRIES:
            self._open, self._next, self._refused = 0, _FIRST, 0
        level = self._next
        if (1 + _STEP * level - counter) % COUNTER_MODULUS in _NEAR:
            level += 1
        if level > _HIGHEST:
            self._refused += 1
            return None
        self._level, self._next = level, level + 1
        self._open = 1 + _STEP * level
        return self._open

    def answered(self) -> None:
        """The last opening was: nothing but the document behind it is unsettled now."""
        self._open, self._refused, self._next = 0, 0, 0 if self._level else 1

    def settled(self) -> None:
        """The document behind it was counted."""
        self._open, self._next = 0, 0
