"""The package on a machine with a kernel of its own: what the product uses works under each unit, an agent that is killed is
back, and a purge leaves nothing. The scenes are one day of one machine, in their order."""

import base64
import json

import pytest
from tests.boot import smoke
from tests.boot.installed import HQ, REGISTER
from tests.bootvm.conftest import Play
from tests.bootvm.image import HQ_DEB
from tests.bootvm.store import AGENT, CALM_S, PROBER, World, slips_with

pytestmark = [pytest.mark.root, pytest.mark.timeout(1200, func_only=True)]
NIGHTLY, HEADQUARTERS = "tillkeeper-nightly.service", "tillkeeper-hq.service"
CREDENTIALS = '[[readers]]\\nstore = "s"\\ntoken = "a-token-that-is-long-enough"\\n'
PURGE_S = 900.0
"""systemd is told of each unit, a dozen times: 13 s each where the machine is busy."""
KEPT = ("/var/backups", "/var/log", "/proc", "/sys")
"""Where a name of ours may be seen after a purge: books that are nowhere else, and what was said."""


async def works_under(world: World, unit: str, role: str, package: str = REGISTER) -> None:
    """All that `smoke.py` tries for `role`."""
    text, ended = await world.under(unit, f"smoke.py {role}", package=package)
    assert ended == "success", text
    said = json.loads(text.removeprefix("SMOKE "))
    assert {what: words for what, words in said.items() if words != "ok"} == {}


def test_what_the_product_uses_works_under_its_units(play: Play) -> None:
    """Every compiled library among it. At boot there is no network, and the units are up."""

    async def scene(world: World) -> None:
        await world.receipt_usb.plug()
        await world.kitchen_usb.plug()
        await world.boot()
        await world.serves()
        for unit in (AGENT, PROBER, "tillkeeper.socket", "tillkeeper-nightly.timer"):
            await world.register.wait_for(f"systemctl is-active {unit}", CALM_S)
        for path, major, minor, group in smoke.NODES:
            made = f"mkdir -p $(dirname /{path}) && mknod -m 660 /{path} c {major} {minor} && chgrp {group} /{path}"
            await world.register.run(made)
        await works_under(world, AGENT, "agent")
        await works_under(world, PROBER, "prober")
        await works_under(world, NIGHTLY, "nightly")

    play(scene)


def test_the_prober_reports_the_outage(play: Play) -> None:
    """Its raw sockets have asked, and nobody has answered: the cable's other end is dead."""

    async def scene(world: World) -> None:
        said: dict[str, object] = {}

        async def there() -> bool:
            said.update(await world.gets("/v1/network"))
            return said["prober"]["state"] == "reporting" and bool(said["faults"])

        await world.until(there, lambda: str(said))

    play(scene)


def test_an_agent_that_is_killed_is_back_and_prints(play: Play) -> None:
    async def scene(world: World) -> None:
        killed = await world.main_pid(AGENT)
        await world.register.run(f"kill -9 {killed}")
        code = await world.sells("cheeseburger")
        assert await world.main_pid(AGENT) not in (0, killed)
        for device, printer in (("receipt", world.receipts), ("grill", world.kitchen)):
            await world.job(device, code, lambda job: job["state"] == "confirmed")
            assert len(slips_with(printer, code)) == 1

    play(scene)


def test_hq_is_installed_beside_it_and_works_under_its_unit(play: Play) -> None:
    async def scene(world: World) -> None:
        run = world.register.run
        await run(f"dpkg --install /{HQ_DEB}", deadline_s=CALM_S)
        assert (await run(f"systemctl is-active {HEADQUARTERS}", check=False)).strip() == "inactive"
        await run("install -m 644 /usr/share/doc/tillkeeper-hq/examples/hq.example.toml /etc/tillkeeper-hq/hq.toml")
        await run(f"printf '{CREDENTIALS}' | install -m 600 /dev/stdin /etc/tillkeeper-hq/credentials.toml")
        await run(f"echo {base64.b64encode(smoke.certificate()).decode()} | base64 -d >/usr/share/smoke.pem")
        await works_under(world, HEADQUARTERS, "hq", HQ)
        await run(f"systemctl start {HEADQUARTERS}", deadline_s=CALM_S)
        assert "the database answers" in await run(f"systemctl show -p StatusText {HEADQUARTERS}")

    play(scene)


def test_a_purge_leaves_nothing_but_books_that_are_nowhere_else(play: Play) -> None:
    async def scene(world: World) -> None:
        await world.register.run("rm -r /etc/systemd/system/tillkeeper*.d")  # the rig's
        told = await world.register.run(f"dpkg --purge {REGISTER} {HQ}", deadline_s=PURGE_S)
        for package, books in ((REGISTER, "journal.db"), (HQ, "hq.sqlite3")):
            assert f"are in /var/backups/{package}/" in told
            await world.register.run(f"test -s /var/backups/{package}/*/var/lib/{package}/{books}")
        but = " -o ".join(f"-path {place}" for place in KEPT)
        left = await world.register.run(
            f"find / \\( {but} \\) -prune -o -iname '*tillkeeper*' -print; pgrep -fa tillkeeper", check=False
        )
        assert left.split() == []

    play(scene)
