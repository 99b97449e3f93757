"""What the package does in a machine that runs: installed, upgraded in a shift, not downgraded, removed, purged."""

import asyncio
import json
import shutil
from pathlib import Path

from systemd.package.debs import ready_debs
from tests.boot import installed
from tests.boot.machine import Machine
from tests.boot.register import AGENT, CONFIG, DATA, ETC_PLACE, KITCHEN, PROBER, SOCKET
from tests.boot.scenes.stalls import outer_pid
from tests.boot.shop import Shop
from tests.lab.spaces import ETC
from tests.lab.topology import put

NEWER = "99.0.0"
DEB = "/var/tmp/package.deb"
ANSWERS = f"""\
version = 1
register = "front"

[store]
name = "Harbour Grill"
timezone = "UTC"
currency = "USD"
language = "en"
country = "US"

[registers.front]
letter = "K"
receipt_printer = "receipt"

[menu]
file = "example"

[taxes]
name = "Sales tax"
included = false

[taxes.categories.food]
percent = "8.875"

[taxes.categories.grocery]
percent = "2.5"

[printers.receipt]
address = "{KITCHEN.host}:{KITCHEN.port}"
model = "{KITCHEN.model}"

[stations.kitchen]
devices = ["receipt"]

[pages]
port = 0
"""
TOO_NEW = 9999
FORMAT = f"""import sqlite3, sys
with sqlite3.connect("{DATA}/journal.db") as journal:
    print(journal.execute("PRAGMA user_version").fetchone()[0])
    journal.execute("PRAGMA user_version = " + sys.argv[1])
journal.close()
"""
"""Sets the format that a journal says it has, and prints the one of before."""


async def upgraded_between_sales(shop: Shop) -> None:
    """While it sells the old version goes on; once nobody sells the new one runs. Nothing is lost or printed twice."""
    till = shop["r2"]
    deb = (await asyncio.to_thread(ready_debs, ("tillkeeper",), version=NEWER))["tillkeeper"]
    pid, before = await outer_pid(till), (await till.status())["version"]
    async with shop.selling("r1", "r2", "r3"):
        await copied(till.machine, deb)
        await till.run("dpkg", "--install", DEB)
        for _ in range(3):
            await shop.sell(till.name)
        assert await outer_pid(till) == pid, "it was restarted in the middle of the shift"
        assert (await till.status())["version"] == before
    await till.until("the new version", lambda said: said["version"] == NEWER)
    await shop.sell(till.name)
    await shop.settled()


async def life_of_a_package(shop: Shop) -> None:
    """A machine beside the store: installed it is quiet; configured it sells; a downgrade that could not read its journal is
    refused; removed it leaves books and configuration, and sells on with them; purged nothing is left."""
    lab, folder = shop.lab, shop.folder / "fresh"
    folder.mkdir()
    space = lab.space("display")
    lab.write_resolvers("display", lab.resolvers())
    binds = {"/etc/resolv.conf": ETC / space / "resolv.conf"}
    deb = await asyncio.to_thread(installed.deb_of, installed.REGISTER)
    with Machine(f"tk{space}", space, installed.bare(), folder / "machine", {}, binds) as machine:
        await asyncio.to_thread(machine.boot)
        await copied(machine, deb)
        await inside(machine, "dpkg", "--install", DEB)
        assert await inside(machine, "systemctl", "is-failed", AGENT, PROBER, check=False) == "inactive\ninactive\n"
        put(machine.seen / "root/answers.toml", ANSWERS)
        await inside(machine, "tillkeeper", "setup", "--answers", "/root/answers.toml")
        assert await inside(machine, "systemctl", "is-active", AGENT, PROBER) == "active\nactive\n"
        await sells(machine)
        await _no_way_back(machine)
        await _removed(machine)
        await inside(machine, "dpkg", "--install", DEB)
        await inside(machine, "systemctl", "start", "tillkeeper.socket", AGENT, PROBER)
        assert await sells(machine) == 3, "the books of before"
        await inside(machine, "dpkg", "--purge", "tillkeeper")
        left = await inside(machine, "find", DATA, ETC_PLACE, "/usr/lib/tillkeeper", "/run/tillkeeper", check=False)
        assert "No such file" in left, left
        assert not [line for line in left.splitlines() if "No such file" not in line], left


async def _no_way_back(machine: Machine) -> None:
    """As after an upgrade that has brought the journal to a format that this version does not know."""
    await inside(machine, "systemctl", "stop", "tillkeeper.socket", AGENT)
    known = (await inside(machine, "python3", "-c", FORMAT, str(TOO_NEW))).strip()
    refused = await inside(machine, "dpkg", "--install", DEB, check=False)
    assert str(TOO_NEW) in refused, refused
    assert (await inside(machine, "python3", "-c", FORMAT, known)).strip() == str(TOO_NEW), "it was touched"
    await inside(machine, "dpkg", "--configure", "-a")
    await inside(machine, "systemctl", "start", "tillkeeper.socket", AGENT)
    await sells(machine)


async def _removed(machine: Machine) -> None:
    await inside(machine, "dpkg", "--remove", "tillkeeper")
    assert (machine.root / DATA.lstrip("/") / "journal.db").is_file(), "the books went with the package"
    assert (machine.root / CONFIG.lstrip("/")).is_file(), "the configuration went with the package"
    assert not await inside(machine, "pgrep", "-f", "tillkeeper", check=False), "something of it still runs"
    assert not (machine.seen / SOCKET.lstrip("/")).exists(), "a POS would wait for ever"


async def sells(machine: Machine) -> int:
    """One order more; how many the day has."""
    arguments = ("order", "--item", "cola", "--takeout", "--cash", "20.00", "--socket", SOCKET)
    await inside(machine, "tillkeeper", *arguments)
    books = json.loads(await inside(machine, "tillkeeper", "books", "--json", "--socket", SOCKET))
    return int(books["checks_closed"])


async def inside(machine: Machine, *command: str, check: bool = True) -> str:
    return await asyncio.to_thread(lambda: machine.run(*command, check=check))


async def copied(machine: Machine, deb: Path) -> None:
    await asyncio.to_thread(shutil.copy, deb, machine.seen / DEB.lstrip("/"))
