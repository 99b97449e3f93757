"""The side that joins or recovers: dials a register of the store, believes only the authority that its code names, and brings
back what it needs to be a member."""

import asyncio
import contextlib
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Sequence
from typing import get_args

import msgspec

from tillkeeper.contract.roster import Roster, Signed
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.trust import tls, wire
from tillkeeper.trust.certificates import fingerprint, pem, public_key
from tillkeeper.trust.codes import JoinCode
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.proof import NONCE_BYTES, Transcript, is_proven, prove
from tillkeeper.trust.trouble import Kind, TrustTrouble

WITHIN_S = 15.0
"""For a whole conversation."""
HANDSHAKE_S = 5.0

Place = tuple[str, int]


class Admission(msgspec.Struct, frozen=True):
    """What a register got when it joined. `authority`: its certificate (DER). `at`: the register that admitted it."""

    done: wire.Done
    authority: bytes
    roster: Roster
    at: str


async def join(code: JoinCode, pair: KeyPair, store: str, register: str) -> Admission:
    """Join the store with `pair` as `register`.

    Raises:
        TrustTrouble: refused, unreachable, or whoever answers is not the store that the code is from.
    """
    place = (code.host, code.port)
    async with _talk(place, tls.joining_context()) as (reader, writer):
        first, _ = await _welcomed(reader, writer, place, "no_code_open")
    authority = _believed(first, code, store, place)
    context = tls.joining_context(pem(first.authority))
    async with _talk(place, context) as (reader, writer):
        welcome, admitting = await _welcomed(reader, writer, place, "no_code_open")
        transcript = Transcript(
            store=store,
            register=register,
            authority=authority,
            admitting=admitting,
            joining=pair.key,
            said=welcome.nonce,
            answered=secrets.token_bytes(NONCE_BYTES),
        )
        proof = prove(code.secret, "joining", transcript)
        ask = wire.Ask(store, register, pair.key, transcript.answered, proof, pair.sign(proof))
        done = await _answer(reader, writer, ask, place)
    if not isinstance(done, wire.Done) or not is_proven(code.secret, "admitting", transcript, done.proof):
        raise _stranger("join", place, "it does not have the code")
    roster = _roster(store, authority, done.statements, place)
    if roster.admits(pair.key) != register or _key_of(done.certificate) != pair.key:
        raise _stranger("join", place, "it did not admit this register")
    return Admission(done, first.authority, roster, welcome.register)


async def tell(place: Place, context: ssl.SSLContext, own: Roster, register: str, news: Sequence[Signed] = ()) -> wire.Told:
    """What the register at `place` knows of the store and of `register`, after it has heard `news`. `context`: of a certificate
    by the authority, for `tls.DESK`.

    Raises:
        TrustTrouble: as `join`.
    """
    async with _talk(place, context) as (reader, writer):
        await _welcomed(reader, writer, place, "wrong_authority")
        before = await _answer(reader, writer, wire.Fetch(register), place)
        after = await _answer(reader, writer, wire.Announce(tuple(news), register), place)
    if not isinstance(before, wire.Told) or not isinstance(after, wire.Told):
        raise TrustTrouble("garbled", "recover", _words(place), "it answered something else", "are both of one version?")
    _roster(own.store, own.authority, after.statements, place)
    return after


def _believed(welcome: wire.Welcome, code: JoinCode, store: str, place: Place) -> str:
    """The authority's key. Raises `TrustTrouble`: it is not the one that the code names."""
    authority = _key_of(welcome.authority)
    if welcome.store != store and fingerprint(authority, welcome.store) == code.fingerprint:
        cause = f"the code is from store {welcome.store!r}, the configuration says {store!r}"
        raise TrustTrouble("other_store", "join", _words(place), cause, "correct `store.id`, or use a code of this store")
    if fingerprint(authority, store) != code.fingerprint:
        raise _stranger("join", place, "whoever answers there is not the store that the code is from")
    return authority


def _key_of(certificate: bytes) -> str:
    try:
        return public_key(certificate)
    except ValueError:
        return tls.NO_KEY


def _roster(store: str, authority: str, statements: Sequence[Signed], place: Place) -> Roster:
    merge = Roster(store, authority).merged(statements)
    if merge.refused:
        raise _stranger("read", place, f"{len(merge.refused)} of its statements are not signed by the store's authority")
    return merge.roster


@contextlib.asynccontextmanager
async def _talk(place: Place, context: ssl.SSLContext) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A conversation within `WITHIN_S`; errors of the line become `TrustTrouble`."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(WITHIN_S):
            host, port = place
            reader, writer = await asyncio.open_connection(host, port, ssl=context, ssl_handshake_timeout=HANDSHAKE_S)
            yield reader, writer
    except TillkeeperError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise _stranger("join", place, "its certificate is not by the authority that the code names") from error
    except (ssl.SSLError, wire.Garbled) as error:
        raise TrustTrouble("garbled", "talk to", _words(place), str(error), "is that a register of this store?") from error
    except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        hint = "it may have too many callers: try again in some seconds"
        raise TrustTrouble("peer_busy", "talk to", _words(place), "it has cut the line", hint) from error
    except (OSError, TimeoutError) as error:
        cause = f"no answer within {WITHIN_S:g} s" if isinstance(error, TimeoutError) else refusal_words(error)
        hint = "is the agent there running, and does its [replication] `listen` name this network?"
        raise TrustTrouble("peer_unreachable", "reach", _words(place), cause, hint) from error
    finally:
        if writer is not None:
            writer.transport.abort()


async def _welcomed(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Place, shut_out: Kind
) -> tuple[wire.Welcome, str]:
    """Its welcome, and the key of its certificate."""
    try:
        first = await wire.receive(reader, wire.MAX_SENT)
    except (wire.Ended, ConnectionError, ssl.SSLError) as error:
        raise _shut_out(place, shut_out) from error
    welcome = _good(first, place)
    if not isinstance(welcome, wire.Welcome):
        raise wire.Garbled("it did not say who it is")
    return welcome, tls.peer_key(writer.get_extra_info("ssl_object"))


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: wire.Message, place: Place
) -> wire.Message:
    writer.write(wire.encode(message))
    await writer.drain()
    return _good(await wire.receive(reader, wire.MAX_SENT), place)


def _good(message: wire.Message, place: Place) -> wire.Message:
    """Raises what a refusal says."""
    if not isinstance(message, wire.Refusal):
        return message
    extra = {} if message.tries_left is None else {"tries_left": message.tries_left}
    for kind in get_args(Kind):
        if kind == message.code:
            raise TrustTrouble(kind, "join at", _words(place), message.cause, message.hint, **extra)
    raise Refused(message.code, "join at", _words(place), message.cause, message.hint, **extra)


def _shut_out(place: Place, kind: Kind) -> TrustTrouble:
    """TLS let us in and then the line was cut: so it is where a certificate is asked for that we do not have, or do not have of
    this store. The server judges it after the client is through (RFC 8446, 4.4.2.4); asyncio sends no alert."""
    if kind == "no_code_open":
        hint = "a code lasts ten minutes, five wrong tries and no restart; make one with `tillkeeper store code REGISTER`"
        return TrustTrouble(kind, "join at", _words(place), "no join code is open there", hint)
    cause = "it does not take a certificate by this authority"
    return TrustTrouble(
        kind, "talk to", _words(place), cause, "is it a register of another store, or the code another store's?"
    )


def _stranger(operation: str, place: Place, cause: str) -> TrustTrouble:
    hint = "is the address of another store, or does somebody stand in between? Nothing was told to it"
    return TrustTrouble("wrong_authority", operation, _words(place), cause, hint)


def refusal_words(error: OSError) -> str:
    """Why nobody answers; asyncio's own words for it are the arguments of a call."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else error.strerror or str(error)


def _words(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
