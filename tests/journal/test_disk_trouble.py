"""When the disk refuses: no answer that is not true, reads go on, selling resumes without a restart."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.journal.shim import FAULTS, NAME
from tests.journal.world import NOW, IdleClock, check_row, files, kept, mode, opened, sale

from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.faults import AlreadyDone
from tillkeeper.journal.records import Batch
from tillkeeper.journal.verify import verify_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("fault", ["fail_syncs", "fail_writes"])
def test_a_failed_sync_or_write_refuses_and_selling_resumes(tmp_path: Path, fault: str) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=30) as journal:
            await journal.append(sale("before", checks=(check_row("c1"),)))
            setattr(FAULTS, fault, True)
            for _ in range(3):
                with pytest.raises(StorageRefused) as refused:
                    await journal.append(sale("during", checks=(check_row("c2"),)))
                assert refused.value.retry_safe
                assert refused.value.hint == "send it again: it is not done twice"
                assert journal.trouble is not None
                assert not journal.damaged
            assert journal.check("c1") is not None, "reads go on"
            assert journal.check("c2") is None
            assert journal.kept_command("during") is None
            assert journal.last_seq == 2
            FAULTS.reset()
            # The next append is what finds out that the disk is well again; the same key is done once.
            assert (await journal.append(sale("during", checks=(check_row("c2"),)))).last_seq == 3
            assert journal.trouble is None
            with pytest.raises(AlreadyDone):
                await journal.append(sale("during"))
            verify(journal.events(journal.incarnation, 0, 10), GENESIS)

    asyncio.run(scenario())
    (report,) = verify_file(tmp_path / "journal.db")
    assert (report.last_seq, report.problem) == (3, "")


def test_trouble_goes_away_by_itself_and_nothing_refused_comes_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        idle = IdleClock(NOW)
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=0.02, wall_ms=idle) as journal:
            await journal.append(Batch(events=(mode(),)))
            FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await journal.append(sale("refused", checks=(check_row("ghost"),)))
            assert journal.trouble is not None
            FAULTS.reset()
            await idle.drained()
            assert journal.trouble is None
            # As after a power cut at this moment: the files as they are, without an orderly close.
            copy = tmp_path / "copy"
            copy.mkdir()
            for file in files(tmp_path, "journal.db*"):
                if file.suffix not in (".lock", ".db-shm"):
                    (copy / file.name).write_bytes(file.read_bytes())
            async with opened(copy / "journal.db") as after:
                assert after.check("ghost") is None
                assert after.kept_command("refused") is None
                assert after.last_seq == 2

    asyncio.run(scenario())


def test_every_waiting_producer_gets_an_answer_when_the_disk_fails(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=30) as journal:
            FAULTS.fail_syncs = True
            results = await asyncio.gather(*(journal.append(sale(f"k{n}")) for n in range(50)), return_exceptions=True)
            assert all(isinstance(result, StorageRefused) for result in results)
            assert len({id(result) for result in results}) == 50
            FAULTS.reset()
            done = await asyncio.gather(*(journal.append(sale(f"k{n}")) for n in range(50)))
            assert sorted(appended.last_seq for appended in done) == list(range(2, 52))

    asyncio.run(scenario())


_FULL_DISK = """
    import asyncio, json, os, sys
    from pathlib import Path
    from tests.journal.world import check_row, job_row, kept, mode, opened, sale
    from tillkeeper.errors import StorageRefused
    from tillkeeper.journal.records import Batch
    from tillkeeper.journal.verify import verify_file

    disk, seen = Path(sys.argv[1]), {}
    path = disk / "journal.db"

    async def fill(journal):
        sold = 0
        while True:
            try:
                await journal.append(sale(f"key-{sold}", checks=(check_row(f"c{sold}", body=b"x" * 20000),)))
            except StorageRefused as error:
                return sold, error
            sold += 1

    async def main():
        async with opened(path, reserve_bytes=512 * 1024, idle_s=0.02) as journal:
            (disk / "other").write_bytes(b"x" * (1024 * 1024))
            sold, error = await fill(journal)
            seen["sold"], seen["code"], seen["trouble"] = sold, error.code, journal.trouble
            seen["hint"] = error.hint
            seen["reads"] = journal.check("c0") is not None and journal.check(f"c{sold}") is None
            for n in range(5):
                await journal.append(Batch(events=(mode(),), jobs=(job_row(f"j{n}", state="confirmed", settled=True),)))
            seen["outcomes"] = len(journal.jobs(state="confirmed"))
            try:
                await journal.append(sale("again"))
            except StorageRefused:
                seen["still_refused"] = True
            (disk / "other").unlink()
            async with asyncio.timeout(20):
                while journal.trouble is not None:
                    await asyncio.sleep(0.01)
            seen["resumed"] = (await journal.append(sale(f"key-{sold}"))).last_seq
        (disk / "other").write_bytes(b"")
        with (disk / "other").open("wb", buffering=0) as other:
            try:
                while other.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        async with opened(path, reserve_bytes=512 * 1024, idle_s=0.02) as journal:
            seen["opens_when_full"] = journal.check("c0") is not None
            seen["alarms"] = list(journal.alarms)
        seen["problems"] = [report.problem for report in verify_file(path)]

    asyncio.run(main())
    print(json.dumps(seen))
"""


@pytest.mark.root
def test_a_full_disk_refuses_sales_keeps_outcomes_and_resumes(tmp_path: Path) -> None:
    command = 'mount -t tmpfs -o size=4m none "$0" && exec "$1" -c "$2" "$0"'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "agent", ROOT / "drivers")))}
    probe = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0"', str(tmp_path)]
    possible = subprocess.run(probe, capture_output=True, text=True, check=False)
    if possible.returncode:
        reason = f"no mounts in a user namespace here: {possible.stderr.strip()}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    arguments = ["unshare", "-rm", "sh", "-c", command, str(tmp_path), sys.executable, textwrap.dedent(_FULL_DISK)]
    done = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["sold"] > 10
    assert seen.pop("resumed") == 1 + seen.pop("sold") + 5 + 1, "no seq is lost or doubled over the trouble"
    assert seen == {
        "code": "storage_refused",
        "trouble": "the disk is full",
        "hint": f"make room on the disk of {tmp_path}, then send it again: it is not done twice",
        "reads": True,
        "outcomes": 5,
        "still_refused": True,
        "opens_when_full": True,
        "alarms": [],
        "problems": [""],
    }


def test_a_refused_command_that_reached_the_disk_after_all_is_not_done_twice(tmp_path: Path) -> None:
    """Power cut between a failed sync and the recovery: the frames may be there. The key tells."""

    async def scenario() -> None:
        FAULTS.reset()
        path, copy = tmp_path / "journal.db", tmp_path / "copy"
        async with opened(path, vfs=NAME, idle_s=30) as journal:
            await journal.append(Batch(events=(mode(),)))
            FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await journal.append(sale("unlucky"))
            copy.mkdir()
            for ending in ("", "-wal"):
                (copy / f"journal.db{ending}").write_bytes((tmp_path / f"journal.db{ending}").read_bytes())
            FAULTS.reset()
        async with opened(copy / "journal.db") as after:
            assert after.alarms == ()
            assert after.kept_command("unlucky") == kept("unlucky"), "or this test tests nothing"
            with pytest.raises(AlreadyDone):
                await after.append(sale("unlucky"))
            assert after.last_seq == 3
            verify(after.events(after.incarnation, 0, 10), GENESIS)

    asyncio.run(scenario())
