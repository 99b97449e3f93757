"""What is known of other registers, and what follows from it for relaying."""

from typing import Any, cast

from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.peers.state import MAX_MARKS, STALLED_S, PeerState, first_helper, hears_author

LOG = LogId("d", "i")


class Heard:
    """As much of a session as says when something was heard."""

    def __init__(self, heard_s: float) -> None:
        self.heard_s = heard_s


def mark(seq: int, register: str = "d", incarnation: str = "i") -> Mark:
    return Mark(register, incarnation, seq, "")


def peer(register: str, *, heard_s: float | None = 100.0, hq: bool = True, holds: int = 0) -> PeerState:
    state = PeerState(register)
    state.hq = hq
    if heard_s is not None:
        state.called = cast(Session, Heard(heard_s))
    state.learn([mark(holds)])
    return state


def test_what_a_register_has_lost_of_its_own_past_it_gets_at_once() -> None:
    state, past, now = peer("b"), LogId("b", "past"), LogId("b", "now")
    held = {past: mark(99, "b", "past"), now: mark(7, "b", "now")}
    state.past = frozenset({past})
    assert state.look_for_relays(held, 100.0)
    assert state.relays == {past}, "what it writes now it may have written further than it has said"
    state.learn([mark(99, "b", "past"), mark(7, "b", "now")])
    assert state.look_for_relays(held, 101.0)
    assert not state.relays


def test_an_author_has_what_it_brought_since_it_said_how_much_it_has() -> None:
    state, now = peer("b"), LogId("b", "now")
    state.learn([mark(7, "b", "now")])
    state.acked[now] = 9
    author = state.author(100.0)
    assert author is not None
    assert author.heads["now"] == 9
    state.learn([mark(12, "b", "now")])
    author = state.author(100.0)
    assert author is not None
    assert author.heads["now"] == 12


def test_a_log_that_makes_no_progress_at_a_sink_is_relayed_until_it_has_it() -> None:
    state = peer("b", holds=5)
    held = {LOG: mark(10)}
    assert not state.look_for_relays(held, 100.0)
    assert not state.look_for_relays(held, 100.0 + STALLED_S / 2)
    assert state.look_for_relays(held, 100.0 + STALLED_S)
    assert state.relays == {LOG}
    state.learn([mark(9)])
    state.look_for_relays(held, 101.0 + STALLED_S)
    assert state.relays == {LOG}, "once begun it is finished"
    state.acked[LOG] = 10
    assert state.look_for_relays(held, 102.0 + STALLED_S)
    assert not state.relays


def test_a_log_that_comes_from_its_author_is_left_to_it() -> None:
    state = peer("b", holds=5)
    for second in range(20):
        state.learn([mark(5 + second)])
        state.look_for_relays({LOG: mark(100)}, 100.0 + second)
        assert not state.relays


def test_one_alone_relays_to_hq_the_first_that_can() -> None:
    order = ("a", "b", "c", "d")

    def helper(**changes: Any) -> str:
        return first_helper(order, "c", LOG, 10, {"a": peer("a", **changes), "b": peer("b", holds=3)}, 100.0)

    assert helper(holds=10) == "a"
    assert helper(holds=9) == "c", "a lacks the end, b too"
    assert helper(holds=10, hq=False) == "c"
    assert helper(holds=10, heard_s=90.0) == "c"
    assert helper(holds=10, heard_s=None) == "c"


def test_who_does_not_hear_the_author_leaves_it_to_one_before_it_who_does() -> None:
    order = ("a", "b", "c", "d")

    def left_to_a(hears: frozenset[str] = frozenset({"d"}), me: str = "c", **changes: Any) -> bool:
        a = peer("a", **({"holds": 10} | changes))
        a.hears = hears
        return hears_author(order, me, LOG, 10, {"a": a, "b": peer("b", holds=10)}, 100.0)

    assert left_to_a()
    assert not left_to_a(hears=frozenset({"b", "c"})), "nobody hears it"
    assert not left_to_a(holds=9)
    assert not left_to_a(hq=False)
    assert not left_to_a(heard_s=90.0)
    assert not left_to_a(me="a"), "of two that would leave it to each other the first one helps"


def test_a_register_is_silent_from_its_last_word_on_whoever_called_whom() -> None:
    state = peer("b", heard_s=100.0)
    assert state.is_heard(103.0)
    assert not state.is_heard(103.1)
    state.calling = cast(Session, Heard(104.0))
    assert state.is_heard(105.0)
    state.called = state.calling = None
    state.hear(104.0)
    assert not state.is_heard(104.5), "no line, no word"
    assert state.age_s(105.0) == 1.0
    assert PeerState("c").age_s(105.0) is None
    assert PeerState("c").author(105.0) is None


def test_marks_without_end_are_not_remembered() -> None:
    state = PeerState("b")
    state.learn([mark(1, "b", f"i{n}") for n in range(MAX_MARKS + 50)])
    state.learn([mark(2, "b", "i1")])
    assert len(state.marks) == MAX_MARKS
    assert state.seq(LogId("b", "i1")) == 2
