"""A CUPS queue on the same printer as our kitchen: two that print, one connection."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.peers.cups import cups
from tests.support.store import StoreRig, in_store

from tillkeeper_drivers.api import TransportError
from tillkeeper_drivers.transport import holders
from tillkeeper_drivers.transport.usblp import UsblpTransport

pytestmark = pytest.mark.root

LINES = 400
SPEED_MM_S = 110.0
REROUTE_S = 7
"""The CUPS job (17 KB; 400 lines of 3.75 mm at 110 mm/s: 13 s) holds the connection until the last of it is in the printer's
buffer: longer than this, and less than the patience with a busy device, which is three times as long."""
CHANGES = {"stations": {"grill": {"reroute_after_s": REROUTE_S}}}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where CUPS' own user may come, which pytest's folders are not."""
    with tempfile.TemporaryDirectory(prefix="peer-cups-") as made:
        yield Path(made)


def report(name: str, lines: int) -> bytes:
    return b"\x1b@" + "\n".join([*read(name, lines), ""]).encode() + b"\x1dV\x42\x03"


def read(name: str, lines: int) -> list[str]:
    return [f"{name} line {n:03} of {lines:03}".ljust(42, ".") for n in range(1, lines + 1)]


def rows(slip: str) -> list[str]:
    return [row.strip() for row in slip.splitlines() if " line " in row]


def grill_job(order: dict[str, Any]) -> str:
    return str(next(job["job_id"] for job in order["jobs"] if job["device"] == "grill"))


def test_a_ticket_waits_for_a_long_cups_job_and_is_not_sent_elsewhere(tmp_path: Path, folder: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        grill = rig.printer("grill")
        async with cups(folder, f"socket://127.0.0.1:{grill.port}") as queue:
            await queue.print(report("CUPS", LINES))
            await grill.changed.wait_for(lambda: "CUPS line" in grill.hanging.as_text(), 60)
            order = await rig.order("cheeseburger")

            async def busy() -> Any:
                devices = (await rig.get("/v1/devices"))["devices"]
                seen = next(d for d in devices if d["device"] == "grill")
                assert not seen["detail"].startswith("lost"), "it prints for another: nothing of ours is lost"
                return seen["reachable"] == "yes" and seen["detail"].startswith("busy: ")

            await rig.wait_for("the grill is there, and busy", busy, 12)
            ended = await rig.wait_settled(grill_job(order))
            await queue.idle(60)
        assert (ended["state"], ended["device"]) == ("confirmed", "grill")
        assert rig.slips("bar") == []
        first, second = rig.slips("grill")
        assert rows(first) == read("CUPS", LINES)
        assert "Cheeseburger" not in first
        assert "Cheeseburger" in second
        assert rows(second) == []
        assert "document_rerouted" not in rig.event_types()

    in_store(tmp_path, scene, hq=False, changes=CHANGES, speed_mm_s=SPEED_MM_S)


@pytest.mark.parametrize(("model", "keeps_all"), [("tm-t20iii", True), ("tm-t88vi", False)])
def test_tickets_and_cups_jobs_at_once_come_out_whole_and_once(
    tmp_path: Path, folder: Path, model: str, keeps_all: bool
) -> None:
    """A printer that lets a second connection wait gets everything; what one that resets it loses is CUPS' alone.

    CUPS' socket backend takes a job for printed once its bytes are in the kernel: those of a connection that is accepted
    and then reset are gone. Ours are known by their id, and sent again.
    """
    names = ["first", "second", "third"]

    async def scene(rig: StoreRig) -> None:
        grill = rig.printer("grill")
        async with cups(folder, f"socket://127.0.0.1:{grill.port}") as queue:
            orders, _ = await asyncio.gather(
                asyncio.gather(*(rig.order("cheeseburger") for _ in names)),
                asyncio.gather(*(queue.print(report(name, 20)) for name in names)),
            )
            for order in orders:
                assert (await rig.wait_settled(grill_job(order)))["state"] == "confirmed"
            await queue.idle(60)
            if keeps_all:
                await grill.wait_printed(2 * len(names), 60)
        slips = rig.slips("grill")
        theirs = [slip for slip in slips if rows(slip)]
        ours = [slip for slip in slips if not rows(slip)]
        assert len(ours) == len(names)
        assert all(slip.count("Cheeseburger") == 1 for slip in ours)
        assert all("Cheeseburger" not in slip for slip in theirs)
        printed = sorted(rows(slip)[0].split()[0] for slip in theirs)
        assert sorted(map(rows, theirs)) == sorted(read(name, 20) for name in printed)
        assert printed == sorted(names) if keeps_all else len(set(printed)) == len(printed)
        assert len({order["jobs"][0]["job_id"] for order in orders}) == len(names)

    changes = {"devices": {"grill": {"profile": model}}}
    in_store(tmp_path, scene, hq=False, changes=changes, speed_mm_s=SPEED_MM_S)


def test_cups_is_named_where_it_holds_a_node_and_where_it_took_a_printer_away(folder: Path) -> None:
    """Its backend for serial printers keeps a port open while it prints; its backend for USB takes the printer off usblp."""

    async def run() -> tuple[str, str]:
        master, slave = os.openpty()
        try:
            node = os.ttyname(slave)
            async with cups(folder, f"serial:{node}?baud=9600") as queue:
                await queue.print(report("long", 2000))
                said = await _named(node, 20)
                with pytest.raises(TransportError) as refused:
                    async with UsblpTransport(str(folder / "lp0")).connect(2):
                        pass
                assert refused.value.reason == "not_plugged_in"
                return said, refused.value.detail
        finally:
            os.close(master)
            os.close(slave)

    said, gone = asyncio.run(run())
    assert "started by cupsd, which holds printers it has a queue for" in said
    assert "cupsd is running and holds printers it has a queue for; remove the queue of this one" in gone


async def _named(node: str, deadline_s: float) -> str:
    """Who has the node, once CUPS' backend has: for a moment it is still the program that starts it (`cups-exec`)."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while "serial (pid" not in (said := await asyncio.to_thread(holders.of, node)):
        assert loop.time() < end, said
        await asyncio.sleep(0.1)
    return said
