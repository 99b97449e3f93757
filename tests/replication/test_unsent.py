"""What a purge asks a data folder: how much of it HQ is not known to hold."""

import asyncio
import gzip
import json
from pathlib import Path

import apsw
import pytest
from tests.replication.logs_of_others import STORE, ToyKey, batch, sales

from tillkeeper.cli import main
from tillkeeper.replication.held.held import HeldLogs

NOW = 1_795_000_000_000
FORMAT = Path(__file__).parents[1] / "journal/formats/journal-2.db.gz"
LOG = sales(10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a register all of whose own events HQ has answered."""
    (tmp_path / "journal.db").write_bytes(gzip.decompress(FORMAT.read_bytes()))
    connection = apsw.Connection(str(tmp_path / "journal.db"))
    for number, incarnation in connection.execute("SELECT log_no, incarnation FROM logs").fetchall():
        head = connection.execute("SELECT max(seq) FROM events WHERE log_no = ?", (number,)).get
        saved = json.dumps({"acked": head}).encode()
        connection.execute("INSERT INTO settings VALUES (?, ?)", (f"hq.cursor.{incarnation}", saved))
    connection.close(True)
    return tmp_path


def unsent(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """(exit code, standard output)."""
    code = main(["journal", "unsent", str(folder)])
    return code, capsys.readouterr().out.strip()


def hold(folder: Path) -> None:
    async def scene() -> None:
        async with await HeldLogs.open(folder / "held.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
            await held.take(batch(LOG.events, ToyKey()), NOW)

    asyncio.run(scene())


def test_what_hq_has_answered_is_not_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert unsent(folder, capsys) == (0, "0")


def test_what_is_held_for_another_register_may_be_its_only_copy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What of it HQ has is not kept on the disk, so it is not known."""
    hold(folder)
    assert unsent(folder, capsys) == (0, str(len(LOG.events)))


@pytest.mark.parametrize("name", ["journal-set-aside-1.db", "held-set-aside-1.db"])
def test_a_file_that_was_set_aside_is_not_counted_and_so_nothing_is_known(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / name).write_bytes(b"what is left of it")
    code, said = unsent(folder, capsys)
    assert (code != 0, said) == (True, "")


def test_held_logs_that_can_not_be_read_are_not_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "held.db").write_bytes(b"no database" * 1000)
    code, said = unsent(folder, capsys)
    assert (code != 0, said) == (True, "")
