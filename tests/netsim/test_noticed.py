"""E1: a loss is noticed within seconds: suspected within one, confirmed and named within two."""

from tests.netsim import singles
from tests.netsim.__main__ import make
from tests.netsim.faults import OUTAGES
from tests.netsim.scoring import Result
from tests.netsim.stores import STORES

SUSPECT_S, CONFIRMED_S, LATEST_S = 1.0, 2.0, 2.5
IN_THE_STORE = 4
"""Depth: up to the router's own power. What is behind it is asked less often: every question there costs somebody."""
LOSSES = [fault for fault in OUTAGES if fault.goal_s <= CONFIRMED_S]
"""A loop and a flapping link are no loss: they are noticed by how they go on."""


def test_a_loss_is_suspected_within_a_second_and_named_within_two() -> None:
    plays: list[tuple[int, Result]] = [
        (fault.depth, singles.play((fault.name, store, 2), make)[1])
        for fault in LOSSES
        for store in ("1 register", "3 registers")
        if fault.suits(STORES[store])
    ]
    assert len(plays) >= 50
    confirmed = [99.0 if one.confirmed_s is None else one.confirmed_s for _, one in plays]
    assert max(confirmed) <= LATEST_S
    assert sum(at_s <= CONFIRMED_S for at_s in confirmed) >= 0.95 * len(plays)
    noticed = [
        (depth, min(99.0 if one.suspect_s is None else one.suspect_s, at_s))
        for (depth, one), at_s in zip(plays, confirmed, strict=True)
    ]
    assert all(at_s <= SUSPECT_S for depth, at_s in noticed if depth < IN_THE_STORE)
    assert sorted(at_s for _, at_s in noticed)[len(noticed) // 2] <= SUSPECT_S
    assert all(at_s <= CONFIRMED_S for _, at_s in noticed)
