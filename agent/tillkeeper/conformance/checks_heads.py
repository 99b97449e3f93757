"""Signed heads and relays: what another register hands over counts by its author's signature alone."""

import msgspec

from tillkeeper.conformance import clauses
from tillkeeper.conformance.checking import Bench, Checks, held, refused, stored, verdicts
from tillkeeper.conformance.logs import DAMAGED, Log
from tillkeeper.conformance.model import Broken, Skipped
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.roster import Admitted, Left, Signed, Statement, canonical
from tillkeeper.contract.signing import sign_head
from tillkeeper.trust.keys import KeyPair, Signer

check = Checks()
NOT_BELIEVED = (403, 422)


def signed(batch: HqBatch, signer: Signer) -> HqBatch:
    last = batch.events[-1]
    head = sign_head(batch.store, batch.register, batch.incarnation, last.seq, last.hash, signer.key, signer.sign)
    return msgspec.structs.replace(batch, head=head)


async def admitted(bench: Bench) -> tuple[Log, KeyPair]:
    """A register that HQ knows by its key from now on, with three events that it wants handed over. Raises Skipped, Broken."""
    keys = KeyPair.generate()
    log = Log(bench.store, bench.name(), bench.name())
    log.notes(3)
    await tell(bench, Admitted(store=log.store, register=log.register, key=keys.key))
    return log, keys


async def tell(bench: Bench, statement: Statement) -> None:
    """HQ hears it, signed by the store's authority. Raises Skipped, Broken."""
    if bench.authority is None:
        raise Skipped("no --authority-file: HQ can not be told who the other register is")
    authority = KeyPair(bench.authority)
    body = {"store": bench.store, "statements": [Signed(statement, authority.sign(canonical(statement)))]}
    words = f"{type(statement).__name__} {statement.register}"
    answer = await bench.wire.post(msgspec.json.encode(body), path="/v1/roster", words=words)
    if answer.status in (403, 404, 405, 501):
        hint = f"give HQ the store's authority {authority.key}" if answer.status == 403 else "relays are not offered"
        raise Skipped(f"POST /v1/roster is answered with HTTP {answer.status}: {hint}")
    if answer.status != 200:
        raise Broken(f"POST /v1/roster is answered with HTTP {answer.status or 'nothing'}")


@check("relay-unsigned", clauses.HEADS)
async def relay_unsigned(bench: Bench) -> None:
    log, keys = await admitted(bench)
    refused(await bench.wire.attempt(log.batch()), *NOT_BELIEVED)
    stored(await bench.wire.send(signed(log.batch(), keys)))


@check("relay-stored", clauses.HEADS)
async def relay_stored(bench: Bench) -> None:
    log, keys = await admitted(bench)
    stored(await bench.wire.send(signed(log.batch(1, 2), keys)))
    stored(await bench.wire.send(signed(log.batch(), keys)))


@check("relay-forged", clauses.HEADS)
async def relay_forged(bench: Bench) -> None:
    """Signed by a key that nobody admitted, and with the right key over another event."""
    log, keys = await admitted(bench)
    refused(await bench.wire.attempt(signed(log.batch(), KeyPair.generate())), *NOT_BELIEVED)
    other = signed(log.batch(1, 2), keys).head
    refused(await bench.wire.attempt(msgspec.structs.replace(log.batch(), head=other)), *NOT_BELIEVED)


@check("relay-altered", clauses.HEADS)
async def relay_altered(bench: Bench) -> None:
    """The signature holds, but what the relay puts before it is not what the author wrote."""
    log, keys = await admitted(bench)
    batch = signed(log.batch(), keys)
    altered = msgspec.structs.replace(log.events[0], body=DAMAGED)
    refused(await bench.wire.attempt(msgspec.structs.replace(batch, events=(altered, *log.events[1:]))), *NOT_BELIEVED)
    stored(await bench.wire.send(batch))


@check("relay-unknown-register", clauses.HEADS)
async def relay_unknown(bench: Bench) -> None:
    """A signature of a register that HQ knows no key of."""
    log = Log(bench.store, bench.name(), bench.name())
    log.notes(1)
    refused(await bench.wire.attempt(signed(log.batch(), KeyPair.generate())), *NOT_BELIEVED)


@check("relay-beat", clauses.RELAY_BEAT)
async def relay_beat(bench: Bench) -> None:
    """How far somebody else's log is held: asked before anything of it is handed over, and after."""
    log, keys = await admitted(bench)
    held(await bench.wire.send(log.of()), 0)
    await bench.wire.send(signed(log.batch(), keys))
    held(await bench.wire.send(log.of()), 3)


@check("relay-after-leaving", clauses.LEFT)
async def relay_after_leaving(bench: Bench) -> None:
    """Whoever has the key of a register that left may hand over what it had written by then, and nothing more."""
    log, keys = await admitted(bench)
    await tell(bench, Left(store=log.store, register=log.register, key=keys.key, finals={log.incarnation: 2}))
    answer = await bench.wire.send(signed(log.batch(), keys))
    verdicts(answer, "stored stored rejected/after_leaving")
    held(answer, 3)
