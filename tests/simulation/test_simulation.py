"""Runs of the simulation, that they depend on their seed alone, and that the checker sees what it is there for."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.simulation.mutations import MUTATIONS
from tests.simulation.world import World, play

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = 40
"""In each of two halves, so that two workers share them: about a minute each. `make simulate` plays more."""
WITHIN_RUNS = 12


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def simulate(*arguments: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    env = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": f"{ROOT}/agent:{ROOT}/drivers:{ROOT}"}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=1_200)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("half", [0, 1])
def test_whatever_befalls_a_store_its_books_agree_in_the_end(half: int, tmp_path: Path) -> None:
    figures = tmp_path / "simulation.json"
    first = 1 + half * SEEDS
    done = simulate("--first", str(first), "--seeds", str(SEEDS), "--workers", "1", "--file", str(figures))
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    values = {row["name"]: row["value"] for row in json.loads(figures.read_text())["rows"]}
    assert values["simulation: sales answered"] > 5_000, "the runs were about something"
    assert values["simulation: events in quarantine, all listed"] > 0, "and so was the quarantine"
    assert values["simulation: places in a log that two machines took, all listed"] > 0
    assert values["simulation: tickets adopted"] > 0
    assert values["simulation: online orders accepted"] > 0
    assert values["simulation: tickets that a restored copy was told of"] > 0


@pytest.mark.parametrize("seed", [4, 63])
def test_a_seed_is_the_same_run_in_every_process(seed: int) -> None:
    """Whatever order its sets have, in runs in which disks are lost and checks change hands."""
    found = [simulate("--seed", str(seed), "--trace", hash_seed=order) for order in ("1", "2", "random")]
    assert found[0].stdout == found[1].stdout == found[2].stdout
    assert re.search(r"digest [0-9a-f]{64}\n", found[0].stdout)
    assert "all is mended" in found[0].stdout


def test_another_seed_is_another_run() -> None:
    assert play(1).digest != play(2).digest


def test_cards_of_checks_that_change_hands_are_charged_and_recorded_once() -> None:
    """Many cards, many checks that are taken over, and a bank whose answers get lost more often than not."""
    elsewhere = 0
    for seed in (1, 3, 5, 6, 8, 11):
        world = World(seed, 2.0, ("cut", "one_way", "island", "kill", "restored"))
        world.habits.cards, world.habits.takes, world.habits.apart_s, world.bank.loses = 0.7, 0.25, 1.0, 0.3
        found = world.run()
        assert not found.violation, f"seed {seed}: {found.violation}"
        elsewhere += found.counts.get("refused asked_elsewhere", 0)
    assert elsewhere > 0, "some were in doubt at a register that had not asked for them"


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_put_into_the_agent_is_found(name: str) -> None:
    mutation, kinds, first = MUTATIONS[name]
    for seed in range(first, first + WITHIN_RUNS):
        with mutation():
            found = play(seed, 3.0, kinds)
        if found.violation:
            assert not play(seed, 3.0, kinds).violation, f"without it all holds in run {seed}"
            return
    pytest.fail(f"{name} was not found in {WITHIN_RUNS} runs")


def test_a_register_alone_sells_whatever_the_lines_do() -> None:
    found = next(one for seed in range(1, 60) if (one := play(seed, 2.0, ("wan", "one_way"))).counts.get("alone"))
    assert not found.violation
    assert found.counts["sales"] > 10
    assert not found.counts.get("refused")
