"""What befalls a store. Each run has a few kinds of faults only, each with a rate of its own: a swarm of narrow runs finds
more than one broad one (Groce et al., Swarm Testing, ISSTA 2012)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tests.simulation.hq import NAME as HQ

if TYPE_CHECKING:
    from tests.simulation.register import Machine
    from tests.simulation.world import World

DAY_MS = 86_400_000

Fault = Callable[["World", random.Random], Awaitable[None]]


def _alive(world: "World", chance: random.Random) -> "Machine | None":
    found = [one for one in world.oracle.machines if one.running and not one.loop.paused]
    return chance.choice(found) if found else None


def _ends(world: "World", chance: random.Random) -> tuple[str, str]:
    names = [HQ, HQ, *(one.name for one in world.oracle.machines)]
    source = chance.choice(names)
    others = [name for name in names if name != source]
    return source, chance.choice(others or [HQ])


async def cut(world: "World", chance: random.Random) -> None:
    """A line between two, both ways."""
    source, target = _ends(world, chance)
    await _shut(world, [(source, target), (target, source)], chance)


async def one_way(world: "World", chance: random.Random) -> None:
    await _shut(world, [_ends(world, chance)], chance)


async def island(world: "World", chance: random.Random) -> None:
    """One machine and nobody."""
    name = chance.choice([one.name for one in world.oracle.machines])
    others = [HQ, *(one.name for one in world.oracle.machines if one.name != name)]
    await _shut(world, [pair for other in others for pair in ((name, other), (other, name))], chance)


async def wan(world: "World", chance: random.Random) -> None:
    """Nobody reaches HQ."""
    names = [one.name for one in world.oracle.machines]
    await _shut(world, [pair for name in names for pair in ((name, HQ), (HQ, name))], chance)


async def _shut(world: "World", pairs: list[tuple[str, str]], chance: random.Random) -> None:
    paths = [world.net.path(*pair) for pair in pairs]
    world.oracle.say("net", f"shut {pairs[:4]}")
    for path in paths:
        path.shut = True
    await asyncio.sleep(chance.expovariate(1 / 20))
    world.oracle.say("net", f"open {pairs[:4]}")
    for path in paths:
        path.shut = False


async def lossy(world: "World", chance: random.Random) -> None:
    path = world.net.path(*_ends(world, chance))
    path.loss, path.high_s = chance.uniform(0.05, 0.5), chance.uniform(0.01, 1.0)
    await asyncio.sleep(chance.expovariate(1 / 30))
    path.well()


async def reset(world: "World", chance: random.Random) -> None:
    standing = [one for one in world.net.connections if not one.ended]
    for one in chance.sample(standing, min(len(standing), chance.randint(1, 3))):
        world.oracle.say("net", f"reset {one.owner.name}-{one.peer.name}")
        one.abort()


async def kill(world: "World", chance: random.Random) -> None:
    await _down(world, chance, power=False)


async def power(world: "World", chance: random.Random) -> None:
    await _down(world, chance, power=True)


async def _down(world: "World", chance: random.Random, *, power: bool) -> None:
    if (one := _alive(world, chance)) is None:
        return
    world.oracle.say(one.name, "power cut" if power else "killed")
    one.kill(power=power)
    await asyncio.sleep(chance.expovariate(1 / 12))
    one.start()


async def pause(world: "World", chance: random.Random) -> None:
    if (one := _alive(world, chance)) is None:
        return
    world.oracle.say(one.name, "stands still")
    one.pause()
    await asyncio.sleep(chance.uniform(1, 60))
    if one.loop.paused:
        world.oracle.say(one.name, "goes on")
        one.loop.resume()


async def disk(world: "World", chance: random.Random) -> None:
    """Full, or refusing."""
    if (one := _alive(world, chance)) is None:
        return
    if chance.random() < 0.5:
        one.drive.full = True
    else:
        one.drive.trouble = "input/output error"
    world.oracle.say(one.name, one.drive.trouble or "disk full")
    await asyncio.sleep(chance.expovariate(1 / 15))
    one.drive.full, one.drive.trouble = False, ""
    one.drive.well_since_s = world.time.now_s
    world.oracle.say(one.name, "disk is well")


async def slow_disk(world: "World", chance: random.Random) -> None:
    if (one := _alive(world, chance)) is not None:
        one.drive.slow = chance.uniform(5, 400)
        await asyncio.sleep(chance.expovariate(1 / 15))
        one.drive.slow = 1.0
        one.drive.well_since_s = world.time.now_s


async def lost_disk(world: "World", chance: random.Random) -> None:
    """Re-imaged: the same register, a new key, nothing of what it wrote. Backups have an older key, which ends with that."""
    one = _alive(world, chance)
    if one is None or sum(other.register == one.register for other in world.oracle.machines) > 1:
        return
    world.snapshots.pop(one.name, None)
    world.oracle.say(one.name, "loses its disk")
    one.kill(power=True)
    world.replace(one, world.platter(one.register))
    await asyncio.sleep(chance.uniform(5, 60))
    one.start()


async def restored(world: "World", chance: random.Random) -> None:
    """An older state of its own disk is put back."""
    if (one := _alive(world, chance)) is None:
        return
    snapshot = world.snapshots.get(one.name)
    if snapshot is None or chance.random() < 0.4:
        world.oracle.say(one.name, "is backed up")
        world.snapshots[one.name] = one.platter.copied(world.lineage())
        world.oracle.disk_copied(one.platter)
        return
    world.oracle.say(one.name, "is restored")
    one.kill(power=True)
    world.replace(one, snapshot.copied(world.lineage()))
    await asyncio.sleep(chance.uniform(1, 20))
    one.start()


async def clone(world: "World", chance: random.Random) -> None:
    """A second machine with a copy of the first one's disk; once in a run."""
    if world.done["clone"] > 1 or (one := _alive(world, chance)) is None:
        return
    world.oracle.say(one.name, "is cloned")
    world.oracle.disk_copied(one.platter)
    twin = world.machine(f"{one.name}'", one.platter.copied(world.lineage()))
    await asyncio.sleep(chance.uniform(0, 5))
    twin.start()


async def clock(world: "World", chance: random.Random) -> None:
    if (one := _alive(world, chance)) is None:
        return
    one.skew_ms += chance.choice((-DAY_MS, DAY_MS, 365 * DAY_MS, -365 * DAY_MS, -one.skew_ms))
    world.oracle.say(one.name, f"clock is off by {one.skew_ms / DAY_MS:g} days")


async def hq_down(world: "World", chance: random.Random) -> None:
    world.oracle.say(HQ, "killed")
    world.hq.kill()
    await asyncio.sleep(chance.expovariate(1 / 15))
    world.oracle.say(HQ, "runs")
    world.hq.start()


async def hq_busy(world: "World", chance: random.Random) -> None:
    world.hq.full = True
    await asyncio.sleep(chance.expovariate(1 / 10))
    world.hq.full = False


async def hq_answers(world: "World", chance: random.Random) -> None:
    """Answers get lost, and questions come when nobody waits for an answer any more."""
    world.hq.lost_answers, world.hq.late = chance.uniform(0.1, 0.6), chance.uniform(0, 0.3)
    await asyncio.sleep(chance.expovariate(1 / 40))
    world.hq.lost_answers = world.hq.late = 0.0


async def habit(_world: "World", _chance: random.Random) -> None:
    """Poison and printers that are out belong to the habits of the tills."""


KINDS: dict[str, tuple[Fault, float]] = {
    "cut": (cut, 20), "one_way": (one_way, 20), "island": (island, 40), "wan": (wan, 40), "lossy": (lossy, 20),
    "reset": (reset, 8), "kill": (kill, 25), "power": (power, 30), "pause": (pause, 40), "disk": (disk, 40),
    "slow_disk": (slow_disk, 40), "lost_disk": (lost_disk, 60), "restored": (restored, 25), "clone": (clone, 60),
    "clock": (clock, 30), "hq_down": (hq_down, 40), "hq_busy": (hq_busy, 40), "hq_answers": (hq_answers, 30),
    "poison": (habit, 1e9), "printer": (habit, 1e9),
}  # fmt: skip
"""Name -> the fault and the mean time between two, in seconds."""


def pick(chance: random.Random) -> tuple[str, ...]:
    """The kinds of one run: none in some, most in others."""
    share = chance.choice((0.0, 0.15, 0.3, 0.3, 0.5, 0.8))
    return tuple(kind for kind in KINDS if chance.random() < share)


async def befall(world: "World") -> None:
    """Runs in nature's loop until all is mended."""
    for kind in world.kinds:
        world.nature.start(_again_and_again(world, kind), f"fault {kind}")


async def _again_and_again(world: "World", kind: str) -> None:
    fault, apart_s = KINDS[kind]
    chance = random.Random(f"{world.seed} {kind}")
    rate = chance.uniform(0.5, 3.0) / apart_s
    while True:
        await asyncio.sleep(chance.expovariate(rate))
        if world.mending:
            return
        world.done[kind] += 1
        await fault(world, chance)


def mend(world: "World") -> None:
    """Everything is as it should be, from now on. Faults under way end as they would have."""
    world.mending = True
    world.oracle.say("world", "all is mended")
    for path in world.net.paths():
        path.well()
    world.hq.full, world.hq.lost_answers, world.hq.late = False, 0.0, 0.0
    world.hq.start()
    world.shop.open = False
    world.habits.printer_out = 0.0
    for one in world.oracle.machines:
        one.drive.full, one.drive.trouble, one.drive.slow = False, "", 1.0
        one.drive.well_since_s = world.time.now_s
        one.stop_selling()
        if one.loop.paused:
            one.loop.resume()
        one.start()


def remove_clones(world: "World") -> None:
    """Whoever looks at the alarms switches the second machine off, once HQ has all that it knows."""
    for one in [one for one in world.oracle.machines if one.name.endswith("'")]:
        world.oracle.say(one.name, "is switched off")
        one.kill(power=True)
        one.scrapped = True
        world.net.hosts.remove(one)
        world.oracle.machines.remove(one)
