"""Two HQ processes on one PostgreSQL take the days of a chain: eight stores of two registers, 500 events a batch, over HTTP.

Beside it the same events as rows, put into one table of the same shape by two processes, 500 a transaction: what PostgreSQL
and its driver cost here without HQ. The server writes through to the disk in both. Measured once as it is without keys, and
once with the registers' signatures: HQ knows the store's authority and roster and checks the head of every batch.
"""

import http.client
import json
import multiprocessing
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import psycopg
from tests.bench import rows
from tests.hq.world import Log
from tests.support import postgres
from tests.support.keys import AUTHORITY

from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.roster import Admitted
from tillkeeper.contract.signing import sign_head
from tillkeeper.trust.admitting import signed as statement
from tillkeeper.trust.keys import KeyPair

STORES, REGISTERS, CHECKS, BATCH, PROCESSES, ROUNDS = 8, 2, 900, 500, 2, 3
GOAL_MS = 200.0
"""For 1,000 events: 5,000 a second."""
_TOKEN = "bench-token-of-register-{}-{}"
_COLUMNS = "store, register, incarnation, seq, hash, prev_hash, type, version, business_day, at_ms, body"
_PLAIN = f"INSERT INTO plain ({_COLUMNS}) VALUES ({', '.join(['%s'] * 11)})"
_PLAIN_TABLE = (
    "CREATE TABLE plain (store TEXT, register TEXT, incarnation TEXT, seq BIGINT, hash TEXT, prev_hash TEXT, type TEXT,"
    " version BIGINT, business_day TEXT, at_ms BIGINT, body BYTEA, PRIMARY KEY (store, register, incarnation, seq))"
)


def measure(folder: Path) -> list[rows.Row]:
    name = "HQ on PostgreSQL, two processes: 1,000 events taken in"
    if postgres.programs() is None:
        return [rows.missing(name, "ms", GOAL_MS, "no PostgreSQL here (requirements/apt.txt)")]
    logs = [_log(f"store-{store}", f"till-{register}") for store in range(STORES) for register in range(REGISTERS)]
    count = sum(len(log.events) for log in logs)
    with postgres.running("shared_buffers=128MB") as server:
        taken, signed, plain = [], [], []
        for _ in range(ROUNDS):
            taken.append(_taking(logs, PROCESSES, server.fresh(), folder, keys=False))
            signed.append(_taking(logs, PROCESSES, server.fresh(), folder, keys=True))
            plain.append(_inserting(logs, server))
    alone = [_taking(logs, 1, "", folder / f"sqlite-{n}", keys=False) for n in range(ROUNDS)]
    times = [one / other for one, other in zip(signed, taken, strict=True)]
    checked = [1e6 * seconds / count for seconds in signed]
    each = [1e6 * seconds / count for seconds in taken]
    ratios = [one / other for one, other in zip(taken, plain, strict=True)]
    note = f"{count / rows.p50(taken):,.0f} events/s; {count:,} events; {rows.spread(each, 'ms')}"
    return [
        rows.figure(name, rows.p50(each), "ms", GOAL_MS, note),
        rows.figure("its time, times that of plain batched inserts of the same rows", rows.p50(ratios), "",
                    note=f"plain: {count / rows.p50(plain):,.0f} rows/s; rounds {min(ratios):.3g} to {max(ratios):.3g}"),
        rows.figure("the same, every batch signed and checked", rows.p50(checked), "ms", GOAL_MS,
                    f"{count / rows.p50(signed):,.0f} events/s; {rows.p50(times):.3g} times the time without signatures, "
                    f"rounds {min(times):.3g} to {max(times):.3g}"),
        rows.figure("HQ on SQLite, one process: 1,000 events taken in", 1e6 * rows.p50(alone) / count, "ms",
                    note=f"{count / rows.p50(alone):,.0f} events/s"),
    ]  # fmt: skip


def _log(store: str, register: str) -> Log:
    log = Log(register, store=store)
    log.day_at(random.Random(f"{store} {register}"), CHECKS)
    return log


def _taking(logs: Sequence[Log], processes: int, url: str, folder: Path, *, keys: bool) -> float:
    """Seconds from the first batch to the last answer. `url` empty: SQLite."""
    with ExitStack() as stack:
        hqs = [stack.enter_context(_hq(logs, url, folder, keys=keys)) for _ in range(processes)]
        pairs = {(log.store, log.register): KeyPair.generate() for log in logs} if keys else {}
        for log in logs if keys else ():
            _tell_roster(hqs[0], log, pairs[log.store, log.register])
        bodies = [[msgspec.json.encode(_batch(log, at, pairs)) for at in range(1, len(log.events) + 1, BATCH)] for log in logs]
        failed: list[str] = []
        threads = [
            threading.Thread(target=_push, args=(hqs[n % processes], log, bodies[n], failed)) for n, log in enumerate(logs)
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        assert not failed, failed[0]
        return seconds


def _batch(log: Log, first: int, pairs: Mapping[tuple[str, str], KeyPair]) -> HqBatch:
    batch, pair = log.batch(first, first + BATCH - 1), pairs.get((log.store, log.register))
    if pair is None:
        return batch
    last = batch.events[-1]
    head = sign_head(log.store, log.register, log.incarnation, last.seq, last.hash, pair.key, pair.sign)
    return msgspec.structs.replace(batch, head=head)


def _tell_roster(url: str, log: Log, pair: KeyPair) -> None:
    admitted = statement(AUTHORITY, Admitted(store=log.store, register=log.register, key=pair.key))
    body = msgspec.json.encode({"store": log.store, "statements": (admitted,)})
    headers = {"Authorization": f"Bearer {_TOKEN.format(log.store, log.register)}"}
    answer = httpx.post(f"{url}/v1/roster", content=body, headers=headers, trust_env=False, timeout=60)
    assert answer.status_code == 200, answer.text


@contextmanager
def _hq(logs: Sequence[Log], url: str, folder: Path, *, keys: bool) -> Iterator[str]:
    registers = [
        {"store": log.store, "register": log.register, "token": _TOKEN.format(log.store, log.register)} for log in logs
    ]
    stores = [{"store": store, "authority": AUTHORITY.key} for store in sorted({log.store for log in logs})] if keys else []
    settings = {
        "TILLKEEPER_HQ_CREDENTIALS": json.dumps({"registers": registers, "stores": stores}),
        "TILLKEEPER_HQ_DATABASE": url,
    }
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "tillkeeper_hq", "run", *([] if url else ["--data", str(folder)])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def _push(url: str, log: Log, bodies: Sequence[bytes], failed: list[str]) -> None:
    where = urlsplit(url)
    headers = {"Authorization": f"Bearer {_TOKEN.format(log.store, log.register)}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    try:
        for body in bodies:
            connection.request("POST", "/v1/events", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                failed.append(text.decode())
                return
        if json.loads(text)["held_seq"] != len(log.events):
            failed.append(f"not all is held: {text[:200].decode()}")
    finally:
        connection.close()


def _inserting(logs: Sequence[Log], server: postgres.Server) -> float:
    url = server.fresh()
    server.ask(_PLAIN_TABLE, url)
    start = multiprocessing.get_context("fork")
    barrier = start.Barrier(PROCESSES + 1)
    workers = [start.Process(target=_insert, args=(url, logs[n::PROCESSES], barrier)) for n in range(PROCESSES)]
    for worker in workers:
        worker.start()
    barrier.wait(60)
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    assert server.ask("SELECT COUNT(*) FROM plain", url) == [(sum(len(log.events) for log in logs),)]
    return seconds


def _insert(url: str, logs: Sequence[Log], barrier: Barrier) -> None:
    pieces = [[_row(one) for one in log.events[at : at + BATCH]] for log in logs for at in range(0, len(log.events), BATCH)]
    with psycopg.connect(url) as db, db.cursor() as cursor:
        barrier.wait(60)
        for piece in pieces:
            cursor.executemany(_PLAIN, piece)
            db.commit()


def _row(one: Envelope) -> tuple[str | int | bytes, ...]:
    identity = (one.store, one.register, one.incarnation, one.seq)
    return (*identity, one.hash, one.prev_hash, one.type, one.version, one.business_day, one.at_ms, one.body.encode())
