"""Replay a file of orders through the API: at N times their speed, or as fast as the agent takes them.

Each order has the key `<prefix><order>`, so an order that was accepted is never rung twice: not when the agent was away and
it is asked again, not when the replay itself is started again after a crash.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tillkeeper.cli import exits
from tillkeeper.cli.orders import PlannedOrder

if TYPE_CHECKING:
    import httpx

AT_ONCE = 16
"""Orders under way at a time; a later one waits, however fast the replay is."""
MAX_REASONS = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 1.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`speed` 0: as fast as possible. `pay`: tender for orders that bring none, or empty. `patience_s`: how long one order is
    repeated while nobody takes it."""

    speed: float = 0.0
    key_prefix: str = "day-"
    pay: str = ""
    patience_s: float = 60.0


class Accepted(msgspec.Struct, frozen=True):
    """A line of the `--out` file. `ms`: from the last request to its answer. `replayed`: the agent had it already."""

    order: str
    key: str
    check_id: str
    ticket_code: str
    gross_minor: int
    subtotal_minor: int
    ms: float
    replayed: bool


class Summary(msgspec.Struct, frozen=True):
    """`before`: orders that the `--out` file held already; `repeated`: accepted, and the agent knew the key. `differs`:
    orders that rang to another sum than the file expects. Latencies in ms over `accepted`, None where there are none."""

    orders: int
    accepted: int
    before: int
    repeated: int
    refused: int
    unanswered: int
    retries: int
    total_minor: int
    differs: tuple[str, ...]
    reasons: tuple[str, ...]
    p50_ms: float | None
    p99_ms: float | None
    seconds: float


class Ledger:
    """The `--out` file: one JSON line per accepted order, fsynced before the next step. Keeps what an earlier run wrote."""

    def __init__(self, path: Path | None) -> None:
        self.done: dict[str, Accepted] = {}
        self._file = None
        self._turn = asyncio.Lock()
        if path is not None:
            whole = self._read(path) if path.exists() else 0
            self._file = path.open("ab")
            self._file.truncate(whole)  # the last line of a run that was killed may be torn

    def _read(self, path: Path) -> int:
        decoder = msgspec.json.Decoder(Accepted)
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                order = decoder.decode(line)
            except msgspec.DecodeError as error:
                raise exits.UsageError(f"{path}: this is no file of accepted orders ({error})") from error
            self.done[order.key] = order
            whole += len(line)
        return whole

    async def add(self, order: Accepted) -> None:
        if self._file is not None:
            async with self._turn:
                await asyncio.to_thread(self._write, msgspec.json.encode(order) + b"\n")

    def _write(self, line: bytes) -> None:
        assert self._file is not None  # noqa: S101 - narrowing: `add` has looked
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Replay:
    """One run. `progress(done, of)` is called after each order."""

    def __init__(
        self, client: "httpx.AsyncClient", options: Options, ledger: Ledger, progress: Callable[[int, int], None]
    ) -> None:
        import httpx

        self._client, self._options, self._ledger, self._progress = client, options, ledger, progress
        self._lost: type[Exception] = httpx.TransportError
        self.accepted: list[Accepted] = []
        self._reasons: list[str] = []
        self._differs: list[str] = []
        self._refused = self._unanswered = self._retries = 0

    async def run(self, orders: Sequence[PlannedOrder]) -> Summary:
        """Replay `orders` in the order of their times; returns when each was accepted, refused or given up."""
        began = time.monotonic()
        todo = sorted((o for o in orders if self._key(o) not in self._ledger.done), key=lambda order: order.at_s)
        waiting: asyncio.Queue[PlannedOrder | None] = asyncio.Queue(maxsize=AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for at in range(AT_ONCE):
                tasks.create_task(self._work(waiting, len(todo)), name=f"replay {at}")
            first = todo[0].at_s if todo else 0.0
            for order in todo:
                if self._options.speed:
                    due = began + (order.at_s - first) / self._options.speed
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                await waiting.put(order)
            for _ in range(AT_ONCE):
                await waiting.put(None)
        return self._summary(orders, len(orders) - len(todo), time.monotonic() - began)

    def _key(self, order: PlannedOrder) -> str:
        return self._options.key_prefix + order.order

    async def _work(self, waiting: asyncio.Queue[PlannedOrder | None], of: int) -> None:
        while (order := await waiting.get()) is not None:
            await self._place(order)
            self._progress(len(self.accepted) + self._refused + self._unanswered, of)

    async def _place(self, order: PlannedOrder) -> None:
        body = order.body()
        if self._options.pay and not order.place.tenders:
            body["tenders"] = [{"tender": self._options.pay}]
        key = self._key(order)
        response, ms = await self._ask(body, key)
        if response is None:
            self._unanswered += 1
            self._note(f"{order.order}: no answer within {self._options.patience_s:g} s")
            return
        if not response.is_success:
            self._refused += 1
            self._note(f"{order.order}: {_reason(response)}")
            return
        answer: dict[str, Any] = response.json()
        totals = answer.get("totals") or {}
        accepted = Accepted(
            order=order.order,
            key=key,
            check_id=str(answer.get("check_id", "")),
            ticket_code=str(answer.get("ticket_code", "")),
            gross_minor=int(totals.get("gross_minor", 0)),
            subtotal_minor=int(totals.get("subtotal_minor", 0)),
            ms=round(ms, 3),
            replayed=response.headers.get("idempotent-replayed") == "true",
        )
        await self._ledger.add(accepted)
        self.accepted.append(accepted)
        if order.subtotal_minor is not None and accepted.subtotal_minor != order.subtotal_minor:
            self._differs.append(f"{order.order}: rang {accepted.subtotal_minor}, expected {order.subtotal_minor}")

    async def _ask(self, body: dict[str, Any], key: str) -> "tuple[httpx.Response | None, float]":
        """The agent's answer; repeated with the same key while it is away, overloaded or without disk space."""
        give_up = time.monotonic() + self._options.patience_s
        pause = _FIRST_PAUSE_S
        response = None
        while True:
            began = time.monotonic()
            try:
                response = await self._client.post("/v1/orders", json=body, headers={"idempotency-key": key})
            except self._lost:
                response = None
            if response is not None and response.status_code not in (503, 507):
                return response, (time.monotonic() - began) * 1000
            if time.monotonic() + pause > give_up:
                return response, 0.0
            self._retries += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _note(self, reason: str) -> None:
        if len(self._reasons) < MAX_REASONS:
            self._reasons.append(reason)

    def _summary(self, orders: Sequence[PlannedOrder], before: int, seconds: float) -> Summary:
        keys = {self._key(order) for order in orders}
        earlier = [done for key, done in self._ledger.done.items() if key in keys]
        times = sorted(order.ms for order in self.accepted)
        return Summary(
            orders=len(orders),
            accepted=len(self.accepted),
            before=before,
            repeated=sum(order.replayed for order in self.accepted),
            refused=self._refused,
            unanswered=self._unanswered,
            retries=self._retries,
            total_minor=sum(order.gross_minor for order in [*self.accepted, *earlier]),
            differs=tuple(self._differs[:MAX_REASONS]),
            reasons=tuple(self._reasons),
            p50_ms=percentile(times, 50),
            p99_ms=percentile(times, 99),
            seconds=round(seconds, 3),
        )


def percentile(ascending: Sequence[float], percent: int) -> float | None:
    """The smallest value that is not below `percent` of all (nearest rank)."""
    return ascending[max(0, -(-len(ascending) * percent // 100) - 1)] if ascending else None


def _reason(response: "httpx.Response") -> str:
    try:
        problem = response.json()
    except ValueError:
        return f"HTTP status {response.status_code}"
    if not isinstance(problem, dict):
        return f"HTTP status {response.status_code}"
    return f"{problem.get('subject', '')}: {problem.get('cause') or problem.get('detail') or response.status_code}"
