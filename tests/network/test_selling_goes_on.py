"""Whatever the prober does, or whoever says to be it: the register sells as before, and the mode stays what the uplink says."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.prerequisites import need
from tests.support.prober import DEADLINE_S, LOOK_S, StandIn, report, verdict
from tests.support.store import StoreRig, in_store

from tillkeeper.network.wire import MAX_LINE, Diagnose, DiagnoseEnded, DiagnoseStep, Hello, Reported

HELLO = msgspec.json.encode(Hello(version="1", pid=1, interface="eth0", raw=True)) + b"\n"


def door(rig: StoreRig) -> StandIn:
    return StandIn(rig.data / "probe.sock")


async def network(rig: StoreRig, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """`/v1/network` once it is so."""

    async def look() -> dict[str, Any] | None:
        now = await rig.get("/v1/network")
        return now if what(now) else None

    found: dict[str, Any] = await rig.wait_for("the network is said so", look, DEADLINE_S)
    return found


async def sells(rig: StoreRig, orders: int = 5) -> None:
    for _ in range(orders):
        assert (await rig.order("cola"))["state"] == "closed"


def test_the_mode_is_the_uplinks_whatever_the_prober_says(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        async with door(rig) as prober:
            await prober.hello()
            seen = (await prober.uplink(lambda said: said.seen.ok_at_s is not None)).seen
            assert seen.trouble == ""
            async with prober.reporting(verdict("confirmed", "router_dead", "router_cable")):
                await network(rig, lambda now: now["phase"] == "confirmed")
                status = await rig.wait_mode("online")
                assert (status["dot"]["colour"], status["network"]["phase"]) == ("green", "confirmed")
                assert "network_fault" in {one["code"] for one in status["advisories"]}
                await sells(rig)
                tenders = {one["tender"]: one["available"] for one in (await rig.get("/v1/catalogue"))["tenders"]}
                assert tenders["cash"]
            async with prober.reporting(verdict("fine")):
                await network(rig, lambda now: now["phase"] == "fine")
                await rig.internet.cut()
                status = await rig.wait_mode("offline")
                assert status["dot"]["colour"] == "red"
                failed = await prober.uplink(lambda said: said.seen.trouble != "")
                assert failed.seen.failed_at_s is not None
                await sells(rig)
                await rig.internet.restore()
                await rig.wait_mode("online")
        await rig.wait_synced()
        await rig.check_books()

    in_store(tmp_path, scene)


def test_a_prober_that_is_killed_is_checking_and_the_timeline_outlives_the_agent(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        first = await rig.get("/v1/network")
        assert (first["phase"], first["prober"]["state"]) == ("checking", "absent")
        async with door(rig) as prober:
            await prober.hello()
            await prober.says("confirmed", "switch_power", "cable")
            await network(rig, lambda now: now["phase"] == "confirmed")
            await prober.die()
            now = await network(rig, lambda now: now["prober"]["state"] == "silent")
            assert now["phase"] == "checking"
            status = await rig.get("/v1/status")
            assert status["selling"]
            assert "network_unwatched" in {one["code"] for one in status["advisories"]}
            await sells(rig)
        async with door(rig) as prober:
            await prober.hello()
            await prober.says("fine")
            await network(rig, lambda now: now["phase"] == "fine")
            history = await rig.get("/v1/network/history")
            assert [entry["faults"] for entry in history["entries"]] == [["switch_power", "cable"]]
            assert history["entries"][0]["ended_at_ms"] is not None
            kept = tmp_path / "data" / "network-history.jsonl"
            await rig.wait_for("it is on the disk", looking(lambda: holds(kept, b"ended_at_ms")))
        await rig.kill_agent()
        kept.write_bytes(kept.read_bytes() + b'{"id": 7, "began')  # as a power cut leaves it
        await rig.start_agent()
        assert (await rig.get("/v1/network/history"))["entries"] == history["entries"]
        async with door(rig) as prober:
            await prober.hello()
            await prober.says("fine")
            await network(rig, lambda now: now["phase"] == "fine")

    in_store(tmp_path, scene, hq=False)


def looking(what: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """As `StoreRig.wait_for` wants it."""

    async def look() -> bool:
        return what()

    return look


def holds(path: Path, words: bytes) -> bool:
    return path.exists() and words in path.read_bytes()


def test_a_mad_prober_does_no_harm(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await sells(rig)
        for line in (
            b"GET / HTTP/1.1\r\n\r\n",
            HELLO + b"\xff\xfe\n",
            HELLO + b"x" * (MAX_LINE + 1) + b"\n",
            HELLO + b"y" * (4 * MAX_LINE),
            HELLO + b'{"type":"report","report":{"at_s":1e999}}\n',
            HELLO + b'{"type":"report","report":' + b"[" * 100_000 + b"\n",
        ):
            async with door(rig) as prober:
                await prober.raw(line)
                await asyncio.wait_for(prober.ended.wait(), DEADLINE_S)
            await sells(rig, 1)
        async with door(rig) as prober:  # half a line, and then nothing for ever
            await prober.hello()
            prober.deaf()
            await prober.raw(b'{"type":"report"')
            await sells(rig)
        async with door(rig) as prober:
            await prober.hello()
            await prober.says("fine")
            await network(rig, lambda now: now["phase"] == "fine")
        assert rig.agent.returncode is None
        assert "Traceback" not in rig.agent.said()

    in_store(tmp_path, scene, hq=False)


@contextlib.asynccontextmanager
async def flood(prober: StandIn) -> AsyncIterator[list[int]]:
    """Reports that contradict each other, as fast as they are taken; the count of those that went out."""
    lines = b"".join(
        msgspec.json.encode(Reported(report=report(verdict(phase, *faults)))) + b"\n"
        for phase, faults in (("confirmed", ("router_dead",)), ("fine", ()), ("suspect", ("modem",)), ("fine", ()))
    )
    sent = [0]

    async def pour() -> None:
        while True:
            await prober.raw(lines * 25)
            sent[0] += 100

    task = asyncio.create_task(pour())
    try:
        yield sent
    finally:
        task.cancel()
        await asyncio.wait([task])


async def is_believed(rig: StoreRig) -> bool:
    """Is a prober that comes now, or is the place of another one still taken? Then it is sent away, and comes again."""
    async with door(rig) as prober:
        await prober.hello()
        async with prober.reporting(verdict("fine")):
            while not prober.ended.is_set():
                if (await rig.get("/v1/network"))["phase"] == "fine":
                    return True
                await asyncio.sleep(LOOK_S)
    return False


def test_a_flood_of_reports_delays_no_order(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        async with door(rig) as prober:
            await prober.hello()
            async with flood(prober) as sent:
                await sells(rig, 40)
                await rig.wait_mode("online")
                assert sent[0] > 0
            kept = tmp_path / "data" / "network-history.jsonl"
            assert not kept.exists() or kept.stat().st_size < 600 * 1024
            assert (await rig.get("/v1/network"))["prober"]["state"] in ("absent", "silent", "reporting")
        await rig.wait_for("another prober is believed", lambda: is_believed(rig), DEADLINE_S)
        await rig.wait_synced()
        await rig.check_books()

    in_store(tmp_path, scene)


@pytest.mark.root
def test_another_users_process_is_not_the_prober(tmp_path: Path) -> None:
    need("setpriv", root=True)
    folder = Path(f"/run/tillkeeper-test-{os.getpid()}")
    program = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])\n"
        "try:\n s.sendall(sys.stdin.buffer.read()); print(s.recv(1))\n"
        "except OSError as error: print(type(error).__name__)"
    )

    async def scene(rig: StoreRig) -> None:
        sock = folder / "probe.sock"
        await rig.wait_for("the door is open", looking(sock.exists))
        sock.chmod(0o666)  # the file would let everybody in
        said = HELLO + msgspec.json.encode(Reported(report=report(verdict("confirmed", "router_dead")))) + b"\n"
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "/usr/bin/python3", "-c", program, str(sock),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd="/",
        )  # fmt: skip
        out, _ = await process.communicate(said)
        assert out.decode().strip() in ("b''", "ConnectionResetError", "BrokenPipeError")
        assert (await rig.get("/v1/network"))["prober"]["state"] == "absent"
        await sells(rig)

    folder.mkdir(mode=0o755)
    try:
        in_store(tmp_path, scene, hq=False, changes={"network": {"socket": str(folder / "probe.sock")}})
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def test_a_diagnosis_by_the_command_line_shows_each_step(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        async def tillkeeper(*arguments: str) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tillkeeper", "network", *arguments, "--socket", str(rig.socket),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip

        none = await tillkeeper("diagnose")
        _, trouble = await none.communicate()
        assert none.returncode == 1
        assert b"no prober is connected" in trouble
        async with door(rig) as prober:
            await prober.hello()
            asking = await tillkeeper("diagnose", "--pcap", "--by", "ana")
            assert asking.stdout is not None
            asked: Diagnose = await prober.asked()
            assert asked.pcap
            await prober.say(DiagnoseStep(request=asked.request, check="dhcp", state="running", words="Asking for an address"))
            assert (await asyncio.wait_for(asking.stdout.readline(), DEADLINE_S)).startswith(b"[running] dhcp: Asking")
            await prober.say(
                DiagnoseStep(
                    request=asked.request, check="dhcp", state="done", words="One server", result={"server": "192.0.2.1"}
                )
            )
            assert (await asyncio.wait_for(asking.stdout.readline(), DEADLINE_S)).startswith(b"[done] dhcp: One server")
            await prober.say(DiagnoseEnded(request=asked.request, took_s=2.0, pcap="/run/x.pcap"))
            rest, _ = await asking.communicate()
            assert b"server: 192.0.2.1" in rest
            assert b"/run/x.pcap" in rest
            assert asking.returncode == 0
            dying = await tillkeeper("diagnose")
            assert dying.stdout is not None
            await prober.hears(lambda said: isinstance(said, Diagnose) and said.request != asked.request)
            await prober.die()
            rest, _ = await dying.communicate()
            assert b"went away" in rest
            assert dying.returncode == 1

    in_store(tmp_path, scene, hq=False)
