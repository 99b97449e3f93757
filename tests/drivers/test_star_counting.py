"""The ETB counter never confirms what is not on paper, whatever earlier documents left in the printer's buffer."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper_drivers.star.commands import ETB, opening
from tillkeeper_drivers.star.counting import Counting

RESET, INK = b"\x1b\x1eE\x00", b"ink"


class Paper:
    """A printer's buffer and its counter; it works off one command at a time, when the test says so."""

    def __init__(self, counter: int) -> None:
        self.counter = counter
        self.buffer: deque[object] = deque()
        self.told: list[int] = []
        self.printed: list[int] = []

    def give(self, data: bytes, document: int = -1) -> None:
        for _ in range(data.count(RESET)):
            self.buffer.append("reset")
        if document >= 0:
            self.buffer.append(document)
        for _ in range(data.count(ETB)):
            self.buffer.append("etb")

    def work(self, commands: int) -> None:
        while self.buffer and commands:
            commands -= 1
            command = self.buffer.popleft()
            if command == "reset":
                self.counter = 0
                commands += bool(self.buffer)  # nobody sees the counter between these two
            elif command == "etb":
                self.counter = (self.counter + 1) % 32
                self.told.append(self.counter)
            elif isinstance(command, int):
                self.printed.append(command)


@settings(max_examples=500)
@given(
    st.integers(0, 31),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=20),
    st.lists(st.integers(0, 12), max_size=3),
)
def test_no_document_is_confirmed_that_is_not_printed(counter: int, jobs: list[tuple[int, int]], left: list[int]) -> None:
    """Each job waits for so many commands to be worked off before it gives up: for its opening, then for its end. `left`: what
    an earlier agent left behind, each a document that was opened and not counted, at one of the lowest starts."""
    paper, counting = Paper(counter), Counting()
    for level in left:
        paper.give(opening(1 + 3 * (level % 3)))
        paper.give(ETB, document=10_000)
    for job, (opening_takes, end_takes) in enumerate(jobs):
        start = counting.start(paper.counter)
        if start is None:
            paper.work(opening_takes)
            continue
        paper.told.clear()
        paper.give(opening(start))
        paper.work(opening_takes)
        if start not in paper.told:
            continue  # not sent: no byte of this document left
        counting.answered()
        paper.told.clear()
        paper.give(ETB, document=job)
        paper.work(end_takes)
        if start + 1 in paper.told:
            assert job in paper.printed, f"start {start}, told {paper.told}, buffer {list(paper.buffer)}"
            counting.settled()


def test_a_printer_that_works_through_what_it_was_given_is_sent_to_again() -> None:
    paper, counting = Paper(0), Counting()
    for _ in range(10):
        start = counting.start(paper.counter)
        if start is not None:
            paper.give(opening(start))
    assert counting.start(paper.counter) is None
    paper.work(1_000)
    assert counting.start(paper.counter) is not None


def test_one_that_hung_and_forgot_everything_is_sent_to_again() -> None:
    counting = Counting()
    tries = [counting.start(0) for _ in range(40)]
    given_up = tries.index(None)
    assert any(start is not None for start in tries[given_up:])


def test_in_peace_few_commands_are_needed() -> None:
    counting = Counting()
    counter, needed = 2, []
    for _ in range(5):
        start = counting.start(counter)
        assert start is not None
        needed.append(start)
        counting.answered()
        counter = start + 1
        counting.settled()
    assert needed[1:] == [1, 1, 1, 1]
