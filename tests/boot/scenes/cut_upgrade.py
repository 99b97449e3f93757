"""An upgrade that does not come to its end: the machine loses its power in the middle of it, or the disk is full."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from systemd.package.debs import ready_debs
from tests.boot import installed
from tests.boot.disk import MEGABYTE, Disk
from tests.boot.image import run
from tests.boot.machine import Machine
from tests.boot.register import AGENT, SOCKET, until
from tests.boot.scenes.package import ANSWERS, DEB, NEWER, copied, inside, sells
from tests.boot.shop import Shop
from tests.lab.spaces import ETC
from tests.lab.topology import put

HOME = "upper/usr/lib/tillkeeper"
"""Of a machine's disk."""
MEGABYTES = 900
APP = "usr/lib/tillkeeper/app/"
LEFT_MB = 40
"""Of 110 that a version needs."""


class Fitted(dict[str, str]):
    """Every file of a version: its path below `app/`, and its MD5."""

    def __init__(self, deb: Path) -> None:
        lines = run("dpkg-deb", "-I", str(deb), "md5sums").splitlines()
        super().__init__((path.removeprefix(APP), md5) for md5, path in (one.split("  ", 1) for one in lines) if APP in path)


Moment = Callable[[], bool]


def moments(home: Path, files: Mapping[str, str]) -> dict[str, Moment]:
    """By what is seen on the disk; of a version that is whole now."""
    free, middle = _free(home), home / "app" / sorted(files)[len(files) // 2]
    inode, current = middle.stat().st_ino, os.readlink(home / "current")
    return {
        "files are unpacked": lambda: free - _free(home) > 30 * MEGABYTE,
        "half of them have their names": lambda: middle.stat().st_ino != inode,
        "its tree is made": lambda: any(home.glob("versions/.new.*")),
        "it is the current one": lambda: os.readlink(home / "current") != current,
    }


MOMENTS = 4


async def without_power(shop: Shop) -> None:
    """At four moments of an upgrade, or of the way back. Switched on again the register sells with one of the two versions,
    whole, and with its books; the same package installed once more brings it to the end."""
    debs = await asyncio.to_thread(_debs)
    async with _register(shop, debs[0]) as (machine, disk):
        fitted = [await asyncio.to_thread(Fitted, deb) for deb in debs]
        sold = await sells(machine)
        for number in range(MOMENTS):
            old, new = number % 2, 1 - number % 2
            name, moment = list(moments(disk.place / HOME, fitted[old]).items())[number]
            await copied(machine, debs[new])
            installing = asyncio.create_task(inside(machine, "dpkg", "--install", DEB, check=False))
            await until(name, lambda moment=moment: _is(moment), look_s=0.002)
            assert not installing.done(), f"too late for: {name}"
            await asyncio.to_thread(machine.power_off)
            await installing
            await asyncio.to_thread(machine.boot)
            sold += 1
            assert await sells(machine) == sold, f"{name}: the books of before"
            found = await asyncio.to_thread(_found, disk.place / HOME)
            assert found in fitted, f"{name}: neither version is whole"
            shop.tell(f"    {name}: switched on with the {('old', 'new')[found == fitted[new]]} one")
            await inside(machine, "dpkg", "--configure", "-a")
            assert await asyncio.to_thread(_found, disk.place / HOME) in fitted, f"{name}: configured, and neither is whole"
            await copied(machine, debs[new])  # it may have been lost
            await inside(machine, "dpkg", "--install", DEB)
            await inside(machine, "systemctl", "restart", AGENT)
            assert await asyncio.to_thread(_found, disk.place / HOME) == fitted[new]
            assert not await inside(machine, "dpkg", "--audit")
            sold += 1
            assert await sells(machine) == sold


async def without_room(shop: Shop) -> None:
    """The new version does not fit. The register sells on, also after the next power-on; with room it is upgraded."""
    old, new = await asyncio.to_thread(_debs)
    async with _register(shop, old) as (machine, disk):
        sold = await sells(machine)
        await copied(machine, new)
        await asyncio.to_thread(disk.fill, LEFT_MB)
        refused = await inside(machine, "dpkg", "--install", DEB, check=False)
        assert "No space left on device" in refused, refused
        for _ in range(2):
            sold += 1
            assert await sells(machine) == sold, "the books of before"
            assert await asyncio.to_thread(_found, disk.place / HOME) == await asyncio.to_thread(Fitted, old)
            await asyncio.to_thread(machine.power_off)
            await asyncio.to_thread(machine.boot)
        await asyncio.to_thread(disk.make_space)
        await copied(machine, new)
        await inside(machine, "dpkg", "--install", DEB)
        assert await asyncio.to_thread(_found, disk.place / HOME) == await asyncio.to_thread(Fitted, new)
        assert await sells(machine) == sold + 1


@asynccontextmanager
async def _register(shop: Shop, deb: Path) -> AsyncIterator[tuple[Machine, Disk]]:
    """A machine beside the store with all it has on one disk: the package, and a register that sells."""
    lab, folder = shop.lab, shop.folder / f"fitted-{shop.key()}"
    folder.mkdir()
    space = lab.space("display")
    lab.write_resolvers("display", lab.resolvers())
    binds = {"/etc/resolv.conf": ETC / space / "resolv.conf"}
    with (
        Disk(folder, "disk", MEGABYTES) as disk,
        Machine(f"tk{space}", space, installed.bare(), folder / "machine", {}, binds, disk) as machine,
    ):
        await asyncio.to_thread(machine.boot)
        await copied(machine, deb)
        await inside(machine, "dpkg", "--install", DEB)
        put(machine.seen / "root/answers.toml", ANSWERS)
        await inside(machine, "tillkeeper", "setup", "--answers", "/root/answers.toml")
        assert (machine.seen / SOCKET.lstrip("/")).exists()
        yield machine, disk


def _debs() -> tuple[Path, Path]:
    """The version of the store, and one that is to come after it."""
    return installed.deb_of(installed.REGISTER), ready_debs((installed.REGISTER,), version=NEWER)[installed.REGISTER]


def _found(home: Path) -> dict[str, str]:
    """Every file of what a start runs now."""
    tree = home / os.readlink(home / "current")
    files = (path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    return {str(path.relative_to(tree)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def _free(home: Path) -> int:
    found = os.statvfs(home)
    return found.f_bfree * found.f_frsize


async def _is(moment: Moment) -> bool:
    return moment()
