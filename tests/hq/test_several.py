"""Several HQ processes on one PostgreSQL: each event counts once, each number is given once, whoever dies."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from tests.hq.test_crash import merged
from tests.hq.world import DATABASE, DAY, REGISTERS, Hq, Log, credentials, running, token
from tests.support.postgres import Server

from tillkeeper.contract.books import day_books
from tillkeeper.contract.envelope import HqAnswer

DEADLINE_S = 60.0


@pytest.fixture
def url(server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    url = server.fresh()
    monkeypatch.setenv(DATABASE, url)
    return url


@pytest.fixture
def two(url: str, tmp_path: Path) -> Iterator[tuple[Hq, Hq]]:
    assert url
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    with running(tmp_path / "one") as one, running(tmp_path / "other") as other:
        yield one, other


def send(hqs: tuple[Hq, ...], log: Log, first: int, last: int, chance: random.Random) -> HqAnswer:
    """To any of them, until one answers: as a register behind a balancer."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            answer = chance.choice(hqs).post(msgspec.json.encode(log.batch(first, last)), token(log.register))
        except httpx.TransportError:
            pass
        else:
            if answer.status_code == 200:
                return msgspec.json.decode(answer.content, type=HqAnswer)
            assert answer.status_code == 503, answer.text
        assert time.monotonic() < deadline


def push(hqs: tuple[Hq, ...], log: Log, seed: int, numbers: dict[str, int], sent: threading.Semaphore) -> None:
    chance = random.Random(seed)
    at = 0
    while at < len(log.events):
        answer = send(hqs, log, max(1, at + 1 - chance.randint(0, 5)), at + chance.randint(1, 20), chance)
        for one in answer.numbers:
            assert numbers.setdefault(one.check_id, one.number) == one.number
        at = max(at, answer.held_seq)
        sent.release()


def in_threads(*work: Callable[[], None]) -> Callable[[], None]:
    """Starts all; what is returned waits for them and raises what the first of them raised."""
    failed: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()

    def wait() -> None:
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    return wait


@pytest.mark.parametrize("seed", range(2))
def test_one_of_two_is_killed_and_nothing_is_lost_or_doubled(two: tuple[Hq, Hq], seed: int) -> None:
    one, other = two
    logs = [Log(register) for register in REGISTERS[:6]]
    for n, log in enumerate(logs):
        log.day_at(random.Random(seed * 100 + n), 40)
    numbers: dict[str, int] = {}
    sent = threading.Semaphore(0)
    work = [lambda log=log, n=n: push(two, log, seed + n, numbers, sent) for n, log in enumerate(logs)]
    wait = in_threads(*work)
    for _ in range(random.Random(seed).randint(5, 40)):
        assert sent.acquire(timeout=DEADLINE_S)
    one.kill()
    wait()
    assert other.books() == day_books(merged(logs), DAY)
    assert sorted(numbers.values()) == list(range(1, other.books().opened + 1))
    held = {one["register"]: one["held_seq"] for one in other.get("/v1/registers")["registers"]}
    assert held == {log.register: len(log.events) for log in logs}
    assert other.get("/v1/quarantine")["events"] == []
    one.end()
    one.start()
    assert one.books() == other.books()


def test_the_same_log_at_both_at_once_counts_once(two: tuple[Hq, Hq]) -> None:
    log = Log()
    log.day_at(random.Random(3), 60)
    numbers: dict[str, int] = {}
    sent = threading.Semaphore(0)
    in_threads(*(lambda n=n: push(two, log, n, numbers, sent) for n in range(4)))()
    assert two[0].books() == two[1].books() == log.day_books()
    assert sorted(numbers.values()) == list(range(1, log.day_books().opened + 1))
    assert two[1].get("/v1/quarantine")["events"] == []


def test_two_clones_at_two_processes_are_a_fork_once(two: tuple[Hq, Hq]) -> None:
    log, clone = Log(), Log()
    for one, name, gross in ((log, "mine", 100), (clone, "theirs", 200)):
        one.sale("both", 50)
        for n in range(20):
            one.sale(f"{name}-{n}", gross + n)
    answers: list[tuple[Log, HqAnswer]] = []

    def post(hq: Hq, one: Log) -> None:
        answers.append((one, hq.send(one.batch())))

    in_threads(*(lambda hq=hq, one=one: post(hq, one) for one in (log, clone) for hq in two))()
    winners = [one for one, answer in answers if {v.verdict for v in answer.verdicts} == {"stored"}]
    assert len(winners) == 2
    assert winners[0] is winners[1]
    loser = clone if winners[0] is log else log
    assert two[0].books() == winners[0].day_books()
    listed = two[1].get("/v1/quarantine", reason="forked_log")["events"]
    assert sorted(one["envelope"]["hash"] for one in listed) == sorted(event.hash for event in loser.events[3:])


def test_a_database_that_was_away_is_found_again(server: Server, url: str, tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        hq.send(log.batch())
        log.sale("c2", 2000)
        with server.closed(url):
            for refused in (hq.post(msgspec.json.encode(log.batch())), hq.ask("/healthz"), hq.ask("/v1/books")):
                assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (503, "database_away")
        assert send((hq,), log, 1, 6, random.Random(1)).held_seq == 6
        assert hq.ask("/healthz").status_code == 200
        assert hq.books() == log.day_books()


def test_behind_a_process_that_hangs_nobody_waits_for_ever(url: str, tmp_path: Path) -> None:
    """It holds the locks of its transaction, as a stopped process does."""
    log, free = Log(), Log("till-2")
    log.sale("c1", 1190)
    free.sale("c2", 100)
    with running(tmp_path) as hq:
        hq.send(log.batch(last=1))
        with psycopg.connect(url) as hung:
            hung.execute("SELECT * FROM logs FOR UPDATE")
            refused = hq.post(msgspec.json.encode(log.batch()))
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (503, "database_away")
            assert hq.send(free.batch()).held_seq == 3
        assert hq.send(log.batch()).held_seq == 3


def test_a_full_disk_is_said_and_nothing_is_half_stored(server: Server, url: str, tmp_path: Path) -> None:
    """A limit on the size of files, put on HQ's connections at the server, stands in for the full disk: PostgreSQL takes both
    for the same (its segments of the write-ahead log are smaller here)."""
    log = Log()
    log.day_at(random.Random(5), 3000)
    with running(tmp_path) as hq:
        assert hq.send(log.batch(last=100)).held_seq == 100
        server.limit_files("tillkeeper-hq", url, "1500000")
        refused = None
        held = 100
        while refused is None and held < len(log.events):
            answer = hq.post(msgspec.json.encode(log.batch(held + 1, held + 1000)), token("till-1"))
            if answer.status_code == 200:
                held = answer.json()["held_seq"]
            else:
                refused = answer
        assert refused is not None
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (507, "storage_refused")
        assert hq.send(log.batch(last=0)).held_seq == held
        server.limit_files("tillkeeper-hq", url, "unlimited")
        for first in range(1, len(log.events), 2000):
            hq.send(log.batch(first, first + 1999))
        assert hq.books() == log.day_books()


def test_a_beat_at_one_process_is_known_to_the_other(two: tuple[Hq, Hq]) -> None:
    """Who is behind is asked at any of them."""
    one, other = two
    log = Log()
    log.sale("c1", 1190)
    one.send(log.batch())
    beat_ms = one.send(log.batch(last=0)).hq_time_ms
    deadline = time.monotonic() + DEADLINE_S
    while other.get("/v1/registers")["registers"][0]["last_seen_ms"] < beat_ms:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def start(folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillkeeper_hq", "run", "--credentials", str(credentials(folder)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **env})


def test_a_password_is_told_to_nobody(tmp_path: Path) -> None:
    secret = "the-secret-of-the-database"
    where = f"postgresql://hq:{secret}@localhost:1/books"
    (tmp_path / "url").write_text(where + "\n")
    (tmp_path / "odd").write_text(f"postgresql://hq:{secret}@[:1/books")
    for done, words in (
        (start(tmp_path, "--database", where), "command line"),
        (start(tmp_path, "--database-file", str(tmp_path / "url")), "localhost/books"),
        (start(tmp_path, "--database-file", str(tmp_path / "odd")), "cannot be read"),
        (start(tmp_path, **{DATABASE: where}), "localhost/books"),
        (start(tmp_path, **{DATABASE: ""}), DATABASE),
    ):
        assert done.returncode == 2
        assert words in done.stderr
        assert secret not in done.stdout + done.stderr


def test_a_database_of_another_version_is_left_alone(server: Server, url: str, tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    server.ask("UPDATE tillkeeper_hq SET version = 99", url)
    done = start(tmp_path)
    assert (done.returncode, "version 99" in done.stderr) == (2, True)
