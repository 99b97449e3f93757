"""`tillkeeper devices discover` and `watch`."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper.cli import finding, main
from tillkeeper.contract import views
from tillkeeper.contract.devices import FoundList, FoundView, MovedView

HEEDS_CTRL_C = ("env", "--default-signal=INT")
"""Whoever started the tests in the background of a shell lets them, and all that they start, ignore it."""

Capture = pytest.CaptureFixture[str]

EPSON = FoundView(
    identity="mac:00:26:ab:01:02:03",
    bus="network",
    address="192.168.1.40:9100",
    title="EPSON\x1b TM-m30",
    mac="00:26:ab:01:02:03",
    profile="tm-m30",
    devices=("grill",),
)
THIEF = FoundView(
    identity="usb:serial=J8XY",
    bus="usb",
    address="usb:serial=J8XY",
    title="USB printer Epson TM-T88VI",
    port="1-1.4",
    trouble="held_by",
    detail="taken away from the kernel: open in usb (pid 7)",
    hint="remove the printer's queue from CUPS, then plug the printer in again",
)
FOUND = FoundList(
    found=(EPSON, THIEF),
    moved=(MovedView(device="grill", configured="192.168.1.39", now="192.168.1.40", at_ms=1),),
    searched_age_s=0.0,
)
GRILL = views.DeviceView(device="grill", kind="escpos", known=True)


def test_discover_lists_all_and_says_what_to_do(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["POST /v1/devices/search"] = msgspec.to_builtins(FOUND)
        assert main(["devices", "discover", "--socket", str(agent.socket)]) == 0
        text = capsys.readouterr().out
        for words in ("192.168.1.40:9100", "00:26:ab:01:02:03", "tm-m30", "grill", "1-1.4", "queue from CUPS", "192.168.1.39"):
            assert words in text
        assert "\x1b" not in text
        assert main(["devices", "discover", "--json", "--socket", str(agent.socket)]) == 0
        assert json.loads(capsys.readouterr().out) == json.loads(msgspec.json.encode(FOUND))


def test_watch_says_each_change_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    command = [*HEEDS_CTRL_C, sys.executable, "-m", "tillkeeper", "devices", "watch", "--json", "--socket", str(tmp_path / "s")]
    deadline = threading.Timer(60.0, lambda: process.kill())
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:

        def there(device: views.DeviceView, *found: FoundView) -> None:
            agent.answers["GET /v1/devices/found"] = msgspec.to_builtins(FoundList(found=found))
            agent.answers["GET /v1/devices"] = msgspec.to_builtins(views.DeviceList(devices=(device,)))

        def until(*wanted: tuple[str, str]) -> None:
            """In whatever order: two answers that change are asked for one after the other."""
            assert process.stdout is not None
            left = set(wanted)
            for line in process.stdout:
                said = json.loads(line)
                left -= {(what, words) for what, words in left if what in said["what"] and words in said["words"]}
                if not left:
                    return
            raise AssertionError(f"it ended without {left}")

        there(GRILL, THIEF)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        deadline.start()
        try:
            until(("device grill", "no trouble known"), ("usb:serial=J8XY", "taken away"))
            there(msgspec.structs.replace(GRILL, trouble="the paper is out", queued=2), EPSON)
            until(("device grill", "the paper is out, 2 waiting"), ("192.168.1.40:9100", "there"), ("usb:serial=J8XY", "gone"))
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


def test_watching_what_is_not_there_is_exit_code_3(tmp_path: Path, capsys: Capture) -> None:
    assert main(["devices", "watch", "--socket", str(tmp_path / "nobody")]) == 3
    assert "nobody" in capsys.readouterr().err


def test_what_did_not_change_is_not_said_again() -> None:
    now = finding.seen(
        {"devices": [msgspec.to_builtins(msgspec.structs.replace(GRILL, drawer_open="yes", paper_near_end="yes"))]},
        msgspec.to_builtins(FOUND),
    )
    assert now["device grill"] == "no trouble known, paper near its end, drawer open"
    assert now["address of grill"] == "192.168.1.40, configured 192.168.1.39"
    assert finding.changes(now, dict(now)) == []
    assert len(finding.changes(None, now)) == 4
