"""HQ erases what a store says, for that store alone, whatever comes late and whichever process takes it."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.hq.world import STORE, Hq, Log, personal, running, token
from tests.support.postgres import Server

from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.privacy import PersonalDataErased
from tillkeeper_hq.ingest import Ingest, Taking
from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.sql import Sql

on_both = pytest.mark.usefixtures("database")
NAME = "Zaphod Beeblebrox"
DEADLINE_S = 30.0


def named(log: Log, text: str, check_id: str = "c1", salt: str = "5a" * 16) -> str:
    """Open a check for somebody; the digest."""
    name, texts = personal(text, salt)
    opened = CheckOpened(
        check_id=check_id, ticket_code="A-1", order_type="delivery", catalogue_version="v", terminal="t", name=name
    )
    log.add(opened, personal=texts)
    return name.digest


def texts(hq: Hq, log: Log) -> list[str]:
    secret = token(log.register if log.store == STORE else log.store)
    page = hq.get("/v1/events", secret, store=log.store, register=log.register, incarnation=log.incarnation)
    return [text for event in page["events"] for _, text in event["personal"].values()]


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@on_both
def test_a_text_goes_from_logs_quarantine_and_files_and_does_not_come_back(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        log, fork, other, late = Log(), Log(), Log("till-2"), Log("till-3")
        digest = named(log, NAME)
        named(fork, NAME, "c2")
        kept = named(log, "somebody else", "c3", "6b" * 16)
        hq.send(log.batch())
        hq.send(fork.batch())
        assert texts(hq, log) == [NAME, "somebody else"]
        other.add(PersonalDataErased(digests=(digest,)))
        assert hq.send(other.batch()).verdicts[0].verdict == "stored"
        assert texts(hq, log) == ["somebody else"]
        named(late, NAME, "c4")
        hq.send(late.batch())
        for again in (log, fork, late):
            hq.send(again.batch())
        assert texts(hq, late) == []
        assert texts(hq, log) == ["somebody else"]
        assert kept not in other.events[0].body
        folder = tmp_path / "hq"
        if folder.exists():  # SQLite: its own bytes; PostgreSQL's are its owner's (docs/privacy.md)
            until(lambda: not any(NAME.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file()))


@on_both
def test_both_in_one_batch_in_either_order(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        before, after = Log(), Log("till-2")
        digest = personal(NAME)[0].digest
        before.add(PersonalDataErased(digests=(digest,)))
        named(before, NAME)
        named(after, "somebody", "c2", "6b" * 16)
        after.add(PersonalDataErased(digests=(personal("somebody", "6b" * 16)[0].digest, "not a digest", "F" * 64)))
        hq.send(before.batch())
        hq.send(after.batch())
        assert texts(hq, before) == texts(hq, after) == []


@on_both
def test_another_stores_texts_are_not_its_to_erase(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        log, foreign = Log(), Log(store="harbour")
        digest = named(log, NAME)
        hq.send(log.batch())
        foreign.add(PersonalDataErased(digests=(digest,)))
        hq.send(foreign.batch(), token("harbour"))
        assert texts(hq, log) == [NAME]


@on_both
def test_what_is_rejected_erases_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        log, forged = Log(), Log("till-2")
        digest = named(log, NAME)
        hq.send(log.batch())
        forged.add(PersonalDataErased(digests=("0" * 64,)))
        body = forged.events[0].body.replace("0" * 64, digest)
        forged.events[0] = msgspec.structs.replace(forged.events[0], body=body)
        assert hq.send(forged.batch()).verdicts[0].reason == "broken_chain"
        assert texts(hq, log) == [NAME]


def test_a_text_that_another_process_takes_at_that_moment_goes_too(server: Server) -> None:
    """One has erased and not committed yet when the other takes the text in: it has to wait, and then keeps none."""
    url = server.fresh()
    backend = PostgresBackend(url)
    log, eraser = Log(), Log("till-2")
    digest = named(log, NAME)
    eraser.add(PersonalDataErased(digests=(digest,)))

    def take(sql: Sql, batch: HqBatch) -> None:
        Ingest(1).take(sql, [Taking(batch)], 1)

    def take_alone(sql: Sql) -> None:
        with sql.transaction():
            take(sql, log.batch())

    with contextlib.closing(backend.connect(reading=False)) as one, contextlib.closing(backend.connect(reading=False)) as other:
        late = threading.Thread(target=take_alone, args=(other,))
        with one.transaction():
            take(one, eraser.batch())
            late.start()
            until(lambda: bool(server.ask("SELECT 1 FROM pg_locks WHERE NOT granted", url) or not late.is_alive()))
        late.join(DEADLINE_S)
        with one.transaction():
            assert one.rows("SELECT seq, text FROM personal") == []
            assert len(one.rows("SELECT seq FROM events")) == 2
