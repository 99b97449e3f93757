"""Which count of Star's ETB counter means that this document, and no earlier one, is printed. Pure.

The counter has five bits and tells nobody's name. A document that was given up may still stand in the printer's buffer with an
ETB at its end, and is counted when somebody closes the cover. So each document is opened by setting the counter to 0
(`ESC RS E 0`) and counting it up to a start of its own; the document's end is the count after that. What may still be counted
of earlier ones never comes to that number:

- a document that was opened and not confirmed is counted from its own start, so the next one has another;
- an opening that was not answered counts to its own start, so the next one is higher;
- the first start of a driver is a high one, for what it may have left behind in an earlier life.
"""

from tillkeeper_drivers.star.commands import COUNTER_MODULUS

_STEP = 3
_FIRST, _HIGHEST = 8, 9
_NEAR = (0, 1, 2)
"""What is in the buffer and not behind a reset counts on from where the counter is."""


class Counting:
    """Starts, one after the other."""

    def __init__(self) -> None:
        self._next = self._level = _FIRST

    def start(self, counter: int) -> int:
        """Where the next document's own count begins, 1 to 28.

        Args:
            counter: as last heard, 0 to 31.
        """
        level = self._next
        if (1 + _STEP * level - counter) % COUNTER_MODULUS in _NEAR:
            level = level + 1 if level < _HIGHEST else level - 2
        self._level = level
        self._next = min(_HIGHEST, level + 1)
        return 1 + _STEP * level

    def answered(self) -> None:
        """The last opening was: nothing but the document behind it is unsettled now."""
        self._next = 0 if self._level else 1

    def settled(self) -> None:
        """The document behind it was counted, or there was none."""
        self._next = 0
