"""`simulate display --protocol ...`: displays of other makers from the command line alone."""

import asyncio
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.kds_tickets import BURGER, deliver, ticket

from tillkeeper.cli import main
from tillkeeper_drivers.kds.epson import epson_display
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.fresh import fresh_display
from tillkeeper_drivers.kds.logic_controls import logic_controls_display
from tillkeeper_drivers.transport.tcp import TcpTransport


def driver(protocol: str, port: int) -> ForeignDisplay:
    if protocol == "epson":
        return epson_display("wall", "127.0.0.1", port, lambda _event: None)
    transport = TcpTransport("127.0.0.1", port)
    if protocol == "fresh":
        return fresh_display("wall", transport, lambda _event: None)
    return logic_controls_display("wall", transport, lambda _event: None)


@contextmanager
def simulated(protocol: str, out: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    arguments = ["simulate", "display", "wall", "--protocol", protocol, "--out", str(out), *more]
    command = [sys.executable, "-m", "tillkeeper", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as display:
        assert display.stdout is not None
        try:
            yield display, display.stdout.readline()
        finally:
            display.terminate()
            assert display.wait(10) == 0


def ask(port: int, **request: Any) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", port), 10) as there, there.makefile() as answer:
        there.sendall(json.dumps(request).encode() + b"\n")
        found: dict[str, Any] = json.loads(answer.readline())
        return found


@pytest.mark.parametrize("protocol", ["epson", "fresh", "logic-controls"])
def test_a_ticket_is_shown_kept_and_bumped(tmp_path: Path, protocol: str) -> None:
    async def show(port: int) -> None:
        device = driver(protocol, port)
        await deliver(device, ticket("j1", BURGER))
        await device.close()

    with simulated(protocol, tmp_path, "--port", "0") as (display, first):
        found = re.search(r"at \S+:(\d+); faults on command at \S+:(\d+)", first)
        assert found, first
        port, control = map(int, found.groups())
        asyncio.run(show(port))
        lines: list[str] = []
        assert display.stdout is not None
        while not any("2 Burger" in line for line in lines):
            lines.append(display.stdout.readline())
        (name,) = ask(control, state=True)["state"]["on_screen"]
        assert ask(control, bump=name) == {"ok": True}
        assert ask(control, state=True)["state"]["on_screen"] == []
        assert not ask(control, fault="nothing of that kind")["ok"]
    assert (tmp_path / "board.png").read_bytes().startswith(b"\x89PNG")


def test_wrong_arguments_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = str(tmp_path / "gone")
    assert main(["simulate", "display", "wall", "--protocol", "logic-controls", "--folder", gone]) == 2
    assert main(["simulate", "display", "wall", "--protocol", "fresh", "--beacon", "everywhere"]) == 2
    assert main(["simulate", "display", "wall"]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in (gone, "--beacon", "--url"))
