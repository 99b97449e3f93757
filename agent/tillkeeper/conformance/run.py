"""A run: every check once, each on logs of its own, within bounded time."""

import asyncio
import uuid
from collections.abc import Sequence

import msgspec

from tillkeeper.conformance import (
    checks_events,
    checks_heads,
    checks_http,
    checks_log,
    checks_numbers,
    checks_online,
    checks_witness,
)
from tillkeeper.conformance.checking import Bench, Check
from tillkeeper.conformance.model import Broken, NoHq, Report, Result, Skipped, TokenRefused
from tillkeeper.conformance.wire import Wire

CHECKS: tuple[Check, ...] = tuple(
    check
    for room in (checks_log, checks_events, checks_numbers, checks_http, checks_heads, checks_online, checks_witness)
    for check in room.check.all
)
PREFIX = "conformance-"
CHECK_TIMEOUTS = 5
"""A check may take so many times the wait for one answer."""


async def examine(
    url: str, token: str, store: str, register: str, *, reader_token: str = "", authority: bytes | None = None,
    timeout_s: float = 10.0, deadline_s: float = 180.0, checks: Sequence[Check] = CHECKS,
) -> Report:  # fmt: skip
    """`timeout_s`: for one exchange; `deadline_s`: for all. `authority`: the seed of the store's authority, for relays.

    Raises:
        NoHq: nothing answers at `url`, or something else than HQ.
        TokenRefused: HQ does not take `token` for this store and register.
    """
    logs = PREFIX + uuid.uuid4().hex[:16]
    wire = Wire(url, token, reader_token, timeout_s)
    bench = Bench(wire, store, register, logs, authority)
    until_s = asyncio.get_running_loop().time() + deadline_s
    try:
        await _begin(bench)
        results = [await _examine(bench, check, until_s) for check in checks]
    finally:
        await wire.aclose()
    return Report(url=url, store=store, register=register, logs=logs, results=tuple(results))


async def _begin(bench: Bench) -> None:
    """Whether a run makes sense here at all: one beat of a log that does not exist."""
    batch = bench.log().batch()
    answer = await bench.wire.attempt(batch)
    if answer.status in (401, 403):
        raise TokenRefused(f"HTTP {answer.status}: {_said(answer.body)}")
    try:
        bench.wire.read(answer, batch)
    except Broken as error:
        raise NoHq(str(error)) from error


def _said(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "no details"
    return str(problem.get("detail") or problem.get("title") or "no details")[:300]


async def _examine(bench: Bench, check: Check, until_s: float) -> Result:
    loop = asyncio.get_running_loop()
    left_s = until_s - loop.time()
    bench.wire.exchanges.clear()
    made = Result(check=check.name, clause=check.clause.name, verdict="passed", sentence=check.clause.sentence)
    if left_s <= 0:
        return msgspec.structs.replace(made, verdict="not_run", reason="the time for the whole run was up")
    try:
        async with asyncio.timeout(min(left_s, CHECK_TIMEOUTS * bench.wire.timeout_s)):
            await check.body(bench)
    except Broken as error:
        return msgspec.structs.replace(made, verdict="failed", reason=str(error), exchanges=tuple(bench.wire.exchanges))
    except Skipped as error:
        return msgspec.structs.replace(made, verdict="skipped", reason=str(error))
    except TimeoutError:
        if loop.time() >= until_s:
            return msgspec.structs.replace(made, verdict="not_run", reason="the time for the whole run was up")
        reason = f"not done within {CHECK_TIMEOUTS * bench.wire.timeout_s:g} s"
        return msgspec.structs.replace(made, verdict="failed", reason=reason, exchanges=tuple(bench.wire.exchanges))
    return made
