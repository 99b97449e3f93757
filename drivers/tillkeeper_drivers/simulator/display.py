"""A kitchen display: a WebSocket client that speaks docs/kitchen-display-protocol.md, with faults on command.

    async with VirtualDisplay("ws://127.0.0.1:8080/kds/kitchen") as display:
        cards = await display.wait_shown(1, 5)
        await display.bump(cards[-1].check_id)
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tillkeeper_drivers.simulator.board import Card, Cards
from tillkeeper_drivers.simulator.changes import Changes
from tillkeeper_drivers.simulator.control import take, take_seconds

_FRAME = 1 << 20
_OPEN_S = 5.0
_CLOSE_S = 1.0


class VirtualDisplay:
    """See the module.

    Args:
        url: the front door's WebSocket.
        headers: sent with each connection (a pairing token).
        directory: what was shown is kept there over restarts (`board.Cards`), durably before it is acknowledged.
        retry_s: the longest pause between two tries; each is drawn at random between half of it and all of it, starting
            from a tenth and doubling.
        seed: of the pauses.
    """

    def __init__(
        self, url: str, *, name: str = "display", headers: Mapping[str, str] | None = None,
        directory: Path | None = None, retry_s: float = 1.0, seed: int = 0,
    ) -> None:  # fmt: skip
        self.url, self.name = url, name
        self.cards = Cards(directory)
        self.changed = Changes()
        self.deaf = False
        """Shows tickets and acknowledges none."""
        self.slow_s = 0.0
        """Waits so long before it shows a ticket."""
        self.connected = False
        self.replaced = False
        """Another display took over: this one stays away, as the protocol asks."""
        self.duplicates = 0
        """Tickets dropped because their job id was shown already."""
        self.beats = 0
        self._headers = dict(headers or {})
        self._retry_s, self._rng = retry_s, Random(seed)  # noqa: S311 - repeatable, not secret
        last = self.cards.cards[-1] if self.cards.cards else None
        self._epoch = last.epoch if last else ""
        self._last_seq = last.seq if last else 0
        self._socket: ClientConnection | None = None
        self._unsent: list[dict[str, object]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self.power_on()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.power_off()

    def power_on(self) -> None:
        """Connect and keep connecting."""
        if self._task is None:
            self.replaced = False
            self._task = asyncio.create_task(self._run(), name=f"{self.name} display")

    async def power_off(self) -> None:
        """The screen goes dark; cards stay in the log."""
        task, self._task = self._task, None
        if self._socket is not None:
            await self._socket.close()
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # --- what a cook does, what a test looks at ---

    async def bump(self, check_id: str) -> None:
        """Done: the check leaves the screen. Told to the agent now, or when it is back."""
        await self._cook("bump", self.cards.bump(check_id, bumped=True))

    async def recall(self, check_id: str) -> None:
        await self._cook("recall", self.cards.bump(check_id, bumped=False))

    async def start(self, check_id: str) -> None:
        await self._cook("start", [card for card in self.cards.cards if card.check_id == check_id])

    async def wait_shown(self, count: int, deadline_s: float) -> list[Card]:
        """Wait until at least `count` cards were shown, bumped ones included. Raises `TimeoutError`."""
        await self.changed.wait_for(lambda: len(self.cards.cards) >= count, deadline_s)
        return list(self.cards.cards)

    async def wait_connected(self, deadline_s: float) -> None:
        """Wait until the agent has said welcome. Raises `TimeoutError`."""
        await self.changed.wait_for(lambda: self.connected, deadline_s)

    def as_text(self) -> str:
        return self.cards.as_text(agent_lost=not self.connected)

    def as_png(self) -> bytes:
        return self.cards.as_png(agent_lost=not self.connected)

    # --- the wire ---

    async def _run(self) -> None:
        pause = self._retry_s / 10
        while not self.replaced:
            try:
                async with connect(
                    self.url, additional_headers=self._headers,
                    max_size=_FRAME, open_timeout=_OPEN_S,
                    close_timeout=_CLOSE_S, proxy=None,
                ) as socket:  # fmt: skip
                    self._socket = socket
                    await self._serve(socket)
                    pause = self._retry_s / 10
            except (OSError, WebSocketException, TimeoutError):
                pause = min(self._retry_s, pause * 2)
            finally:
                self._socket, self.connected = None, False
                self.changed.notify()
            await asyncio.sleep(pause * self._rng.uniform(0.5, 1.0))

    async def _serve(self, socket: ClientConnection) -> None:
        await self._say({"type": "hello", "last_seq": self._last_seq, "epoch": self._epoch})
        beat_s: float | None = None
        while True:
            try:
                async with asyncio.timeout(3 * beat_s if beat_s else None):
                    frame = json.loads(await socket.recv())
            except TimeoutError:
                return  # silence for three beats: the agent is lost
            match frame.get("type"):
                case "welcome":
                    await self._welcome(frame)
                    beat_s = frame["beat_s"]
                case "ticket":
                    await self._ticket(frame)
                case "shared" if not frame["line_id"]:
                    self._shared(frame["kind"], frame["job_ids"])
                case "beat":
                    self.beats += 1
                case "bye":
                    self.replaced = frame.get("reason") == "replaced"
                    return
            self.changed.notify()

    async def _welcome(self, frame: dict[str, Any]) -> None:
        if frame["epoch"] != self._epoch:
            self._epoch, self._last_seq = frame["epoch"], 0
        self.connected = True
        while self._unsent:
            await self._say(self._unsent[0])
            self._unsent.pop(0)

    async def _ticket(self, frame: dict[str, Any]) -> None:
        deaf = self.deaf
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.cards.knows(frame["job_id"]):
            self.duplicates += 1
        else:
            card = Card(frame["seq"], self._epoch, frame["job_id"], frame["ticket"], list(frame.get("marks", ())))
            await asyncio.to_thread(self.cards.keep, card)
            self.cards.show(card)
        if not deaf:
            with contextlib.suppress(ConnectionClosed):  # its last word, which says why, is still to be read
                await self._say({"type": "ack", "seq": frame["seq"], "job_id": frame["job_id"]})
            self._last_seq = max(self._last_seq, frame["seq"])

    def _shared(self, kind: str, job_ids: list[str]) -> None:
        """Another display of the station did this."""
        if kind in ("bumped", "recalled"):
            for check_id in {card.check_id for card in self.cards.cards if card.job_id in job_ids}:
                self.cards.bump(check_id, bumped=kind == "bumped")

    async def _say(self, frame: Mapping[str, object]) -> None:
        if self._socket is not None:
            await self._socket.send(json.dumps(frame))

    async def _cook(self, kind: str, cards: list[Card]) -> None:
        self.changed.notify()
        for station in sorted({card.station for card in cards}):
            job_ids = [card.job_id for card in cards if card.station == station]
            frame: dict[str, object] = {"type": kind, "check_id": cards[0].check_id, "station": station, "job_ids": job_ids}
            if not self.connected:
                self._unsent.append(frame)
                continue
            try:
                await self._say(frame)
            except WebSocketException:
                self._unsent.append(frame)

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request of the control socket, see `control`."""
        deaf, slow_s = take(request, "deaf"), take_seconds(request, "slow_s")
        self.deaf = self.deaf if deaf is None else bool(deaf)
        self.slow_s = self.slow_s if slow_s is None else slow_s
        power = take(request, "power", {"on": 0, "off": 0})
        if power == "on":
            self.power_on()
        elif power == "off":
            await self.power_off()
        for kind, do in (("start", self.start), ("bump", self.bump), ("recall", self.recall)):
            check_id = take(request, kind)
            if check_id is not None:
                await do(str(check_id))
        return {"state": self._state()} if take(request, "state") else {}

    def _state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "url": self.url,
            "connected": self.connected,
            "shown": len(self.cards.cards),
            "on_screen": [card.job_id for card in self.cards.on_screen()],
            "duplicates": self.duplicates,
            "beats": self.beats,
            "deaf": self.deaf,
            "slow_s": self.slow_s,
        }
