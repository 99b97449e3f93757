"""The sequential test of losses: bursts and silence are none, sustained losses are, chance hardly ever."""

import random

import pytest

from tillkeeper.network.meters import ALARM, Meters


def asked(
    meters: Meters, per_s: int, seconds: float, loss: float, seed: int, *, from_s: float = 100.0, layer: int = 3
) -> float:
    """Asks so often of one layer: how many seconds later the sum of that layer first reached the alarm, else infinity."""
    chance = random.Random(seed)
    for number in range(int(per_s * seconds)):
        at_s = from_s + number / per_s
        if chance.random() < loss:
            meters.miss(3, at_s, "one")
        else:
            meters.hit(3, at_s)
        if meters.sums()[3][0] >= ALARM:
            return at_s - from_s
    return float("inf")


def test_sustained_losses_are_told_soon() -> None:
    times = sorted(asked(Meters(), 60, 30.0, 0.2, seed) for seed in range(20))
    assert times[0] >= 1.1
    assert times[-1] <= 3.0


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_a_second_of_losses_is_no_sustained_loss(share: float) -> None:
    for seed in range(20):
        meters, shift = Meters(), seed * 0.0125
        assert asked(meters, 60, 5.0, 0.0, seed) == float("inf")
        assert asked(meters, 60, 1.0, share, seed, from_s=105.0 + shift) == float("inf")
        assert asked(meters, 60, 10.0, 0.0, seed, from_s=106.0 + shift) == float("inf")


def test_silence_is_no_loss() -> None:
    meters = Meters()
    asked(meters, 60, 5.0, 0.0, 1)
    assert asked(meters, 60, 5.0, 1.0, 1, from_s=105.0) == float("inf")
    assert meters.silent(3, 110.0)
    asked(meters, 60, 1.0, 0.0, 1, from_s=110.0)
    assert meters.sums()[3][0] == 0.0


def test_one_percent_is_no_loss_in_hours_of_asking() -> None:
    for seed in range(4):
        meters = Meters()
        chance, highest = random.Random(seed), 0.0
        for number in range(60 * 300):
            at_s = number / 60
            if chance.random() < 0.01:
                meters.miss(3, at_s, "one")
            else:
                meters.hit(3, at_s)
            if number % 15 == 0:
                highest = max(highest, meters.sums()[3][0])
        assert highest < ALARM


def test_memory_is_bounded() -> None:
    meters = Meters()
    for number in range(100_000):
        meters.miss(2, number * 0.05, "one")
    for number in range(2_000):
        meters.hit(2, 10_000 + number * 0.25)
    assert len(meters.counts(0)) == 4
    assert sum(meters.counts(0)[2]) <= 120
    assert len(meters.pending[2]) == 0
