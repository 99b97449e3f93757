"""A device that is wired to register a, as register b uses it: one attempt there, and its outcome is b's."""

import asyncio

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.wired.world import Room

from tillkeeper.contract.documents import DocumentSettled
from tillkeeper.contract.roles import Epoch
from tillkeeper.devices import wired_wire as wire
from tillkeeper.devices.wired import MAX_WORKS
from tillkeeper.errors import Conflict, StorageRefused
from tillkeeper.journal.records import JobRow
from tillkeeper.spool.adopting import Orphan, wired_id
from tillkeeper.spool.jobs import decode
from tillkeeper.spool.model import TicketData, WiredData
from tillkeeper_drivers.api import Status

DO = (
    b'{"device":"grill","origin":"x","attempt":"1","epoch":{"counter":COUNTER},"document_class":"receipt","document":DOCUMENT}'
)
PAPER_OUT = Status(reachable="yes", online="no", paper_out="yes")


def test_a_ticket_comes_out_at_a_and_its_outcome_with_its_evidence_is_bs_once() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive(), b.alive():
            job = b.job("T-1")
            await b.accept(job)
            await b.until_done()
        assert [code for code, _marks, _at in room.printer("grill").paper] == ["T-1"]
        assert b.outcomes() == [(job.job_id, "confirmed")]
        (event,) = [event for event in b.journal.events if isinstance(event, DocumentSettled)]
        assert (event.by, event.device) == ("GS ( H", "grill")
        assert a.journal.events == []  # it is told once, by the register whose job it is

    run_virtual(scenario())


def test_nothing_of_what_a_document_says_is_on_the_disk_of_a() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive(), b.alive():
            await b.accept(b.job("T-SECRET"))
            await b.until_done()
        rows = b"".join(row.body for row in a.journal.rows.values())
        assert b"wired" in rows
        assert b"T-SECRET" not in rows
        assert b"Burger" not in rows

    run_virtual(scenario())


@pytest.mark.parametrize(("word", "outcome"), [("sent", "sent"), ("bad_document", "failed")])
def test_what_a_says_of_a_receipt_is_what_b_says(word: str, outcome: str) -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("receipt").script = [word]
        async with a.alive(), b.alive():
            job = b.job("T-1", "receipt", "receipt")
            await b.accept(job)
            await b.until_done()
        assert b.outcomes() == [(job.job_id, outcome)]

    run_virtual(scenario())


def test_an_unknown_outcome_follows_the_rules_of_b_and_its_mark_travels() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["unconfirmed"]
        room.printer("receipt").script = ["unconfirmed"]
        async with a.alive(), b.alive():
            ticket, receipt = b.job("T-1"), b.job("T-r", "receipt", "receipt")
            await b.accept(ticket, receipt)
            await b.until_done()
            assert b.states((ticket, receipt)) == ["confirmed", "held"]
            await b.spool.release(receipt.job_id, "Ann")
            await b.until_done()
        assert [(code, marks) for code, marks, _at in room.printer("grill").paper] == [
            ("T-1", ()), ("T-1", ("POSSIBLE DUPLICATE",)),
        ]  # fmt: skip
        assert [(code, marks) for code, marks, _at in room.printer("receipt").paper] == [("T-r", ()), ("T-r", ("DUPLICATE",))]

    run_virtual(scenario())


def test_paper_out_at_a_is_told_tried_again_and_goes_to_the_backup() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").condition = PAPER_OUT
        async with a.alive(), b.alive():
            job = b.job("T-1")
            await b.accept(job)
            await b.until(lambda: b.trouble("grill") == "paper_out", 10)
            await b.until(lambda: b.seen("grill").paper_out == "yes", 10)
            assert b.seen("grill").detail == "on register a"
            await b.until_done()
        assert [(code, marks) for code, marks, _at in room.paper()] == [("T-1", ("REROUTED FROM GRILL",))]

    run_virtual(scenario())


def test_paper_that_is_back_is_told_at_once_and_the_ticket_comes_out_where_it_belongs() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").condition = PAPER_OUT
        async with a.alive(), b.alive():
            await b.accept(b.job("T-1"))
            await asyncio.sleep(10)
            room.printer("grill").condition = Status(reachable="yes", online="yes")
            await b.until_done()
        assert [(code, marks) for code, marks, _at in room.printer("grill").paper] == [("T-1", ())]

    run_virtual(scenario())


def test_while_a_is_silent_its_devices_are_unknown_and_never_fine() -> None:
    async def scenario() -> None:
        room = Room()
        b = room["b"]
        async with b.alive():
            await b.until(lambda: b.seen("grill").trouble() == "unreachable", 10)
            seen = b.seen("grill")
            assert (seen.paper_out, seen.cover_open, seen.online) == ("unknown",) * 3
            assert seen.detail == "register a is silent"
            async with room["a"].alive():
                await b.until(lambda: b.trouble("grill") == "", 20)
            await b.until(lambda: b.trouble("grill") == "unreachable", 20)

    run_virtual(scenario())


def test_a_ticket_for_a_register_that_is_away_goes_to_the_backup_without_a_mark_of_doubt() -> None:
    async def scenario() -> None:
        room = Room()
        b = room["b"]
        async with b.alive():
            await b.accept(b.job("T-1"))
            await b.until_done()
        assert [(code, marks) for code, marks, _at in room.paper()] == [("T-1", ("REROUTED FROM GRILL",))]

    run_virtual(scenario())


def test_a_that_goes_silent_in_mid_ticket_prints_it_and_the_backups_copy_is_marked() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with a.alive(), b.alive():
            await b.accept(b.job("T-1"))
            await b.until(lambda: bool(room.printer("grill").paper), 10)
            room.cut("a", "b")
            await b.until_done()
        first, second = room.paper()
        assert first[:2] == ("T-1", ())
        assert second[:2] == ("T-1", ("POSSIBLE DUPLICATE", "REROUTED FROM GRILL"))

    run_virtual(scenario())


def test_what_a_has_accepted_and_not_begun_does_not_come_out_there_behind_the_backup() -> None:
    """Its printer is at work for a; b hears nothing more and prints elsewhere; a, alive all the time, gives it up."""

    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with a.alive(), b.alive():
            await a.accept(a.job("T-a"))
            await b.accept(b.job("T-1"))
            await b.until(lambda: any(isinstance(job.data, WiredData) for job in a.spool.jobs()), 10)
            room.cut("a", "b")
            await b.until_done()
            await asyncio.sleep(60)
            assert not a.unsettled()
        assert [code for code, _marks, _at in room.printer("grill").paper] == ["T-a"]
        assert [code for code, _marks, _at in room.printer("bar").paper] == ["T-1"]

    run_virtual(scenario())


def test_a_that_is_killed_and_back_gives_back_what_it_had_not_begun() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with b.alive():
            async with a.alive():
                await a.accept(a.job("T-a"))
                await b.accept(b.job("T-1"))
                await b.until(lambda: any(isinstance(job.data, WiredData) for job in a.spool.jobs()), 10)
            await asyncio.sleep(2)
            room.printer("grill").script = []
            async with a.alive():
                await b.until_done()
                await a.until_done()
        printed = [(code, marks) for code, marks, _at in room.printer("grill").paper if code == "T-1"]
        assert printed == [("T-1", ())]

    run_virtual(scenario())


def test_an_attempt_that_a_confirmed_while_b_was_dead_is_not_done_again() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with a.alive():
            async with b.alive():
                job = b.job("T-1")
                await b.accept(job)
                await b.until(lambda: bool(room.printer("grill").paper), 10)
            await a.until_done()
            async with b.alive():
                await b.until_done()
        assert [code for code, _marks, _at in room.paper()] == ["T-1"]
        assert b.outcomes() == [(job.job_id, "confirmed")]

    run_virtual(scenario())


def test_who_adopts_a_ticket_that_a_printed_already_gets_its_outcome() -> None:
    async def scenario() -> None:
        room = Room()
        a, b, c = room["a"], room["b"], room["c"]
        async with a.alive(), c.alive():
            async with b.alive():
                job = b.job("T-1")
                await b.accept(job)
                await b.until_done()
            # b's disk is lost: nobody but a knows that it came out.
            orphan = Orphan(job=msgspec.structs.replace(job, state="queued"), printed="unknown")
            (adopted,) = await c.spool.adopt([orphan], "b")
            await c.until_done()
            assert c.outcomes()[-1] == (adopted.job_id, "confirmed")
            assert await a.spool.adopt([orphan], "b") == ()
        assert [code for code, _marks, _at in room.paper()] == ["T-1"]

    run_virtual(scenario())


def test_a_drawer_is_kicked_once_and_never_again_by_whoever_asks() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("receipt").script = ["unconfirmed"]
        async with a.alive(), b.alive():
            job = b.job("p", "drawer", "drawer_pulse")
            await b.accept(job)
            await b.until_done()
            assert b.outcomes() == [(job.job_id, "unconfirmed")]
            # Another attempt of the same kick, from wherever: it is answered, not done.
            again = msgspec.structs.replace(job, job_id="J-again", origin=job.job_id)
            await b.accept(again)
            await b.until_done()
            assert b.outcomes()[-1] == ("J-again", "unconfirmed")
        assert len(room.kicks()) == 1

    run_virtual(scenario())


def test_a_drawer_whose_register_is_away_is_tried_for_ten_seconds_and_never_opens_late() -> None:
    async def scenario() -> None:
        room = Room()
        b = room["b"]
        async with b.alive():
            job = b.job("p", "drawer", "drawer_pulse")
            await b.accept(job)
            await b.until_done()
            async with room["a"].alive():
                await asyncio.sleep(30)
        assert b.outcomes() == [(job.job_id, "expired")]
        assert room.kicks() == []

    run_virtual(scenario())


def test_a_lower_epoch_than_was_seen_is_not_obeyed_also_after_a_restart() -> None:
    async def scenario() -> None:
        room = Room()
        a, b, c = room["a"], room["b"], room["c"]
        async with b.alive(), c.alive():
            async with a.alive():
                c.epoch = Epoch(2, "c")
                await c.accept(c.job("T-c"))
                await c.until_done()
                job = b.job("T-b")
                await b.accept(job)
                await asyncio.sleep(10)
                assert wired_id(job.job_id, "grill") not in a.journal.rows
            async with a.alive():
                await asyncio.sleep(10)
                assert [code for code, _marks, _at in room.paper()] == ["T-c"]
                b.epoch = Epoch(2, "c")
                await b.until_done()
        assert [code for code, _marks, _at in room.paper()] == ["T-c", "T-b"]

    run_virtual(scenario())


def test_what_was_accepted_is_not_begun_once_a_higher_epoch_was_seen() -> None:
    async def scenario() -> None:
        room = Room()
        a, b, c = room["a"], room["b"], room["c"]
        room.printer("grill").script = ["slow"]
        async with a.alive(), b.alive(), c.alive():
            await a.accept(a.job("T-a"))
            await b.accept(b.job("T-b"))
            await b.until(lambda: any(isinstance(job.data, WiredData) for job in a.spool.jobs()), 10)
            c.epoch = Epoch(7, "c")
            await c.accept(c.job("T-c", "receipt", "receipt"))
            await asyncio.sleep(40)
            assert "T-b" not in [code for code, _marks, _at in room.printer("grill").paper]
            b.epoch = Epoch(7, "c")
            await b.until_done()
        room.assert_promises("T-a", "T-b", "T-c")

    run_virtual(scenario())


def test_cancelled_at_b_while_it_waits_it_never_comes_out_at_a() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").condition = PAPER_OUT
        async with a.alive(), b.alive():
            job = b.job("T-1")
            await b.accept(job)
            await asyncio.sleep(3)
            assert (await b.spool.cancel(job.job_id, "Ann")).state == "expired"
            room.printer("grill").condition = Status(reachable="yes", online="yes")
            await asyncio.sleep(60)
        assert room.paper() == []

    run_virtual(scenario())


def test_cancelled_at_b_while_a_has_it_and_has_not_begun_it_is_called_back() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow", "slow"]
        async with a.alive(), b.alive():
            await a.accept(a.job("T-a"))
            waits, sent = b.job("T-1"), b.job("T-2", "receipt", "receipt")
            await b.accept(waits)
            await b.until(lambda: any(isinstance(one.data, WiredData) for one in a.spool.jobs()), 10)
            began_s = asyncio.get_running_loop().time()
            assert (await b.spool.cancel(waits.job_id, "Ann")).state == "expired"
            assert asyncio.get_running_loop().time() - began_s < 1
            # What has begun does not come back.
            room.printer("receipt").script = ["slow"]
            await b.accept(sent)
            await b.until(lambda: bool(room.printer("receipt").paper), 10)
            with pytest.raises(Conflict, match="being sent"):
                await b.spool.cancel(sent.job_id, "Ann")
            await b.until_done()
            await a.until_done()
        assert b.states((waits, sent)) == ["expired", "confirmed"]
        assert sorted(code for code, _marks, _at in room.paper()) == ["T-2", "T-a"]

    run_virtual(scenario())


def test_a_cancel_that_bs_disk_refused_does_not_keep_the_ticket_from_coming_out() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with a.alive(), b.alive():
            await a.accept(a.job("T-a"))
            job = b.job("T-1")
            await b.accept(job)
            await b.until(lambda: any(isinstance(one.data, WiredData) for one in a.spool.jobs()), 10)
            b.journal.refusing = True
            with pytest.raises((StorageRefused, Conflict)):
                await b.spool.cancel(job.job_id, "Ann")
            b.journal.refusing = False
            await b.until_done()
        assert b.states((job,)) == ["confirmed"]
        assert sorted(code for code, _marks, _at in room.paper()) == ["T-1", "T-a"]

    run_virtual(scenario())


def test_a_whose_disk_is_an_older_copy_says_that_it_does_not_know_and_the_repeat_is_marked() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"]
        async with b.alive():
            backup = dict(a.disk.rows)
            async with a.alive():
                await b.accept(b.job("T-1"))
                await b.until(lambda: bool(room.printer("grill").paper), 10)
            a.disk.rows = backup
            async with a.alive():
                await b.until_done()
        assert [(code, marks) for code, marks, _at in room.printer("grill").paper] == [
            ("T-1", ()), ("T-1", ("POSSIBLE DUPLICATE",)),
        ]  # fmt: skip

    run_virtual(scenario())


def test_b_whose_disk_is_an_older_copy_gets_the_outcome_of_what_came_out_since() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive():
            async with b.alive():
                job, kick = b.job("T-1"), b.job("p", "drawer", "drawer_pulse")
                await b.accept(job, kick)
                backup = dict(b.disk.rows)
                await b.until_done()
            b.disk.rows = backup
            async with b.alive():
                await b.until_done()
        assert len(room.paper()) == len(room.kicks()) == 1
        assert b.states((job, kick)) == ["confirmed", "confirmed"]

    run_virtual(scenario())


def test_a_document_that_waits_long_behind_those_of_a_is_called_back_and_can_be_cancelled() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        room.printer("grill").script = ["slow"] * 6
        async with a.alive(), b.alive():
            for n in range(6):
                await a.accept(a.job(f"T-a{n}"))
            job = b.job("T-r", "grill", "receipt")
            await b.accept(job)
            await b.until(lambda: any(isinstance(one.data, WiredData) for one in a.spool.jobs()), 10)
            (wired,) = [one for one in a.spool.jobs() if isinstance(one.data, WiredData)]
            with pytest.raises(Conflict, match="register b"):
                await a.spool.cancel(wired.job_id, "Ann")
            await b.until(lambda: b.stored(job.job_id).state == "queued", 90)
            assert b.stored(job.job_id).reason == "busy"
            assert not a.stored(wired.job_id).may_have_printed
            await b.spool.cancel(job.job_id, "Ann")
            await a.until_done()
        assert "T-r" not in [code for code, _marks, _at in room.paper()]

    run_virtual(scenario())


def test_practice_is_practice_at_a_as_well() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive(), b.alive():
            job = b.job("T-1")
            assert isinstance(job.data, TicketData)
            await b.accept(msgspec.structs.replace(job, data=msgspec.structs.replace(job.data, training=True)))
            await b.until_done()
        (row,) = a.journal.rows.values()
        data = decode(row.body).data
        assert isinstance(data, WiredData)
        assert data.training
        assert len(room.paper()) == 1

    run_virtual(scenario())


def test_a_document_that_is_too_large_leaves_b_with_its_reason() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive(), b.alive():
            job = b.job("T-1", "receipt", "receipt")
            data = msgspec.structs.replace(job.data, table="x" * (wire.MAX_DOCUMENT + 1))
            job = msgspec.structs.replace(job, data=data)
            await b.accept(job)
            await b.until_done()
            assert b.outcomes() == [(job.job_id, "failed")]
            assert a.journal.rows == {}

    run_virtual(scenario())


def test_a_device_that_a_does_not_drive_takes_nothing() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        devices = {name: msgspec.structs.replace(one, register="") for name, one in a.config.devices.items()}
        a.config = msgspec.structs.replace(a.config, devices=devices)
        async with a.alive(), b.alive():
            await b.accept(b.job("T-1"))
            await b.until_done()
            assert a.journal.rows == {}
        assert [(code, marks) for code, marks, _at in room.paper()] == [("T-1", ("REROUTED FROM GRILL",))]

    run_virtual(scenario())


def test_while_the_disk_of_a_refuses_nothing_is_accepted_and_nothing_printed() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        a.journal.refusing = True
        async with a.alive(), b.alive():
            await b.accept(b.job("T-1"))
            await asyncio.sleep(5)
            assert room.paper() == []
            a.journal.refusing = False
            await b.until_done()
        assert [(code, marks) for code, marks, _at in room.paper()] == [("T-1", ())]

    run_virtual(scenario())


def test_a_that_was_stopped_for_a_minute_does_not_begin_on_a_word_from_before() -> None:
    """What b had said waits in a's socket; nothing of a has run meanwhile."""

    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive():
            job = b.job("T-1")
            document = msgspec.Raw(wire.encode(b.document(job)))
            do = wire.Do("grill", job.job_id, "1", Epoch(), "kitchen_ticket", document)
            told = wire.decode_told(await room.bring("b", wire.DO, do))
            assert told.how == "accepted"
            a.stopped_s += 60
            told = wire.decode_told(await room.bring("b", wire.STATE, wire.Ask("grill", job.job_id, "1", told.stamp)))
            assert told.how == "accepted"
            assert a.spool.jobs() == ()  # nobody has spoken for it since
            told = wire.decode_told(await room.bring("b", wire.STATE, wire.Ask("grill", job.job_id, "1", told.stamp)))
            await a.until_done()
        assert [code for code, _marks, _at in room.paper()] == ["T-1"]

    run_virtual(scenario())


def test_a_that_is_stopped_while_it_writes_down_that_it_begins_does_not_begin() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        begun = 0

        def written(row: JobRow) -> None:
            nonlocal begun
            if row.state == "sending":
                begun += 1
                a.stopped_s += 60 if begun == 1 else 0

        a.disk.written = written
        async with a.alive(), b.alive():
            await b.accept(b.job("T-1"))
            await b.until_done()
        assert begun == 2, "what it began on a word of a minute ago came out"
        assert [(code, marks) for code, marks, _at in room.paper()] == [("T-1", ())]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        (wire.DO, b"{"),
        (wire.DO, DO.replace(b"COUNTER", b"0").replace(b"DOCUMENT", b'{"type":"?"}')),
        (wire.DO, DO.replace(b"COUNTER", b"-1").replace(b"DOCUMENT", b'{"type":"print","job_id":"x","blocks":[]}')),
        (wire.STATE, b"[]"),
        (wire.STATUS, b'{"device":7}'),
    ],
)
def test_what_is_no_question_changes_nothing(topic: str, body: bytes) -> None:
    async def scenario() -> None:
        room = Room()
        async with room["a"].alive():
            with pytest.raises(msgspec.DecodeError):
                await room.bring("b", topic, msgspec.Raw(body))
        assert room["a"].journal.rows == {}

    run_virtual(scenario())


def test_more_than_there_is_room_for_is_refused_as_busy() -> None:
    async def scenario() -> None:
        room = Room()
        a, b = room["a"], room["b"]
        async with a.alive():
            told = []
            for n in range(MAX_WORKS + 1):
                job = b.job(f"T-{n}")
                document = msgspec.Raw(wire.encode(b.document(job)))
                do = wire.Do("grill", job.job_id, "1", Epoch(), "kitchen_ticket", document)
                told.append(wire.decode_told(await room.bring("b", wire.DO, do)))
            assert [one.how for one in told] == ["accepted"] * MAX_WORKS + ["not_begun"]
            assert told[-1].reason == "busy"
            await asyncio.sleep(2 * wire.WORD_S)  # nobody asks after them
            assert not a.unsettled()
        assert room.paper() == []

    run_virtual(scenario())
