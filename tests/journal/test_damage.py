"""A journal that cannot be trusted is set aside, read-only and whole; selling starts; an alarm stands."""

import asyncio
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.journal.shim import FAULTS, NAME
from tests.journal.world import check_opened, check_row, clock, files, line, mode, opened, sale

from tillkeeper.clock import new_id
from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.events import IncarnationBegan, decode_body
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import JOURNAL
from tillkeeper.journal.faults import JournalLocked, JournalTooNew, StorageUnreadable, WrongJournal
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.journal.verify import verify_file


def flip(path: Path, at: int, count: int = 64) -> None:
    with path.open("r+b") as file:
        file.seek(at, 2 if at < 0 else 0)
        found = file.read(count)
        file.seek(at, 2 if at < 0 else 0)
        file.write(bytes(byte ^ 0x5A for byte in found))


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 4096)


def garbage(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(path.stat().st_size))


def alter_an_event(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE events SET body = replace(body, 'online', 'onlime') WHERE id = (SELECT max(id) - 3 FROM events)")
    connection.close()


def break_a_text(path: Path) -> None:
    """One bit of the newest event: no error to SQLite, and no UTF-8 any more."""
    found = bytearray(path.read_bytes())
    at = found.rindex(b'"previous":"checking"')
    found[at + 1] ^= 0x80
    path.write_bytes(bytes(found))


def alter_a_type(path: Path, column: str, back: int = 0) -> None:
    """Of the newest event, or of one before it, as one bit in the head of its row does."""
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema=ON")
    change = "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'events'"
    checked = (") STRICT", "hash) = 32", "BLOB NOT NULL", "TEXT NOT NULL")
    loose = (")", "hash) > 0", "NOT NULL", "NOT NULL")
    for old, new in zip(checked, loose, strict=True):
        connection.execute(change, (old, new))
    connection.close()
    connection = apsw.Connection(str(path))
    other = "CAST(body AS BLOB)" if column == "body" else "hex(hash)"
    connection.execute(f"UPDATE events SET {column} = {other} WHERE id = (SELECT max(id) - ? FROM events)", (back,))
    connection.close()


def delete_an_event(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM events WHERE id = (SELECT max(id) - 3 FROM events)")
    connection.close()


def wal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "zero bytes": lambda path: path.write_bytes(b""),
    "garbage header": lambda path: flip(path, 0),
    "garbage all over": garbage,
    "schema page": lambda path: flip(path, 100, 300),
    "truncated": truncate,
    "last pages": lambda path: flip(path, -4096 * 2, 4096 * 2),
    "an event altered": alter_an_event,
    "an event deleted": delete_an_event,
    "a text that is none": break_a_text,
    "a body that is no text": lambda path: alter_a_type(path, "body"),
    "a hash that is no bytes": lambda path: alter_a_type(path, "hash"),
    "a log without its file": lambda path: (wal(path).write_bytes(path.read_bytes()), path.unlink()),
}


async def fill(path: Path, batches: int = 40) -> tuple[str, int]:
    async with opened(path) as journal:
        for n in range(batches):
            check_id = new_id()
            events = (check_opened(check_id, f"B-{n}"), line(check_id), mode())
            await journal.append(Batch(events=events, checks=(check_row(check_id, f"B-{n}", body=b"{}" * 300),)))
        return journal.incarnation, journal.last_seq


async def expect_a_new_beginning(path: Path, previous: str, **options: object) -> None:
    async with opened(path, **options) as journal:
        assert journal.incarnation != previous
        (alarm,) = journal.alarms
        (first,) = journal.events(journal.incarnation, 0, 10)
        began = decode_body(first.type, first.body.encode())
        assert isinstance(began, IncarnationBegan)
        assert began.reason == "corrupt_journal"
        assert began.set_aside in alarm
        assert began.previous_incarnation in ("", previous)
        aside = path.with_name(began.set_aside)
        kept = [file for file in files(path.parent, "journal-set-aside-*") if file.name.startswith(aside.name)]
        assert kept
        assert all(stat.S_IMODE(file.stat().st_mode) == 0o444 for file in kept)
        assert (await journal.append(sale("first"))).last_seq == 2
    async with opened(path) as journal:
        assert journal.alarms == ()
        assert journal.last_seq == 2


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_set_aside_and_selling_starts(tmp_path: Path, damage: str) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        previous, _ = await fill(path)
        DAMAGE[damage](path)
        found = path.read_bytes() if path.exists() else b""
        await expect_a_new_beginning(path, previous)
        asides = [file.read_bytes() for file in files(tmp_path, "journal-set-aside-*.db")]
        assert asides == ([found] if damage != "a log without its file" else [])

    asyncio.run(scenario())


def break_an_open_check(path: Path) -> None:
    connection = apsw.Connection(str(path))
    (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'checks'").fetchone()  # type: ignore[misc]
    (size,) = connection.execute("PRAGMA page_size").fetchone()  # type: ignore[misc]
    connection.close()
    flip(path, (page - 1) * size, 64)


@pytest.mark.parametrize(
    ("damage", "named", "tells"),
    [
        (break_an_open_check, True, True),
        (alter_an_event, True, True),
        (lambda path: alter_a_type(path, "hash"), True, False),
        (delete_an_event, True, False),
        (lambda path: wal(path).write_bytes(b"no log"), True, False),
        (garbage, False, False),
        (truncate, False, False),
    ],
)
def test_where_a_damaged_log_ended_is_said_only_where_its_end_is_whole(
    tmp_path: Path, damage: Callable[[Path], object], named: bool, tells: bool
) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        previous, last_seq = await fill(path)
        damage(path)
        async with opened(path) as journal:
            (first,) = journal.events(journal.incarnation, 0, 10)
            began = decode_body(first.type, first.body.encode())
            assert isinstance(began, IncarnationBegan)
            assert (began.reason, began.previous_incarnation) == ("corrupt_journal", previous if named else "")
            assert began.previous_last_seq == (last_seq if tells else 0)

    asyncio.run(scenario())


async def crashed(tmp_path: Path) -> tuple[Path, str, int]:
    """Files as a power cut leaves them: everything newer than the last checkpoint is in the log."""
    path, copy = tmp_path / "journal.db", tmp_path / "crashed"
    copy.mkdir()
    await fill(path, 5)
    async with opened(path) as journal:
        for n in range(30):
            await journal.append(sale(f"k{n}"))
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", copy)
        return copy / "journal.db", journal.incarnation, journal.last_seq


def test_a_power_cut_is_no_damage(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, incarnation, last_seq = await crashed(tmp_path)
        with wal(path).open("ab") as log:  # what was being written when the power went
            log.write(wal(path).read_bytes()[32 : 32 + 4120])
        async with opened(path) as journal:
            assert journal.alarms == ()
            assert (journal.incarnation, journal.last_seq) == (incarnation, last_seq)

    asyncio.run(scenario())


def test_a_torn_last_transaction_is_no_damage(tmp_path: Path) -> None:
    async def scenario() -> None:
        path, incarnation, last_seq = await crashed(tmp_path)
        flip(wal(path), -4096, 100)
        async with opened(path) as journal:
            assert journal.alarms == ()
            assert (journal.incarnation, journal.last_seq) == (incarnation, last_seq - 1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "damage",
    [garbage, lambda log: flip(log, 0, 32), lambda log: flip(log, 32 + 24, 200), lambda log: flip(log, 32 + 3 * 4120, 4120)],
    ids=["all of it", "header", "first frame", "in the middle"],
)
def test_a_damaged_log_is_not_taken_for_the_end_of_it(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """SQLite would silently go on from before the damage, and seqs that HQ holds would be used again."""

    async def scenario() -> None:
        path, incarnation, _ = await crashed(tmp_path)
        damage(wal(path))
        await expect_a_new_beginning(path, incarnation)
        assert files(path.parent, "journal-set-aside-*.db-wal")

    asyncio.run(scenario())


def test_the_step_to_todays_format_is_not_written_over_what_lies_behind_damage(tmp_path: Path) -> None:
    """The first start after an update: what was lost would not even be seen."""

    async def scenario() -> None:
        path, incarnation, _ = await crashed(tmp_path)
        older = apsw.Connection(str(path))
        older.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        older.execute("PRAGMA wal_autocheckpoint=0")
        older.execute("DROP TABLE erased; PRAGMA user_version=1; INSERT INTO settings (name, value) VALUES ('sold', x'00')")
        before = wal(path).stat().st_size
        for n in range(3):
            older.execute("UPDATE settings SET value = ? WHERE name = 'sold'", (bytes([n + 1]),))
        older.close()
        assert wal(path).stat().st_size == before + 3 * 4120, "three small transactions at the end"
        flip(wal(path), -3 * 4120, 4120)
        await expect_a_new_beginning(path, incarnation)

    asyncio.run(scenario())


def test_a_suspect_journal_is_checked_whole(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        incarnation, last_seq = await fill(path, 400)
        marker = path.with_name("journal.db.suspect")
        async with opened(path) as journal:
            journal.suspect("a job made no sense")
        assert marker.exists()
        said: list[str] = []
        async with opened(path, further=said.append) as journal:
            assert said[-1] == f"examines the journal: {last_seq} of {last_seq} events"
            assert said.count("examines the journal") > 1, "integrity_check said nothing"
            assert (journal.incarnation, journal.last_seq) == (incarnation, last_seq)
            assert len(journal.alarms) == 1
        assert not marker.exists()
        # Far from the end, where the quick look at a start does not go.
        connection = apsw.Connection(str(path))
        connection.execute("UPDATE events SET at_ms = at_ms + 1 WHERE id = (SELECT min(id) + 7 FROM events)")
        connection.close()
        async with opened(path) as journal:
            assert journal.alarms == ()
            journal.suspect("again")
        await expect_a_new_beginning(path, incarnation)
        (aside,) = files(tmp_path, "journal-set-aside-*.db")
        (report,) = verify_file(aside)
        assert (report.incarnation, report.last_seq) == (incarnation, 7)
        assert "event 8" in report.problem

    asyncio.run(scenario())


def test_damage_met_while_running_stops_writing_and_leaves_the_marker(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        incarnation, _ = await fill(path, 400)
        async with opened(path) as journal:
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (size - 4096))
            with pytest.raises(StorageUnreadable):
                _ = [journal.find_check(f"B-{n}", "2026-03-29") for n in range(400)]
            with pytest.raises(StorageRefused):
                _ = [await journal.append(sale(f"key-{n}", checks=(check_row(new_id()),))) for n in range(50)]
            assert journal.damaged
            assert journal.trouble is not None
            with pytest.raises(StorageRefused, match="restart"):
                await journal.append(sale("more"))
        await expect_a_new_beginning(path, incarnation)

    asyncio.run(scenario())


def test_a_text_that_is_none_in_the_middle_is_damage_and_no_end_of_the_agent(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        incarnation, _ = await fill(path, 400)
        connection = apsw.Connection(str(path))
        connection.execute("UPDATE events SET body = CAST(x'7BFF7D' AS TEXT) WHERE id = (SELECT min(id) + 7 FROM events)")
        connection.close()
        async with opened(path) as journal:
            with pytest.raises(StorageUnreadable):
                journal.events(incarnation, 0, 100)
            assert len(journal.events(incarnation, 100, 100)) == 100
        assert path.with_name("journal.db.suspect").exists()
        await expect_a_new_beginning(path, incarnation)

    asyncio.run(scenario())


def test_another_machine_begins_a_new_log_in_the_same_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        first, last_seq = await fill(path, 3)
        async with opened(path, machine_id="machine-2") as journal:
            assert journal.last_seq == 1
            assert len(journal.alarms) == 1
            await journal.append(Batch(events=(mode(),), checks=(check_row("new"),)))
            old, new = journal.logs()
            assert (old.incarnation, old.last_seq, old.current) == (first, last_seq, False)
            assert (new.incarnation, new.last_seq, new.current) == (journal.incarnation, 2, True)
            began = decode_body("incarnation_began", journal.events(new.incarnation, 0, 1)[0].body.encode())
            assert began == IncarnationBegan(reason="machine_changed", previous_incarnation=first, previous_last_seq=last_seq)
            verify(journal.events(first, 0, 100), GENESIS)
            verify(journal.events(new.incarnation, 0, 100), GENESIS)
            assert {check.incarnation for check in journal.checks()} == {first, new.incarnation}
        seen: list[tuple[int, int]] = []
        assert [report.problem for report in verify_file(path, lambda done, total: seen.append((done, total)))] == ["", ""]
        assert seen[-1] == (last_seq + 2, last_seq + 2)

    asyncio.run(scenario())


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        incarnation, last_seq = await fill(path, 3)
        async with opened(path) as journal:
            with pytest.raises(JournalLocked):
                async with opened(path):
                    pass
            await journal.append(Batch(events=(mode(),)))
        for other in ({"store": "store-2"}, {"register": "till-c"}):
            with pytest.raises(WrongJournal):
                async with opened(path, **other):
                    pass
        connection = apsw.Connection(str(path))
        connection.execute("PRAGMA user_version=99")
        connection.close()
        with pytest.raises(JournalTooNew):
            async with opened(path):
                pass
        connection = apsw.Connection(str(path))
        connection.execute(f"PRAGMA user_version={JOURNAL.version}")
        connection.close()
        async with opened(path) as journal:
            assert (journal.incarnation, journal.last_seq) == (incarnation, last_seq + 1)
        assert not files(tmp_path, "*set-aside*")

    asyncio.run(scenario())


def test_a_crash_between_setting_aside_and_beginning_is_remembered(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        await fill(path, 3)
        path.rename(tmp_path / "journal-set-aside-1.db")
        (tmp_path / "journal.db.new").write_bytes(b"half made")
        async with opened(path) as journal:
            began = decode_body("incarnation_began", journal.events(journal.incarnation, 0, 1)[0].body.encode())
            assert began == IncarnationBegan(reason="corrupt_journal", set_aside="journal-set-aside-1.db")

    asyncio.run(scenario())


def test_a_first_start_on_a_failing_disk_says_so_and_leaves_nothing_that_looks_like_a_journal(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        path = tmp_path / "journal.db"
        FAULTS.fail_syncs = True
        with pytest.raises(StorageRefused):
            await Journal.open(path, "s", "r", wall_ms=clock(), new_id=new_id, machine_id="m", vfs=NAME, reserve_bytes=0)
        FAULTS.reset()
        async with opened(path) as journal:
            assert journal.last_seq == 1
            assert journal.alarms == ()

    asyncio.run(scenario())


def test_any_frame_of_the_log_that_is_gone_is_damage_but_those_of_what_was_written_last(tmp_path: Path) -> None:
    """Also in the middle of what one command wrote: what comes after it was synced later."""

    async def scenario() -> None:
        original = tmp_path / "original.db"
        async with opened(original) as journal:
            for n in range(8):
                await journal.append(sale(f"key-{n}", checks=(check_row(f"c-{n}", f"B-{n}", body=b"{}" * 4000),)))
            shutil.copy(original, tmp_path / "copy.db")
            shutil.copy(wal(original), tmp_path / "copy.db-wal")
        log = (tmp_path / "copy.db-wal").read_bytes()
        frames = (len(log) - 32) // 4120
        ends = [n for n in range(frames) if log[32 + n * 4120 + 4 : 32 + n * 4120 + 8] != b"\0" * 4]
        assert len(ends) >= 6
        assert ends[-1] - ends[-2] > 2
        for frame in range(frames):
            folder = tmp_path / str(frame)
            folder.mkdir()
            path = folder / "journal.db"
            shutil.copy(tmp_path / "copy.db", path)
            at = 32 + frame * 4120
            wal(path).write_bytes(log[:at] + b"\0" * 4120 + log[at + 4120 :])
            async with opened(path) as journal:
                damaged = any("damaged" in alarm for alarm in journal.alarms)
                # Without its last frame a transaction and the next one look like one that was never synced.
                assert damaged == (frame < ends[-2]), f"frame {frame} of {frames}; transactions end at {ends}"

    asyncio.run(scenario())
