"""The real prober in the lab: the faults that matter most, once each. `make lab` tries all of them, often, and measures.

Deadlines are generous here: a busy machine makes the prober late, and late is not wrong."""

import asyncio
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.lab.faults import FAULTS
from tests.lab.places import V4, V6
from tests.lab.register import Watched
from tests.lab.scoring import Outcome
from tests.lab.spaces import ETC, NAMED, PREFIX
from tests.lab.topology import Lab, Shape
from tests.lab.trial import Trial, Tried, again, run, why
from tests.support.prerequisites import need

pytestmark = [pytest.mark.root, pytest.mark.timeout(400)]

PATIENCE_S = 25.0
SEED = 4


@pytest.fixture(autouse=True)
def tools() -> None:
    need("ip", "nft", "ping", "arping")


def tried(name: str, well: Callable[[Outcome], bool], shape: Shape | None = None) -> tuple[Outcome, Watched, Lab]:
    trial = Trial(dataclasses.replace(FAULTS[name], deadline_s=PATIENCE_S), SEED)

    async def scene() -> tuple[Outcome, Watched, Lab]:
        with Lab(shape or Shape(), "t") as lab:
            async with lab.served():

                async def play() -> Tried:
                    return await run(lab, trial)

                tried = await again(play, lambda tried: well(tried.outcome))
        return tried.outcome, tried.registers[0], lab

    return asyncio.run(scene())


@pytest.mark.parametrize(
    "name",
    [
        "own cable", "own port", "router dead", "router hung", "ISP access, silent", "ISP upstream", "own resolver, silent",
        "captive portal", "HQ server, RST", "duplicate IP, silent", "gateway MAC changed", "DHCP lost",
    ],
)  # fmt: skip
def test_the_prober_names_the_fault(name: str) -> None:

    # On a busy machine a wider set may be said before all columns have had their rounds; in the end it is the design's.
    def well(outcome: Outcome) -> bool:
        return outcome.verdict in ("right", "ambiguous") and outcome.narrowed and outcome.corrected is not False

    outcome, subject, lab = tried(name, well)
    assert well(outcome), f"{outcome}\n{why(subject)}"
    assert lab.policer.shut == {}


@pytest.mark.parametrize("families", [(V4,), (V6,)])
def test_a_store_with_one_family_loses_its_router(families: tuple[str, ...]) -> None:
    shape = Shape(families=families, managed=False, modem=False)
    outcome, subject, lab = tried("router dead", lambda outcome: outcome.verdict == "right", shape)
    assert outcome.verdict == "right", f"{outcome}\n{why(subject)}"
    assert lab.policer.shut == {}


def test_a_lab_leaves_nothing_behind() -> None:
    def left(marker: str) -> list[str]:
        return [entry.name for folder in (NAMED, ETC) if folder.is_dir() for entry in folder.iterdir() if marker in entry.name]

    with Lab(Shape(), "u") as lab:
        marker = lab.space("r1").removesuffix("r1")
        assert len(left(marker)) > len(lab.shape.names)
    assert left(marker) == []
    with pytest.raises(ZeroDivisionError), Lab(Shape(), "u"):
        _ = 1 / 0
    assert left(marker) == []


def test_what_a_killed_lab_left_is_removed_by_the_next() -> None:
    killed = "import os, signal; from tests.lab.topology import Lab; Lab().__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    with subprocess.Popen([sys.executable, "-c", killed], env=os.environ | {"PYTHONPATH": ":".join(sys.path)}) as process:
        process.wait()
    assert [entry for entry in NAMED.iterdir() if entry.name.startswith(f"{PREFIX}{process.pid}a-")]
    with Lab(Shape(), "v"):
        assert not [entry for entry in NAMED.iterdir() if entry.name.startswith(f"{PREFIX}{process.pid}a-")]
