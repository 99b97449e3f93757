"""Duties 6, 7, 8 and 10: poison, the unknown, `held_seq`, personal texts."""

import hashlib

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, held, same, stored, verdicts
from tillkeeper.conformance.logs import DAMAGED, ODD_BODY, UNKNOWN_TYPE, Log
from tillkeeper.conformance.reading import events_of, quarantined

check = Checks()
SALT = "5a" * 16
PERSON = "Zoë Œrsted 漢字"


@check("poison-rejected", clauses.POISON)
async def poison_rejected(bench: Bench) -> None:
    log = bench.notes(1)
    log.poison()
    log.raw("check_opened", '{"check_id":"x"}')
    log.raw("check_voided", "not JSON")
    verdicts(await bench.wire.send(log.batch(1, 2)), "stored rejected/undecodable")
    verdicts(await bench.wire.send(log.batch(3, 3)), "rejected/undecodable")
    verdicts(await bench.wire.send(log.batch(4, 4)), "rejected/undecodable")


@check("poison-delays-nobody", clauses.POISON_ALONE)
async def poison_delays_nobody(bench: Bench) -> None:
    log = bench.notes(1)
    log.poison()
    log.notes(2)
    found = (await bench.wire.send(log.batch())).verdicts
    same([one.verdict for one in found if one.seq != 2], ["stored"] * 3, "the verdicts of the events around the poisoned one")


@check("poison-at-the-head", clauses.POISON_ALONE)
async def poison_at_the_head(bench: Bench) -> None:
    log = bench.log()
    log.poison()
    log.notes(2)
    await bench.wire.send(log.batch(1, 1))
    stored(await bench.wire.send(log.batch(2)))


@check("poison-shown", clauses.POISON)
async def poison_shown(bench: Bench) -> None:
    log = bench.log()
    bad = log.poison()
    for _ in range(2):
        await bench.wire.send(log.batch())
    shown = await quarantined(bench.wire, log)
    same([(one.reason, one.envelope.body) for one in shown], [("undecodable", bad.body)], "what quarantine shows of this log")


@check("unknown-type-stored", clauses.UNKNOWN)
async def unknown_type(bench: Bench) -> None:
    log = bench.notes(1)
    log.raw(UNKNOWN_TYPE, '{"text":"of a newer register"}')
    log.notes(1)
    stored(await bench.wire.send(log.batch()))


@check("unknown-version-stored", clauses.UNKNOWN)
async def unknown_version(bench: Bench) -> None:
    """A known type at a version to come, whose body is nothing like today's."""
    log = bench.notes(1)
    log.raw("check_voided", '{"what":"will be"}', version=4_000)
    log.notes(1)
    stored(await bench.wire.send(log.batch()))


@check("unknown-kept-byte-for-byte", clauses.UNKNOWN)
async def unknown_bytes(bench: Bench) -> None:
    """Where HQ shows its logs."""
    log = bench.log()
    log.raw(UNKNOWN_TYPE, ODD_BODY)
    log.raw("check_voided", '{ "what" : 1e2 }', version=4_000)
    await bench.wire.send(log.batch())
    shown = await events_of(bench.wire, log)
    same([one.body for one in shown], [one.body for one in log.events], "the bodies")
    same([one.hash for one in shown], [one.hash for one in log.events], "the hashes")


@check("held-begins-at-0", clauses.HELD)
async def held_begins(bench: Bench) -> None:
    held(await bench.wire.send(bench.log().batch()), 0)


@check("held-moves", clauses.HELD)
async def held_moves(bench: Bench) -> None:
    log = bench.notes(5)
    held(await bench.wire.send(log.batch(1, 2)), 2)
    held(await bench.wire.send(log.batch(3, 5)), 5)
    held(await bench.wire.send(log.of()), 5)


@check("held-over-rejected", clauses.HELD)
async def held_over_rejected(bench: Bench) -> None:
    """The place of a rejected event is taken: by poison, by a broken chain, and as the last of the log."""
    log = bench.notes(1)
    log.poison()
    held(await bench.wire.send(log.batch()), 2)
    log.notes(1)
    log.spoil(2, body=DAMAGED)
    held(await bench.wire.send(log.batch(3)), 3)
    held(await bench.wire.send(log.of()), 3)


@check("held-not-moved-by-forks", clauses.HELD)
async def held_forks(bench: Bench) -> None:
    log, twin = bench.notes(3), bench.log()
    twin.incarnation = log.incarnation
    twin.note("another copy of the disk")
    await bench.wire.send(log.batch())
    held(await bench.wire.send(twin.batch()), 3)


@check("held-per-log", clauses.LOGS)
async def held_per_log(bench: Bench) -> None:
    """Two incarnations of a register are two logs: each begins at 1."""
    one, other = bench.notes(3), bench.notes(1)
    await bench.wire.send(one.batch())
    stored(await bench.wire.send(other.batch()))
    held(await bench.wire.send(other.of()), 1)
    held(await bench.wire.send(one.of()), 3)


@check("personal-stored", clauses.PERSONAL)
async def personal_stored(bench: Bench) -> None:
    """They are no part of what is hashed."""
    log = bench.log()
    check_id = bench.name()
    log.open(check_id, PERSON, SALT)
    log.void(check_id)
    stored(await bench.wire.send(log.batch()))


@check("personal-kept", clauses.PERSONAL)
async def personal_kept(bench: Bench) -> None:
    """Where HQ shows its logs."""
    log = bench.log()
    check_id = bench.name()
    log.open(check_id, PERSON, SALT)
    log.void(check_id)
    await bench.wire.send(log.batch())
    shown = [one.personal for one in await events_of(bench.wire, log)]
    same(shown, [one.personal for one in log.events], "the personal texts")


@check("personal-erased", clauses.PERSONAL_ERASED)
async def personal_erased(bench: Bench) -> None:
    """A text that was erased at the register does not come along; the event is as good as before, also when sent again."""
    log = bench.log()
    check_id = bench.name()
    opened = log.open(check_id, PERSON, SALT)
    log.void(check_id)
    bare = msgspec.structs.replace(opened, personal={})
    stored(await bench.wire.send(log.of(bare, log.events[1])))
    stored(await bench.wire.send(log.batch()))


@check("personal-gone", clauses.PERSONAL_GONE)
async def personal_gone(bench: Bench) -> None:
    """Where HQ shows its logs: the event that erases is in another log than the text."""
    log, other = _named(bench), bench.log()
    (digest,) = log.events[0].personal
    await bench.wire.send(log.batch())
    other.erase(digest)
    stored(await bench.wire.send(other.batch()))
    shown = await events_of(bench.wire, log)
    same([one.personal for one in shown], [{}, {}], "the personal texts after they were erased")
    same([one.hash for one in shown], [one.hash for one in log.events], "the hashes")


@check("personal-late", clauses.PERSONAL_LATE)
async def personal_late(bench: Bench) -> None:
    """Where HQ shows its logs: the text comes after the event that erases it, and once more with a repeat."""
    log, other = _named(bench), bench.log()
    (digest,) = log.events[0].personal
    other.erase(digest)
    stored(await bench.wire.send(other.batch()))
    for _ in range(2):
        stored(await bench.wire.send(log.batch()))
    same([one.personal for one in await events_of(bench.wire, log)], [{}, {}], "the personal texts that were erased before")


@check("personal-rejected", clauses.PERSONAL_REJECTED)
async def personal_rejected(bench: Bench) -> None:
    """Where HQ shows its logs: an event whose hash does not fit was made by nobody who may erase."""
    log, other = _named(bench), bench.log()
    (digest,) = log.events[0].personal
    await bench.wire.send(log.batch())
    other.erase("0" * 64)
    other.spoil(0, body=other.events[0].body.replace("0" * 64, digest))
    verdicts(await bench.wire.send(other.batch()), "rejected/broken_chain")
    shown = [one.personal for one in await events_of(bench.wire, log)]
    same(shown, [one.personal for one in log.events], "the personal texts")


def _named(bench: Bench) -> Log:
    """With a text of its own: what another check or run has erased stays out."""
    log, check_id = bench.log(), bench.name()
    log.open(check_id, PERSON, hashlib.sha256(check_id.encode()).hexdigest()[:32])
    log.void(check_id)
    return log
