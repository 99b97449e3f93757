"""Leases on virtual time: whatever befalls a store, never two holders at one moment and never two records of one epoch."""

import pytest
from tests.roles.store_sim import HQ, StoreSim

from tillkeeper.contract.roles import AssignRoles, ConfirmAway
from tillkeeper.roles import lease

SEEDS = 60
STEPS = 40
HEALED_S = 90.0
KINDS = (
    "cut", "isolate", "mend", "mend", "mend", "kill", "kill", "start", "start", "start", "stop", "go", "go", "lossy", "disk",
    "disk works", "disk works", "manager", "manager",
)  # fmt: skip


def befall(store: StoreSim) -> None:
    """One thing that happens, and the time after it."""
    chance, nodes = store.chance, list(store.nodes.values())
    node = chance.choice(nodes)
    match chance.choice(KINDS):
        case "cut":
            store.cut(node.name, chance.choice([one for one in (*store.names, HQ) if one != node.name]))
        case "isolate":
            store.isolate(*chance.sample(store.names, chance.randint(1, len(nodes) - 1)))
        case "mend":
            store.mend()
        case "kill" if node.loop.alive:
            node.kill()
        case "start" if not node.loop.alive:
            back(store, node.name)
        case "stop" if node.loop.alive:
            node.loop.pause()
        case "go" if node.loop.paused:
            node.loop.resume()
        case "lossy":
            store.loss, store.slowest_s = chance.choice(((0.0, 0.02), (0.2, 0.3), (0.5, 1.5)))
        case "disk":
            node.disk_fails = True
        case "disk works":
            for one in nodes:
                one.disk_fails = False
        case "manager":
            manager(store, node.name)
    store.run(chance.choice((0.1, 1.0, 3.0, 3.6, 8.0, 20.0)))


def back(store: StoreSim, name: str) -> None:
    """Switched on. Who was said to be away comes back to the others first, before anything else fails."""
    node = store.nodes[name]
    if node.kept_off:
        store.mend()
        store.loss, store.slowest_s = 0.0, 0.02
        for other in store.nodes.values():
            other.disk_fails = False
            if other.loop.paused:
                other.loop.resume()
            elif not other.loop.alive and not other.kept_off:
                other.start()
        node.start()
        node.kept_off = False
        store.run(6.0)
    else:
        node.start()


def manager(store: StoreSim, at: str) -> None:
    others = [one for one in store.names if one != at]
    command = store.chance.choice(
        (ConfirmAway(register=store.chance.choice(others)), AssignRoles(primary=at, backup=store.chance.choice(others)),
         AssignRoles(primary=store.chance.choice(others), backup=at), AssignRoles(primary=at))
    )  # fmt: skip
    if store.truthful(at, command):
        store.at(at, command)


def heal(store: StoreSim) -> None:
    store.mend()
    store.loss, store.slowest_s = 0.0, 0.02
    for node in store.nodes.values():
        node.disk_fails = False
        if node.loop.paused:
            node.loop.resume()
        if not node.loop.alive:
            node.start()
    store.run(HEALED_S)


def made(seed: int) -> StoreSim:
    return StoreSim(seed, ("a", "b", "c", "d")[: 2 + seed % 3], hq=seed % 2 == 0)


def play(store: StoreSim) -> None:
    for _ in range(STEPS):
        befall(store)
        if store.violation:
            return


@pytest.mark.parametrize("seed", range(SEEDS))
def test_there_are_never_two_holders_and_never_two_records_of_one_epoch(seed: int) -> None:
    with made(seed) as store:
        play(store)
        assert not store.violation, f"seed {seed}: {store.violation}"
        heal(store)
        assert not store.violation, f"seed {seed}: {store.violation}"
        records = {node.keeper.record for node in store.nodes.values() if node.keeper is not None}
        assert len(records) == 1, f"seed {seed}: {records}"
        assert store.holder() == records.pop().primary, f"seed {seed}"


@pytest.mark.parametrize("broken", ["grace", "all_of_them", "stopped"])
def test_the_watch_sees_a_lease_that_is_not_waited_for(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if broken == "grace":
        monkeypatch.setattr(lease, "GRACE_S", 0.2)
    elif broken == "all_of_them":
        verdict = lease.verdict
        monkeypatch.setattr(lease, "verdict", lambda answers, *, all_of_them: verdict(answers, all_of_them=False))
    else:
        monkeypatch.setattr(lease, "LEASE_S", 30.0)
        monkeypatch.setattr(lease, "GRACE_S", 3.53)
    for seed in range(400):
        with made(seed) as store:
            play(store)
            if store.violation:
                return
    pytest.fail(f"nobody saw it: {broken}")
