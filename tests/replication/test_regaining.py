"""A register gets its own earlier logs back from others: those that its journal lacks, and the ends of those that it lacks."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import msgspec
from tests.replication.registers import STORE, Corner, Counter, corner, until
from tests.support.keys import AUTHORITY

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.roster import Admitted
from tillkeeper.contract.signing import check_head
from tillkeeper.replication.batches import Batches
from tillkeeper.replication.cursors import Send
from tillkeeper.replication.model import LogId
from tillkeeper.replication.outgoing import Selected
from tillkeeper.replication.peers.lost import lost_beyond
from tillkeeper.replication.peers.session import Connection, Session
from tillkeeper.replication.sinks import only_here
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.keys import KeyPair

Scene = Callable[[Corner], Awaitable[None]]


def play(folder: Path, scene: Scene, *names: str) -> None:
    async def scenario() -> None:
        async with corner(folder, *names) as store:
            await scene(store)

    asyncio.run(scenario())


async def held_by(store: Corner, log: LogId, seq: int, *names: str) -> None:
    await until(lambda: all(store[name].holds(log) == seq for name in names))


async def written_off(store: Corner, name: str) -> LogId:
    """The register is off. Its log."""
    log = store[name].own
    await store.end(name)
    return log


def lose_disk(store: Corner, name: str, log: LogId) -> LogId:
    """Journal and what is held are gone; the key is not."""
    for path in store.folders[name].glob("*.db*"):
        path.unlink()
    return log


def copy_disk(source: Path, target: Path) -> None:
    """In place of what is there. Of a register that is off."""
    target.mkdir(exist_ok=True)
    for path in target.glob("*.db*"):
        path.unlink()
    for path in source.glob("*.db*"):
        shutil.copy(path, target / path.name)


async def backed_up(store: Corner, name: str, copy: Path) -> Counter:
    await store.end(name)
    copy_disk(store.folders[name], copy)
    return await store.begin(name)


def unsaved(one: Counter) -> int:
    """As `Replication.books` counts what is on this register alone."""
    own = {log: mark.seq for log, mark in one.library.heads().items() if log.register == one.register}
    return only_here(own, one.desk.answered().values())


def test_a_register_with_a_new_disk_has_its_lost_log_again_and_who_it_was_that_signed_it(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        await store["a"].sell(700)
        await held_by(store, store["a"].own, 701, "b", "c")
        written = store["a"].all_of(store["a"].own)
        lost = lose_disk(store, "a", await written_off(store, "a"))
        a = await store.begin("a")
        await until(lambda: a.library.heads().get(lost) and a.library.heads()[lost].seq == 701)
        assert a.all_of(lost) == written
        assert not a.library.own(lost)
        assert a.own != lost
        assert a.desk.behind() == 0
        await until(lambda: unsaved(a) == 0)

        # It can be sent from here, and whoever gets it needs not believe who sends it.
        await store.end("b")
        await store.end("c")
        batches = Batches(STORE, Selected(a.library, a.journal))
        at = 0
        while at < 701:
            sent = await batches.next(Send(lost, at, 100))
            assert check_head(sent, a.keys.roster.keys("a"), verify, relayed=True).events
            at = sent.events[-1].seq
        assert not a.held.alarms

    play(tmp_path, scene, "a", "b", "c")


def test_it_is_kept_and_known_at_the_next_start_and_nothing_of_it_goes_round_in_circles(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        await store["a"].sell(300)
        await held_by(store, store["a"].own, 301, "b")
        lost = lose_disk(store, "a", await written_off(store, "a"))
        a = await store.begin("a")
        await until(lambda: a.holds(lost) == 301)
        await until(lambda: not store["b"].desk.states["a"].relays)
        pushed = store["b"].desk.states["a"].link
        assert pushed is not None
        assert not [one for one in pushed.status().logs if one.register == "a"], "it has all of it"
        await store.end("b")
        await store.end("a")
        a = await store.begin("a")
        assert a.holds(lost) == 301
        told = lost_beyond("a", a.library.in_journal(), STORE, a.library.heads(), a.library)
        assert [(batch.incarnation, batch.events[-1].seq) for batch in told] == [(lost.incarnation, 301)], "for `Recall`"

    play(tmp_path, scene, "a", "b")


def test_a_copy_that_was_put_back_gets_what_was_written_after_it(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await a.sell(200)
        a = await backed_up(store, "a", tmp_path / "copy")
        first = a.own
        await a.sell(150)
        await held_by(store, first, 351, "b")
        written = a.all_of(first)
        await store.end("a")
        copy_disk(tmp_path / "copy", store.folders["a"])
        a = await store.build("a")
        await a.desk.door.ask(5.0)
        assert await a.renewals.settle()
        await store.begin("a")
        assert a.journal.end_of(first.incarnation) == 201
        await until(lambda: a.library.heads()[first].seq == 351)
        assert a.all_of(first) == written
        assert a.journal.end_of(first.incarnation) == 201, "what was sold here is what the journal says"
        assert not a.held.alarms
        assert not store["b"].held.alarms
        await until(lambda: unsaved(a) == 0)
        await a.sell(3)
        await held_by(store, a.own, a.journal.last_seq, "b")

    play(tmp_path, scene, "a", "b")


def test_where_both_wrote_on_the_other_branch_lies_in_quarantine_and_the_own_one_stays(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await a.sell(20)
        a = await backed_up(store, "a", tmp_path / "copy")
        first = a.own
        await a.sell(9)
        await held_by(store, first, 30, "b")
        await store.end("a")
        await store.cut("a", "b")
        copy_disk(tmp_path / "copy", store.folders["a"])
        a = await store.begin("a")
        await a.sell(4)
        mine = a.all_of(first)
        await store.mend("a", "b")
        await until(lambda: a.own != first)
        await until(lambda: a.library.heads()[first].seq == 30)
        assert a.all_of(first)[:25] == mine, "what the journal has is in its place"
        assert len(a.held.quarantined(0, 100)) == 5, "four that have lost their place, and the one that no longer follows"
        await until(lambda: store["b"].held.quarantined(0, 100))
        assert store["b"].all_of(first)[24].hash != mine[24].hash, "nor has that register given up what it had"
        # Whoever gets it from here can send it on: the place before the break is signed.
        sent = await Batches(STORE, Selected(a.library, a.journal)).next(Send(first, 20, 100))
        assert (sent.events[-1].seq, sent.head is not None and sent.head.seq) == (25, 25)
        before = len(a.held.quarantined(0, 100)), len(store["b"].held.quarantined(0, 100))
        await a.sell(1)
        await held_by(store, a.own, a.journal.last_seq, "b")
        assert (len(a.held.quarantined(0, 100)), len(store["b"].held.quarantined(0, 100))) == before

    play(tmp_path, scene, "a", "b")


def test_the_log_that_is_written_is_nobody_elses_to_tell(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await a.sell(5)
        await held_by(store, a.own, 6, "b")
        session = b.desk.states["a"].calling or await until(lambda: b.desk.states["a"].calling)
        head = b.library.head_for(a.own, 6)
        events = tuple(b.library.events(a.own, 0, 6))
        answer = await session.exchange(HqBatch(STORE, *a.own, events, head))
        assert [one.verdict for one in answer.verdicts] == ["retryable"] * 6
        assert a.own not in a.held.marks()

    play(tmp_path, scene, "a", "b")


def test_nobody_makes_up_a_past_for_another(tmp_path: Path) -> None:
    """A member that signs with its own key, one that changes what the register had signed, and one that signs nothing."""

    async def scene(store: Corner) -> None:
        await store["a"].sell(40)
        await held_by(store, store["a"].own, 41, "b")
        lost = lose_disk(store, "a", await written_off(store, "a"))
        events = tuple(store["b"].library.events(lost, 0, 41))
        head = store["b"].library.head_for(lost, 41)
        assert head is not None
        lose_disk(store, "b", await written_off(store, "b"))
        b, a = await store.begin("b"), await store.begin("a")
        session = await until(lambda: a.desk.states["b"].called)
        changed = (*events[:7], msgspec.structs.replace(events[7], body='{"mode":"island"}'), *events[8:])
        forged = msgspec.structs.replace(head, key=b.keys.signer.key)
        for made_up in (
            HqBatch(STORE, *lost, changed, head),
            HqBatch(STORE, *lost, events[:40], head),
            HqBatch(STORE, *lost, events, None),
            HqBatch(STORE, *lost, events, forged),
        ):
            assert (await a.desk.pushed(session, made_up)).refused
        assert lost not in a.library.heads()
        assert (await a.desk.pushed(session, HqBatch(STORE, *lost, events, head))).answer.held_seq == 41

    play(tmp_path, scene, "a", "b")


def test_what_an_old_key_wrote_after_it_had_left_is_no_past_of_this_register(tmp_path: Path) -> None:
    """A stolen disk goes on writing, and somebody brings it."""

    async def scene(store: Corner) -> None:
        await store["a"].sell(10)
        await held_by(store, store["a"].own, 11, "b")
        lost = lose_disk(store, "a", await written_off(store, "a"))
        events = tuple(store["b"].library.events(lost, 0, 11))
        head = store["b"].library.head_for(lost, 11)
        await store.end("b")
        a = await store.begin("a")
        state = a.desk.states["b"]
        hello = a.desk.door.hello("b")
        session = Session(cast(Connection, None), msgspec.structs.replace(hello, register="b"), dialled=False, now_s=a.now_s)
        new = Admitted(store=STORE, register="a", key=KeyPair(bytes(range(32))).key, term=2)
        await a.keys.take((*store.leaving("a", **{lost.incarnation: 6}), signed(AUTHORITY, new)))
        answer = (await a.desk.pushed(session, HqBatch(STORE, *lost, events, head))).answer
        assert [one.verdict for one in answer.verdicts] == ["stored"] * 6 + ["rejected"] * 5
        assert len(a.held.quarantined(0, 100)) == 5
        assert state.acked[lost] == 11

    play(tmp_path, scene, "a", "b")
