"""What befalls HQ's PostgreSQL."""

import asyncio

from tests.boot.headquarters import UNIT
from tests.boot.postgres import CLUSTER, SERVER, OnPostgres
from tests.boot.register import until
from tests.boot.shop import Shop

SETTINGS = "/etc/tillkeeper-hq/hq.toml"


async def postgresql_dies(shop: Shop) -> None:
    """All sell meanwhile: its server is killed, stopped for a while, and stands still; HQ is killed; their machine loses its
    power, and is rebooted. HQ needs nobody's help, and has every sale once."""
    hq = shop.hq
    assert isinstance(hq, OnPostgres)
    run = hq.machine.run
    async with shop.selling("r1", "r2", "r3"):
        pid = await asyncio.to_thread(hq.machine.main_pid, UNIT)
        add = ("tillkeeper-hq", "user", "add", "mia", "--role", "owner", "--config", SETTINGS, "--password-file", "-")
        await asyncio.to_thread(lambda: run(*add, user="tillkeeper-hq", said="correct horse battery\n"))
        await asyncio.to_thread(hq.kill_database)
        await shop.sell("r1")
        await hq.serves()
        await asyncio.to_thread(run, "systemctl", "stop", CLUSTER)
        await shop.sell("r2")
        await until("HQ says why it takes nothing", lambda: _says(hq, "THE DATABASE REFUSES"))
        assert not await asyncio.to_thread(hq.answers)
        await asyncio.to_thread(run, "systemctl", "start", CLUSTER)
        await hq.serves()
        await asyncio.to_thread(run, "systemctl", "kill", "--signal=SIGSTOP", SERVER)
        await shop.sell("r3")
        await until("HQ says that nobody answers it", lambda: _says(hq, "THE DATABASE DOES NOT ANSWER"))
        await asyncio.to_thread(run, "systemctl", "kill", "--signal=SIGCONT", SERVER)
        await until("that it does", lambda: _says(hq, "the database answers"))
        assert await asyncio.to_thread(hq.machine.main_pid, UNIT) == pid, "HQ died of its database"
        await asyncio.to_thread(hq.kill)
        await shop.sell("r3")
        await hq.serves()
        await asyncio.to_thread(hq.machine.power_off)
        await shop.sell("r1")
        await asyncio.to_thread(hq.machine.boot)
        await hq.serves()
        await asyncio.to_thread(hq.machine.reboot)
        await shop.sell("r2")
        await hq.serves()
    await shop.settled()
    users = await asyncio.to_thread(lambda: run("tillkeeper-hq", "user", "list", "--config", SETTINGS, user="tillkeeper-hq"))
    assert "mia" in users, users


async def _says(hq: OnPostgres, words: str) -> bool:
    return words in await asyncio.to_thread(hq.words)
