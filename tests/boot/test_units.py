"""The two units in a booted Debian: who may do what, and a fault told from the store's LAN while selling goes on."""

import asyncio
import re
from pathlib import Path

import pytest
from tests.boot.store import SOCKET, Register, register
from tests.lab.places import PORTS
from tests.lab.spaces import ip
from tests.support.prerequisites import need

CAP_NET_RAW = 1 << 13
"""linux/capability.h."""
AGENT, PROBER = "tillkeeper.service", "tillkeeper-probe.service"


@pytest.mark.root
@pytest.mark.timeout(420)
def test_a_booted_register_names_its_cable_and_sells_without_it(tmp_path: Path) -> None:
    need("systemd-nspawn", "mmdebstrap", "nsenter", "ip", "nft")

    async def scene() -> None:
        async with register(tmp_path) as till:
            await started_by_themselves(till)
            await least_privilege(till)
            await names_the_cable(till)
            await comes_back(till)

    asyncio.run(scene())


async def started_by_themselves(till: Register) -> None:
    """Nobody logs in, nobody starts anything: within seconds of the boot HQ is reached and the network is fine."""
    await till.wait_for("online at HQ", "status", look=lambda said: said["mode"] == "online")
    await till.wait_for("a network that is known to be fine", "network", look=lambda said: said["phase"] == "fine")
    assert await states(till) == ["active", "active"]


async def least_privilege(till: Register) -> None:
    agent, prober = [await asyncio.to_thread(till.machine.main_pid, unit) for unit in (AGENT, PROBER)]
    assert await capabilities(till, agent) == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}
    assert set((await capabilities(till, prober)).values()) == {CAP_NET_RAW}
    for pid in (agent, prober):
        assert re.search(r"^Uid:\s+(?!0\b)", await till.run("cat", f"/proc/{pid}/status"), re.MULTILINE), "runs as root"
    journal = "/var/lib/tillkeeper/journal.db"
    assert "No such file" in await till.run("nsenter", "-t", str(prober), "-m", "cat", journal, check=False), "sees the books"
    assert "Permission denied" in await till.run("cat", journal, user="tillkeeper-probe", check=False)
    refused = await till.run("tillkeeper", "status", "--socket", SOCKET, user="tillkeeper-probe", check=False)
    assert "Permission denied" in refused, "the prober may not even ask the agent's API"


async def names_the_cable(till: Register) -> None:
    ip(till.lab.space("switch"), f"link set {PORTS['r1']} down")
    said = await till.wait_for("the cable", "network", look=lambda said: said["phase"] == "confirmed")
    assert set(said["faults"]) == {"cable", "switch_power"}
    assert "behind the till" in " ".join(said["what_to_do"])
    sold = await till.asks("order", "--item", "cola", "--takeout", "--cash", "20.00")
    assert sold["state"] == "closed"


async def comes_back(till: Register) -> None:
    """The cable is in again, the prober is killed and started again by systemd, and HQ hears of the sale."""
    ip(till.lab.space("switch"), f"link set {PORTS['r1']} up")
    await till.wait_for("all sent to HQ", "status", look=lambda said: said["mode"] == "online" and said["only_here"] == 0)
    await till.wait_for("fine again", "network", look=lambda said: said["phase"] == "fine")
    dead = await asyncio.to_thread(till.machine.main_pid, PROBER)
    await till.run("kill", "-9", str(dead))
    said = await till.wait_for("another prober", "network", look=lambda said: said["prober"]["pid"] not in (None, dead))
    assert said["prober"]["state"] == "reporting"
    await till.wait_for("fine again", "network", look=lambda said: said["phase"] == "fine")
    assert await states(till) == ["active", "active"]


async def states(till: Register) -> list[str]:
    return (await till.run("systemctl", "is-active", AGENT, PROBER, check=False)).split()


async def capabilities(till: Register, pid: int) -> dict[str, int]:
    status = await till.run("cat", f"/proc/{pid}/status")
    return {name: int(value, 16) for name, value in re.findall(r"^(Cap\w+):\s+([0-9a-f]+)$", status, re.MULTILINE)}
