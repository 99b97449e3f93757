"""Erased is erased: from the files' bytes, for late copies, after a crash, and in files that were set aside."""

import asyncio
import shutil
from pathlib import Path

import apsw
import msgspec
from tests.journal.world import DAY, NOW
from tests.privacy.world import REGISTER, holders, keeper, named, open_check, register, running, until
from tests.replication.logs_of_others import Log, batch, log_id

from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.events import CheckClosed
from tillkeeper.contract.privacy import FindBody, PersonalDataErased
from tillkeeper.contract.values import Totals
from tillkeeper.journal.files import beside
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.verify import verify_file
from tillkeeper.privacy.retention import DAY_MS
from tillkeeper.privacy.search import Files, find

NAME, PHONE, OTHER = "Zaphod Beeblebrox", "0151 2345678", "Trillian Astra"


def guest(name: str = OTHER) -> tuple[Log, str]:
    """Another register's log with a name in it, and the name's digest."""
    log, text = Log("till-c", "c1"), make_personal(name)
    log.add(named("c-1", name=text), personal={text.digest: (text.salt, text.text)})
    return log, text.digest


def lose(folder: Path) -> None:
    """The file of held logs."""
    for path in folder.glob("held.db*"):
        path.unlink()


def put_aside(journal: Path, aside: Path) -> None:
    for ending in ("", "-wal"):
        shutil.copy(beside(journal, ending), beside(aside, ending))
        beside(aside, ending).chmod(0o444)


def texts(folder: Path, wanted: str, **fields: object) -> list[tuple[str, str, str]]:
    found = find(Files(folder / "journal.db", folder / "held.db"), FindBody(text=wanted, **fields))  # type: ignore[arg-type]
    return [(one.field, one.text, one.place) for one in found.texts]


def test_what_is_erased_is_gone_from_every_byte_and_the_chain_holds(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            log, theirs = guest()
            await held.take(batch(log.events), NOW)
            digests = await open_check(journal, "1", name=NAME, phone=PHONE)
            await open_check(journal, "2", name=NAME)
            assert texts(tmp_path, NAME) == [("name", NAME, "journal")] * 2
            assert holders(tmp_path, OTHER)
            assert await keeper(journal, held, tmp_path).erase((digests["name"], theirs), "asked", "Mia") == 2
            assert texts(tmp_path, NAME) == [("name", NAME, "journal")], "of the other check"
            assert texts(tmp_path, PHONE) == [("phone", PHONE, "journal")]
            assert holders(tmp_path, OTHER) == []
            events = journal.events(journal.incarnation, 0, 10)
            verify(events, GENESIS)
            assert [event.type for event in events][-1] == "personal_data_erased"
            assert NAME not in events[-1].body
            assert held.events(log_id(log), 0, 9)[0].personal == {}

    asyncio.run(scenario())
    assert verify_file(tmp_path / "journal.db")[0].problem == ""


def test_a_reader_in_the_way_keeps_no_sale_waiting_and_then_it_is_gone_all_the_same(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            digests = await open_check(journal, "1", name=NAME)
            reader = apsw.Connection(str(tmp_path / "journal.db"), flags=apsw.SQLITE_OPEN_READONLY)
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM personal").get == 1
            assert await keeper(journal, held, tmp_path).erase((digests["name"],), "asked") == 1
            assert journal.trouble is None
            await open_check(journal, "2")
            assert holders(tmp_path, NAME), "the reader still sees it: so much the test shows"
            reader.close()
            await until(lambda: not holders(tmp_path, NAME))

    asyncio.run(scenario())


def test_anothers_event_erases_here_in_journal_and_copies_and_a_late_text_stays_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            own = await open_check(journal, "1", name=NAME)
            late, theirs = guest()
            eraser = Log("till-d", "d1")
            eraser.add(PersonalDataErased(digests=(own["name"], theirs), by="Mia"))
            async with running(keeper(journal, held, tmp_path)):
                await held.take(batch(eraser.events), NOW)
                await until(lambda: not journal.personal([own["name"]]))
                await held.take(batch(late.events), NOW)
                assert held.events(log_id(late), 0, 9)[0].personal == {}
                await until(lambda: not holders(tmp_path, NAME))
            assert holders(tmp_path, OTHER) == []
            assert [event.type for event in journal.events(journal.incarnation, 0, 9)][1:] == ["check_opened"], "no echo of it"

    asyncio.run(scenario())


def test_what_nobody_may_say_erases_nothing(tmp_path: Path) -> None:
    """A forged, damaged or forked event goes to quarantine, and the text stays."""

    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            own = await open_check(journal, "1", name=NAME)
            log, theirs = guest()
            await held.take(batch(log.events), NOW)
            forged = Log("till-d", "d1")
            forged.add(PersonalDataErased(digests=("0" * 64,)))
            body = forged.events[0].body.replace("0" * 64, theirs)
            forged.events[0] = msgspec.structs.replace(forged.events[0], body=body)
            left = Log("till-e", "e1")
            left.add(PersonalDataErased(digests=(own["name"], theirs, "not a digest")))
            async with running(keeper(journal, held, tmp_path)):
                answers = [await held.take(batch(forged.events), NOW), await held.take(batch(left.events), NOW, 0)]
                assert [answer.verdicts[0].reason for answer in answers] == ["broken_chain", "after_leaving"]
                await open_check(journal, "2")
            assert journal.personal([own["name"]])
            assert held.events(log_id(log), 0, 9)[0].personal

    asyncio.run(scenario())


def test_quarantine_is_reached_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            log, theirs = guest()
            await held.take(batch(log.events), NOW, 0)
            assert texts(tmp_path, OTHER) == [("name", OTHER, "quarantine")]
            assert await keeper(journal, held, tmp_path).erase((theirs,), "asked") == 1
            assert holders(tmp_path, OTHER) == []
            assert held.quarantined(0, 9)[0].envelope.personal == {}

    asyncio.run(scenario())


def test_files_that_began_anew_learn_what_was_erased(tmp_path: Path) -> None:
    """The file of held logs is lost, or the agent was killed between the two files: the other one tells."""

    async def scenario() -> None:
        late, theirs = guest()
        async with register(tmp_path) as (journal, held):
            own = await open_check(journal, "1", name=NAME)
            await journal.erase((theirs,))
            await held.erase((own["name"],))
        async with register(tmp_path) as (journal, held):
            async with running(keeper(journal, held, tmp_path)):
                await until(lambda: not journal.personal([own["name"]]) and theirs in held.erased("", 9))
            await held.take(batch(late.events), NOW)
            assert held.events(log_id(late), 0, 9)[0].personal == {}
        lose(tmp_path)
        async with register(tmp_path) as (journal, held):
            async with running(keeper(journal, held, tmp_path)):
                await until(lambda: held.erased("", 9) == journal.erased("", 9) == sorted([own["name"], theirs]))
            await held.take(batch(late.events), NOW)
            assert holders(tmp_path, OTHER) == []

    asyncio.run(scenario())


def test_journals_that_were_set_aside_are_overwritten_once_they_were_read_over(tmp_path: Path) -> None:
    aside = tmp_path / "journal-set-aside-x.db"

    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            own = await open_check(journal, "1", name=NAME)
            await open_check(journal, "2", name=OTHER)
            put_aside(journal.path, aside)
            one = keeper(journal, held, tmp_path)
            async with running(one):
                await one.erase((own["name"],), "asked")
                await until(lambda: one.asides.waiting == (aside.name,))
                assert holders(tmp_path, NAME), "it may be the only copy of a sale: not touched before it was read over"
                beside(aside, ".rescued").touch()
                await one.erase((own["name"],), "asked")
                await until(lambda: not holders(tmp_path, NAME))
            assert one.asides.left == 0
            assert holders(tmp_path, OTHER), "other texts stay as they are"
            assert not aside.stat().st_mode & 0o222

    asyncio.run(scenario())


def test_old_texts_go_by_an_event_but_not_those_of_open_checks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            old = await open_check(journal, "1", NOW - 31 * DAY_MS, name=NAME)
            kept = await open_check(journal, "2", NOW - 31 * DAY_MS, name="still here")
            await open_check(journal, "3", NOW - 29 * DAY_MS, name=OTHER)
            log = Log("till-c", "c1")
            log.add(CheckClosed(check_id="c-0", totals=Totals(0, 0, 0, 0, 0, 0, 0, 0)))
            one = keeper(journal, held, tmp_path, keep_days=30, open_checks=lambda: (kept["name"],))
            async with running(one):
                await until(lambda: not journal.personal([old["name"]]))
                await until(lambda: not holders(tmp_path, NAME))
            assert journal.personal([kept["name"]])
            assert [text for _, text, _ in texts(tmp_path, OTHER)] == [OTHER]
            (event,) = [e for e in journal.events(journal.incarnation, 0, 99) if e.type == "personal_data_erased"]
            assert '"cause":"retention"' in event.body
            assert kept["name"] not in event.body

    asyncio.run(scenario())


def test_old_texts_go_in_one_look_however_many_there_are(tmp_path: Path) -> None:
    """Not an hour later where a turn ends between two texts of one check."""

    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            for n in range(40):
                await open_check(journal, str(n), NOW - 31 * DAY_MS, name=f"{NAME} {n}", phone=PHONE, note=OTHER)
            async with running(keeper(journal, held, tmp_path, keep_days=30)):
                await until(lambda: find(Files(journal.path, None), FindBody(text=NAME)).held == 0)

    asyncio.run(scenario())


def test_without_a_limit_nothing_goes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            old = await open_check(journal, "1", NOW - 3_000 * DAY_MS, name=NAME)
            one = keeper(journal, held, tmp_path)
            async with running(one):
                await one.erase(("0" * 64,), "asked")
                await until(lambda: not one._scrub)
            assert journal.personal([old["name"]])

    asyncio.run(scenario())


def test_it_is_found_by_check_and_by_day(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with register(tmp_path) as (journal, held):
            await open_check(journal, "1", name=NAME, phone=PHONE, note="allergic to nuts")
            log, _ = guest()
            await held.take(batch(log.events), NOW)
            files = Files(tmp_path / "journal.db", tmp_path / "held.db")
            found = find(files, FindBody(check="1"))
            assert sorted((one.field, one.text, one.register) for one in found.texts) == [
                ("name", NAME, REGISTER), ("note", "allergic to nuts", REGISTER), ("phone", PHONE, REGISTER),
            ]  # fmt: skip
            assert (found.held, found.more) == (4, False)
            assert [one.text for one in find(files, FindBody(check="B-c-1")).texts] == [OTHER]
            assert find(files, FindBody(check="B-1", day="2020-01-01")).texts == ()
            assert len(find(files, FindBody(check="B-1", day=DAY)).texts) == 3
            assert find(files, FindBody(check="1", limit=2)).more

    asyncio.run(scenario())
