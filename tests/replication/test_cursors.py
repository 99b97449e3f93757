"""The cursor arithmetic, alone and against an HQ at the end of a bad line."""

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.replication.world import REGISTER, STORE, BadLine, HonestHq, MemoryLogs

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.replication import cursors
from tillkeeper.replication.cursors import LEAST_EVENTS, MAX_BACKOFF_S, MAX_EVENTS, Cursor, Link, Send, Wait
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble

NOW, A, B = LogId(REGISTER, "now"), LogId(REGISTER, "a"), LogId(REGISTER, "b")
OTHERS = LogId("till-2", "c")


def answer(held: int, *said: tuple[int, str]) -> HqAnswer:
    return HqAnswer(held, tuple(EventVerdict(seq, verdict) for seq, verdict in said))


def test_what_hq_holds_is_asked_before_anything_is_sent() -> None:
    assert cursors.next_action(Link(), {}, {NOW: 5}, NOW, 0.0) == Send(NOW, 0, 0)


def test_events_go_out_at_once_and_a_beat_when_there_are_none() -> None:
    known = {NOW: Cursor(5, 5)}
    link = Link(beat_at_s=10.0)
    assert cursors.next_action(link, known, {NOW: 5}, NOW, 9.0) == Wait(10.0)
    assert cursors.next_action(link, known, {NOW: 7}, NOW, 9.0) == Send(NOW, 5, 2)
    assert cursors.next_action(link, known, {NOW: 5}, NOW, 10.0) == Send(NOW, 5, 0)


def test_a_beat_of_nothing_is_no_hot_loop() -> None:
    link = cursors.succeeded(Link(), 5.0, 0.0, NOW, NOW)
    assert isinstance(cursors.next_action(link, {NOW: Cursor(5, 5)}, {NOW: 5}, NOW, 5.0), Wait)


def test_a_backoff_holds_everything_back() -> None:
    link = cursors.failed(Link(), 100.0, 0.0)
    action = cursors.next_action(link, {NOW: Cursor(0, 0)}, {NOW: 7}, NOW, 100.0)
    assert isinstance(action, Wait)
    assert action.until_s > 100.0


@given(chance=st.floats(0, 1, exclude_max=True), failures=st.integers(1, 3000))
def test_backoffs_grow_and_are_bounded(chance: float, failures: int) -> None:
    link = Link(failures=failures - 1)
    delay = cursors.failed(link, 50.0, chance).retry_at_s - 50.0
    assert 0 < delay <= MAX_BACKOFF_S
    assert cursors.failed(Link(failures=0), 0.0, chance).retry_at_s <= cursors.failed(link, 0.0, chance).retry_at_s


def served(known: dict[LogId, Cursor], heads: dict[LogId, int], count: int, now_s: float = 0.0) -> list[LogId]:
    """Which logs are sent, one after the other, while none moves."""
    found, link = [], Link()
    for _ in range(count):
        action = cursors.next_action(link, known, heads, NOW, now_s)
        assert isinstance(action, Send)
        found.append(action.log)
        link = cursors.succeeded(link, now_s, 1.0, action.log, NOW)
    return found


def test_logs_take_turns_and_the_own_one_has_every_second() -> None:
    known = {name: Cursor(0, 0) for name in (A, B, NOW)}
    assert served(known, {A: 9, B: 9, NOW: 9}, 6) == [NOW, A, NOW, B, NOW, A]


def test_a_log_that_is_stuck_holds_back_no_other() -> None:
    stuck = cursors.held_back(Cursor(0, 0), 100.0, 0.5)
    known = {A: stuck, B: Cursor(0, 0), NOW: Cursor(5, 5)}
    assert served(known, {A: 9, B: 9, NOW: 5}, 3, now_s=100.0) == [B, B, B]
    later = cursors.next_action(Link(beat_at_s=1e9), {A: stuck, NOW: Cursor(5, 5)}, {A: 9, NOW: 5}, NOW, 100.0)
    assert later == Wait(stuck.retry_at_s)
    assert served(known, {A: 9, B: 0, NOW: 5}, 1, now_s=stuck.retry_at_s) == [A]


def test_of_others_logs_the_sink_is_first_asked_how_much_it_holds() -> None:
    known = {NOW: Cursor(5, 5)}
    assert cursors.next_action(Link(), known, {NOW: 5, OTHERS: 9}, NOW, 0.0) == Send(OTHERS, 0, 0)
    asked = cursors.answered(Cursor(branch="unknown"), 1, 0, answer(7), others=True).cursor
    action = cursors.next_action(Link(), {**known, OTHERS: asked}, {NOW: 5, OTHERS: 9}, NOW, 0.0)
    assert action == Send(OTHERS, 6, 1, proves=True), "that it holds 7 events of this log may be 7 of another branch"
    same = cursors.proved(asked, 7, answer(8, (7, "stored"))).cursor
    assert cursors.next_action(Link(), {**known, OTHERS: same}, {NOW: 5, OTHERS: 9}, NOW, 0.0) == Send(OTHERS, 7, 2)


@pytest.mark.parametrize(
    ("verdict", "reason", "acked", "branch"),
    [
        ("stored", "", 7, "same"),
        ("rejected", "undecodable", 7, "same"),
        ("rejected", "after_leaving", 7, "same"),
        ("rejected", "forked_log", 2, "other"),
        ("rejected", "broken_chain", 2, "other"),
        ("retryable", "", 2, "unknown"),
    ],
)
def test_one_event_tells_which_branch_the_sink_has(verdict: str, reason: str, acked: int, branch: str) -> None:
    before = Cursor(2, 7, branch="unknown")
    got = cursors.proved(before, 7, HqAnswer(7, (EventVerdict(7, verdict, reason),)))
    assert (got.cursor.acked, got.cursor.branch, got.stuck) == (acked, branch, verdict == "retryable")


def test_of_another_branch_everything_is_sent_whatever_the_sink_says_it_holds() -> None:
    known = {NOW: Cursor(5, 5), OTHERS: Cursor(0, 7, branch="other")}
    heads = {NOW: 5, OTHERS: 9}
    assert cursors.next_action(Link(), known, heads, NOW, 0.0) == Send(OTHERS, 0, 9)
    said = answer(20, *((seq, "rejected") for seq in range(1, 5)))
    known[OTHERS] = cursors.answered(known[OTHERS], 1, 4, said, others=True).cursor
    assert cursors.next_action(Link(), known, heads, NOW, 0.0) == Send(OTHERS, 4, 5)


def test_an_answer_to_what_came_before_a_step_back_moves_nothing() -> None:
    """While it was under way the log was found to be forked, and is to be sent from its beginning."""
    back = Cursor(0, 110, branch="other")
    said = answer(110, *((seq, "stored") for seq in range(101, 111)))
    assert cursors.answered(back, 101, 110, said, others=True).cursor.acked == 0
    assert cursors.proved(back, 110, said).cursor == back


def test_what_others_brought_meanwhile_is_passed_over_once_it_is_proved() -> None:
    before = Cursor(4, 4, branch="same")
    jumped = cursors.answered(before, 5, 6, answer(9, (5, "stored"), (6, "stored")), others=True).cursor
    assert cursors.next_action(Link(), {NOW: Cursor(5, 5), OTHERS: jumped}, {NOW: 5, OTHERS: 12}, NOW, 0.0) == Send(
        OTHERS, 8, 1, proves=True
    )


def test_own_logs_that_are_written_no_more_are_asked_about_once() -> None:
    """HQ may have lost them, and nothing of them would ever be sent otherwise."""
    known = {NOW: Cursor(5, 5), A: Cursor(9, None)}
    assert cursors.next_action(Link(), known, {NOW: 5, A: 9}, NOW, 0.0) == Send(A, 0, 0)
    known[A] = cursors.answered(known[A], 1, 0, answer(9)).cursor
    assert isinstance(cursors.next_action(Link(beat_at_s=9.0), known, {NOW: 5, A: 9}, NOW, 0.0), Wait)
    known[A] = cursors.answered(cursors.asked_anew(known[A]), 1, 0, answer(0)).cursor
    assert cursors.next_action(Link(beat_at_s=9.0), known, {NOW: 5, A: 9}, NOW, 0.0) == Send(A, 0, 9)


def test_a_stored_prefix_counts_and_the_rest_waits() -> None:
    got = cursors.answered(Cursor(2, 2), 3, 6, answer(4, (3, "stored"), (4, "stored"), (5, "retryable"), (6, "stored")))
    assert (got.cursor.acked, got.moved, got.stuck) == (4, True, True)


def test_rejected_events_are_passed_and_counted_once() -> None:
    got = cursors.answered(Cursor(2, 2), 3, 4, answer(4, (3, "rejected"), (4, "stored")))
    assert (got.cursor.acked, got.cursor.rejected, got.stuck) == (4, 1, False)
    again = cursors.answered(got.cursor, 3, 4, answer(4, (3, "rejected"), (4, "stored")))
    assert again.cursor.rejected == 1


def test_what_a_sink_rejected_before_it_lost_everything_counts_no_more() -> None:
    lost = cursors.answered(Cursor(9, 9, rejected=4), 10, 9, answer(0)).cursor
    assert lost.rejected == 4, "it may have kept that"
    again = cursors.answered(lost, 1, 3, answer(3, (1, "stored"), (2, "rejected"), (3, "stored"))).cursor
    assert again.rejected == 1


def test_held_seq_alone_never_moves_the_cursor() -> None:
    """HQ stored the batch, its answer was lost: the numbers were in that answer."""
    beat = cursors.answered(Cursor(2, 2), 3, 2, answer(6))
    assert beat.cursor.acked == 2
    assert cursors.next_action(Link(beat_at_s=9), {NOW: beat.cursor}, {NOW: 6}, NOW, 0.0) == Send(NOW, 2, 4)


def test_verdicts_left_out_are_read_from_held_seq() -> None:
    got = cursors.answered(Cursor(0, 0), 1, 5, answer(3))
    assert (got.cursor.acked, got.stuck) == (3, True)


def test_an_hq_that_lost_its_disk_gets_everything_again() -> None:
    got = cursors.answered(Cursor(90, 90), 91, 90, answer(10))
    assert (got.cursor.acked, got.lost, got.moved) == (0, True, True)
    action = cursors.next_action(Link(), {NOW: got.cursor}, {NOW: 90}, NOW, 0.0)
    assert action == Send(NOW, 9, 1, proves=True), "what it still has may be of a clone"
    left = cursors.proved(got.cursor, 10, answer(10, (10, "stored"))).cursor
    assert cursors.next_action(Link(), {NOW: left}, {NOW: 90}, NOW, 0.0) == Send(NOW, 10, 80)


def test_an_hq_that_contradicts_itself_makes_no_hot_loop() -> None:
    got = cursors.answered(Cursor(0, 0), 1, 1, answer(0, (1, "stored")))
    assert got.stuck


def test_nothing_is_sent_where_hq_is_ahead() -> None:
    got = cursors.answered(Cursor(5, None), 6, 5, answer(9))
    known = {NOW: got.cursor}
    assert got.cursor.is_ahead(7)
    assert cursors.next_action(Link(beat_at_s=1.0), known, {NOW: 7}, NOW, 0.0) == Wait(1.0)
    assert cursors.next_action(Link(beat_at_s=1.0), known, {NOW: 7}, NOW, 1.0) == Send(NOW, 5, 0)


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


def test_on_a_slow_line_batches_shrink_until_they_get_through() -> None:
    """A line that carries 40 events before the time is over: two of three batches get through, none is offered for ever."""
    cursor, tries = Cursor(0, 0), 0
    while cursor.acked < 10_000:
        sent, tries = cursor.limit, tries + 1
        if sent > 40:
            cursor = cursors.timed_out(cursor, sent)
        else:
            upto = cursor.acked + sent
            cursor = cursors.answered(cursor, cursor.acked + 1, upto, answer(upto)).cursor
    assert tries < 2.5 * 10_000 / 40


def test_without_any_answer_batches_do_not_shrink_for_ever() -> None:
    cursor = Cursor(0, 0)
    for _ in range(50):
        cursor = cursors.timed_out(cursor, cursor.limit)
    assert cursor.limit == LEAST_EVENTS
    assert cursors.timed_out(Cursor(0, 0, limit=3), 3).limit == 3


class Store:
    """The register's side by hand: what `HqLink` does, without tasks or clocks. `crash` forgets what was not saved."""

    def __init__(self, logs: MemoryLogs, line: BadLine) -> None:
        self.logs, self.line = logs, line
        self.saved = dict.fromkeys(logs.heads(), 0)
        self.numbers: dict[str, int] = {}
        self.now_s = 0.0
        self.crash()

    def crash(self) -> None:
        self.known = {log: Cursor(acked) for log, acked in self.saved.items()}
        self.link = Link()

    def step(self) -> None:
        action = cursors.next_action(self.link, self.known, self.logs.heads(), NOW, self.now_s)
        if isinstance(action, Wait):
            assert action.until_s > self.now_s
            self.now_s = action.until_s
            return
        rows = tuple(self.logs.events(action.log, action.after_seq, action.limit)) if action.limit else ()
        try:
            got = asyncio.run(self.line.exchange(HqBatch(STORE, *action.log, rows)))
        except SinkTrouble:
            self.link = cursors.failed(self.link, self.now_s, 0.5)
            return
        progress = cursors.answered(self.known[action.log], action.after_seq + 1, action.after_seq + len(rows), got)
        stuck = progress.stuck
        self.known[action.log] = cursors.held_back(progress.cursor, self.now_s, 0.5) if stuck else progress.cursor
        self.link = cursors.succeeded(self.link, self.now_s, 1.0, action.log, NOW)
        self.saved[action.log] = progress.cursor.acked
        for one in progress.numbers:
            assert self.numbers.setdefault(one.check_id, one.number) == one.number

    @property
    def is_done(self) -> bool:
        return self.saved == self.logs.heads()


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
