"""What is not an event's: the beat, the answer's form, sizes, credentials, bodies that are none, slow and parallel senders."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, held, refused, same, stored
from tillkeeper.conformance.logs import Log
from tillkeeper.conformance.model import Broken
from tillkeeper.conformance.wire import Answer, describe

check = Checks()
DAY_MS = 86_400_000
PROBLEM_TYPE = "urn:tillkeeper:hq:problem:"
WHOLE_BATCH, WHOLE_BYTES = 500, 512 * 1024
"""What a register sends at most: every HQ must take it."""
TOO_MANY = 2_001
TOO_LARGE = 8 * 1024 * 1024 + 1
NOT_TAKEN = (400, 413, 422)
NOT_ALLOWED = (401, 403)


@check("beat", clauses.BEAT)
async def beat(bench: Bench) -> None:
    log = bench.notes(2)
    await bench.wire.send(log.batch())
    answer = await bench.wire.send(log.of())
    same((answer.verdicts, answer.numbers), ((), ()), "verdicts and numbers of a beat")


@check("hq-time", clauses.TIME)
async def hq_time(bench: Bench) -> None:
    """Within a day of this machine's clock, and it does not go back."""
    first = (await bench.wire.send(bench.log().batch())).hq_time_ms
    second = (await bench.wire.send(bench.notes(1).batch())).hq_time_ms
    now_ms = time.time_ns() // 1_000_000
    if abs(first - now_ms) > DAY_MS or second < first:
        raise Broken(f"hq_time_ms is {first}, then {second}; here it is {now_ms}")


@check("whole-batch", clauses.SIZES)
async def whole_batch(bench: Bench) -> None:
    log = bench.log()
    each = WHOLE_BYTES // WHOLE_BATCH - len(msgspec.json.encode(bench.notes(1).events[0])) - 8
    for _ in range(WHOLE_BATCH):
        log.note("x" * each)
    stored(await bench.wire.send(log.batch()))


@check("too-many-events", clauses.TOO_LARGE)
async def too_many(bench: Bench) -> None:
    """Taken, or refused in a way that makes a register send fewer."""
    log = bench.notes(TOO_MANY)
    await _taken_or_refused(bench, log, await bench.wire.attempt(log.batch()))


@check("too-many-bytes", clauses.TOO_LARGE)
async def too_large(bench: Bench) -> None:
    log = bench.log()
    for _ in range(2):
        log.note("x" * (TOO_LARGE // 2))
    await _taken_or_refused(bench, log, await bench.wire.attempt(log.batch()))


@check("too-many-bytes-packed", clauses.TOO_LARGE)
async def too_large_packed(bench: Bench) -> None:
    log = bench.log()
    log.note("x" * TOO_LARGE)
    packed = gzip.compress(msgspec.json.encode(log.batch()), 1)
    answer = await bench.wire.post(packed, headers={"Content-Encoding": "gzip"}, words=describe(log.batch()))
    await _taken_or_refused(bench, log, answer, 415)


async def _taken_or_refused(bench: Bench, log: Log, answer: Answer, *more: int) -> None:
    if answer.status == 200:
        stored(bench.wire.read(answer, log.batch()))
    else:
        refused(answer, *NOT_TAKEN, *more)
        held(await bench.wire.send(log.of()), 0)


@check("gzip", clauses.GZIP)
async def gzipped(bench: Bench) -> None:
    stored(await bench.wire.gzipped(bench.notes(3).batch()))


@check("unknown-fields", clauses.UNKNOWN_FIELDS)
async def unknown_fields(bench: Bench) -> None:
    """A newer register tells more: in the batch and in its events."""
    batch = bench.notes(2).batch()
    plain = msgspec.to_builtins(batch)
    plain["from_the_future"] = {"a": [1, None]}
    for event in plain["events"]:
        event["from_the_future"] = "yes"
    stored(bench.wire.read(await bench.wire.post(msgspec.json.encode(plain), words=describe(batch)), batch))


@check("token-missing", clauses.TOKEN)
async def token_missing(bench: Bench) -> None:
    await _not_allowed(bench, "")


@check("token-wrong", clauses.TOKEN)
async def token_wrong(bench: Bench) -> None:
    await _not_allowed(bench, f"not-the-token-{bench.name()}")


async def _not_allowed(bench: Bench, token: str) -> None:
    log = bench.notes(1)
    refused(await bench.wire.attempt(log.batch(), token), *NOT_ALLOWED)
    held(await bench.wire.send(log.of()), 0)


@check("other-register", clauses.OTHERS)
async def other_register(bench: Bench) -> None:
    log = Log(bench.store, bench.name(), bench.name())
    log.notes(1)
    refused(await bench.wire.attempt(log.batch()), 403, 422)


@check("other-store", clauses.OTHERS)
async def other_store(bench: Bench) -> None:
    log = Log(bench.name(), bench.register, bench.name())
    log.notes(1)
    refused(await bench.wire.attempt(log.batch()), 403, 422)


@check("other-log-inside", clauses.IDENTITY)
async def other_log_inside(bench: Bench) -> None:
    """A batch that is this register's, with an event of another register in it."""
    log, other = bench.notes(1), Log(bench.store, bench.name(), bench.name())
    other.notes(1)
    refused(await bench.wire.attempt(log.of(log.events[0], *other.events)), 403, *NOT_TAKEN)
    held(await bench.wire.send(log.of()), 0)


@check("no-batch", clauses.TOO_LARGE)
async def no_batch(bench: Bench) -> None:
    """Bodies that are no batch are refused, and HQ goes on."""
    for body in (b"", b"[", b'{"store":1}', b"\xff\xfe", b"[" * 100_000):
        refused(await bench.wire.post(body, words=f"{body[:20]!r}"), 400, 422)
    stored(await bench.wire.send(bench.notes(1).batch()))


@check("problem-details", clauses.PROBLEMS)
async def problem_details(bench: Bench) -> None:
    log = bench.notes(1)
    for answer in (await bench.wire.attempt(log.batch(), "wrong-" + bench.name()), await bench.wire.post(b"[", words="[")):
        if answer.status < 400:
            continue  # another check's concern
        if not answer.kind.lower().startswith("application/problem+json"):
            raise Broken(f"HTTP {answer.status} comes as {answer.kind!r}, not as application/problem+json")
        try:
            problem = msgspec.json.decode(answer.body, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Broken(f"HTTP {answer.status} comes with something else than JSON: {error}") from error
        if not str(problem.get("type", "")).startswith(PROBLEM_TYPE) or problem.get("status", answer.status) != answer.status:
            raise Broken(f"type {problem.get('type')!r}, status {problem.get('status')!r} in an answer with {answer.status}")


@check("slow-sender", clauses.SENDERS)
async def slow_sender(bench: Bench) -> None:
    """A register on a bad line sends half a batch; another one's beat is answered before the other half comes."""
    log, other = bench.notes(50), bench.log()
    body = msgspec.json.encode(log.batch())
    answered = asyncio.Event()

    async def halves() -> AsyncIterator[bytes]:
        yield body[: len(body) // 2]
        await answered.wait()
        yield body[len(body) // 2 :]

    headers = {"Content-Length": str(len(body))}
    sending = asyncio.create_task(bench.wire.post(halves(), headers=headers, words=describe(log.batch())))
    try:
        await asyncio.sleep(0.1)  # so that the first half is there; a check without it would only be easier to pass
        held(await bench.wire.send(other.of()), 0)
    finally:
        answered.set()
        slow = await sending
    stored(bench.wire.read(slow, log.batch()))


@check("parallel-senders", clauses.PARALLEL)
async def parallel_senders(bench: Bench) -> None:
    """The same batch on eight connections at once, as after answers that were lost."""
    log = bench.notes(3)
    log.open(check_id := bench.name())
    log.void(check_id)
    answers = await asyncio.gather(*(bench.wire.send(log.batch()) for _ in range(8)))
    for answer in answers:
        stored(answer)
    same(len({answer.numbers for answer in answers}), 1, "different answers about the number of one check")
