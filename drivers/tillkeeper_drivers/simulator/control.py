"""Hands on a running simulator, from outside: one JSON object a line over TCP on loopback or a Unix socket.

Every request is answered by one line: `{"ok": true, ...}` or `{"ok": false, "error": "..."}`. With several devices behind
one socket a request names its own, `{"device": "grill", ...}`; with one it may leave that out. `{"devices": true}` lists them.

To a printer (several keys in one request are done in this order):

    {"power": "off"} {"power": "on"}
    {"cover": "open"} {"cover": "closed"}
    {"paper": 200}            lines left on the roll; 0 is out; {"paper": "near_end"} and {"paper": "full"} too
    {"tear": true}            what hangs out is torn off, and is a slip
    {"cutter": "jam"} {"cutter": "clear"}
    {"head": "hot"} {"head": "cool"}   too hot to print: it goes on by itself once it is cool
    {"drawer": "open"} {"drawer": "closed"} {"drawer": "stuck"} {"drawer": "free"}
    {"lie": true}             its status says that all is well, whatever is true
    {"faults": {"silent": true, "power_loss_after_lines": 5}}   any field of `faults.Faults`, the others keep their value
    {"fault": "paper_out"}    one at once: paper_out, cover_open, power_loss, cutter_jam, unrecoverable, rst,
                              silent, mute, garbage, truncate, echo, babble, wrong_id, close_each_byte, slow_drain, lie;
                              {"fault": "none"} ends them all
    {"fault": "power_loss", "after_lines": 3}   later: paper_out, cover_open and power_loss; "random": a seeded 1 to 10
    {"state": true}           adds its state to the answer

To a display: {"deaf": true} {"slow_s": 0.5} {"power": "off"|"on"} {"bump": "<check id>"} {"recall": "<check id>"}
{"start": "<check id>"} {"state": true}
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from tillkeeper_drivers.connections import connections

_LINE = 16_384
_CONNECTIONS = 8


class BadRequest(ValueError):
    """A control request that can not be done; its text says why."""


class Controlled(Protocol):
    """A virtual device that takes control requests."""

    @property
    def name(self) -> str: ...

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what `request` says; returns what goes into the answer. Raises `BadRequest`."""
        ...


def take(request: dict[str, Any], key: str, choices: Mapping[str, object] | None = None) -> Any:
    """Take `key` out of `request`: its value, or None where it is absent. Raises `BadRequest` on a value not in `choices`."""
    value = request.pop(key, None)
    if value is not None and choices is not None and value not in choices:
        raise BadRequest(f"{key}: {value!r} is none of {', '.join(choices)}")
    return value


def take_seconds(request: dict[str, Any], key: str) -> float | None:
    """As `take`. Raises `BadRequest` on what is no length of time."""
    value = take(request, key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        raise BadRequest(f"{key}: seconds")
    return None if value is None else float(value)


@contextlib.asynccontextmanager
async def control(
    devices: Mapping[str, Controlled], *, host: str = "127.0.0.1", port: int = 0, path: Path | None = None
) -> AsyncIterator[str]:
    """Serve control requests for `devices`, at `path` (Unix socket, mode 600) or on a TCP port.

    Yields:
        Where: the path, or "host:port". Raises `OSError` where it can not listen.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(devices, reader, writer)

    at = (host, port) if path is None else _listen(path)
    async with connections(serve, at, name="simulator control", line=_LINE, most=_CONNECTIONS) as server:
        yield f"{host}:{server.sockets[0].getsockname()[1]}" if path is None else str(path)


def _listen(path: Path) -> socket.socket:
    """A Unix socket for its owner alone; one left behind by a simulator that was killed is replaced."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening


async def _serve(devices: Mapping[str, Controlled], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            answer = await answer_line(devices, line)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
    except ValueError:
        writer.write(b'{"ok": false, "error": "line too long"}\n')
    except ConnectionError:
        return
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answer_line(devices: Mapping[str, Controlled], line: bytes) -> dict[str, Any]:
    """Do one request."""
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise BadRequest("a request is a JSON object")
        if request.pop("devices", False):
            return {"ok": True, "devices": list(devices)}
        result = await _device(devices, request.pop("device", None)).command(request)
        if request:
            raise BadRequest(f"unknown: {', '.join(request)}")
    except (BadRequest, json.JSONDecodeError, UnicodeDecodeError) as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, **result}


def _device(devices: Mapping[str, Controlled], name: object) -> Controlled:
    if name is None and len(devices) == 1:
        return next(iter(devices.values()))
    if isinstance(name, str) and name in devices:
        return devices[name]
    raise BadRequest(f"name a device: {', '.join(devices)}")
