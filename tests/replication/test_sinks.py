"""Who gets what, who helps whom, and who prints for the dead."""

from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.sinks import Author, lines, may_adopt, only_here, to_relay

ORDER = ("a", "b", "c", "d", "e")
names = st.sets(st.sampled_from(ORDER))


def test_lines_go_to_the_first_two_that_answer_and_to_those_before_them_that_do_not() -> None:
    assert lines(ORDER, "d", {"a", "b", "c"}) == ("a", "b")
    assert lines(ORDER, "a", {"b", "c"}) == ("b", "c")
    assert lines(ORDER, "d", {"b", "e"}) == ("a", "b", "c", "e")
    assert lines(ORDER, "d", ()) == ("a", "b", "c", "e")
    assert lines(("a",), "a", ()) == ()


@given(me=st.sampled_from(ORDER), reachable=names)
def test_nobody_calls_itself_and_two_are_always_among_them(me: str, reachable: set[str]) -> None:
    found = lines(ORDER, me, reachable)
    assert me not in found
    assert len(set(found) & reachable) == min(2, len(reachable - {me}))


def held(seq: int = 10, register: str = "d") -> dict[LogId, Mark]:
    return {LogId(register, "i"): Mark(register, "i", seq, "")}


def test_an_author_that_is_there_reaches_hq_and_has_its_log_needs_no_help() -> None:
    assert not to_relay(held(), {"d": Author(1.0, True, {"i": 10})})


def test_logs_of_the_silent_the_cut_off_and_those_that_lost_their_disk_are_relayed() -> None:
    theirs = frozenset(held())
    assert to_relay(held(), {}) == theirs
    assert to_relay(held(), {"d": Author(3.5, True, {"i": 10})}) == theirs
    assert to_relay(held(), {"d": Author(1.0, False, {"i": 10})}) == theirs
    assert to_relay(held(), {"d": Author(1.0, True, {"another": 4})}) == theirs
    assert to_relay(held(), {"d": Author(1.0, True, {"i": 9})}) == theirs, "a restored copy lacks the end"


def test_what_any_other_machine_has_is_not_only_here() -> None:
    one, two = LogId("a", "1"), LogId("a", "2")
    heads = {one: 10, two: 5}
    assert only_here(heads, []) == 15
    assert only_here(heads, [{one: 10}, {one: 3, two: 4}]) == 1
    assert only_here(heads, [{one: 99, two: 99}]) == 0


@given(reachable=st.dictionaries(st.sampled_from(ORDER), names))
def test_of_those_that_see_the_same_one_alone_prints_for_the_dead(reachable: dict[str, set[str]]) -> None:
    """All that are alive hear each other, none hears "c"."""
    alive = set(reachable) - {"c"}
    adopters = [me for me in alive if may_adopt(ORDER, me, "c", alive - {me}, ())]
    assert adopters == ([min(alive)] if alive else [])


def test_nobody_prints_for_one_that_somebody_hears() -> None:
    assert not may_adopt(ORDER, "a", "c", {"b"}, {"b"})
    assert not may_adopt(ORDER, "a", "c", {"c"}, ())
