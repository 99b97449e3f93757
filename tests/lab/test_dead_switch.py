"""The router of a store of three registers dies, and nothing changes; then its switch, and each goes on as an island, with the
printer that hangs on it: what is for the kitchen comes out there, to be carried. The real agents, each in the namespace of its
register. No HQ answers all the while (the internet is gone as well): over the LAN that is offline, and nothing more."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.bench.world import TYPICAL, Agent
from tests.lab.places import HQ, HQ_PORT, PORTS, V4, lan4
from tests.lab.spaces import ip
from tests.lab.topology import Lab, Shape
from tests.support.keys import join_all
from tests.support.prerequisites import need
from tests.support.store import STORE

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

REGISTERS = ("r1", "r2", "r3")
OWN_PORT, KITCHEN_PORT, STORE_PORT = 9101, 9100, 7443
WAIT_S = 60.0
STATIONS = ("Grill", "Bar")
"""Each order has a ticket for both."""
ORDER = json.dumps(TYPICAL | {"tenders": [{"tender": "cash"}]}).encode()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need("ip", "nft")
    with Lab(Shape(families=(V4,), managed=False, modem=False), "d") as built:
        yield built


def within(lab: Lab, role: str) -> tuple[str, ...]:
    return ("ip", "netns", "exec", lab.space(role))


def printer(stack: ExitStack, lab: Lab, role: str, host: str, port: int, out: Path) -> None:
    """A printer in the namespace of `role`; its slips are files in `out`."""
    program = str(Path(sys.executable).with_name("tillkeeper"))
    command = [*within(lab, role), program, "simulate", "printer", "--host", host, "--port", str(port), "--speed", "0"]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--control", str(out.with_suffix(".sock"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)


def settings(name: str) -> dict[str, Any]:
    """Its own printer hangs on it, at an address that no network leads to; grill and bar have one in the kitchen."""
    registers: dict[str, Any] = {"front": None}
    for letter, one in zip("BCD", REGISTERS, strict=True):
        registers[one] = {
            "letter": letter,
            "receipt_printer": "receipt",
            "drawer": None,
            "address": f"{lan4(one)}:{STORE_PORT}",
        }
    kitchen = f"{lan4('printer')}:{KITCHEN_PORT}"
    station = {"backup": None, "devices": ["grill"], "reroute_after_s": 2.0}
    return {
        "this_register": name,
        "registers": registers,
        "replication": {"listen": lan4(name), "port": STORE_PORT},
        "hq": {"url": f"http://{HQ}:{HQ_PORT}", "token_file": "hq-token"},
        "devices": {
            "receipt": {"address": f"127.0.0.1:{OWN_PORT}"}, "grill": {"address": kitchen},
            "bar": None, "kitchen": None, "drawer": None,
        },
        "stations": {"grill": station, "bar": station, "cold": station},
        "terminals": None,
        "network": {"watch": False},
    }  # fmt: skip


def wait(what: str, holds: Callable[[], Any]) -> Any:
    end_s = time.monotonic() + WAIT_S
    while not (found := holds()):
        assert time.monotonic() < end_s, f"not within {WAIT_S:g} s: {what}"
        time.sleep(0.05)
    return found


def mode(till: Agent) -> str:
    with till.local() as client:
        return str(client.get("/v1/mode")["mode"])


def sell(till: Agent) -> str:
    with till.local() as client:
        _, _, answer = client.place(ORDER)
    done = json.loads(answer)
    assert done["state"] == "closed"
    return str(done["ticket_code"])


def slips(folder: Path) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(folder.glob("*.txt"))]


def tickets(kitchen: Path, code: str) -> dict[str, int]:
    """How many tickets of this code came out in the kitchen by station, those with no mark that they may be there twice."""
    found: dict[str, int] = {}
    for slip in slips(kitchen):
        if code in slip:
            (station,) = (one for one in STATIONS if f"\n{one} " in slip)
            found[station] = found.get(station, 0) + ("DUPLICATE" not in slip)
    return found


def carried(folder: Path, code: str) -> set[str]:
    """The stations to which its ticket is to be carried from this printer."""
    return {one for one in STATIONS for slip in slips(folder) if code in slip and f"CARRY TO KITCHEN: {one.upper()}" in slip}


def test_each_register_goes_on_as_an_island_with_its_own_printer_and_carries_its_tickets(lab: Lab, tmp_path: Path) -> None:
    papers = {name: tmp_path / f"paper-{name}" for name in (*REGISTERS, "kitchen")}
    with ExitStack() as stack:
        for name in REGISTERS:
            printer(stack, lab, name, "127.0.0.1", OWN_PORT, papers[name])
        printer(stack, lab, "printer", lan4("printer"), KITCHEN_PORT, papers["kitchen"])
        folders = {name: tmp_path / name for name in REGISTERS}
        join_all(STORE, {name: folder / "data" for name, folder in folders.items()})
        tills = {name: Agent(folders[name], settings(name), within=within(lab, name)) for name in REGISTERS}
        for name, till in tills.items():
            (folders[name] / "hq-token").write_text("nobody asks for it\n", "ascii")
            stack.callback(till.stop)
            till.launch()
        for till in tills.values():
            till.wait_ready()
        for name, till in tills.items():
            wait(f"{name} is offline, and not alone", lambda till=till: mode(till) == "offline")
        ip(lab.space("switch"), f"link set {PORTS['router']} down")  # the router dies: no effect
        before = {name: sell(till) for name, till in tills.items()}
        for name, code in before.items():
            wait(f"the kitchen has {code} of {name}", lambda code=code: len(tickets(papers["kitchen"], code)) == len(STATIONS))
        assert {mode(till) for till in tills.values()} == {"offline"}
        assert not any("CARRY" in one for name in REGISTERS for one in slips(papers[name]))

        ip(lab.space("switch"), *(f"link set {port} down" for port in PORTS.values()))  # its power is gone
        for name, till in tills.items():
            wait(f"{name} is an island", lambda till=till: mode(till) == "island")
        after = {name: sell(till) for name, till in tills.items()}
        for name, code in after.items():

            def to_carry(name: str = name, code: str = code) -> bool:
                return carried(papers[name], code) == set(STATIONS)

            wait(f"{name} prints both tickets of {code} to be carried", to_carry)

            def receipt(name: str = name, code: str = code) -> bool:
                return any("CARRY" not in one and code in one for one in slips(papers[name]))

            wait(f"{name} prints the receipt of {code}", receipt)
        assert not any(code in one for code in after.values() for one in slips(papers["kitchen"]))

        ip(lab.space("switch"), *(f"link set {PORTS[host]} up" for host in (*REGISTERS, "printer", "router")))
        for name, till in tills.items():
            wait(f"{name} hears the others again", lambda till=till: mode(till) == "offline")
        last = {name: sell(till) for name, till in tills.items()}
        for code in last.values():
            wait(f"the kitchen has {code}", lambda code=code: len(tickets(papers["kitchen"], code)) == len(STATIONS))
        for code in after.values():  # what was carried does not come out a second time without a mark
            assert not any(tickets(papers["kitchen"], code).values())
