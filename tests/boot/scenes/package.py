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
INSIDE = "/var/tmp/package.deb"
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
        await _copied(till.machine, deb)
        await till.run("dpkg", "--install", INSIDE)
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
        await _copied(machine, deb)
        await _in(machine, "dpkg", "--install", INSIDE)
        assert await _in(machine, "systemctl", "is-failed", AGENT, PROBER, check=False) == "inactive\ninactive\n"
        put(machine.seen / "root/answers.toml", ANSWERS)
        await _in(machine, "tillkeeper", "setup", "--answers", "/root/answers.toml")
        assert await _in(machine, "systemctl", "is-active", AGENT, PROBER) == "active\nactive\n"
        await _sells(machine)
        await _no_way_back(machine)
        await _removed(machine)
        await _in(machine, "dpkg", "--install", INSIDE)
        await _in(machine, "systemctl", "start", "tillkeeper.socket", AGENT, PROBER)
        assert await _sells(machine) == 3, "the books of before"
        await _in(machine, "dpkg", "--purge", "tillkeeper")
        left = await _in(machine, "find", DATA, ETC_PLACE, "/usr/lib/tillkeeper", "/run/tillkeeper", check=False)
        assert "No such file" in left, left
        assert not [line for line in left.splitlines() if "No such file" not in line], left


async def _no_way_back(machine: Machine) -> None:
    """As after an upgrade that has brought the journal to a format that this version does not know."""
    await _in(machine, "systemctl", "stop", "tillkeeper.socket", AGENT)
    known = (await _in(machine, "python3", "-c", FORMAT, str(TOO_NEW))).strip()
    refused = await _in(machine, "dpkg", "--install", INSIDE, check=False)
    assert str(TOO_NEW) in refused, refused
    assert (await _in(machine, "python3", "-c", FORMAT, known)).strip() == str(TOO_NEW), "it was touched"
    await _in(machine, "dpkg", "--configure", "-a")
    await _in(machine, "systemctl", "start", "tillkeeper.socket", AGENT)
    await _sells(machine)


async def _removed(machine: Machine) -> None:
    await _in(machine, "dpkg", "--remove", "tillkeeper")
    assert (machine.root / DATA.lstrip("/") / "journal.db").is_file(), "the books went with the package"
    assert (machine.root / CONFIG.lstrip("/")).is_file(), "the configuration went with the package"
    assert not await _in(machine, "pgrep", "-f", "tillkeeper", check=False), "something of it still runs"
    assert not (machine.seen / SOCKET.lstrip("/")).exists(), "a POS would wait for ever"


async def _sells(machine: Machine) -> int:
    """One order more; how many the day has."""
    arguments = ("order", "--item", "cola", "--takeout", "--cash", "20.00", "--socket", SOCKET)
    await _in(machine, "tillkeeper", *arguments)
    books = json.loads(await _in(machine, "tillkeeper", "books", "--json", "--socket", SOCKET))
    return int(books["checks_closed"])


async def _in(machine: Machine, *command: str, check: bool = True) -> str:
    return await asyncio.to_thread(lambda: machine.run(*command, check=check))


async def _copied(machine: Machine, deb: Path) -> None:
    await asyncio.to_thread(shutil.copy, deb, machine.seen / INSIDE.lstrip("/"))
