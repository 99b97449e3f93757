"""HQ under systemd: its settings, secrets handed over, its port, and alive only while its database gets something done."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from tests.hq.world import READER, STORE, credentials
from tests.units.manager import Manager, manager

from tillkeeper_hq import hq_file, watchdog
from tillkeeper_hq.database import Database
from tillkeeper_hq.hq_file import HqFileInvalid
from tillkeeper_hq.sql import Sql, StoreFailed
from tillkeeper_hq.sqlite import SqliteBackend

EXAMPLE = Path(__file__).resolve().parents[2] / "systemd" / "hq.example.toml"
DEADLINE_S = 30.0


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Manager]:
    with manager(tmp_path) as made:
        yield made


def settings(folder: Path, text: str) -> Path:
    file = folder / "hq.toml"
    file.write_text(text)
    return file


def handed_over(folder: Path) -> Path:
    """A folder as LoadCredential= makes one."""
    made = folder / "handed-over"
    made.mkdir()
    credentials(folder).rename(made / "credentials.toml")
    return made


# --- its file ---


def test_the_example_is_right() -> None:
    read = hq_file.read(EXAMPLE)
    assert (read.listen, read.data, read.credentials) == (
        "127.0.0.1:8470",
        "/var/lib/tillkeeper-hq",
        "credential:credentials.toml",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lisen = 'x'", "unknown field `lisen`"),
        ("listen = 1", "Expected `str`"),
        ("listen", "hq.toml"),
        ("data = 'a'\ndatabase_file = 'b'", "either data or database_file"),
        ("tls_cert = 'a'", "go together"),
        ("credentials = 'credential:../hq.toml'", "no name of a credential"),
    ],
)
def test_what_is_wrong_in_it_is_said(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(HqFileInvalid, match=words):
        hq_file.read(settings(tmp_path, text))
    with pytest.raises(HqFileInvalid, match="No such file"):
        hq_file.read(tmp_path / "nowhere.toml")


def test_a_credential_is_the_file_that_systemd_hands_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(tmp_path, "credentials = 'credential:c.toml'\ndata = 'books'")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/hq")
    assert hq_file.read(file).credentials == "/run/credentials/hq/c.toml"
    assert hq_file.read(file).data == str(tmp_path / "books")


# --- its life ---


def test_it_is_ready_alive_and_stops_and_keeps_its_port(tmp_path: Path, held: Manager) -> None:
    port = held.listen_tcp("hq").getsockname()[1]
    file = settings(tmp_path, "data = 'books'\ncredentials = 'credential:credentials.toml'")
    environment = {"CREDENTIALS_DIRECTORY": str(handed_over(tmp_path)), "WATCHDOG_USEC": "400000"}
    url = f"http://127.0.0.1:{port}"
    held.start("tillkeeper_hq", "run", "--config", str(file), environment=environment)
    # Before it is up: the connection waits.
    reader = {"Authorization": f"Bearer {READER}"}
    books = httpx.get(f"{url}/v1/books", params={"store": STORE}, headers=reader, timeout=DEADLINE_S, trust_env=False)
    assert books.status_code == 200, books.text
    held.ready()
    alive = held.wait_for("alive", lambda told: "WATCHDOG" in told)
    assert alive["STATUS"] == f"{url}; the database answers"
    held.wait_for("alive again", lambda told: told == {"WATCHDOG": "1"})
    held.signal(signal.SIGKILL)
    held.wait()
    held.start("tillkeeper_hq", "run", "--config", str(file), environment=environment)
    assert httpx.get(f"{url}/healthz", timeout=DEADLINE_S, trust_env=False).status_code == 200
    held.ready()
    held.signal(signal.SIGTERM)
    assert held.wait() == 0, held.said()
    assert {"STOPPING": "1"} in held.hears()


def test_a_missing_credential_is_said_with_what_to_do(tmp_path: Path, held: Manager) -> None:
    file = settings(tmp_path, "data = 'books'\ncredentials = 'credential:credentials.toml'")
    held.start("tillkeeper_hq", "run", "--config", str(file))
    assert held.wait() == 2
    assert "LoadCredential=credentials.toml:" in held.said()
    assert "LoadCredential" in held.hears()[-1]["STATUS"]


def test_a_database_that_hangs_is_no_sign_of_life_and_one_that_refuses_is(
    tmp_path: Path, held: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "40000")

    async def scenario() -> None:
        may, at_work = threading.Event(), threading.Event()

        def hang(_sql: object) -> None:
            at_work.set()
            assert may.wait(DEADLINE_S)

        backend = Moody(tmp_path / "books")
        with Database(backend) as database:
            hanging = database.change(hang)
            assert await asyncio.to_thread(at_work.wait, DEADLINE_S)
            watching = asyncio.create_task(watchdog.watch(database, "here"))
            silent = {"STATUS": "here; THE DATABASE DOES NOT ANSWER"}
            await asyncio.to_thread(held.wait_for, "silence", lambda told: told == silent)
            await asyncio.sleep(0.3)
            assert held.hears() == [silent], "said once, and no sign of life"
            may.set()
            hanging.result(DEADLINE_S)
            await asyncio.to_thread(held.wait_for, "alive", lambda told: told.get("STATUS") == "here; the database answers")
            backend.refuses = True
            refused = await asyncio.to_thread(held.wait_for, "refuses", lambda told: "REFUSES" in told.get("STATUS", ""))
            assert refused["WATCHDOG"] == "1"
            watching.cancel()
            await asyncio.wait({watching})

    asyncio.run(scenario())


def test_a_long_row_of_work_is_a_sign_of_life_with_each_piece_that_is_done(
    tmp_path: Path, held: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is taken together: pieces that may take 30 s each, 64 of them."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "40000")

    async def scenario() -> None:
        with Database(SqliteBackend(tmp_path / "books")) as database:
            gates = [(threading.Event(), threading.Event()) for _ in range(3)]

            def piece(number: int) -> None:
                began, may = gates[number]
                began.set()
                assert may.wait(DEADLINE_S)

            async def began(number: int) -> None:
                assert await asyncio.to_thread(gates[number][0].wait, DEADLINE_S)

            pieces = [database.change(lambda _sql: piece(0))]
            await began(0)
            pieces += [database.change(lambda _sql: piece(1)), database.change(lambda _sql: piece(2))]
            gates[0][1].set()
            await began(1)
            watching = asyncio.create_task(watchdog.watch(database, "here"))
            await asyncio.sleep(0)  # it has begun to count
            assert held.hears() == []
            gates[1][1].set()
            await began(2)
            await asyncio.to_thread(held.wait_for, "alive", lambda told: "WATCHDOG" in told)
            gates[2][1].set()
            for one in pieces:
                one.result(DEADLINE_S)
            watching.cancel()
            await asyncio.wait({watching})

    asyncio.run(scenario())


class Moody(SqliteBackend):
    """Its transactions fail on command, as on a disk that does."""

    refuses = False

    def connect(self, *, reading: bool) -> Sql:
        made = super().connect(reading=reading)
        before = made.transaction

        def transaction(*, reading: bool = False) -> AbstractContextManager[None]:
            if self.refuses:
                raise StoreFailed("disk I/O error")
            return before(reading=reading)

        made.transaction = transaction  # type: ignore[method-assign]
        return made


def test_root_does_not_make_files_in_the_folder_of_hqs_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is kept from it")
    books = tmp_path / "books"
    books.mkdir()
    os.chown(books, 65_534, 65_534)
    file = settings(tmp_path, "data = 'books'")
    command = [sys.executable, "-m", "tillkeeper_hq", "user", "list", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "runuser -u nobody" in done.stderr
    assert list(books.iterdir()) == []
