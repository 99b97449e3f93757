"""The pure parts: records and their order, the lease at its edges, what witnesses answer and allow, the fence."""

import itertools

import msgspec
import pytest

from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.roles import Epoch, RolesAssigned, Says, WitnessAsked, WitnessSaid
from tillkeeper.contract.witness import SILENT_S, judge
from tillkeeper.errors import Refused
from tillkeeper.roles import lease
from tillkeeper.roles.fence import passage
from tillkeeper.roles.lease import GRACE_S, HOLDING, LEASE_S, PHASES, Times
from tillkeeper.roles.records import MAX_COUNTER, NewestRecord, Record, above, configured, is_sound, newest, record_of
from tillkeeper.roles.view import brief

EPOCHS = [Epoch(counter, register) for counter in range(4) for register in ("a", "b", "c")]
PAIR = Record(primary="a", backup="b", epoch=Epoch(3, "a"), cause="assigned")
ALONE = Record(primary="a", absent="b", epoch=Epoch(4, "a"), cause="declared_alone")


def times(**changes: object) -> Times:
    return msgspec.structs.replace(Times(since_s=0.0), **changes)


# --- records ---


def test_epochs_are_totally_ordered_and_no_two_are_equal() -> None:
    for one, other in itertools.product(EPOCHS, EPOCHS):
        assert (one < other) + (one == other) + (one > other) == 1
        assert (one == other) == (one is other)


def test_the_highest_epoch_counts_in_whatever_order_records_arrive() -> None:
    events = [
        RolesAssigned(primary="a", backup="b", counter=counter, register=register)
        for counter, register in ((1, "a"), (1, "b"), (2, "a"))
    ]
    for order in itertools.permutations(events):
        fold = NewestRecord()
        for event in order:
            fold.take(envelope(event.register), event)
        assert fold.record is not None
        assert fold.record.epoch == Epoch(2, "a")
        again = NewestRecord()
        again.load(fold.dump())
        assert again.record == fold.record


def test_a_record_counts_in_the_log_of_its_author_only_and_only_where_it_is_sound() -> None:
    fold = NewestRecord()
    fold.take(envelope("c"), RolesAssigned(primary="c", counter=9, register="a"))
    fold.take(envelope("c"), RolesAssigned(primary="c", backup="c", counter=9, register="c"))
    fold.take(envelope("c"), RolesAssigned(primary="c", counter=MAX_COUNTER + 1, register="c"))
    assert fold.record is None
    assert not is_sound(Record(primary=""))


def test_two_records_of_one_epoch_are_chosen_between_alike() -> None:
    one, other = Record(primary="a", epoch=Epoch(1, "x")), Record(primary="b", epoch=Epoch(1, "x"))
    assert newest((one, other)) == newest((other, one))


def test_the_configuration_is_the_lowest_record() -> None:
    assert configured("", "", ("a", "b")).primary == "a"
    assert configured("b", "a", ("a", "b")).role("a") == "backup"
    assert configured("b", "a", ("a", "b")).epoch < Epoch(1, "")


def test_there_is_an_end_of_epochs() -> None:
    assert above((Epoch(3, "z"),), "a") == Epoch(4, "a")
    with pytest.raises(Refused):
        above((Epoch(MAX_COUNTER, "z"),), "a")


def test_a_record_survives_its_event() -> None:
    record = Record(primary="a", backup="b", absent="c", epoch=Epoch(2, "a"), cause="assigned", by="Mia", releases=("c",))
    assert record_of(record.event()) == record


def envelope(register: str) -> Envelope:
    return Envelope("s", register, "i", 1, "roles_assigned", 1, "2026-11-22", 0, "{}", "", "")


# --- the lease ---


def test_each_role_and_finding_has_its_phase_and_only_two_hold() -> None:
    primary = {"not_ready", "lapsed", "leased", "no_backup"}
    assert {finding for role, finding in PHASES if role == "primary"} == primary
    assert {finding for role, finding in PHASES if role == "backup"} == {"primary_heard", "primary_silent"}
    assert frozenset({"holding", "alone"}) == HOLDING


def test_the_primary_counts_from_before_it_sent() -> None:
    leased = lease.renewed(times(), 10.0)
    assert lease.holds(PAIR, leased, "a", 10.0 + LEASE_S - 0.001)
    assert not lease.holds(PAIR, leased, "a", 10.0 + LEASE_S)
    assert lease.renewed(leased, 5.0) == leased, "an answer that comes late prolongs nothing"


def test_the_backup_waits_longer_than_any_lease_that_it_granted_lasts() -> None:
    granted = lease.granted(times(), 10.0)
    assert not lease.may_stand(PAIR, granted, "b", 10.0 + GRACE_S - 0.001)
    assert lease.may_stand(PAIR, granted, "b", 10.0 + GRACE_S)
    # A slow holder against a fast backup, both off by half of what is allowed, and no delay at all on the way.
    assert LEASE_S / (1 - lease.DRIFT / 2) < GRACE_S / (1 + lease.DRIFT / 2)


def test_a_backup_that_has_just_started_knows_of_no_lease_and_waits() -> None:
    fresh = lease.started(PAIR, 100.0, released=True)
    assert not lease.may_stand(PAIR, fresh, "b", 100.0 + lease.FIRST_S - 0.001)
    assert lease.may_stand(PAIR, fresh, "b", 100.0 + lease.FIRST_S)
    assert lease.may_stand(PAIR, fresh, "b", 100.0 + GRACE_S, by_hand=True)
    assert not fresh.continuous


def test_a_primary_that_is_switched_on_first_waits_for_its_backup() -> None:
    fresh = lease.started(PAIR, 100.0, released=True)
    assert not lease.may_stand(PAIR, fresh, "a", 100.0 + lease.FIRST_S - 0.001)
    assert lease.may_stand(PAIR, fresh, "a", 100.0 + lease.FIRST_S)
    assert lease.may_stand(PAIR, lease.renewed(fresh, 100.0), "a", 100.0 + GRACE_S)


def test_nobody_else_may_stand() -> None:
    assert not lease.may_stand(PAIR, times(), "c", 1e9)
    assert not lease.may_stand(ALONE, times(), "a", 1e9)
    assert not lease.may_stand(ALONE, times(), "b", 1e9)


@pytest.mark.parametrize("missing", [{"caught_up": False}, {"released": False}, {"ready_s": 20.0}])
def test_a_new_primary_waits_until_all_is_ready(missing: dict[str, object]) -> None:
    assert lease.holds(ALONE, times(), "a", 10.0)
    assert not lease.holds(ALONE, times(**missing), "a", 10.0)


def test_a_new_record_ends_the_lease_of_the_old_one() -> None:
    leased = lease.renewed(times(), 10.0)
    raised = msgspec.structs.replace(PAIR, epoch=Epoch(9, "a"), cause="raised", releases=("b",))
    after = lease.adopted(leased, PAIR, raised, "a", 10.1)
    assert not lease.holds(raised, lease.renewed(after, 10.1), "a", 10.2), "its backup has not acknowledged it"


def test_who_is_assigned_the_role_of_a_silent_one_waits_out_its_lease() -> None:
    taken = Record(primary="c", absent="a", epoch=Epoch(9, "c"), cause="assigned")
    after = lease.adopted(times(caught_up=True), PAIR, taken, "c", 50.0)
    ready = msgspec.structs.replace(after, caught_up=True)
    assert not lease.holds(taken, ready, "c", 50.0 + GRACE_S - 0.01)
    assert lease.holds(taken, ready, "c", 50.0 + GRACE_S)


def test_what_one_decides_once_the_other_is_away() -> None:
    promoted = lease.next_record(PAIR, "b", Epoch(4, "b"), released=True, witness="HQ")
    assert (promoted.primary, promoted.backup, promoted.absent, promoted.cause) == ("b", "", "a", "promoted")
    alone = lease.next_record(PAIR, "a", Epoch(4, "a"), released=True, by="Mia")
    assert (alone.primary, alone.backup, alone.absent, alone.cause) == ("a", "", "b", "declared_alone")
    owed = msgspec.structs.replace(PAIR, releases=("c", "b"))
    assert lease.next_record(owed, "b", Epoch(4, "b"), released=False).releases == ("c", "a")
    assert lease.next_record(owed, "b", Epoch(4, "b"), released=False, by="Mia").releases == ("c",)


# --- witnesses ---


def asked(**changes: object) -> WitnessAsked:
    base = WitnessAsked(register="b", away="a", base=Epoch(3, "a"), epoch=Epoch(4, "b"))
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize(
    ("known", "agreed", "age_s", "says"),
    [
        (Epoch(3, "a"), Epoch(), SILENT_S, "agrees"),
        (Epoch(), Epoch(), SILENT_S, "agrees"),
        (Epoch(3, "a"), Epoch(), SILENT_S - 0.01, "hears"),
        (Epoch(4, "a"), Epoch(), 99.0, "refuses"),
        (Epoch(3, "a"), Epoch(4, "a"), 99.0, "refuses"),
        (Epoch(3, "a"), Epoch(9, "a"), 99.0, "refuses"),
        (Epoch(3, "a"), Epoch(4, "b"), 99.0, "agrees"),
        (Epoch(3, "a"), Epoch(5, "b"), 99.0, "refuses"),
        (Epoch(3, "a"), Epoch(2, "a"), 99.0, "agrees"),
    ],
)
def test_a_witness_agrees_once_and_only_to_what_is_new(known: Epoch, agreed: Epoch, age_s: float, says: Says) -> None:
    assert judge(asked(), "c", known, agreed, age_s)[0] == says


def test_a_witness_never_agrees_to_two_registers_above_one_record() -> None:
    for first, second in itertools.product(EPOCHS, EPOCHS):
        if first.register == second.register:
            continue
        base = Epoch(0, "a/b")
        one = WitnessAsked(register=first.register, away="x", base=base, epoch=first)
        other = WitnessAsked(register=second.register, away="x", base=base, epoch=second)
        if judge(one, "w", base, Epoch(), 99.0)[0] == "agrees":
            assert judge(other, "w", base, first, 99.0)[0] == "refuses"


def test_nobody_witnesses_for_others_or_against_itself() -> None:
    assert judge(asked(epoch=Epoch(4, "c")), "w", Epoch(), Epoch(), 99.0)[0] == "refuses"
    assert judge(asked(epoch=Epoch(3, "a")), "w", Epoch(), Epoch(), 99.0)[0] == "refuses"
    assert judge(asked(), "a", Epoch(), Epoch(), 99.0)[0] == "hears"


YES, NO, KNOWS = WitnessSaid(says="agrees"), WitnessSaid(says="hears"), WitnessSaid(says="refuses", epoch=Epoch(9, "a"))


def test_one_witness_lets_a_backup_step_in_and_all_are_needed_to_go_on_alone() -> None:
    for answers in itertools.product((YES, NO, KNOWS, None), repeat=2):
        named = dict(zip(("c", "HQ"), answers, strict=True))
        bad = NO in answers or KNOWS in answers
        assert lease.verdict(named, all_of_them=False)[0] == (YES in answers and not bad)
        assert lease.verdict(named, all_of_them=True)[0] == (answers == (YES, YES))
    assert lease.verdict({}, all_of_them=True) == (False, "there is nobody to witness it")
    assert lease.verdict({}, all_of_them=False)[0] is False


# --- fence and words ---


def test_a_fence_opens_for_the_highest_epoch_only() -> None:
    for highest, epoch in itertools.product(EPOCHS, EPOCHS):
        assert passage(highest, epoch) == ("raised" if epoch > highest else "open" if epoch == highest else "closed")


def test_what_needs_a_manager_is_said() -> None:
    why = "there is nobody to witness it"
    shown = brief(PAIR, "watching", "b", ("a", "b"), holds=False, why=why, ready=True)
    assert "a manager confirms" in shown.alarms[0]
    assert "register a" in shown.alarms[0]
    assert brief(ALONE, "alone", "a", ("a", "b"), holds=True, why="", ready=True).alarms == (
        "The primary has no backup until register b is back and has everything",
    )
    assert brief(configured("", "", ("a",)), "alone", "a", ("a",), holds=True, why="", ready=True).words == ""
    stranger = Record(primary="z", epoch=Epoch(1, "z"))
    assert "register z" in brief(stranger, "following", "a", ("a", "b"), holds=False, why="", ready=True).alarms[0]
