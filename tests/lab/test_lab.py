"""The real prober in the lab: the faults that matter most, once each. `make lab` tries all of them, often, and measures.

Deadlines are generous here: a busy machine makes the prober late, and late is not wrong."""

import asyncio
import dataclasses
import os
import subprocess
import sys

import pytest
from tests.lab.faults import FAULTS
from tests.lab.places import V4, V6
from tests.lab.register import Watched
from tests.lab.scoring import Outcome
from tests.lab.spaces import ETC, NAMED, PREFIX
from tests.lab.topology import Lab, Shape
from tests.lab.trial import LATE_S, Trial, run, why
from tests.support.prerequisites import need

pytestmark = pytest.mark.root

PATIENCE_S = 25.0
SEED = 4
AGAIN = 3


@pytest.fixture(autouse=True)
def tools() -> None:
    need("ip", "nft", "ping", "arping")


def tried(name: str, shape: Shape | None = None, *, alone: bool = False) -> tuple[Outcome, Watched, Lab]:
    fault = dataclasses.replace(FAULTS[name], deadline_s=PATIENCE_S)

    async def scene() -> tuple[Outcome, Watched, Lab]:
        with Lab(shape or Shape(), "t") as lab:
            async with lab.served():
                tried = await run(lab, Trial(fault, SEED, alone=alone))
                for _ in range(AGAIN):
                    if tried.late_s <= LATE_S:
                        break
                    tried = await run(lab, Trial(fault, SEED, alone=alone))
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
    outcome, subject, lab = tried(name)
    # On a busy machine a wider set may be said before all columns have had their rounds; in the end it is the design's.
    assert outcome.verdict in ("right", "ambiguous"), f"{outcome}\n{why(subject)}"
    assert outcome.narrowed, f"{outcome}\n{why(subject)}"
    assert outcome.corrected is not False
    assert lab.policer.shut == {}


@pytest.mark.parametrize("families", [(V4,), (V6,)])
def test_a_store_with_one_family_loses_its_router(families: tuple[str, ...]) -> None:
    outcome, subject, lab = tried("router dead", Shape(families=families, managed=False, modem=False))
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
