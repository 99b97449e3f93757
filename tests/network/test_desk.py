"""The agent's side of the prober's socket: what is said, what is told on, and that nothing that comes in can hurt."""

import asyncio
import os
import random
import struct
import sys
import typing
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec
import pytest
from tests.support.prerequisites import need
from tests.support.prober import DEADLINE_S, LOOK_S, StandIn, report, verdict

from tillkeeper import clock
from tillkeeper.api.ports import NetworkHistoryQuery
from tillkeeper.config.network import Link, Links, Network
from tillkeeper.errors import Conflict, NotFound
from tillkeeper.network.desk import POKE_EVERY_S, SECOND_S, DeskParts, NetworkDesk
from tillkeeper.network.model import Report, UplinkSeen
from tillkeeper.network.wire import MAX_LINE, SILENT_S, DiagnoseEnded, DiagnoseStep, Hello, Occupied, Reported, Uplink
from tillkeeper.replication.link import LinkStatus
from tillkeeper.roles import mode

LINKS = Links(cables={"front": Link(where="under the counter", cable_colour="yellow")})
ALL = NetworkHistoryQuery(limit=500)


class World:
    """A desk of its own, with a boot clock that can be turned forward, and what it asked for."""

    def __init__(self, folder: Path, **network: Any) -> None:
        self.socket = folder / "probe.sock"
        self.ahead_s = 0.0
        self.status: LinkStatus | None = None
        self.pokes: list[float] = []
        self.changes = 0
        self.desk = NetworkDesk(
            DeskParts(
                network=Network(socket=str(self.socket), links=LINKS, **network),
                register="front",
                folder=folder,
                now_s=lambda: clock.boot_s() + self.ahead_s,
                now_ms=clock.wall_ms,
                new_id=clock.new_id,
                link=lambda: self.status,
                beat_s=1.0,
                poke=lambda: self.pokes.append(clock.boot_s()),
                changed=self._changed,
            )
        )

    def _changed(self) -> None:
        self.changes += 1

    def uplink(self, ok_s: float | None, failed_s: float | None = None, trouble: str = "") -> None:
        """What the link to HQ has seen from now on."""
        seen = mode.Uplink(configured=True, started_s=0.0, last_ok_s=ok_s, last_failure_s=failed_s)
        self.status = LinkStatus(seen, 0, (), ok_s, trouble, trouble, ())
        self.desk.link_changed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.desk.view(), name)

    async def until(self, what: Callable[[], Any]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                if what():
                    return
                await asyncio.sleep(LOOK_S)


def at_desk(folder: Path, scene: Callable[[World], Awaitable[None]], **network: Any) -> None:
    async def run() -> None:
        world = World(folder, **network)
        task = asyncio.create_task(world.desk.run())
        try:
            await scene(world)
            assert not task.done() or not world.desk._parts.network.watch, task.exception()
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None, task.exception()

    asyncio.run(run())


def test_before_any_prober_has_reported_it_is_checking_and_says_so(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        assert (world.phase, world.prober.state) == ("checking", "absent")
        assert "No prober has reported yet" in world.headline
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid == os.getpid())
            assert world.prober.state == "absent"  # it is there, and has told nothing of the network yet

    at_desk(tmp_path, scene)


def test_a_verdict_is_said_in_words_with_evidence_and_what_to_do(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("confirmed", "cable", "switch_power", also=("device_silent:grill",))
            await world.until(lambda: world.phase == "confirmed")
            assert world.faults == ("cable", "switch_power")
            assert world.evidence
            assert "yellow" in " ".join(world.what_to_do)
            assert [one.code for one in world.also] == ["device_silent:grill"]
            assert {one.column for one in world.columns} >= {"carrier", "router"}
            gateway, *_, modem, _own = world.targets
            assert (gateway.target, gateway.run) == ("gateway", 12)
            assert gateway.answered_age_s is not None
            assert gateway.answered_age_s >= 4.0
            assert modem.answered_age_s is None
            assert world.prober.interface == "eth0"
            assert 0 <= world.since_age_s < DEADLINE_S
            assert msgspec.json.decode(msgspec.json.encode(world.desk.view()))["phase"] == "confirmed"

    at_desk(tmp_path, scene)


@pytest.mark.parametrize("how", ["killed", "mute"])
def test_a_dead_prober_means_checking_whatever_it_said_before(tmp_path: Path, how: str) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("confirmed", "router_dead")
            await world.until(lambda: world.phase == "confirmed")
            assert world.desk.history(ALL).entries[0].going_on
            told = world.changes
            if how == "killed":
                await prober.die()
                await world.until(lambda: world.phase == "checking")  # no clock is turned: the closed socket says it
                assert (world.prober.version, world.prober.pid) == ("0.1.0", os.getpid())
                assert world.prober.report_age_s < SILENT_S
            else:
                world.ahead_s = SILENT_S - 0.5
                assert world.phase == "confirmed"
                told = world.changes
                world.ahead_s = SILENT_S + 0.5
            assert (world.phase, world.prober.state, world.faults) == ("checking", "silent", ())
            assert "silent" in world.headline
            assert world.columns == ()
            (entry,) = world.desk.history(ALL).entries
            assert (entry.faults, entry.going_on, entry.ended_at_ms) == (("router_dead",), False, None)
            assert "nobody was watching" in entry.why
            await world.until(lambda: world.changes > told)
            if how == "mute":
                world.ahead_s = 0.0
                await prober.says("fine")
                await world.until(lambda: world.phase == "fine")

    at_desk(tmp_path, scene)


def test_a_report_that_waited_somewhere_is_as_old_as_it_says(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.say(Reported(report=report(verdict("confirmed", "router_dead"), clock.boot_s() - 60.0)))
            await world.until(lambda: world.prober.report_age_s is not None)
            assert (world.phase, world.prober.state) == ("checking", "silent")
            assert world.desk.history(ALL).entries == ()
            await prober.say(Reported(report=report(verdict("fine"), 1e300)))  # and one of the future is of now
            await world.until(lambda: world.phase == "fine")
            world.ahead_s = SILENT_S + 1.0
            assert world.phase == "checking"

    at_desk(tmp_path, scene)


def test_the_first_prober_stays_and_a_second_one_is_told_of_it_and_somebody_of_both(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as first:
            await first.hello()
            await first.says("fine")
            await world.until(lambda: world.phase == "fine")
            told = world.changes
            async with StandIn(world.socket) as second:
                await second.hello()
                await asyncio.wait_for(second.ended.wait(), DEADLINE_S)
                assert second.heard == [Occupied(pid=os.getpid())]
            await first.says("confirmed", "dns_own")
            await world.until(lambda: world.phase == "confirmed")
            assert not first.ended.is_set()
            await world.until(lambda: world.changes > told)
            assert f"process {os.getpid()} waits" in world.desk.facts().prober_second
            assert world.prober.trouble == world.desk.facts().prober_second
            world.ahead_s = SECOND_S + 1.0
            assert world.desk.facts().prober_second == ""

    at_desk(tmp_path, scene)


def test_a_prober_without_its_key_says_so_until_it_has_it(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello(unkeyed="/etc/key can not be read: No such file or directory")
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")
            (said,) = world.desk.unread()
            assert (said.setting, said.why) == ("network.key_file", "/etc/key can not be read: No such file or directory")
            assert world.prober.trouble == f"network.key_file: {said.why}. {said.meanwhile}"
            assert "are not asked" in said.meanwhile
            assert world.desk.facts().prober_trouble == "", "it may send packets"
        await world.until(lambda: not world.desk.unread())
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.prober.trouble == "")
            assert world.desk.unread() == ()

    at_desk(tmp_path, scene)


def test_a_prober_that_is_mute_makes_room_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillkeeper.network.door.SILENT_S", 0.2)

    async def scene(world: World) -> None:
        async with StandIn(world.socket) as mute, StandIn(world.socket) as other:
            await mute.hello()
            await mute.says("confirmed", "router_dead")
            await world.until(lambda: world.phase == "confirmed")
            assert not mute.ended.is_set()  # one that has not said hello takes nobody's place
            await asyncio.sleep(0.3)
            await other.hello()
            await asyncio.wait_for(mute.ended.wait(), DEADLINE_S)
            assert mute.heard[-1] == Occupied(pid=os.getpid())
            await mute.says("confirmed", "dns_own")
            await other.says("fine")
            await world.until(lambda: world.phase == "fine")
            world.uplink(1.0)
            await other.uplink()

    at_desk(tmp_path, scene)


@pytest.mark.root
def test_of_two_real_probers_one_waits_and_asks_nothing_until_the_other_has_gone(tmp_path: Path) -> None:
    """Each in a network namespace of its own in which there is nothing."""
    need("unshare")
    file = tmp_path / "tillkeeper.toml"
    socket_line = f'network.socket = "{tmp_path / "probe.sock"}"'
    file.write_text(f'this_register = "front"\nregisters.front = {{ letter = "A" }}\n{socket_line}\n', encoding="utf-8")
    command = ["unshare", "-n", sys.executable, "-m", "tillkeeper", "probe", "--config", str(file)]

    async def scene(world: World) -> None:
        both = []
        try:
            for _ in range(2):
                both.append(await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE))
                await world.until(lambda: world.prober.state == "reporting")
            first, second = both
            said = b""
            async with asyncio.timeout(DEADLINE_S):
                while b'"waiting"' not in said:
                    said += await second.stderr.readline()
            assert f"another prober (process {first.pid}) watches".encode() in said
            assert world.prober.pid == first.pid
            assert f"process {second.pid} waits" in world.desk.facts().prober_second
            first.terminate()
            await world.until(lambda: world.prober.pid == second.pid and world.prober.state == "reporting")
            second.terminate()
            assert [await first.wait(), await second.wait()] == [0, 0]
        finally:
            for process in both:
                if process.returncode is None:
                    process.kill()
                await process.communicate()

    at_desk(tmp_path, scene)


HELLO = msgspec.json.encode(Hello(version="1", pid=1, interface="eth0", raw=True)) + b"\n"
GARBAGE = {
    "no hello": msgspec.json.encode(Reported(report=report(verdict("confirmed", "router_dead"), 1.0))) + b"\n",
    "hello twice": HELLO + HELLO,
    "not JSON": HELLO + b"GET / HTTP/1.1\r\n\r\n",
    "not UTF-8": HELLO + b'{"type":"report","report":"\xff\xfe"}\n',
    "of no type": HELLO + b'{"type":"shutdown"}\n',
    "an unknown field": HELLO + b'{"type":"hello","version":"1","pid":1,"interface":"e","raw":true,"x":1}\n',
    "a NaN": HELLO + b'{"type":"diagnose_ended","request":"1","took_s":NaN}\n',
    "nested deeply": HELLO + b"[" * 50_000 + b"\n",
    "nested deeply within": HELLO + b'{"type":"report","report":' + b"[" * 20_000 + b"]" * 20_000 + b"}\n",
    "oversized": HELLO + b"x" * (MAX_LINE + 1) + b"\n",
    "without an end": HELLO + b"x" * (3 * MAX_LINE),
    "binary": struct.pack("!IIQ", 1, 2, 3) * 100 + b"\n",
    "empty lines": HELLO + b"\n\n\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_ends_its_connection_and_never_the_agent(tmp_path: Path, name: str) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as mad:
            await mad.raw(GARBAGE[name])
            await asyncio.wait_for(mad.ended.wait(), DEADLINE_S)
        assert world.phase == "checking"
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")

    at_desk(tmp_path, scene)


def test_those_who_say_nothing_are_ended_and_do_not_keep_the_prober_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tillkeeper.network.door.HELLO_S", 0.3)

    async def scene(world: World) -> None:
        idle = [await StandIn(world.socket).__aenter__() for _ in range(12)]
        for one in idle:
            await asyncio.wait_for(one.ended.wait(), DEADLINE_S)
            await one.die()
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")

    at_desk(tmp_path, scene)


def test_the_prober_is_told_of_the_uplink_at_once_and_again_after_it_came_back(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        world.uplink(5.0)
        async with StandIn(world.socket) as prober:
            await prober.hello()
            seen = (await prober.uplink()).seen
            assert (seen.ok_at_s, seen.failed_at_s, seen.trouble, seen.beat_s) == (5.0, None, "", 1.0)
            world.uplink(5.0, 6.0, "timeout")
            assert (await prober.uplink(lambda said: said.seen.failed_at_s == 6.0)).seen.trouble == "timeout"
            world.uplink(5.0, 6.0, "storage_refused")  # the own disk's trouble is none of HQ's
            await prober.uplink(lambda said: said.seen.trouble == "" and said.seen.failed_at_s == 6.0)
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.uplink(lambda said: said.seen.failed_at_s == 6.0)

    at_desk(tmp_path, scene)


def test_a_prober_that_does_not_read_costs_a_bounded_buffer(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")
            prober.deaf()
            seen = Uplink(seen=UplinkSeen(at_s=1.0, ok_at_s=1.0, failed_at_s=None))
            sent = 0
            while world.desk._door.send(seen):
                sent += 1
                assert sent < 100_000  # some 10 MB: a buffer without a bound
            await prober.says("confirmed", "router_dead")  # deaf, not mute: what it says is still heard
            await world.until(lambda: world.phase == "confirmed")

    at_desk(tmp_path, scene)


def test_a_changed_verdict_makes_the_uplink_be_looked_at_early_and_not_too_often(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")
            await asyncio.sleep(0)
            assert world.pokes == []  # fine from the start is no news
            for _ in range(10):
                await prober.says("suspect", "modem")
                await prober.says("confirmed", "modem", "isp_access")
                await prober.says("confirmed", "modem", "isp_access")
            await world.until(lambda: len(world.pokes) == 1)
            await prober.says("fine")
            await world.until(lambda: len(world.pokes) == 2)  # the end of it is not lost, only later
            assert world.pokes[1] - world.pokes[0] >= POKE_EVERY_S - 0.05
            told = world.pokes[1]
            await prober.says("fine", also=("metered",))
            await prober.says("checking")
            await prober.says("fine")
            world.ahead_s = 2.0
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")
            assert world.pokes[-1] == told

    at_desk(tmp_path, scene)


def test_a_flood_is_slowed_down_and_changes_are_told_a_few_times_a_second(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            lines = b"".join(
                msgspec.json.encode(Reported(report=report(verdict(phase, *faults)))) + b"\n"
                for phase, faults in (("confirmed", ("router_dead",)), ("fine", ()))
            )

            async def flood() -> None:
                while True:
                    await prober.raw(lines * 50)

            task = asyncio.create_task(flood())
            began_s, told = clock.boot_s(), world.changes
            await world.until(lambda: world.prober.report_age_s is not None)
            lags = []
            while clock.boot_s() - began_s < 2.0:
                before_s = clock.boot_s()
                await asyncio.sleep(0.005)
                lags.append(clock.boot_s() - before_s)
            took_s = clock.boot_s() - began_s
            assert world.changes - told <= took_s / 0.2 + 2
            assert len(world.pokes) <= took_s / POKE_EVERY_S + 1
            assert len(lags) > 20  # the loop had its turns
            task.cancel()
            await asyncio.wait([task])

    at_desk(tmp_path, scene)


@pytest.mark.root
def test_only_the_named_user_root_and_the_agent_itself_may_be_the_prober(tmp_path: Path) -> None:
    need("setpriv", root=True)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    program = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n"
        "try: s.sendall(sys.argv[2].encode()); print(len(s.recv(10)))\n"
        "except OSError as error: print(type(error).__name__)"
    )

    async def scene(world: World) -> None:
        await world.until(world.socket.exists)
        assert world.socket.stat().st_mode & 0o777 == 0o660
        world.uplink(5.0)
        os.chmod(world.socket, 0o666)  # the file lets everybody in: the uid alone decides

        async def connect_as(uid: int) -> str:
            command = ["setpriv", f"--reuid={uid}", "--clear-groups", "--regid=0", "/usr/bin/python3", "-c", program]
            process = await asyncio.create_subprocess_exec(
                *command, str(world.socket), HELLO.decode(), stdout=asyncio.subprocess.PIPE, cwd="/"
            )
            out, _ = await process.communicate()
            return out.decode().strip()

        assert await connect_as(65534) == "10"  # nobody is the prober's user here: it hears of the uplink
        assert await connect_as(1234) in ("0", "ConnectionResetError", "BrokenPipeError")
        assert await connect_as(0) == "10"

    at_desk(tmp_path, scene, prober_user="nobody")


def test_an_unwatched_network_has_no_door(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        assert (world.phase, world.prober.state) == ("checking", "off")
        assert not world.socket.exists()
        with pytest.raises(Conflict, match="is not watched"):
            world.desk.diagnose("k", False, "")

    at_desk(tmp_path, scene, watch=False)


def test_a_stale_socket_is_replaced_and_a_foreign_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillkeeper.network.door.AGAIN_S", 0.05)

    async def scene(world: World) -> None:
        assert world.socket.is_file()
        assert world.phase == "checking"
        world.socket.unlink()
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")

    (tmp_path / "probe.sock").write_text("somebody's")
    at_desk(tmp_path, scene)
    assert not (tmp_path / "probe.sock").exists()

    async def killed() -> None:
        server = await asyncio.start_unix_server(lambda _r, _w: None, str(tmp_path / "probe.sock"))
        server.close()
        await server.wait_closed()

    asyncio.run(killed())
    assert (tmp_path / "probe.sock").is_socket()

    async def again(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")

    at_desk(tmp_path, again)


# --- deep diagnosis ---


def test_a_diagnosis_is_asked_once_told_step_by_step_and_kept(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        with pytest.raises(Conflict, match="no prober"):
            world.desk.diagnose("k1", True, "ana")
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid)
            begun, replayed = world.desk.diagnose("k1", True, "ana")
            assert (begun.state, begun.by, replayed) == ("running", "ana", False)
            again, replayed = world.desk.diagnose("k1", True, "ana")
            assert (again.diagnosis_id, replayed) == (begun.diagnosis_id, True)
            with pytest.raises(Conflict, match="another wish"):
                world.desk.diagnose("k1", False, "ana")
            with pytest.raises(Conflict, match="running"):
                world.desk.diagnose("k2", False, "ana")
            asked = await prober.asked()
            assert (asked.request, asked.pcap) == (begun.diagnosis_id, True)

            def now() -> Any:
                return world.desk.diagnosis(begun.diagnosis_id)

            await prober.say(DiagnoseStep(request="another", check="dhcp", state="done", words="of somebody else"))
            await prober.say(DiagnoseStep(request=asked.request, check="dhcp", state="running", words="Asking"))
            await prober.say(DiagnoseStep(request=asked.request, check="link", state="running", words="Looking"))
            found: dict[str, Any] = {"server": "192.0.2.1", "offers": 1}
            await prober.say(DiagnoseStep(request=asked.request, check="dhcp", state="done", words="One server", result=found))
            await world.until(lambda: now().steps and now().steps[0].state == "done")
            assert [(one.check, one.state) for one in now().steps] == [("dhcp", "done"), ("link", "running")]
            assert now().steps[0].result == found
            await prober.say(DiagnoseEnded(request=asked.request, took_s=3.5, pcap="/run/x.pcap"))
            await world.until(lambda: now().state == "done")
            assert (now().took_s, now().pcap, len(now().steps)) == (3.5, "/run/x.pcap", 2)
            with pytest.raises(NotFound):
                world.desk.diagnosis("never")
            other, _ = world.desk.diagnose("k2", False, "")
            assert other.diagnosis_id != begun.diagnosis_id

    at_desk(tmp_path, scene)


def test_a_diagnosis_ends_with_its_prober_and_at_its_deadline(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid)
            begun, _ = world.desk.diagnose("k1", False, "")
            await prober.die()
            await world.until(lambda: world.desk.diagnosis(begun.diagnosis_id).state == "failed")
            assert "went away" in world.desk.diagnosis(begun.diagnosis_id).trouble
        async with StandIn(world.socket) as prober:
            await prober.say(Hello(version="2", pid=1, interface="eth0", raw=True))
            await world.until(lambda: world.prober.version == "2")
            begun, _ = world.desk.diagnose("k2", False, "")
            world.ahead_s = 60.0
            await world.until(lambda: world.desk.diagnosis(begun.diagnosis_id).state == "failed")
            for number in range(300):
                await prober.say(DiagnoseStep(request=begun.diagnosis_id, check=f"c{number}", state="done", words="late"))
            await prober.says("fine")
            assert world.desk.diagnosis(begun.diagnosis_id).steps == ()

    at_desk(tmp_path, scene)


def test_only_the_last_diagnoses_are_kept_and_each_has_so_many_steps(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid)
            first = ""
            for number in range(22):
                begun, _ = world.desk.diagnose(f"k{number}", False, "")
                first = first or begun.diagnosis_id
                if number == 0:
                    for step in range(100):
                        await prober.say(DiagnoseStep(request=begun.diagnosis_id, check=f"c{step}", state="done", words="w"))
                await prober.say(DiagnoseEnded(request=begun.diagnosis_id, took_s=1.0))
                await world.until(lambda request=begun.diagnosis_id: world.desk.diagnosis(request).state == "done")
                if number == 0:
                    assert 10 < len(world.desk.diagnosis(first).steps) <= 60
            with pytest.raises(NotFound):
                world.desk.diagnosis(first)

    at_desk(tmp_path, scene)


def test_a_defect_of_ours_costs_the_connection_and_nothing_of_the_report_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise ZeroDivisionError("words that fail")

    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("fine")
            await world.until(lambda: world.phase == "fine")
            with monkeypatch.context() as patched:
                patched.setattr("tillkeeper.network.present.say", broken)
                await prober.says("confirmed", "router_dead")
                await asyncio.wait_for(prober.ended.wait(), DEADLINE_S)
            await world.until(lambda: world.phase == "checking")
            assert world.desk.history(ALL).entries == ()
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await prober.says("confirmed", "router_dead")
            await world.until(lambda: world.phase == "confirmed")

    at_desk(tmp_path, scene)


# --- whatever a report holds ---


ODD_TEXTS = ("", "router_dead", "device_silent:grill", "and:modem", "and:x", "a -> b", "\x1b[31m\u202e", "x" * 3_000)


def odd(kind: Any, chance: random.Random, depth: int = 0) -> Any:
    """A value of a type as a mad prober may send it: within the types, and otherwise without any sense."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        return odd(chance.choice(args), chance, depth)
    if origin is typing.Literal:
        return chance.choice(args)
    if origin is tuple:
        return tuple(odd(args[0], chance, depth + 1) for _ in range(chance.choice((0, 1, 3))))
    if origin is dict:
        return {odd(args[0], chance, depth + 1): odd(args[1], chance, depth + 1) for _ in range(chance.choice((0, 2, 8)))}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{one.name: odd(one.type, chance, depth + 1) for one in msgspec.structs.fields(kind)})
    if kind is str:
        return chance.choice(ODD_TEXTS)
    if kind is bool:
        return chance.random() < 0.5
    if kind is int:
        return chance.choice((0, 1, -1, 7, 2**40, -(2**63), 2**64 - 1))
    if kind is float:
        return chance.choice((0.0, -1.0, 0.5, 1e-300, 1e300, -1e300, clock.boot_s()))
    return None


@pytest.mark.parametrize("seed", range(200))
def test_no_report_is_too_odd_to_be_shown_and_kept(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    async def scene() -> None:
        world = World(tmp_path)
        for _ in range(10):
            said: Report = odd(Report, chance)
            line = msgspec.json.encode(Reported(report=msgspec.structs.replace(said, at_s=clock.boot_s())))
            back = msgspec.json.decode(line, type=Reported)
            world.desk._reported(back.report)
            for view in (world.desk.view(), world.desk.brief(), world.desk.history(ALL), world.desk.facts()):
                assert len(msgspec.json.encode(view)) < 256 * 1024

    asyncio.run(scene())
