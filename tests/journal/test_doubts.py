"""What waits in an older copy of a journal is doubtful, for good; what came later is not. Keys travel with events."""

import asyncio
from pathlib import Path

import pytest
from tests.journal.world import check_opened, check_row, job_row, kept, line, mode, opened, sale

from tillkeeper.clock import new_id
from tillkeeper.contract.answers import answers
from tillkeeper.contract.events import EVENT_TYPES
from tillkeeper.contract.keys import MEMBER, Mark, mark_of, marked
from tillkeeper.journal.commit import key_digest
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, KeptAnswer


def doubtful(journal: Journal) -> dict[str, bool]:
    return {row.job_id: row.doubtful for row in journal.unsettled_jobs()}


@pytest.mark.parametrize("reason", ["restored_copy", "forked_log", "peer_holds_more"])
def test_what_waited_at_the_start_is_doubtful_from_the_renewal_on(tmp_path: Path, reason: str) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            done = job_row("done", state="confirmed", settled=True)
            await journal.append(Batch(jobs=(job_row("queued"), job_row("held", state="held"), done)))
        async with opened(path) as journal:
            await journal.append(Batch(jobs=(job_row("before the renewal, of this run"),)))
            assert set(doubtful(journal).values()) == {False}
            await journal.renew(reason)
            await journal.append(Batch(jobs=(job_row("after"),)))
            expected = {"queued": True, "held": True, "before the renewal, of this run": False, "after": False}
            assert doubtful(journal) == expected
            settled = journal.job("done")
            assert settled is not None
            assert not settled.doubtful
            assert journal.jobs()[0].job_id == "after"
        async with opened(path) as journal:
            assert doubtful(journal) == expected, "after a restart, too"

    asyncio.run(scenario())


def test_a_renewal_by_hand_doubts_nothing_and_another_machine_doubts_what_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            await journal.append(Batch(jobs=(job_row("waits"),)))
        async with opened(path) as journal:
            await journal.renew("by_hand")
            assert doubtful(journal) == {"waits": False}
        async with opened(path, machine_id="machine-2") as journal:
            assert doubtful(journal) == {"waits": True}, "a disk image that was put into another machine"

    asyncio.run(scenario())


def test_jobs_that_are_doubted_without_a_renewal_stay_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            await journal.append(Batch(jobs=(job_row("waits"),)))
        async with opened(path) as journal:
            await journal.doubt_jobs()
            await journal.append(Batch(jobs=(job_row("new"),)))
        async with opened(path) as journal:
            assert doubtful(journal) == {"waits": True, "new": False}

    asyncio.run(scenario())


def test_the_key_of_a_command_travels_with_its_events(tmp_path: Path) -> None:
    async def scenario() -> None:
        check, key = new_id(), "a key 7"
        command = Batch(events=(check_opened(check), line(check)), checks=(check_row(check),), command=kept(key))
        async with opened(tmp_path / "journal.db") as journal:
            await journal.append(Batch(events=(mode(),)))
            await journal.append(command)
            await journal.append(sale("another"))
            events = journal.events(journal.incarnation, 0, 100)
            assert [mark_of(event.body) for event in events[1:4]] == [None, Mark(key_digest(key).hex(), 2), None]
            first, second = answers(events)
            assert (first.key_sha256, second.key_sha256) == (key_digest(key), key_digest("another"))
            assert (first.result.check_id, first.result.ticket_code, first.result.state) == (check, "B-001", "open")
            assert (first.result.events, len(first.result.line_ids)) == (2, 1)
            assert answers(events[3:]) == [second], "the first event of it is missing: nobody can say that all of it is known"
            assert answers(events[:3]) == []
        async with opened(tmp_path / "other.db") as journal:
            found = KeptAnswer(first.key_sha256, b'{"events":2}', 1)
            await journal.append(Batch(answers=(found, found)))
            again = journal.kept_command(key)
            assert again is not None
            assert (again.result, again.body_sha256) == (b'{"events":2}', b"")

    asyncio.run(scenario())


def test_what_looks_like_a_key_and_is_none_is_passed_over() -> None:
    assert mark_of(marked(b"{}", Mark("ab" * 32, 3)).decode()) == Mark("ab" * 32, 3)
    assert mark_of(marked(b'{"a":1}\n', Mark("ab" * 32, 3)).decode()) == Mark("ab" * 32, 3)
    text = f'{{"note":"\\"{MEMBER}\\":{{\\"sha256\\":\\"x"}}'
    start = f'{{"{MEMBER}":{{"sha256":"'
    for body in (start + 'ab","events":1}}', start, text, start + "G" * 64 + '"', start + "G" * 64 + '","events":1}}'):
        assert mark_of(body) is None
    assert mark_of(marked(b"{}", Mark("ab" * 32, 0)).decode()) is None


def test_no_event_has_a_field_of_the_name_under_which_the_key_travels() -> None:
    assert not [name for name, (struct, _version) in EVENT_TYPES.items() if MEMBER in struct.__struct_fields__]
