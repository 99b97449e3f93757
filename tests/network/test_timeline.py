"""The timeline: what was wrong and when, and what the peers make of it after the heal."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.rounds import NOW_S, row

from tillkeeper.network.faults import FAULTS
from tillkeeper.network.model import Mark, PeerState, Report, Verdict
from tillkeeper.network.timeline import ENTRIES, LISTEN_S, MARKS, PEERS, Change, Timeline

CABLE = ("cable", "switch_power")
DEAF = ("own_port", "switch_hung", "nic_receive")
FINE = row("11 1111 1111 1111")
OUT = row("01 ???? ???? ????")
BEGAN_S, ENDED_S = NOW_S, NOW_S + 20.0


def confirmed(faults: tuple[str, ...], since_s: float = BEGAN_S, also: tuple[str, ...] = ()) -> Verdict:
    return Verdict(phase="confirmed", faults=faults, also=also, since_s=since_s)


def fine(since_s: float) -> Verdict:
    return Verdict(phase="fine", since_s=since_s)


def beacon(register: str, sequence: int, *marks: Mark, session: int = 7) -> PeerState:
    return PeerState(
        register=register, session=session, sequence=sequence, address="192.168.1.11", columns={}, phase="fine", marks=marks
    )  # fmt: skip


def troubled(faults: tuple[str, ...], *known: str) -> Timeline:
    """A trouble from `BEGAN_S` to `ENDED_S`; `known`: peers that were heard before it."""
    timeline = Timeline()
    before = msgspec.structs.replace(FINE, peers=tuple(beacon(name, 1) for name in known))
    timeline.fold(fine(0.0), before, BEGAN_S - 5.0)
    lost = OUT if faults == CABLE else FINE
    timeline.fold(confirmed(faults), lost, BEGAN_S + 0.1)
    timeline.fold(fine(ENDED_S), FINE, ENDED_S + 0.1)
    return timeline


def heard(timeline: Timeline, at_s: float, *peers: PeerState) -> tuple[Change, ...]:
    return timeline.fold(fine(ENDED_S), msgspec.structs.replace(FINE, peers=peers), at_s)


def mark(
    faults: tuple[str, ...], at_s: float, *, began_s: float = BEGAN_S, ended_s: float = ENDED_S, lost: bool = False
) -> Mark:
    return Mark(faults=faults, began_age_s=at_s - began_s, ended_age_s=at_s - ended_s, carrier_lost=lost)


def test_a_trouble_begins_changes_and_ends_once() -> None:
    timeline = Timeline(first_id=41)
    kinds = [
        change.kind
        for verdict, at_s in (
            (fine(0.0), 1.0),
            (Verdict(phase="suspect", faults=("modem",), since_s=2.0), 2.0),
            (confirmed(("modem", "isp_access"), 2.0), 3.0),
            (confirmed(("modem", "isp_access"), 2.0), 4.0),
            (confirmed(("isp_access",), 2.0), 5.0),
            (Verdict(phase="checking", since_s=6.0), 6.0),
            (confirmed(("isp_access",), 2.0), 7.0),
            (fine(8.0), 9.0),
            (fine(8.0), 10.0),
        )
        for change in timeline.fold(verdict, FINE, at_s)
    ]
    assert kinds == ["began", "altered", "ended"]
    (entry,) = timeline.entries
    assert (entry.id, entry.began_s, entry.ended_s, entry.faults) == (41, 2.0, 8.0, ("isp_access",))


def test_another_trouble_straight_after_is_another_entry() -> None:
    timeline = Timeline()
    timeline.fold(confirmed(CABLE, 1.0), OUT, 1.0)
    changes = timeline.fold(confirmed(DEAF, 5.0), FINE, 5.0)
    assert [change.kind for change in changes] == ["ended", "began"]
    assert [entry.carrier_lost for entry in timeline.entries] == [True, False]


def test_a_report_is_folded_as_its_verdict() -> None:
    timeline = Timeline()
    report = Report(at_s=3.0, verdict=confirmed(CABLE, 3.0), evidence=OUT)
    assert [change.kind for change in timeline.take(report, 3.0)] == ["began"]
    assert timeline.running is not None


def test_peers_that_lost_their_carrier_in_the_same_second_make_it_the_switch() -> None:
    timeline = troubled(CABLE, "bar")
    at_s = ENDED_S + 1.0
    changes = heard(timeline, at_s, beacon("bar", 9, mark(CABLE, at_s, began_s=BEGAN_S + 0.8, lost=True)))
    assert [(change.kind, change.entry.corrected_faults) for change in changes] == [("corrected", ("switch_power",))]
    assert "bar" in changes[0].entry.why


def test_peers_that_kept_their_carrier_make_it_the_cable() -> None:
    timeline = troubled(CABLE, "bar", "grill")
    assert heard(timeline, ENDED_S + 1.0, beacon("bar", 20), beacon("grill", 20)) == ()  # they may yet complain
    changes = heard(timeline, ENDED_S + LISTEN_S + 1.0, beacon("bar", 24), beacon("grill", 24))
    assert [change.entry.corrected_faults for change in changes] == [("cable",)]
    assert changes[0].entry.faults == CABLE
    assert heard(timeline, ENDED_S + LISTEN_S + 2.0, beacon("bar", 25), beacon("grill", 25)) == ()


def test_a_carrier_that_a_peer_lost_at_another_time_is_its_own() -> None:
    timeline = troubled(CABLE, "bar")
    at_s = ENDED_S + LISTEN_S + 1.0
    changes = heard(timeline, at_s, beacon("bar", 24, mark(CABLE, at_s, began_s=BEGAN_S + 8.0, lost=True)))
    assert [change.entry.corrected_faults for change in changes] == [("cable",)]


def test_a_peer_that_comes_back_later_still_has_its_say() -> None:
    timeline = troubled(CABLE, "bar", "grill")
    heard(timeline, ENDED_S + LISTEN_S + 1.0, beacon("bar", 24))
    at_s = ENDED_S + 40.0
    late = beacon("grill", 9, mark(CABLE, at_s, ended_s=at_s - 1.0, lost=True))
    assert [change.entry.corrected_faults for change in heard(timeline, at_s, beacon("bar", 60), late)] == [("switch_power",)]
    assert heard(timeline, at_s + 1.0, beacon("bar", 61)) == ()  # and is not taken back


@pytest.mark.parametrize("peers", [(), (beacon("new", 3),), (beacon("bar", 2, session=8),)])
def test_nobody_who_was_there_is_nobody_who_knows(peers: tuple[PeerState, ...]) -> None:
    timeline = troubled(CABLE, "bar")
    assert heard(timeline, ENDED_S + LISTEN_S + 1.0, *peers) == ()


def test_peers_that_heard_each_other_make_the_silence_mine() -> None:
    timeline = troubled(DEAF, "bar", "grill")
    changes = heard(timeline, ENDED_S + LISTEN_S + 1.0, beacon("bar", 24), beacon("grill", 24))
    assert [change.entry.corrected_faults for change in changes] == [("own_port", "nic_receive")]


def test_peers_that_were_deaf_as_well_make_it_the_switch() -> None:
    timeline = troubled(DEAF, "bar")
    at_s = ENDED_S + 2.0
    changes = heard(timeline, at_s, beacon("bar", 24, mark(DEAF, at_s)))
    assert [change.entry.corrected_faults for change in changes] == [("switch_hung",)]


def test_nobody_corrects_what_can_not_be_seen_from_a_register() -> None:
    timeline = troubled(("modem", "isp_access"), "bar")
    assert heard(timeline, ENDED_S + LISTEN_S + 1.0, beacon("bar", 24)) == ()


def test_marks_are_the_newest_troubles_with_their_ages() -> None:
    timeline = Timeline()
    for index in range(MARKS + 3):
        timeline.fold(confirmed(CABLE, 10.0 * index), OUT, 10.0 * index)
        timeline.fold(fine(10.0 * index + 5.0), FINE, 10.0 * index + 5.0)
    marks = timeline.marks(100.0)
    assert len(marks) == MARKS
    newest = 10.0 * (MARKS + 2)
    assert marks[0] == Mark(faults=CABLE, began_age_s=100.0 - newest, ended_age_s=95.0 - newest, carrier_lost=True)
    assert timeline.marks(10_000.0) == ()


def test_two_registers_tell_each_other_what_neither_knew() -> None:
    """The switch loses its power under both; each folds the other's beacon, made of its own marks."""
    timelines = {name: troubled(CABLE, *({"bar", "till-1"} - {name})) for name in ("bar", "till-1")}
    at_s = ENDED_S + 1.0
    for name, timeline in timelines.items():
        (other,) = {"bar", "till-1"} - {name}
        changes = heard(timeline, at_s, beacon(other, 30, *timelines[other].marks(at_s)))
        assert [change.entry.corrected_faults for change in changes] == [("switch_power",)]


_verdicts = st.builds(
    Verdict,
    phase=st.sampled_from(("fine", "checking", "suspect", "confirmed")),
    faults=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=3, unique=True).map(tuple),
    since_s=st.floats(0.0, 2_000.0),
)
_marks = st.builds(
    Mark,
    faults=st.just(CABLE),
    began_age_s=st.floats(0.0, 1e6),
    ended_age_s=st.one_of(st.none(), st.floats(0.0, 1e6)),
    carrier_lost=st.booleans(),
)
_beacons = st.builds(
    beacon, st.sampled_from(("bar", "grill")), st.integers(0, 5), _marks, session=st.integers(0, 2)
)  # fmt: skip


@given(steps=st.lists(st.tuples(_verdicts, st.lists(_beacons, max_size=2), st.floats(0.0, 60.0)), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_story_has_at_most_one_running_trouble_and_no_end_before_its_beginning(
    steps: list[tuple[Verdict, list[PeerState], float]],
) -> None:
    timeline, now_s = Timeline(), 0.0
    told: dict[int, str] = {}
    for verdict, peers, by_s in steps:
        now_s += by_s
        for change in timeline.fold(verdict, msgspec.structs.replace(FINE, peers=tuple(peers)), now_s):
            assert change.kind != "began" or change.entry.id not in told
            assert change.kind == "began" or change.entry.id in told
            told[change.entry.id] = change.kind
    running = [entry for entry in timeline.entries if entry.ended_s is None]
    assert running in ([], [timeline.entries[-1]] if timeline.entries else [])
    for entry in timeline.entries:
        assert entry.ended_s is None or entry.ended_s >= entry.began_s
        assert set(entry.corrected_faults) <= set(FAULTS)


def test_memory_is_bounded() -> None:
    timeline = Timeline()
    for index in range(ENTRIES + 50):
        peers = tuple(beacon(f"r{index}-{number}", index) for number in range(3))
        timeline.fold(confirmed(CABLE, 10.0 * index), msgspec.structs.replace(OUT, peers=peers), 10.0 * index)
        timeline.fold(fine(10.0 * index + 5.0), FINE, 10.0 * index + 5.0)
    assert len(timeline.entries) == ENTRIES
    assert len(timeline._heard) <= PEERS
