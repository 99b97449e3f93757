"""The cursor arithmetic, alone and against an HQ at the end of a bad line."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replication.world import BadLine, HonestHq, MemoryLogs

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.replication import cursors
from tillkeeper.replication.cursors import MAX_BACKOFF_S, MAX_EVENTS, Cursor, Link, Send, Wait
from tillkeeper.replication.trouble import HqTrouble


def answer(held: int, *said: tuple[int, str]) -> HqAnswer:
    return HqAnswer(held, tuple(EventVerdict(seq, verdict) for seq, verdict in said))


def test_what_hq_holds_is_asked_before_anything_is_sent() -> None:
    assert cursors.next_action(Link(), {}, {"now": 5}, "now", 0.0) == Send("now", 0, 0)


def test_events_go_out_at_once_and_a_beat_when_there_are_none() -> None:
    known = {"now": Cursor(5, 5)}
    link = Link(beat_at_s=10.0)
    assert cursors.next_action(link, known, {"now": 5}, "now", 9.0) == Wait(10.0)
    assert cursors.next_action(link, known, {"now": 7}, "now", 9.0) == Send("now", 5, 2)
    assert cursors.next_action(link, known, {"now": 5}, "now", 10.0) == Send("now", 5, 0)


def test_a_beat_of_nothing_is_no_hot_loop() -> None:
    link = cursors.succeeded(Link(), 5.0, 0.0, "now", stuck=False, chance=0.5)
    assert isinstance(cursors.next_action(link, {"now": Cursor(5, 5)}, {"now": 5}, "now", 5.0), Wait)


def test_a_backoff_holds_everything_back() -> None:
    link = cursors.failed(Link(), 100.0, 0.0)
    action = cursors.next_action(link, {"now": Cursor(0, 0)}, {"now": 7}, "now", 100.0)
    assert isinstance(action, Wait)
    assert action.until_s > 100.0


@given(chance=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 3000))
def test_backoffs_grow_and_are_bounded(chance: float, failures: int) -> None:
    link = Link(failures=failures - 1)
    delay = cursors.failed(link, 50.0, chance).retry_at_s - 50.0
    assert 0 < delay <= MAX_BACKOFF_S
    assert cursors.failed(Link(failures=0), 0.0, chance).retry_at_s <= cursors.failed(link, 0.0, chance).retry_at_s


def test_logs_take_turns() -> None:
    known = {name: Cursor(0, 0) for name in ("a", "b", "now")}
    heads = {"a": 9, "b": 9, "now": 9}
    served = []
    link = Link()
    for _ in range(6):
        action = cursors.next_action(link, known, heads, "now", 0.0)
        assert isinstance(action, Send)
        served.append(action.incarnation)
        link = Link(last_log=action.incarnation)
    assert served == ["a", "b", "now", "a", "b", "now"]


def test_a_stored_prefix_counts_and_the_rest_waits() -> None:
    got = cursors.answered(Cursor(2, 2), 3, 6, answer(4, (3, "stored"), (4, "stored"), (5, "retryable"), (6, "stored")))
    assert (got.cursor.acked, got.moved, got.stuck) == (4, True, True)


def test_rejected_events_are_passed_and_counted_once() -> None:
    got = cursors.answered(Cursor(2, 2), 3, 4, answer(4, (3, "rejected"), (4, "stored")))
    assert (got.cursor.acked, got.cursor.rejected, got.stuck) == (4, 1, False)
    again = cursors.answered(got.cursor, 3, 4, answer(4, (3, "rejected"), (4, "stored")))
    assert again.cursor.rejected == 1


def test_held_seq_alone_never_moves_the_cursor() -> None:
    """HQ stored the batch, its answer was lost: the numbers were in that answer."""
    beat = cursors.answered(Cursor(2, 2), 3, 2, answer(6))
    assert beat.cursor.acked == 2
    assert cursors.next_action(Link(beat_at_s=9), {"now": beat.cursor}, {"now": 6}, "now", 0.0) == Send("now", 2, 4)


def test_verdicts_left_out_are_read_from_held_seq() -> None:
    got = cursors.answered(Cursor(0, 0), 1, 5, answer(3))
    assert (got.cursor.acked, got.stuck) == (3, True)


def test_an_hq_that_lost_its_disk_gets_everything_again() -> None:
    got = cursors.answered(Cursor(90, 90), 91, 90, answer(10))
    assert (got.cursor.acked, got.lost, got.moved) == (10, True, True)


def test_an_hq_that_contradicts_itself_makes_no_hot_loop() -> None:
    got = cursors.answered(Cursor(0, 0), 1, 1, answer(0, (1, "stored")))
    assert got.stuck


def test_nothing_is_sent_where_hq_is_ahead() -> None:
    got = cursors.answered(Cursor(5, None), 6, 5, answer(9))
    known = {"now": got.cursor}
    assert got.cursor.is_ahead(7)
    assert cursors.next_action(Link(beat_at_s=1.0), known, {"now": 7}, "now", 0.0) == Wait(1.0)
    assert cursors.next_action(Link(beat_at_s=1.0), known, {"now": 7}, "now", 1.0) == Send("now", 5, 0)


def test_refused_batches_shrink_to_one_event_and_grow_again() -> None:
    cursor, sent = Cursor(0, 0), MAX_EVENTS
    for _ in range(20):
        cursor = cursors.refused_batch(cursor, sent)
        sent = min(sent, cursor.limit)
    assert cursor.limit == 1
    at = 0
    while cursor.limit < MAX_EVENTS:
        cursor = cursors.answered(cursor, at + 1, at + cursor.limit, answer(at + cursor.limit)).cursor
        at = cursor.acked
    assert cursor.limit == MAX_EVENTS


class Store:
    """The register's side by hand: what `HqLink` does, without tasks or clocks. `crash` forgets what was not saved."""

    def __init__(self, logs: MemoryLogs, line: BadLine) -> None:
        self.logs, self.line = logs, line
        self.saved = dict.fromkeys(logs.rows, 0)
        self.numbers: dict[str, int] = {}
        self.now_s = 0.0
        self.crash()

    def crash(self) -> None:
        self.known = {name: Cursor(acked) for name, acked in self.saved.items()}
        self.link = Link()

    def step(self) -> None:
        heads = {name: len(rows) for name, rows in self.logs.rows.items()}
        action = cursors.next_action(self.link, self.known, heads, "now", self.now_s)
        if isinstance(action, Wait):
            assert action.until_s > self.now_s
            self.now_s = action.until_s
            return
        rows = tuple(self.logs.events(action.incarnation, action.after_seq, action.limit)) if action.limit else ()
        try:
            got = asyncio.run(self.line.exchange(HqBatch("corner", "till-1", action.incarnation, rows)))
        except HqTrouble:
            self.link = cursors.failed(self.link, self.now_s, 0.5)
            return
        progress = cursors.answered(self.known[action.incarnation], action.after_seq + 1, action.after_seq + len(rows), got)
        self.known[action.incarnation] = progress.cursor
        self.link = cursors.succeeded(self.link, self.now_s, 1.0, action.incarnation, progress.stuck, 0.5)
        self.saved[action.incarnation] = progress.cursor.acked
        for one in progress.numbers:
            assert self.numbers.setdefault(one.check_id, one.number) == one.number

    @property
    def is_done(self) -> bool:
        return all(self.saved[name] == len(rows) for name, rows in self.logs.rows.items())


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    bad=st.floats(0, 0.9),
    old=st.integers(0, 8),
    doings=st.lists(st.one_of(st.integers(1, 9), st.sampled_from(["crash", "step"])), max_size=60),
    poison=st.sets(st.integers(1, 20), max_size=3),
)
def test_over_any_bad_line_everything_arrives_once(
    seed: int, bad: float, old: int, doings: list[int | str], poison: set[int]
) -> None:
    hq, logs = HonestHq(), MemoryLogs(old=old)
    hq.poison = {f"now-{seq}" for seq in poison}
    store = Store(logs, BadLine(hq, seed, bad))
    for doing in doings:
        if doing == "crash":
            store.crash()
        elif isinstance(doing, int):
            logs.sell(doing)
        store.step()
    store.line.bad = 0.0
    for _ in range(200):
        if store.is_done:
            break
        store.step()
    assert store.is_done
    for late in store.line.late:  # copies that were under way all the time
        hq.take(late)
    sent = [one for rows in logs.rows.values() for one in rows]
    assert hq.effects == {one.hash: 1 for one in sent}
    checks = {one.body for one in sent if one.type == "check_opened" and one.hash not in hq.poison}
    assert store.numbers == {check: hq.numbers[check] for check in checks}
    assert len(set(store.numbers.values())) == len(checks)


@given(seed=st.integers(0, 2**32), keeps=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_after_hq_lost_its_disk_it_has_everything_again(seed: int, keeps: int) -> None:
    hq, logs = HonestHq(), MemoryLogs(40)
    store = Store(logs, BadLine(hq, seed, 0.0))
    while not store.is_done:
        store.step()
    numbers = dict(store.numbers)
    hq.logs["now"] = hq.logs["now"][:keeps]
    for one in logs.rows["now"][keeps:]:
        del hq.effects[one.hash]
    for _ in range(50):
        store.step()
    assert hq.effects == {one.hash: 1 for one in logs.rows["now"]}
    assert store.numbers == numbers


@pytest.mark.parametrize("numbers", [(), (NumberAssigned("c", 1),)])
def test_an_answer_is_saved_only_if_it_says_something_new(numbers: tuple[NumberAssigned, ...]) -> None:
    beat = msgspec.structs.replace(answer(5), numbers=numbers)
    assert cursors.answered(Cursor(5, 5), 6, 5, beat).moved == bool(numbers)
