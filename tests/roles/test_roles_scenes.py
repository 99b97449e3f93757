"""The scenes of a store on virtual time: who takes over, when, and who does not."""

import pytest
from tests.roles.store_sim import HQ, StoreSim

from tillkeeper.contract.roles import AssignRoles, ConfirmAway

THREE, TWO = ("a", "b", "c"), ("a", "b")


def settled(store: StoreSim) -> None:
    store.run(6.0)
    assert store.holder() == "a"


def until_held(store: StoreSim, name: str, at_most_s: float) -> float:
    began_s = store.time.now_s
    while store.holder() != name:
        store.run(0.05)
        assert store.time.now_s - began_s <= at_most_s, f"{name} does not hold after {at_most_s} s"
    return store.time.now_s - began_s


def record(store: StoreSim, name: str) -> tuple[str, str, str]:
    keeper = store.nodes[name].keeper
    assert keeper is not None
    return keeper.record.primary, keeper.record.backup, keeper.record.cause


@pytest.mark.parametrize(("names", "hq"), [(THREE, False), (THREE, True), (TWO, True), (("a", "b", "c", "d"), False)])
def test_a_backup_acts_within_5_s_of_the_death_of_the_primary(names: tuple[str, ...], hq: bool) -> None:
    with StoreSim(1, names, hq=hq) as store:
        settled(store)
        store.nodes["a"].kill()
        until_held(store, "b", 5.0)
        assert record(store, "b") == ("b", "", "promoted")
        assert not store.violation


def test_without_the_internet_a_third_register_is_witness_enough() -> None:
    with StoreSim(2, THREE, hq=True) as store:
        settled(store)
        for name in THREE:
            store.cut(name, HQ)
        store.nodes["a"].kill()
        until_held(store, "b", 5.0)


def test_a_store_of_two_without_a_witness_waits_for_its_manager() -> None:
    with StoreSim(3, TWO, hq=False) as store:
        settled(store)
        store.at("b", ConfirmAway(register="a", by="Mia"))
        store.run(2.0)
        assert record(store, "b") == ("a", "b", "configured"), "it is heard, whatever a manager says"
        store.nodes["a"].kill()
        store.run(60.0)
        assert store.holder() == ""
        keeper = store.nodes["b"].keeper
        assert keeper is not None
        assert keeper.why == "there is nobody to witness it"
        store.at("b", ConfirmAway(register="a", by="Mia"))
        until_held(store, "b", 1.0)
        assert keeper.record.by == "Mia"


def test_a_primary_that_the_witness_hears_stays_primary_and_neither_acts() -> None:
    with StoreSim(4, THREE, hq=False) as store:
        settled(store)
        store.cut("a", "b")
        store.run(60.0)
        assert store.holder() == "", "its backup does not answer, and third registers hear both"
        assert record(store, "c") == ("a", "b", "configured")
        store.mend()
        until_held(store, "a", 5.0)


def test_a_partitioned_primary_comes_back_as_follower_and_stays_backup() -> None:
    with StoreSim(5, THREE, hq=False) as store:
        settled(store)
        store.isolate("a")
        until_held(store, "b", 5.0)
        store.run(30.0)
        assert record(store, "a") == ("a", "b", "configured")
        store.mend()
        store.run(60.0)
        assert record(store, "a") == record(store, "b") == record(store, "c") == ("b", "a", "returned")
        assert [name for _, name in store.holders] == ["a", "b"], "no flapping"
        assert not store.violation


def test_a_primary_that_was_stopped_for_a_minute_does_not_act_when_it_wakes() -> None:
    with StoreSim(6, THREE, hq=False) as store:
        settled(store)
        store.nodes["a"].loop.pause()
        until_held(store, "b", 5.0)
        store.run(60.0)
        store.nodes["a"].loop.resume()
        assert not store.nodes["a"].hold(), "before it has done anything"
        store.run(60.0)
        assert record(store, "a") == ("b", "a", "returned")
        assert not store.violation


@pytest.mark.parametrize("away_s", [0.5, 2.0])
def test_a_primary_that_is_back_in_time_is_primary_still(away_s: float) -> None:
    with StoreSim(7, THREE, hq=False) as store:
        settled(store)
        store.nodes["a"].kill()
        store.run(away_s)
        store.nodes["a"].start()
        store.run(20.0)
        assert store.holder() == "a"
        assert record(store, "b") == ("a", "b", "configured")


def test_a_primary_that_reboots_for_longer_is_backup_when_it_is_up() -> None:
    with StoreSim(8, THREE, hq=False) as store:
        settled(store)
        store.nodes["a"].kill()
        store.run(40.0)
        store.nodes["a"].start()
        store.run(30.0)
        assert record(store, "a") == ("b", "a", "returned")
        assert store.holder() == "b"


def test_a_primary_goes_on_alone_once_every_witness_agrees_and_takes_its_backup_back() -> None:
    with StoreSim(9, THREE, hq=False) as store:
        settled(store)
        store.nodes["b"].kill()
        until_held(store, "", 3.1)
        until_held(store, "a", 5.0)
        assert record(store, "a") == ("a", "", "declared_alone")
        store.nodes["b"].start()
        store.run(30.0)
        assert record(store, "b") == ("a", "b", "returned")
        assert store.holder() == "a"


def test_two_halves_of_a_store_never_both_act() -> None:
    with StoreSim(10, ("a", "b", "c", "d"), hq=True) as store:
        settled(store)
        store.isolate("a", "c")  # b, d and HQ are the other half
        store.run(120.0)
        assert store.holder() == "b"
        assert record(store, "a")[2] == "configured"
        assert not store.violation


def test_a_backup_that_was_off_does_not_take_over_by_one_witness_alone() -> None:
    with StoreSim(11, THREE, hq=True) as store:
        settled(store)
        store.nodes["b"].kill()
        store.nodes["a"].kill()
        store.run(10.0)
        for name in THREE:
            store.cut(name, HQ)
        store.nodes["b"].start()
        store.run(60.0)
        assert store.holder() == "", "HQ may know that the primary went on without it"
        store.mend()
        until_held(store, "b", 10.0)


def test_a_role_is_assigned_to_another_register_when_its_holder_is_gone() -> None:
    with StoreSim(12, ("a", "b", "c", "d"), hq=False) as store:
        settled(store)
        store.nodes["a"].kill()
        store.nodes["b"].kill()
        store.run(10.0)
        store.at("d", AssignRoles(primary="c", backup="d", by="Mia"))
        until_held(store, "c", 10.0)
        assert record(store, "d") == ("c", "d", "assigned")
        store.nodes["a"].start()
        store.run(10.0)
        assert record(store, "a") == ("c", "d", "assigned")
        assert store.holder() == "c"
        assert not store.violation


@pytest.mark.parametrize("after_s", [0.1, 0.6, 0.8, 1.0, 10.0])
def test_nobody_is_given_a_role_who_is_not_there_to_hear_of_it(after_s: float) -> None:
    """Up to 3.5 s after its last word a register counts as heard: `c` still does when `b` does not any more."""
    with StoreSim(18, THREE, hq=False) as store:
        settled(store)
        store.nodes["b"].kill()
        store.run(2.0)
        store.nodes["c"].kill()
        store.run(after_s)
        store.at("a", AssignRoles(primary="a", backup="c", by="Mia"))
        store.run(6.0)
        assert record(store, "a") == ("a", "b", "configured")


def test_a_role_moves_while_all_are_there_and_the_old_holder_stops_first() -> None:
    with StoreSim(13, THREE, hq=False) as store:
        settled(store)
        store.at("c", AssignRoles(primary="b", backup="c", by="Mia"))
        until_held(store, "b", 3.0)
        assert record(store, "a") == ("b", "c", "assigned")
        assert not store.violation


def test_a_new_primary_waits_for_what_the_old_one_wrote() -> None:
    with StoreSim(14, THREE, hq=False) as store:
        settled(store)
        keeper = store.nodes["b"].keeper
        assert keeper is not None
        behind = [7]
        object.__setattr__(keeper.parts, "behind", lambda: behind[0])
        store.at("a", AssignRoles(primary="b", backup="a", by="Mia"))
        store.run(5.0)
        assert keeper.role == "primary"
        assert store.holder() == ""
        behind[0] = 0
        until_held(store, "b", 1.0)


def test_a_primary_that_forgot_its_own_promotion_is_told_by_the_others() -> None:
    """An older copy of its disk is put back, and nobody sends a register its own logs."""
    with StoreSim(1, ("a", "b", "c"), hq=False) as store:
        store.run(10.0)
        store.isolate("a")
        store.run(15.0)
        store.mend()
        b = store.nodes["b"]
        assert store.holder() == "b"
        b.kill()
        b.settings.clear()
        b.log.clear()
        b.held = None
        heard = b.beaten
        b.beaten = lambda register, told: heard(register, told if told and told.epoch.register != "b" else None)  # type: ignore[method-assign]
        b.start()
        store.run(60.0)
        assert not store.violation
        assert {node.keeper.record.primary for node in store.nodes.values() if node.keeper} == {"b"}
        assert store.holder() == "b"
