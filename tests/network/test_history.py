"""The timeline on the disk: what was seen is there after a restart, whatever happened to the file, and nothing waits for it."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.support.prober import DEADLINE_S, LOOK_S, report, verdict

from tillkeeper.config.network import Links
from tillkeeper.contract.network import NetworkEntry
from tillkeeper.network import present
from tillkeeper.network.history import MAX_BYTES, UNSEEN, History, Row, TimelineFile
from tillkeeper.network.model import Evidence, Mark, PeerState, Phase

START_MS = 1_790_000_000_000
FILE = "network-history.jsonl"


class Clocks:
    """A boot clock and a wall clock that only a test moves."""

    def __init__(self) -> None:
        self.boot_s, self.wall_ms = 1_000.0, START_MS

    def on(self, seconds: float) -> None:
        self.boot_s += seconds
        self.wall_ms += round(seconds * 1000)


class Kept:
    """A history that is being written, on clocks of its own."""

    def __init__(self, folder: Path, clocks: Clocks, file: TimelineFile | None = None) -> None:
        self.path, self.clocks = folder / FILE, clocks
        self.history = History(file or TimelineFile(self.path), lambda: clocks.boot_s, lambda: clocks.wall_ms, again_s=0.02)

    def says(self, phase: Phase, *faults: str, peers: tuple[PeerState, ...] = (), also: tuple[str, ...] = ()) -> None:
        """A verdict that holds since now."""
        now_s = self.clocks.boot_s
        said = report(verdict(phase, *faults, also=also, since_s=now_s), now_s)
        evidence = Evidence(at_s=now_s, interface="eth0", columns=said.evidence.columns, peers=peers)
        self.history.take(type(said)(at_s=now_s, verdict=said.verdict, evidence=evidence))

    def entries(self, limit: int = 500) -> tuple[NetworkEntry, ...]:
        return self.history.view(limit).entries


def kept(folder: Path, scene: Callable[[Kept], Any], clocks: Clocks | None = None, file: TimelineFile | None = None) -> None:
    """A scene with a history that writes, until it has written everything."""

    async def run() -> None:
        one = Kept(folder, clocks or Clocks(), file)
        await one.history.load()
        task = asyncio.create_task(one.history.run())
        try:
            done = scene(one)
            if asyncio.iscoroutine(done):
                await done
            await asyncio.sleep(0)
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled(), task.exception()

    asyncio.run(run())


async def until(what: Callable[[], Any]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if what():
                return
            await asyncio.sleep(LOOK_S)


def trouble(one: Kept, *faults: str, lasting_s: float = 20.0) -> None:
    one.says("confirmed", *faults)
    one.clocks.on(lasting_s)
    one.says("fine")
    one.clocks.on(60.0)


def test_a_trouble_is_there_after_a_restart_with_its_stamps(tmp_path: Path) -> None:
    clocks = Clocks()

    def first(one: Kept) -> None:
        trouble(one, "router_dead", "router_cable")
        trouble(one, "dns_own", lasting_s=5.0)
        one.says("suspect", "modem")  # a suspicion is no trouble
        one.says("fine")

    def second(one: Kept) -> None:
        found = one.entries()
        assert [entry.faults for entry in found] == [("dns_own",), ("router_dead", "router_cable")]
        assert found[1].began_at_ms == START_MS
        assert found[1].ended_at_ms == START_MS + 20_000
        assert found[1].lasted_s == pytest.approx(20.0)
        assert not found[1].going_on
        assert found[1].headline
        trouble(one, "hq_server")
        assert [entry.faults[0] for entry in one.entries()] == ["hq_server", "dns_own", "router_dead"]
        assert len({entry.entry_id for entry in one.entries()}) == 3

    kept(tmp_path, first, clocks)
    kept(tmp_path, second, clocks)
    kept(tmp_path, lambda one: len(one.entries()) == 3 or pytest.fail("lost"), clocks)


@pytest.mark.parametrize(
    ("second", "said"),
    [("and:modem", "The modem does not answer"), ("and:modem|router_no_forward", "No internet: the modem or the router")],
)
def test_a_second_fault_is_kept_though_it_ends_before_the_first(tmp_path: Path, second: str, said: str) -> None:
    async def scene(one: Kept) -> None:
        one.says("confirmed", "gateway_replaced")
        one.clocks.on(5.0)
        one.says("confirmed", "gateway_replaced", also=(second, "device_silent:grill"))
        one.clocks.on(5.0)
        one.says("confirmed", "gateway_replaced")
        one.clocks.on(5.0)
        one.says("fine")
        (entry,) = one.entries()
        assert entry.faults == ("gateway_replaced",)
        assert entry.why == f"besides: {said}"

    kept(tmp_path, scene)
    reread = TimelineFile(tmp_path / FILE).read()[-1]
    assert second in reread.also


def test_the_wall_clock_may_step_and_a_duration_is_still_right(tmp_path: Path) -> None:
    def scene(one: Kept) -> None:
        one.says("confirmed", "router_dead")
        one.clocks.on(30.0)
        one.clocks.wall_ms -= 3_600_000
        one.says("fine")
        (entry,) = one.entries()
        assert entry.lasted_s == pytest.approx(30.0)
        assert entry.ended_at_ms is not None
        assert entry.ended_at_ms >= entry.began_at_ms

    kept(tmp_path, scene)


def test_peers_correct_an_entry_and_the_correction_is_kept(tmp_path: Path) -> None:
    clocks = Clocks()

    def peer(number: int, *marks: Mark) -> PeerState:
        return PeerState(
            register="bar", session=7, sequence=number, address="192.0.2.12", columns={}, phase="fine", marks=marks
        )

    def first(one: Kept) -> None:
        one.says("fine", peers=(peer(1),))
        one.clocks.on(5.0)
        one.says("confirmed", "cable", "switch_power")
        one.clocks.on(10.0)
        one.says("fine")
        one.clocks.on(4.0)
        lost = Mark(faults=("cable", "switch_power"), began_age_s=14.0, ended_age_s=4.0, carrier_lost=True)
        one.says("fine", peers=(peer(2, lost),))
        (entry,) = one.entries()
        assert entry.faults == ("cable", "switch_power")
        assert entry.corrected_faults == ("switch_power",)
        assert "bar" in entry.why
        assert entry.corrected_headline

    kept(tmp_path, first, clocks)

    def second(one: Kept) -> None:
        (entry,) = one.entries()
        assert (entry.faults, entry.corrected_faults) == (("cable", "switch_power"), ("switch_power",))

    kept(tmp_path, second, clocks)


def test_a_trouble_whose_end_nobody_saw_is_not_said_to_go_on(tmp_path: Path) -> None:
    clocks = Clocks()
    kept(tmp_path, lambda one: one.says("confirmed", "router_dead"), clocks)

    def later(one: Kept) -> None:
        (entry,) = one.entries()
        assert (entry.going_on, entry.ended_at_ms, entry.why) == (False, None, UNSEEN)
        clocks.on(3600.0)
        trouble(one, "router_dead")
        assert [entry.why for entry in one.entries()] == ["", UNSEEN]

    kept(tmp_path, later, clocks)


def test_a_trouble_that_outlives_a_restart_stays_one_entry(tmp_path: Path) -> None:
    clocks = Clocks()
    kept(tmp_path, lambda one: one.says("confirmed", "router_dead"), clocks)
    began_s = clocks.boot_s

    def later(one: Kept) -> None:
        clocks.on(40.0)
        one.history.take(report(verdict("confirmed", "router_dead", since_s=began_s), clocks.boot_s))
        (entry,) = one.entries()
        assert (entry.going_on, entry.began_at_ms) == (True, START_MS)
        clocks.on(20.0)
        one.says("fine")
        (entry,) = one.entries()
        assert (entry.lasted_s, entry.ended_at_ms) == (pytest.approx(60.0), START_MS + 60_000)

    kept(tmp_path, later, clocks)
    kept(tmp_path, lambda one: one.entries()[0].lasted_s or pytest.fail("its end is lost"), clocks)


TORN = {
    "in the middle": lambda raw: raw[:-20],
    "without its end": lambda raw: raw[:-1],
    "zeros of a power cut": lambda raw: raw + b"\0" * 512,
    "bytes of something else": lambda raw: raw + b"\xff\xfe{]\n",
    "a line of another version": lambda raw: raw + b'{"id":"seven","new":true}\n',
    "nothing left": lambda raw: b"",
}


@pytest.mark.parametrize("how", TORN)
def test_a_torn_file_costs_at_most_its_last_line(tmp_path: Path, how: str) -> None:
    clocks = Clocks()
    path = tmp_path / FILE

    async def first(one: Kept) -> None:
        trouble(one, "router_dead")
        await until(path.exists)
        await until(lambda: b"router_dead" in path.read_bytes() and b"ended" in path.read_bytes())
        trouble(one, "dns_own")

    kept(tmp_path, first, clocks)
    path.write_bytes(TORN[how](path.read_bytes()))

    def second(one: Kept) -> None:
        before = {entry.faults[0] for entry in one.entries()}
        assert before >= (set() if how == "nothing left" else {"router_dead"})
        trouble(one, "modem")

    kept(tmp_path, second, clocks)

    def third(one: Kept) -> None:
        assert "modem" in {entry.faults[0] for entry in one.entries()}  # the torn line has not taken it along
        assert one.history.trouble == ""

    kept(tmp_path, third, clocks)


def test_the_file_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    clocks = Clocks()
    small = TimelineFile(tmp_path / FILE, max_bytes=4_000)

    async def scene(one: Kept) -> None:
        for number in range(300):
            trouble(one, "router_dead" if number % 2 else "dns_own")
            await until(lambda: not one.history._unwritten)

    kept(tmp_path, scene, clocks, small)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {FILE, f"{FILE}.1"}
    assert all(size <= 4_000 for size in sizes.values())

    def later(one: Kept) -> None:
        found = one.entries()
        assert 30 < len(found) < 300
        assert found[0].began_at_ms == START_MS + 299 * 80_000
        assert [entry.began_at_ms for entry in found] == sorted((entry.began_at_ms for entry in found), reverse=True)
        assert one.history.view(5).more
        assert len(one.history.view(5).entries) == 5

    kept(tmp_path, later, clocks, small)


def test_no_row_of_a_mad_prober_makes_the_file_large(tmp_path: Path) -> None:
    clocks = Clocks()
    small = TimelineFile(tmp_path / FILE)

    async def scene(one: Kept) -> None:
        also = tuple(f"device_silent:{number}{'x' * 10_000}" for number in range(100))
        for _ in range(300):
            now_s = clocks.boot_s
            said = report(verdict("confirmed", "router_dead", also=also, since_s=now_s), now_s)
            made = present.shown("reporting", said, Links(), "front", False)
            assert made.report is not None
            one.history.take(made.report)
            clocks.on(10.0)
            one.says("fine")
        await until(lambda: not one.history._unwritten)

    kept(tmp_path, scene, clocks, small)
    assert all(path.stat().st_size <= MAX_BYTES for path in tmp_path.iterdir())
    kept(tmp_path, lambda one: one.entries()[0].began_at_ms == START_MS + 299 * 10_000 or pytest.fail("lost"), clocks)


class Full(TimelineFile):
    """A disk that is full until somebody makes room; some of each line gets onto it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.full = True
        self.tried = 0

    def append(self, rows: Iterable[Row]) -> None:
        self.tried += 1
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().append(rows)


def test_a_full_disk_is_said_and_made_good_for_later(tmp_path: Path) -> None:
    disk = Full(tmp_path / FILE)

    async def scene(one: Kept) -> None:
        for _ in range(50):
            trouble(one, "router_dead")
        await until(lambda: disk.tried >= 3)
        assert one.history.trouble == os.strerror(errno.ENOSPC)
        assert one.history.view(1).trouble == os.strerror(errno.ENOSPC)
        assert len(one.entries()) == 50  # in memory it goes on
        disk.full = False
        await until(lambda: not one.history.trouble)

    clocks = Clocks()
    kept(tmp_path, scene, clocks, disk)
    kept(tmp_path, lambda one: len(one.entries()) == 50 or pytest.fail("lost"), clocks)


@pytest.mark.root
def test_what_a_really_full_disk_took_of_a_line_is_taken_back(tmp_path: Path) -> None:
    """Of a file system that is full in the middle of a line."""
    from tests.support.prerequisites import need

    need("mount", "umount", root=True)
    import subprocess

    folder = tmp_path / f"full-{os.getpid()}"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        file = TimelineFile(folder / FILE)
        rows = [Row(id=number, began_at_ms=1, faults=("router_dead",), why="w" * 500) for number in range(1, 20)]
        file.append(rows)
        filler = folder / "filler"
        filler.write_bytes(b"x" * (48 * 1024))
        before = (folder / FILE).read_bytes()
        with pytest.raises(OSError, match="No space left"):
            file.append([Row(id=number, began_at_ms=1, faults=("modem",), why="w" * 500) for number in range(20, 60)])
        assert (folder / FILE).read_bytes() == before
        filler.unlink()
        file.append([Row(id=99, began_at_ms=1, faults=("dns_own",))])
        assert [row.id for row in file.read()] == [*range(1, 20), 99]
    finally:
        subprocess.run(["umount", folder], check=True)


def test_what_stands_in_the_place_of_the_file_stops_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)

    async def scene(one: Kept) -> None:
        trouble(one, "router_dead")
        assert one.history.trouble
        assert len(one.entries()) == 1
        (tmp_path / FILE).unlink()
        await until(lambda: not one.history.trouble)

    clocks = Clocks()
    kept(tmp_path, scene, clocks)
    kept(tmp_path, lambda one: len(one.entries()) == 1 or pytest.fail("lost"), clocks)
