"""Processes that die or stand still, and disks that are full, hang or lie."""

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
from tests.boot import halt
from tests.boot.register import AGENT, PROBER, Till, until
from tests.boot.shop import Shop
from tests.lab import breaking

KILLED, STALLED, HUNG = "kill -9 -> serving", "stall (SIGSTOP) -> serving", "writer's thread hangs -> serving"
PAGE = 4096
"""Of a journal, in bytes."""
LATE_S = 60.0
"""An answer after that is none: WatchdogSec and a restart, on a machine that does other things."""


async def killed(shop: Shop, times: int = 2) -> None:
    """SIGKILL of the agent while three registers sell: a sale is answered soon after."""
    till = shop["r1"]
    async with shop.selling("r1", "r2", "r3"):
        for _ in range(times):
            await asyncio.sleep(0.5)
            pid = await outer_pid(till)
            os.kill(pid, signal.SIGKILL)
            shop.measured.setdefault(KILLED, []).append(await shop.sell(till.name))
            assert await outer_pid(till) != pid
    await shop.settled()


async def stopped(shop: Shop, times: int = 1) -> None:
    """SIGSTOP: the watchdog ends it, and the next one sells."""
    till = shop["r2"]
    for _ in range(times):
        pid = await outer_pid(till)
        os.kill(pid, signal.SIGSTOP)
        await _sells_again(shop, till, pid, STALLED)
    await shop.settled()


async def writer_hangs(shop: Shop, times: int = 1) -> None:
    """Its loop runs on, and answers what it knows; the thread that writes the journal does not. That is no register either."""
    till = shop["r2"]
    for _ in range(times):
        pid = await outer_pid(till)
        before = await asyncio.to_thread(halt.written, pid)
        await shop.sell(till.name)
        grown = [
            tid
            for tid, count in (await asyncio.to_thread(halt.written, pid)).items()
            if count > before.get(tid, 0) and tid != pid
        ]
        assert grown, "no thread has written a sale"
        with halt.halted(*grown):
            assert (await till.status())["register"] == till.name, "its loop runs"
            await _sells_again(shop, till, pid, HUNG)
    await shop.settled()


async def _sells_again(shop: Shop, till: Till, pid: int, figure: str) -> None:
    took_s = await shop.sell(till.name)
    shop.measured.setdefault(figure, []).append(took_s)
    assert took_s < LATE_S, f"{figure}: {took_s:.1f} s"
    assert await outer_pid(till) != pid, "the watchdog has not ended it"
    assert "Watchdog timeout" in await till.run("journalctl", "--no-pager", "-u", AGENT, "-n", "200")


async def prober_stands_still(shop: Shop) -> None:
    """Selling is the same without it; the watchdog ends it, and another one reports."""
    till = shop["r3"]
    before = await asyncio.to_thread(till.machine.main_pid, PROBER)
    os.kill(await asyncio.to_thread(till.machine.outer_pid, PROBER), signal.SIGSTOP)
    await shop.sell(till.name)

    async def another() -> bool:
        return await asyncio.to_thread(till.machine.main_pid, PROBER) not in (0, before)

    await until("the watchdog ends the prober", another, LATE_S)
    await till.until("another prober", lambda said: said["prober"]["state"] == "reporting", "/v1/network")


async def disk_full(shop: Shop, stays_s: float = 0.0) -> None:
    """Not a byte is left: it says so, refuses with words, and lives, longer than its watchdog waits. With space it sells."""
    till = shop["r3"]
    pid = await outer_pid(till)
    await asyncio.to_thread(till.disk.fill)
    key, refused = shop.key(), ""

    async def refuses() -> bool:
        nonlocal refused, key
        try:
            said = await till.order(key)
        except AssertionError as error:
            refused = str(error)
            return True
        except httpx.TransportError:
            return False
        # What is in the file already has room for some more.
        shop.note(key, till.name, said["check_id"], said["totals"]["gross_minor"])
        key = shop.key()
        return False

    await until("a refusal", refuses)
    assert "507" in refused or "503" in refused, refused
    await till.until("why it sells nothing", lambda said: "storage_refused" in [one["code"] for one in said["advisories"]])
    await asyncio.sleep(stays_s)
    assert await outer_pid(till) == pid, "it died of a full disk"
    await asyncio.to_thread(till.disk.make_space)
    began_s = time.monotonic()

    async def sold() -> bool:
        try:
            said = await till.order(key)
        except (AssertionError, httpx.TransportError):
            return False
        shop.note(key, till.name, said["check_id"], said["totals"]["gross_minor"])
        return True

    await until("a sale", sold)
    shop.measured.setdefault("space on the disk -> sells by itself", []).append(time.monotonic() - began_s)
    await till.until("no alarm", lambda said: "storage_refused" not in [one["code"] for one in said["advisories"]])
    assert await outer_pid(till) == pid, "it died of a full disk"
    await shop.settled()


async def journal_is_broken(shop: Shop) -> None:
    """Found at boot, twice, with sales that nobody else has: it is put aside and said, and the register sells. Of one page of
    garbage all the rest reaches HQ and paper. Where nothing can be read those sales are gone, and every register says so."""
    till = shop["r3"]
    await shop.settled()
    with breaking.ports_down(shop.lab, till.name):
        for _ in range(2):
            await shop.sell(till.name)
        await till.power_off()
    await asyncio.to_thread(_spoil, till.disk.place, PAGE)
    await _goes_on(shop, till, lost=False)
    with breaking.ports_down(shop.lab, till.name):
        await till.until("that it is alone", lambda said: said["mode"] != "online")
        await till.order(shop.key(), patience_s=LATE_S)  # in no ledger: nobody will ever have it
        assert (await till.status())["only_here"] > 0
        await till.power_off()
    await asyncio.to_thread(_spoil, till.disk.place, None)
    await _goes_on(shop, till, lost=True)


def _spoil(folder: Path, most: int | None) -> None:
    """`most` bytes behind the first page of the journal; without a number all of it, and what was to be written into it."""
    journal = folder / "journal.db"
    if most is None:
        for rest in folder.glob("journal.db-*"):
            rest.unlink()
    with journal.open("r+b") as file:
        file.seek(PAGE)
        file.write(b"\xa5" * (most or journal.stat().st_size - PAGE))


async def _goes_on(shop: Shop, till: Till, *, lost: bool) -> None:
    """With another journal; and the primary, which has no part in it, knows why. `lost`: nobody can know any more where the old
    one ended, so that the day waits for a manager."""
    await till.boot()
    await shop.sell(till.name)
    told = await till.until(
        "that it was put aside", lambda said: "journal_set_aside" in [one["code"] for one in said["advisories"]]
    )
    (file,) = [one["subject"] for one in told["advisories"] if one["code"] == "journal_set_aside"]
    assert (till.disk.place / file).is_file()
    await shop.settled()
    others = shop["r1"]
    await others.until("what is to be done", lambda said: any(file in task["words"] for task in said["tasks"]), "/v1/after")
    green = await others.get("/v1/green")
    assert [file in one["words"] for one in green["registers"] if one["register"] == till.name] == [True], green

    def stands(said: Any) -> bool:
        (one,) = [one for one in said["members"] if one["register"] == till.name]
        return {one["state"] == "lost", one["blocks"], bool(one["lost"])} == {lost}

    await others.until("what the day waits for", stands, "/v1/day")


async def outer_pid(till: Till) -> int:
    """Of the agent, as soon as there is one."""
    found: int = await asyncio.to_thread(till.machine.wait_for, "the agent", lambda: till.machine.outer_pid(AGENT))
    return found
