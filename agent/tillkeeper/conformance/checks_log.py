"""Duties 1 to 5: once, forks, gaps, the chain."""

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, held, same, stored, verdicts
from tillkeeper.conformance.logs import DAMAGED, DAY, ODD_BODY, seal
from tillkeeper.conformance.model import Broken, Skipped
from tillkeeper.conformance.reading import events_of, opened_checks, quarantined
from tillkeeper.contract.events import ModeChanged

check = Checks()


@check("durable", clauses.DURABLE)
async def durable(_bench: Bench) -> None:
    raise Skipped("can not be tested from outside: cut the power of the machine under load, then send everything again")


@check("once-same-batch", clauses.ONCE)
async def once_same_batch(bench: Bench) -> None:
    log = bench.notes(3)
    first = await bench.wire.send(log.batch())
    stored(first)
    again = await bench.wire.send(log.batch())
    stored(again)
    held(again, first.held_seq)


@check("once-overlapping-batch", clauses.ONCE)
async def once_overlapping(bench: Bench) -> None:
    log = bench.notes(5)
    stored(await bench.wire.send(log.batch(1, 3)))
    stored(await bench.wire.send(log.batch(2, 5)))


@check("once-late-retry", clauses.ONCE)
async def once_late_retry(bench: Bench) -> None:
    """The retry of an older batch arrives after newer ones."""
    log = bench.notes(4)
    stored(await bench.wire.send(log.batch(1, 2)))
    newer = await bench.wire.send(log.batch(3, 4))
    late = await bench.wire.send(log.batch(1, 2))
    stored(late)
    held(late, newer.held_seq)


@check("once-rejected-again", clauses.ONCE_REJECTED)
async def once_rejected(bench: Bench) -> None:
    log = bench.notes(1)
    log.poison()
    first = await bench.wire.send(log.batch())
    again = await bench.wire.send(log.batch())
    same(again.verdicts, first.verdicts, "the verdicts, sent a second time")


@check("once-counted-once", clauses.ONCE)
async def once_counted(bench: Bench) -> None:
    """Where HQ shows its books: a repeat changes none."""
    before = await opened_checks(bench.wire, bench.store, DAY)
    log = bench.log()
    check_id = bench.name()
    log.open(check_id)
    log.void(check_id)
    for _ in range(2):
        await bench.wire.send(log.batch())
    same(await opened_checks(bench.wire, bench.store, DAY) - before, 1, f"checks opened on {DAY} after one was sent twice")


@check("once-kept-once", clauses.ONCE)
async def once_kept(bench: Bench) -> None:
    """Where HQ shows its logs."""
    log = bench.notes(3)
    for _ in range(2):
        await bench.wire.send(log.batch())
    same([event.seq for event in await events_of(bench.wire, log)], [1, 2, 3], "the seqs of a log that was sent twice")


@check("fork-rejected", clauses.FORKS)
async def fork_rejected(bench: Bench) -> None:
    log, twin = bench.notes(2), bench.log()
    twin.incarnation = log.incarnation
    twin.notes(1)
    twin.note("another copy of the disk")
    stored(await bench.wire.send(log.batch()))
    verdicts(await bench.wire.send(twin.batch(2)), "rejected/forked_log")


@check("fork-first-stays", clauses.FORKS)
async def fork_first_stays(bench: Bench) -> None:
    log, twin = bench.notes(3), bench.log()
    twin.incarnation = log.incarnation
    twin.note("another copy of the disk")
    stored(await bench.wire.send(log.batch(1, 2)))
    await bench.wire.send(twin.batch())
    stored(await bench.wire.send(log.batch()))


@check("fork-shown", clauses.FORKS)
async def fork_shown(bench: Bench) -> None:
    log, twin = bench.notes(1), bench.log()
    twin.incarnation = log.incarnation
    other = twin.note("another copy of the disk")
    await bench.wire.send(log.batch())
    await bench.wire.send(twin.batch())
    shown = await quarantined(bench.wire, log)
    same([one.reason for one in shown], ["forked_log"], "what quarantine shows of this log")
    same(shown[0].envelope.hash, other.hash, "the hash of what is in quarantine")


@check("gap-retryable", clauses.GAPS)
async def gap_retryable(bench: Bench) -> None:
    log = bench.notes(4)
    stored(await bench.wire.send(log.batch(1, 1)))
    answer = await bench.wire.send(log.batch(3, 4))
    verdicts(answer, "retryable retryable")
    held(answer, 1)


@check("gap-keeps-nothing", clauses.GAPS)
async def gap_keeps_nothing(bench: Bench) -> None:
    """What came behind a gap must not stand in the way of what really comes there."""
    log, early = bench.notes(3), bench.log()
    early.incarnation = log.incarnation
    for text in ("note 0", "note 1", "never sent again"):
        early.note(text)
    stored(await bench.wire.send(log.batch(1, 1)))
    await bench.wire.send(early.batch(3))
    stored(await bench.wire.send(log.batch(2)))


@check("gap-closed-later", clauses.GAPS)
async def gap_closed_later(bench: Bench) -> None:
    """Two batches arrive in the wrong order; the second is sent again."""
    log = bench.notes(4)
    await bench.wire.send(log.batch(3))
    stored(await bench.wire.send(log.batch(1, 2)))
    stored(await bench.wire.send(log.batch(3)))


@check("chain-altered-body", clauses.CHAIN_HASH)
async def chain_altered(bench: Bench) -> None:
    log = bench.notes(2)
    log.spoil(1, body=log.events[1].body.replace("note", "vote"))
    verdicts(await bench.wire.send(log.batch()), "stored rejected/broken_chain")


@check("chain-altered-header", clauses.CHAIN_HASH)
async def chain_altered_header(bench: Bench) -> None:
    for fields in ({"business_day": "2000-01-02"}, {"at_ms": 1}, {"type": "conformance_denied"}, {"version": 2}):
        log = bench.notes(2)
        log.spoil(1, **fields)
        verdicts(await bench.wire.send(log.batch()), "stored rejected/broken_chain")


@check("chain-other-prev-hash", clauses.CHAIN_PREV)
async def chain_other_prev(bench: Bench) -> None:
    """Its own hash is right, but it continues another event."""
    log = bench.notes(2)
    log.events[1] = seal(log.events[1], "ab" * 32)
    verdicts(await bench.wire.send(log.batch()), "stored rejected/broken_chain")


@check("chain-begins-with-zeros", clauses.CHAIN_PREV)
async def chain_begins(bench: Bench) -> None:
    log = bench.notes(1)
    log.events[0] = seal(log.events[0], "ab" * 32)
    verdicts(await bench.wire.send(log.batch()), "rejected/broken_chain")


@check("chain-goes-on-behind-damage", clauses.HELD_MOVES)
async def chain_goes_on(bench: Bench) -> None:
    """One damaged event costs that event, not the rest of the log."""
    log = bench.notes(3)
    log.spoil(1, body=DAMAGED)
    answer = await bench.wire.send(log.batch())
    if answer.verdicts[1].verdict == "retryable" or answer.verdicts[2].verdict != "stored":
        raise Broken(f"the event behind a damaged one is {answer.verdicts[2].verdict} ({answer.verdicts[2].reason[:100]})")


@check("chain-over-bytes", clauses.CHAIN_BYTES)
async def chain_bytes(bench: Bench) -> None:
    """Bodies in a form that no encoder writes: spaces, escapes, a number twice, letters of all lengths."""
    log = bench.log()
    check_id = bench.name()
    log.open(check_id)
    log.raw("check_voided", f'{{ "reason" : "\\u0063onformance",\t"check_id":{msgspec.json.encode(check_id).decode()} }}')
    log.raw("mode_changed", f'{{"later" :{ODD_BODY}, "previous":"online", "mode":"online"}}')
    log.add(ModeChanged(mode="online", previous="online", cause="\U0001f9fe é\u2028"))
    stored(await bench.wire.send(log.batch()))
