"""Appending and reading back: group commit, gaps, keys, look-ups."""

import asyncio
from pathlib import Path

import pytest
from tests.journal.shim import FAULTS, NAME
from tests.journal.world import DAY, NOW, IdleClock, check_opened, check_row, files, job_row, kept, line, mode, opened, sale

from tillkeeper.clock import new_id
from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.events import CheckVoided, decode_body
from tillkeeper.contract.values import Personal
from tillkeeper.errors import Overloaded, Refused, StorageRefused
from tillkeeper.journal.faults import AlreadyDone, BadBatch
from tillkeeper.journal.journal import MAX_WAITING
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.journal.verify import verify_file


def test_many_producers_leave_one_chain_without_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def scenario() -> None:
        FAULTS.reset()
        async with opened(path, vfs=NAME) as journal:
            seqs: list[int] = []

            async def producer(number: int) -> None:
                for n in range(20):
                    check_id = new_id()
                    events = (check_opened(check_id, f"B-{number}-{n}"), line(check_id))
                    appended = await journal.append(Batch(events=events, checks=(check_row(check_id),)))
                    stored = journal.check(check_id)
                    assert stored is not None
                    assert stored.last_seq == appended.last_seq
                    seqs.append(appended.last_seq)

            async with asyncio.TaskGroup() as group:
                for number in range(32):
                    group.create_task(producer(number))
            assert sorted(seqs) == list(range(3, 1 + 2 * 640 + 1, 2))
            events = journal.events(journal.incarnation, 0, 10_000)
            assert [event.seq for event in events] == list(range(1, 1282))
            verify(events, GENESIS)
            assert (journal.last_seq, journal.head_hash) == (1281, events[-1].hash)
            tail = journal.events(journal.incarnation, 1279, 1)
            assert tail == events[1279:1280]

    asyncio.run(scenario())
    (report,) = verify_file(path)
    assert (report.last_seq, report.problem) == (1281, "")


def test_batches_that_wait_share_a_sync(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME) as journal:
            before = FAULTS.sync_count
            FAULTS.sync_began.clear()
            FAULTS.may_sync.clear()
            async with asyncio.TaskGroup() as group:
                first = group.create_task(journal.append(Batch(events=(check_opened(new_id(), "B-001"),))))
                assert await asyncio.to_thread(FAULTS.sync_began.wait, 10)
                assert not first.done()
                for number in range(2, 34):
                    group.create_task(journal.append(Batch(events=(check_opened(new_id(), f"B-{number:03d}"),))))
                await asyncio.sleep(0)  # all of them are handed over
                FAULTS.may_sync.set()
            # One for the first, one for the 32 that waited; a log that begins anew also syncs its header.
            assert FAULTS.sync_count - before <= 3

    asyncio.run(scenario())


def test_the_sync_comes_before_the_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME) as journal:
            assert journal.pragmas["journal_mode"] == "wal"
            assert journal.pragmas["synchronous"] == 2
            assert journal.pragmas["journal_size_limit"] == 16 * 1024 * 1024
            for _ in range(10):
                before = FAULTS.sync_count
                await journal.append(Batch(events=(mode(),)))
                assert FAULTS.sync_count > before

    asyncio.run(scenario())


def test_one_bad_batch_fails_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            good = [journal.append(sale(f"key-{n}")) for n in range(5)]
            too_big = journal.append(Batch(events=(mode(),), checks=(check_row("c", number=2**70),)))
            broken_day = journal.append(Batch(events=(NewEvent(mode().event, "2026\n03", NOW),)))
            results = await asyncio.gather(*good[:2], too_big, *good[2:4], broken_day, good[4], return_exceptions=True)
            assert [isinstance(result, BadBatch) for result in results] == [False, False, True, False, False, True, False]
            assert journal.last_seq == 6
            assert journal.check("c") is None
            verify(journal.events(journal.incarnation, 0, 100), GENESIS)
            with pytest.raises(BadBatch):  # alone in its transaction
                await journal.append(Batch(events=(mode(),), checks=(check_row("c", number=2**70),)))
            assert (await journal.append(sale("after"))).last_seq == 7

    asyncio.run(scenario())


def test_the_same_key_is_done_once_also_in_one_group_and_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"

    async def scenario() -> None:
        async with opened(path) as journal:
            results = await asyncio.gather(*(journal.append(sale("key-of-one")) for _ in range(4)), return_exceptions=True)
            done = [result for result in results if isinstance(result, AlreadyDone)]
            assert len(done) == 3
            assert all(error.kept == kept("key-of-one") for error in done)
            assert journal.last_seq == 2
        async with opened(path) as journal:
            assert journal.kept_command("key-of-one") == kept("key-of-one")
            assert journal.kept_command("two") is None
            with pytest.raises(AlreadyDone):
                await journal.append(sale("key-of-one"))
            assert journal.last_seq == 2

    asyncio.run(scenario())
    assert b"key-of-one" not in path.read_bytes(), "keys are kept as digests"


def test_old_keys_go_when_idle_but_never_the_newest_ten_thousand(tmp_path: Path) -> None:
    week_ms = 7 * 86_400_000

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            old = [sale(f"key-{n}") for n in range(10_100)]
            for start in range(0, len(old), 500):
                await asyncio.gather(*map(journal.append, old[start : start + 500]))
        early = IdleClock(NOW + week_ms - 60_000)
        async with opened(path, wall_ms=early, idle_s=0.01) as journal:
            await early.rounds(2)
            assert journal.kept_command("key-0") is not None, "younger than a week"
        leap = IdleClock(NOW + week_ms * 900)
        async with opened(path, wall_ms=leap, idle_s=0.01) as journal:
            await leap.rounds(2)
            assert journal.kept_command("key-0") is None
            assert journal.kept_command("key-99") is None
            assert journal.kept_command("key-100") is not None
            assert journal.kept_command("key-10099") is not None

    asyncio.run(scenario())


def test_checks_and_jobs_are_found_by_what_people_know(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            rows = [check_row(f"c{n}", f"B-{n:03d}", state="closed" if n % 2 else "open") for n in range(6)]
            jobs = [job_row(f"j{n}", check_id=f"c{n % 3}", device=f"d{n % 2}", settled=n < 4) for n in range(6)]
            await journal.append(Batch(events=(mode(),), checks=tuple(rows), jobs=tuple(jobs), catalogues={"v1": b"menu"}))
            await journal.append(Batch(checks=(check_row("other", "B-001", business_day="2026-03-30", number=4711),)))
            changed = (check_row("c2", "B-002", next_fire_at_ms=NOW + 5), check_row("c0", "B-000", state="voided"))
            await journal.append(Batch(checks=changed))

            assert [check.row.check_id for check in journal.open_checks()] == ["c2", "c4", "other"]
            assert [check.row.check_id for check in journal.waiting_fires()] == ["c2"]
            assert [check.row.check_id for check in journal.checks("voided")] == ["c0"]
            assert [check.row.check_id for check in journal.checks("closed", limit=2)] == ["c5", "c3"]
            assert [check.row.check_id for check in journal.checks("closed", limit=2, before="c3")] == ["c1"]
            assert [check.row.check_id for check in journal.checks(business_day=DAY)] == ["c5", "c4", "c3", "c2", "c1", "c0"]
            found = journal.find_check("B-001", DAY)
            assert found is not None
            assert (found.row, found.last_seq, found.incarnation) == (rows[1], 2, journal.incarnation)
            by_number = journal.check_by_number(4711)
            assert by_number is not None
            assert by_number.row.check_id == "other"
            assert journal.check_by_number(1) is None

            assert [job.job_id for job in journal.unsettled_jobs()] == ["j4", "j5"]
            assert [job.job_id for job in journal.jobs(check_id="c1")] == ["j4", "j1"]
            assert [job.job_id for job in journal.jobs(device="d1", limit=2)] == ["j5", "j3"]
            assert [job.job_id for job in journal.jobs(device="d1", limit=2, before="j3")] == ["j1"]
            assert journal.job("j2") == jobs[2]
            await journal.append(Batch(jobs=(job_row("j4", check_id="c1", device="d0", state="confirmed", settled=True),)))
            assert [job.job_id for job in journal.unsettled_jobs()] == ["j5"]
            assert [job.job_id for job in journal.jobs(state="confirmed")] == ["j4"]
            assert journal.catalogue("v1") == b"menu"
            assert journal.catalogue("v2") is None
            assert journal.setting("nothing") is None

    asyncio.run(scenario())


def test_personal_texts_travel_beside_the_chain_and_can_be_erased(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    secret = "Zaphod Beeblebrox"

    async def scenario() -> None:
        async with opened(path) as journal:
            name, phone = make_personal(secret), make_personal("0151 2345678")
            check_id = new_id()
            event = check_opened(check_id, name=Personal(name.digest), phone=Personal(phone.digest))
            await journal.append(Batch(events=(event,), personal=(name, phone)))
            await journal.append(Batch(events=(mode(),)))
            (sent,) = journal.events(journal.incarnation, 1, 1)
            assert sent.personal == {name.digest: (name.salt, secret), phone.digest: (phone.salt, "0151 2345678")}
            assert secret not in sent.body
            assert journal.personal([name.digest, "0" * 64]) == {name.digest: secret}

            assert await journal.erase((name.digest, "0" * 64)) == 1
            left = journal.events(journal.incarnation, 0, 10)
            verify(left, GENESIS)
            assert left[1].personal == {phone.digest: (phone.salt, "0151 2345678")}
            assert not [f for f in files(tmp_path) if secret.encode() in f.read_bytes()], "gone from file and log"

            forged = name.__class__(name.digest, name.salt, "somebody else")
            with pytest.raises(BadBatch):
                await journal.append(Batch(personal=(forged,)))

    asyncio.run(scenario())
    assert verify_file(path)[0].problem == ""


def test_a_full_queue_says_so_at_once_and_a_closed_journal_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            waiting = [asyncio.ensure_future(journal.append(Batch(events=(mode(),)))) for _ in range(MAX_WAITING + 10)]
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert sum(isinstance(result, Overloaded) for result in results) == 10
            assert journal.last_seq == 1 + MAX_WAITING
            await journal.append(Batch(events=(mode(),)))
        with pytest.raises(StorageRefused):
            await journal.append(Batch(events=(mode(),)))

    asyncio.run(scenario())


def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            waiting = [asyncio.ensure_future(journal.append(Batch(events=(mode(),)))) for _ in range(50)]
            await asyncio.sleep(0)
        assert [(await task).last_seq for task in waiting] == list(range(2, 52))
        assert not (tmp_path / "journal.db-wal").exists()

    asyncio.run(scenario())


def test_a_card_number_never_reaches_the_disk(tmp_path: Path) -> None:
    number = "4111 1111 1111 1111"

    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            check_id = new_id()
            attempts = [
                Batch(events=(line(check_id, note=f"card {number}"),)),
                Batch(events=(NewEvent(CheckVoided(check_id, number, returned_minor={"cash": 5}), DAY, NOW),)),
                Batch(events=(NewEvent(CheckVoided(check_id, "x", returned_minor={number: 5}), DAY, NOW),)),
                Batch(events=(check_opened(check_id, table=number),)),
                Batch(personal=(make_personal(f"pay with {number}"),)),
                Batch(checks=(check_row(check_id, body=b'{"lines":[{"note":"4111-1111-1111-1111"}]}'),)),
                Batch(jobs=(job_row(check_id, body=b'{"items":[{"note":"4111\\u00201111\\n11111111"}]}'),)),
                Batch(command=kept("k", b'{"texts":["4111111111111111"]}')),
                Batch(command=kept(number)),
            ]
            for batch in attempts:
                with pytest.raises(Refused) as refused:
                    await journal.append(batch)
                assert refused.value.code == "card_number_in_text"
                assert "1111" not in str(refused.value)
            assert journal.last_seq == 1
            for file in files(tmp_path):
                assert b"1111" not in file.read_bytes()

    asyncio.run(scenario())


def test_an_event_is_kept_byte_for_byte(tmp_path: Path) -> None:
    async def scenario(journal_path: Path) -> None:
        async with opened(journal_path) as journal:
            check_id = new_id()
            event = line(check_id, note='Zoë\t"東京"\x1b@ \\', name="Crème brûlée")
            await journal.append(Batch(events=(event,)))
            (envelope,) = journal.events(journal.incarnation, 1, 10)
            assert decode_body(envelope.type, envelope.body.encode()) == event.event
            assert (envelope.business_day, envelope.at_ms, envelope.version) == (DAY, NOW, 1)
            assert journal.events("unknown", 0, 10) == []

    asyncio.run(scenario(tmp_path / "journal.db"))
