"""Windows over answers: what came of the questions of the last seconds, and how many rounds in a row came to nothing. Pure.

A round is one tick of the engine: all questions that were sent in it for one column. Memory is bounded whatever the rate.
"""

from collections import deque

WINDOW_S = 5.0
"""Questions older than this are no longer counted in a column."""
MOST = 512
RECENT = 32

HIT = 0
MISS = 1
LATE = 2
GONE = 3


class Run:
    """Rounds in a row without an answer. Answers and time-outs may come in any order: a time-out of a round that is older
    than the newest answered one says nothing about now."""

    __slots__ = ("answered_s", "heard", "missed", "missing_s", "outcomes", "run")

    def __init__(self) -> None:
        self.run = 0
        self.heard = -1
        self.missed = -1
        self.missing_s: float | None = None
        self.answered_s: float | None = None
        self.outcomes: deque[tuple[int, float, bool]] = deque(maxlen=RECENT)
        """Number of the round, when it was sent or answered, whether it was answered."""

    def hit(self, number: int, at_s: float) -> None:
        """An answer of round `number`; for a late one, of the round that it came in: it shows that the other side lives now."""
        if number > self.heard:
            self.heard = number
        if number >= self.missed or self.run:
            self.run = 0
            self.missing_s = None
        if self.answered_s is None or at_s > self.answered_s:
            self.answered_s = at_s
        self._note(number, at_s, answered=True)

    def miss(self, number: int, sent_s: float) -> None:
        if number > self.heard and number > self.missed:
            self.missed = number
            self.run += 1
            if self.missing_s is None:
                self.missing_s = sent_s
        self._note(number, sent_s, answered=False)

    def _note(self, number: int, at_s: float, *, answered: bool) -> None:
        outcomes = self.outcomes
        if not outcomes or outcomes[-1][0] < number:
            outcomes.append((number, at_s, answered))
        elif answered:
            for i in range(len(outcomes) - 1, -1, -1):
                if outcomes[i][0] <= number:
                    if outcomes[i][0] == number:
                        outcomes[i] = (number, outcomes[i][1], True)
                    break

    def recent(self) -> str:
        """The last rounds, oldest first: "." answered, "x" not."""
        return "".join("." if answered else "x" for _, _, answered in self.outcomes)

    def times(self) -> tuple[float, ...]:
        """When each round of `recent` was."""
        return tuple(at_s for _, at_s, _ in self.outcomes)

    def forget(self) -> None:
        """What came before says nothing any more: a stall, another link, a carrier that was away."""
        self.run = 0
        self.missing_s = None
        self.outcomes.clear()


class Entry:
    """One question in a window, to be changed when its answer comes late or its target turns out to be switched off."""

    __slots__ = ("kind", "sent_s")

    def __init__(self, sent_s: float, kind: int) -> None:
        self.sent_s = sent_s
        self.kind = kind


class Tally:
    """The questions of one column and family over the last `WINDOW_S`, and their run."""

    __slots__ = ("counts", "detail", "entries", "last_s", "run")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.counts = [0, 0, 0, 0]
        self.run = Run()
        self.detail = ""
        self.last_s: float | None = None
        """When the last question was sent or the last answer came."""

    def hit(self, number: int, sent_s: float, at_s: float) -> Entry:
        self.run.hit(number, at_s)
        return self._add(sent_s, HIT)

    def miss(self, number: int, sent_s: float) -> Entry:
        self.run.miss(number, sent_s)
        return self._add(sent_s, MISS)

    def came_late(self, entry: Entry, number: int, at_s: float) -> None:
        """The answer of a question that had been counted as missing. `number`: of the round that it came in."""
        self.change(entry, LATE)
        self.run.hit(number, at_s)

    def change(self, entry: Entry, kind: int) -> None:
        if entry.kind not in (GONE, kind):
            self.counts[entry.kind] -= 1
            self.counts[kind] += 1
            entry.kind = kind

    def _add(self, sent_s: float, kind: int) -> Entry:
        entry = Entry(sent_s, kind)
        self.entries.append(entry)
        self.counts[kind] += 1
        self.last_s = sent_s
        if len(self.entries) > MOST:
            self._drop()
        return entry

    def _drop(self) -> None:
        entry = self.entries.popleft()
        self.counts[entry.kind] -= 1
        entry.kind = GONE
        self.counts[GONE] = 0

    def expire(self, now_s: float) -> None:
        oldest = now_s - WINDOW_S
        entries = self.entries
        while entries and entries[0].sent_s < oldest:
            self._drop()

    def forget(self) -> None:
        while self.entries:
            self._drop()
        self.run.forget()
        self.detail = ""
