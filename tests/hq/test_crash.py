"""SIGKILL in the middle, registers all at once, a full disk: each event counts exactly once."""

import functools
import random
import resource
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import msgspec
import pytest
from tests.hq.world import DAY, REGISTERS, Hq, Log, credentials, running, token

from tillkeeper.contract.books import Books, day_books

pytestmark = pytest.mark.usefixtures("database")


def merged(logs: list[Log]) -> Books:
    whole: Books = {}
    for log in logs:
        for account, amount in log.books.items():
            whole[account] = whole.get(account, 0) + amount
    return whole


def push(hq: Hq, log: Log, chance: random.Random, numbers: dict[str, int], asked: threading.Semaphore | None = None) -> None:
    """As a careless but honest register: batches of odd sizes, often again from further back, until HQ holds all."""
    at = 0
    while at < len(log.events):
        first = max(1, at + 1 - chance.randint(0, 5))
        if asked is not None:
            asked.release()
        answer = hq.send(log.batch(first, at + chance.randint(1, 12)))
        for one in answer.numbers:
            assert numbers.setdefault(one.check_id, one.number) == one.number
        at = answer.held_seq


@pytest.mark.parametrize("seed", range(3))
def test_killed_while_it_stores_and_sent_again_counts_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    logs = [Log(register) for register in REGISTERS[:3]]
    numbers: dict[str, int] = {}
    for log in logs:
        log.day_at(chance, 60)
    with running(tmp_path) as hq:
        for _ in range(4):
            asked = threading.Semaphore(0)
            pushers = [threading.Thread(target=push_until_it_dies, args=(hq, log, chance, numbers, asked)) for log in logs]
            for pusher in pushers:
                pusher.start()
            for _ in range(chance.randint(1, 25)):
                assert asked.acquire(timeout=20)
            hq.kill()
            for pusher in pushers:
                pusher.join()
            hq.end()
            hq.start()
        for log in logs:
            push(hq, log, chance, numbers)
        assert hq.books() == day_books(merged(logs), DAY)
        assert hq.get("/v1/quarantine")["events"] == []
        assert len(set(numbers.values())) == len(numbers)


def push_until_it_dies(hq: Hq, log: Log, chance: random.Random, numbers: dict[str, int], asked: threading.Semaphore) -> None:
    try:
        push(hq, log, chance, numbers, asked)
    except httpx.TransportError:
        return
    for _ in range(25):  # done before the kill: the test's count must not wait for it
        asked.release()


def test_eight_registers_at_once(tmp_path: Path) -> None:
    logs = [Log(register) for register in REGISTERS]
    numbers: dict[str, int] = {}
    with running(tmp_path) as hq:
        pushers = []
        for n, log in enumerate(logs):
            log.day_at(random.Random(n), 25)
            pushers.append(threading.Thread(target=push, args=(hq, log, random.Random(n), numbers)))
        for pusher in pushers:
            pusher.start()
        for pusher in pushers:
            pusher.join()
        assert {r["register"]: r["held_seq"] for r in hq.get("/v1/registers")["registers"]} == {
            log.register: len(log.events) for log in logs
        }
        assert hq.books() == day_books(merged(logs), DAY)
        assert sorted(numbers.values()) == list(range(1, hq.books().opened + 1))


def test_a_start_on_a_full_disk_asks_for_room_and_the_next_one_works(tmp_path: Path) -> None:
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    data, known = str(tmp_path / "hq"), str(credentials(tmp_path))
    command = [sys.executable, "-m", "tillkeeper_hq", "run", "--data", data, "--credentials", known]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "hq.sqlite3: " in done.stderr
    assert "is its disk full" in done.stderr
    with running(tmp_path) as hq:
        assert hq.send(Log().batch(last=0)).held_seq == 0


def test_a_full_disk_is_said_and_nothing_is_half_stored(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk: writes fail with EFBIG once it is reached."""
    log = Log()
    log.day_at(random.Random(5), 400)
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (330_000, resource.RLIM_INFINITY));"
        "from tillkeeper_hq.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["run", "--data", str(tmp_path / "hq"), "--credentials", str(credentials(tmp_path))]
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = httpx.Response(200, text=process.stdout.readline()).json()["url"]
            hq = Hq.at(url)
            assert hq.send(log.batch(last=30)).held_seq == 30
            refused = hq.post(msgspec.json.encode(log.batch()), token("till-1"))
            assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (507, "storage_refused")
            assert hq.send(log.batch(last=0)).held_seq == 30
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            assert hq.send(log.batch()).held_seq == len(log.events)
            assert hq.books() == log.day_books()
        finally:
            process.terminate()
    assert process.returncode == 0
