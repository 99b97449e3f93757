"""WebSockets: live changes for pages, and the front door of kitchen displays."""

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from tillkeeper.api.auth import DEVICE_KEY, PairedDevice, chosen_subprotocol
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.ports import ChecksQuery, JobsQuery, LiveFeed, Overrun, Till
from tillkeeper.api.problems import RequestRefused, answer_problem
from tillkeeper.api.rate import Rates
from tillkeeper.api.scopes import require_scope
from tillkeeper.api.ways import scope_of
from tillkeeper.contract.caller import Scope
from tillkeeper.contract.cash import DrawerList
from tillkeeper.contract.live import LiveSnapshot
from tillkeeper.errors import NotFound, Overloaded, TillkeeperError

TOO_SLOW = 4008
"""Close code (RFC 6455, 7.4.2: 4000-4999 are private): connect again and start from the snapshot."""
TEXT_ONLY = 1003
SNAPSHOT_ROWS = 500
_NO_MONEY = frozenset({"status", "device", "availability", "found"})


class Sockets:
    """The two WebSocket endpoints, with their bounds."""

    def __init__(self, till: Till, limits: ApiLimits) -> None:
        self._till = till
        self._limits = limits
        self._displays = 0

    async def live(self, socket: WebSocket) -> None:
        """A snapshot, then changes. Subscribed before the snapshot is read, so that nothing falls between the two."""
        try:
            require_scope(socket.scope, "live")
            shown = _shown(scope_of(socket.scope))
            with self._till.subscribe() as feed:
                first = await self._snapshot(shown)
                await socket.accept(chosen_subprotocol(socket.scope))
                await self._run_live(socket, feed if shown is None else _Part(feed, shown), first)
        except TillkeeperError as error:
            await _deny(socket, error)

    async def _snapshot(self, shown: frozenset[str] | None) -> str:
        money, jobs = shown is None, shown is None or "job" in shown
        snapshot = LiveSnapshot(
            status=await self._till.status(),
            checks=(await self._till.checks(ChecksQuery(state="open", limit=SNAPSHOT_ROWS))).checks if money else (),
            jobs=await self._till.jobs(JobsQuery(state="unsettled", limit=SNAPSHOT_ROWS)) if jobs else (),
            availability=await self._till.availability(),
            drawers=self._till.drawers.drawers() if money else DrawerList(drawers=()),
        )
        return msgspec.json.encode(snapshot).decode()

    async def _run_live(self, socket: WebSocket, feed: LiveFeed, first: str) -> None:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write_live(socket, feed, first), name="api.live.writer")
            async for _said in _frames(socket, self._limits):  # for the sake of pongs and the close; it means nothing
                pass
            writer.cancel()

    async def _write_live(self, socket: WebSocket, feed: LiveFeed, first: str) -> None:
        try:
            await _send(socket, first, self._limits.stall_s)
            async for frame in feed:
                await _send(socket, frame, self._limits.stall_s)
        except Overrun:
            await _close(socket, TOO_SLOW, "too slow: connect again")
        except ConnectionError:
            return  # the reader sees the same and ends the session

    async def kitchen(self, socket: WebSocket) -> None:
        """Hand the connection to the display's driver until either side is done."""
        try:
            require_scope(socket.scope, "kitchen")
            _require_display(socket)
            door = self._till.kitchen(socket.path_params["device"])
            if self._displays >= self._limits.displays:
                raise Overloaded("attach", "display", f"{self._displays} displays are connected", "close one and try again")
        except TillkeeperError as error:
            await _deny(socket, error)
            return
        self._displays += 1
        try:
            await socket.accept(chosen_subprotocol(socket.scope))
            await door.attach(_DisplaySocket(socket, self._limits))
            await _close(socket, 1000, "")
        except WebSocketDisconnect:
            return
        finally:
            self._displays -= 1

    async def unknown(self, socket: WebSocket) -> None:
        """Any other path: refused like an unknown route."""
        await _deny(socket, NotFound("connect", socket.scope["path"], "there is no such WebSocket", "see /openapi.json"))


def _shown(scope: Scope) -> frozenset[str] | None:
    """The tags of the messages that a caller of this scope gets, None for all: no money for those who have none to handle."""
    return {"kitchen": _NO_MONEY, "technician": _NO_MONEY | {"job"}}.get(scope)


class _Part:
    """A feed without what is not shown. Frames begin with their tag, as `LiveMessage` is encoded."""

    def __init__(self, feed: LiveFeed, shown: frozenset[str]) -> None:
        self._feed = feed
        self._begins = tuple(f'{{"type":"{tag}"' for tag in sorted(shown))

    async def __aiter__(self) -> AsyncIterator[str]:
        async for frame in self._feed:
            if frame.startswith(self._begins):
                yield frame


def _require_display(socket: WebSocket) -> None:
    """A kitchen device that was paired for one display is no other one."""
    device: PairedDevice | None = socket.scope.get(DEVICE_KEY)
    wanted = socket.path_params["device"]
    if device is not None and device.terminal not in ("", wanted):
        cause, hint = f"this device is paired for display {device.terminal}", "pair it anew, without --terminal"
        raise RequestRefused(
            "scope_refused", 403, "attach", f"display {wanted[:64]}", cause, hint, scope=device.scope, scopes=[]
        )


class _DisplaySocket:
    """`tillkeeper_drivers.api.DisplaySocket` over a WebSocket. `send` raises `ConnectionError` where the display is gone or
    takes nothing; iteration ends where it went. Text frames only: a binary one ends the connection."""

    def __init__(self, socket: WebSocket, limits: ApiLimits) -> None:
        self._socket, self._limits = socket, limits

    async def send(self, text: str) -> None:
        await _send(self._socket, text, self._limits.stall_s)

    async def __aiter__(self) -> AsyncIterator[str]:
        async for text in _frames(self._socket, self._limits):
            if text is None:
                await _close(self._socket, TEXT_ONLY, "text frames only")
                return
            yield text


async def _frames(socket: WebSocket, limits: ApiLimits) -> AsyncIterator[str | None]:
    """What the client says until it goes, None for what is no text; read no faster than one may say it."""
    rates = Rates(limits.frames_per_s, limits.frames_burst)
    while socket.client_state is WebSocketState.CONNECTED:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if wait_s := rates.wait_s("", time.monotonic()):
            await asyncio.sleep(wait_s)
        rates.take("", time.monotonic())
        yield message.get("text")


async def _send(socket: WebSocket, text: str, stall_s: float) -> None:
    try:
        async with asyncio.timeout(stall_s):
            await socket.send_text(text)
    except TimeoutError as error:
        raise ConnectionAbortedError("the client takes nothing") from error
    except (WebSocketDisconnect, RuntimeError) as error:  # Starlette's two ways to say that it is closed
        raise ConnectionResetError("the client is gone") from error


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.client_state is WebSocketState.CONNECTED and socket.application_state is WebSocketState.CONNECTED:
        try:
            await socket.close(code, reason)
        except WebSocketDisconnect:
            return


async def _deny(socket: WebSocket, error: TillkeeperError) -> None:
    await answer_problem(error, socket.scope, socket.receive, socket.send)
