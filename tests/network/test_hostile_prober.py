"""A prober that lies, or passes on what strangers said: nothing of it steers a terminal or turns a line, and all is short."""

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import msgspec
from tests.network.test_desk import World, at_desk
from tests.support.prober import COLUMNS, StandIn, report, verdict

from tillkeeper.api.ports import NetworkHistoryQuery
from tillkeeper.network.model import Mark, PeerState, Report, Sign, TargetState
from tillkeeper.network.present import MAX_SENTENCES, MAX_TEXT
from tillkeeper.network.wire import DiagnoseEnded, DiagnoseStep, Hello, Reported

STEERING = "\x1b]0;pwned\x07\x1b[2J\u202egnp\x9b31m\x00\r\n"
MOST_BYTES = 64 * 1024


def texts(value: Any) -> list[str]:
    """All of them, however deep, names included."""
    if isinstance(value, dict):
        return [*value, *(text for one in value.values() for text in texts(one))]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def assert_harmless(shown: object) -> None:
    raw = msgspec.json.encode(shown)
    assert len(raw) < MOST_BYTES
    odd = [text[:40] for text in texts(json.loads(raw)) if not text.isprintable()]
    assert not odd
    assert max(map(len, texts(json.loads(raw)))) <= MAX_TEXT


def lies() -> Report:
    """Everything that is a text steers."""
    signs = tuple(
        Sign(kind=kind, since_s=1.0, subject=STEERING, layer=STEERING, amount=1e300, detail=STEERING * 20)
        for kind in ("captive_redirect", "duplicate_address", "device_silent", "hq_refuses", "gateway_two_macs", "loss")
    )  # fmt: skip
    marks = (Mark(faults=("switch_power", STEERING), began_age_s=3.0, ended_age_s=1.0, carrier_lost=True),)
    peers = tuple(
        PeerState(
            register=f"{STEERING}{number}", session=1, sequence=1, address=STEERING, columns={}, phase="confirmed",
            faults=(STEERING, "cable"), marks=marks,
        )
        for number in range(3)
    )  # fmt: skip
    target = TargetState(
        name=STEERING, role="hq", address=STEERING, way="tls", works="yes", sent=1, answered=1, late=0, rtt_ms=1.0, mac=STEERING
    )
    said = report(
        verdict("confirmed", "cable", "captive_portal", also=(f"device_silent:{STEERING}", f"peer_silent:{STEERING}"))
    )
    columns = {name: msgspec.structs.replace(column, detail=STEERING) for name, column in COLUMNS.items()}
    evidence = msgspec.structs.replace(said.evidence, interface=STEERING, signs=signs, peers=peers, columns=columns)
    return msgspec.structs.replace(said, evidence=evidence, targets=(target,) * 100)


def test_whatever_a_prober_says_is_shown_short_and_plain(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.say(Hello(version=STEERING * 9, pid=-1, interface=STEERING * 9, raw=False, trouble=STEERING * 2_000))
            for _ in range(3):
                await prober.say(Reported(report=lies()))
                await prober.says("fine")
            await prober.say(Reported(report=lies()))
            await world.until(lambda: world.phase == "confirmed" and len(world.peers) == 3)
            view = world.desk.view()
            assert len(view.evidence) <= MAX_SENTENCES
            assert_harmless(view)
            assert_harmless(world.desk.brief())
            facts = world.desk.facts()
            assert facts.prober_trouble
            for text in (facts.prober_trouble, *(word for one in facts.also for word in (one.code, one.text, one.hint))):
                assert text.isprintable()
                assert len(text) <= MAX_TEXT
            assert_harmless(world.desk.history(NetworkHistoryQuery(limit=100)))
            assert [peer.faults for peer in view.peers] == [("cable",)] * 3

    at_desk(tmp_path, scene)


def test_whatever_a_diagnosis_finds_is_kept_short_and_plain(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid)
            begun, _ = world.desk.diagnose("k", True, "ana")
            asked = await prober.asked()
            found: dict[str, Any] = {"many": [STEERING * 30] * 90, STEERING: [STEERING], "rest": ""}
            step = DiagnoseStep(request=asked.request, check="dhcp", state="done", words=STEERING * 900, result={})
            await prober.say(msgspec.structs.replace(step, result={STEERING: STEERING * 900, "n": 7, "yes": True}))
            await prober.say(msgspec.structs.replace(step, check="link", result=found))
            await prober.say(DiagnoseEnded(request=asked.request, took_s=1.0, trouble=STEERING * 99, pcap=STEERING))
            await world.until(lambda: world.desk.diagnosis(begun.diagnosis_id).state == "failed")
            seen = world.desk.diagnosis(begun.diagnosis_id)
            assert [one.check for one in seen.steps] == ["dhcp", "link"]
            assert (seen.steps[0].result["n"], seen.steps[0].result["yes"]) == (7, True)
            odd = [
                text for text in texts(json.loads(msgspec.json.encode(seen))) if not text.isprintable() or len(text) > MAX_TEXT
            ]
            assert not odd
            assert all(len(value) <= 64 for value in seen.steps[1].result.values() if isinstance(value, list))

    at_desk(tmp_path, scene)


def test_a_storm_of_connections_gets_a_few_of_them_at_a_time(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        async with StandIn(world.socket) as prober:
            await prober.hello()
            await world.until(lambda: world.prober.pid)
            with contextlib.ExitStack() as stack:
                taken = 0
                for _ in range(200):  # while the loop does something else: so many wait for its next turn
                    sock = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
                    taken += sock.connect_ex(str(world.socket)) == 0
                assert 0 < taken <= 16
                await prober.says("confirmed", "cable")
                await world.until(lambda: world.phase == "confirmed")

    at_desk(tmp_path, scene)
