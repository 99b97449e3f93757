"""The agent and the prober of one register, and a kitchen whose printers are all switched off: what both ask of the network
together stays under what a switch lets pass (15 ARP a second, `policer`)."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.bench.world import TYPICAL, Agent
from tests.lab.faults import R1
from tests.lab.living import living
from tests.lab.places import V4
from tests.lab.policer import LIMIT_PER_S
from tests.lab.topology import Lab, Shape
from tests.support.prerequisites import need

pytestmark = [pytest.mark.root, pytest.mark.timeout(400)]

PRINTERS = tuple(f"off{number}" for number in range(16))
AGENT_S, BOTH_S, ORDERED_S = 10.0, 10.0, 25.0
"""Every look and every retry has come around by then: the longest pause of a device that refuses is 5 s."""
ORDER = json.dumps(TYPICAL).encode()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need("ip", "nft", "ping", "arping")
    with living(Shape(families=(V4,), managed=False, modem=False), "w") as built:
        yield built


def kitchen() -> dict[str, object]:
    """Each ticket of the grill goes to eight printers, each of the bar to the other eight. Nobody has their addresses."""
    devices = {
        name: {"kind": "escpos", "address": f"192.168.1.{100 + number}:9100", "profile": "tm-t88vi"}
        for number, name in enumerate(PRINTERS)
    }
    return {
        "devices": {**devices, "receipt": {"address": "192.168.1.140:9100"}, "grill": None, "bar": None, "kitchen": None},
        "stations": {
            "grill": {"devices": list(PRINTERS[:8]), "backup": None}, "bar": {"devices": list(PRINTERS[8:]), "backup": None},
            "cold": {"devices": [PRINTERS[0]], "backup": None},
        },
        "network": {"socket": "probe.sock", "interface": "eth0", "anycast": [], "portal_url": "", "families": ["ipv4"]},
    }  # fmt: skip


def test_a_kitchen_that_is_switched_off_shuts_no_port(lab: Lab, tmp_path: Path) -> None:
    within = ("ip", "netns", "exec", lab.space(R1))
    till = Agent(tmp_path, kitchen(), within=within)
    most: dict[str, int] = {}

    def watch(what: str, seconds: float) -> None:
        lab.policer.begin()
        time.sleep(seconds)
        most[what] = lab.policer.most[R1]

    prober = None
    try:
        till.start()
        watch("agent", AGENT_S)
        program = Path(sys.executable).parent / "tillkeeper"
        prober = subprocess.Popen([*within, str(program), "probe", "--config", str(till.config)], stderr=subprocess.DEVNULL)
        watch("both", BOTH_S)
        with till.local() as client:
            client.order(ORDER)
        watch("both, with an order for all", ORDERED_S)
        with till.local() as client:
            waiting = {job["device"] for job in client.get("/v1/jobs?limit=100")["jobs"]}
    finally:
        if prober is not None:
            prober.terminate()
            prober.wait(20)
        till.stop()
    print(most)
    assert waiting >= set(PRINTERS)
    assert lab.policer.shut == {}, most
    assert max(most.values()) <= LIMIT_PER_S
    assert most["agent"] > 0  # somebody did look for them
