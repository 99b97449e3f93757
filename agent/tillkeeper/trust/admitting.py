"""The side that admits: answers whoever comes without a certificate while a join code is open, and whoever recovers the store
with a fresh certificate of its authority. Everything is bounded: time, size, how many at a time, how many wrong tries."""

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tillkeeper.contract.base import Event
from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.roster import Admitted, Signed, Statement, canonical, leavings
from tillkeeper.contract.trust import JoinRefused, RegisterAdmitted
from tillkeeper.errors import TillkeeperError
from tillkeeper.trust import tls, wire
from tillkeeper.trust.certificates import register_certificate
from tillkeeper.trust.invitation import TRIES, Invitation
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.proof import NONCE_BYTES, Transcript, is_proven, prove
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)

AT_A_TIME = 8
WITHIN_S = 10.0
CLOSE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class AdmittingParts:
    """`record`: journal an event durably; may raise `StorageRefused`. `finals`: of a register, incarnation -> the furthest
    event of it that anybody who can be asked holds. `store_secret`: what PINs are keyed with. `beacon_key`: in hex, empty
    where this process may not read it. `staff`: the roster of people in force, empty where there is none. `now_s`:
    CLOCK_BOOTTIME."""

    keys: StoreKeys
    now_s: Callable[[], float]
    record: Callable[[Event], Awaitable[None]]
    finals: Callable[[str], Mapping[str, int]]
    store_secret: str
    beacon_key: Callable[[], str]
    staff: Callable[[], bytes] = bytes
    within_s: float = WITHIN_S
    """For a whole conversation."""


def signed(authority: KeyPair, statement: Statement) -> Signed:
    return Signed(statement, authority.sign(canonical(statement)))


class AdmittingDesk:
    """`serve` takes an accepted connection; `invite` opens a code, one at a time."""

    def __init__(self, parts: AdmittingParts) -> None:
        self._ = parts
        self._busy = 0
        self._invitation: Invitation | None = None
        self._why_closed = ""
        self._timer: asyncio.TimerHandle | None = None

    # --- the code ---

    @property
    def invitation(self) -> Invitation | None:
        """The open one."""
        if self._invitation is not None and not self._invitation.is_open(self._.now_s()):
            self.close("it was used" if self._invitation.key else "its ten minutes are over")
        return self._invitation

    def invite(self, invitation: Invitation) -> None:
        """The one before ends."""
        self.close("")
        self._invitation, self._why_closed = invitation, ""
        tls.welcome_strangers(self._.keys.server, welcome=True)
        self._wait()

    def close(self, why: str) -> None:
        """No code is open any more; without one nobody gets in without a certificate."""
        if self._timer is not None:
            self._timer.cancel()
        self._invitation, self._timer, self._why_closed = None, None, why
        tls.welcome_strangers(self._.keys.server, welcome=False)

    def _wait(self) -> None:
        """The loop's clock stands still while the machine sleeps, the code's does not: look again."""
        if self._timer is not None:
            self._timer.cancel()
        if (open_one := self.invitation) is not None:
            left_s = max(0.1, open_one.ends_s - self._.now_s())
            self._timer = asyncio.get_running_loop().call_later(left_s, self._wait)

    # --- conversations ---

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of `tls.is_for_desk`, to its end; closes it. Raises nothing but cancellation."""
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._busy += 1
        try:
            async with asyncio.timeout(self._.within_s):
                if self._busy > AT_A_TIME:
                    raise TrustTrouble("peer_busy", "join", address, f"{AT_A_TIME} are being talked to", "try again")
                await self._talk(reader, writer, address)
        except TillkeeperError as error:
            await self._refuse(writer, error)
        except (TimeoutError, OSError, wire.Garbled) as error:
            log.info("a conversation about joining with %s came to nothing: %s", address, error or "too slow")
        finally:
            self._busy -= 1
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await writer.wait_closed()
            if not writer.transport.is_closing():
                writer.transport.abort()

    async def _refuse(self, writer: asyncio.StreamWriter, error: TillkeeperError) -> None:
        left = error.extra.get("tries_left")
        log.warning("refused: %s", error)
        refusal = wire.Refusal(error.code[:40], error.cause[:300], error.hint[:300], left if isinstance(left, int) else None)
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await _send(writer, refusal)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        ssl_object: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        if ssl_object is None:
            raise wire.Garbled("it is not encrypted")
        keys, key = self._.keys, tls.peer_key(ssl_object)
        if keys.roster.has_left(key):
            raise TrustTrouble("revoked", "serve", "register", "its key has left the store", "join again with a new code")
        if not key and self.invitation is None:
            raise self._nothing_open()
        nonce = secrets.token_bytes(NONCE_BYTES)
        authority = keys.shelf.authority_certificate(keys.roster.authority)
        await _send(writer, wire.Welcome(keys.roster.store, keys.register, authority, nonce))
        asked = await wire.receive(reader, wire.MAX_ASKED)
        if isinstance(asked, wire.Ask):
            await _send(writer, await self._admit(asked, nonce, address))
        elif key and isinstance(asked, wire.Fetch):
            await _send(writer, self._told(asked.register, key))
            announced = await wire.receive(reader, wire.MAX_ASKED)
            if not isinstance(announced, wire.Announce):
                raise wire.Garbled("nothing was announced")
            await keys.take(announced.statements)
            await _send(writer, self._told(announced.register, key))
        else:
            raise wire.Garbled("neither asked to join nor recovered")

    def _nothing_open(self) -> TrustTrouble:
        cause = "no join code is open here" + (f": {self._why_closed}" if self._why_closed else "")
        hint = "a code lasts ten minutes and no restart; make one with `tillkeeper store code REGISTER`"
        return TrustTrouble("no_code_open", "join", f"store {self._.keys.roster.store}", cause, hint)

    def _told(self, register: str, key: str) -> wire.Told:
        """Secrets go to members alone: a key without its place in the roster may be one of a store long gone."""
        keys, finals = self._.keys, dict(sorted(self._.finals(register).items())[-wire.MAX_FINALS :])
        if not keys.roster.admits(key):
            return wire.Told(keys.roster.statements, finals)
        return wire.Told(keys.roster.statements, finals, self._.store_secret, self._.beacon_key())

    async def _admit(self, asked: wire.Ask, nonce: bytes, address: str) -> wire.Done:
        keys, invitation = self._.keys, self.invitation
        subject = f"register {asked.register}"
        if invitation is None:
            raise self._nothing_open()
        transcript = Transcript(
            store=asked.store,
            register=asked.register,
            authority=keys.roster.authority,
            admitting=keys.signer.key,
            joining=asked.key,
            said=nonce,
            answered=asked.nonce,
        )
        if not is_proven(invitation.secret, "joining", transcript, asked.proof):
            raise await self._missed(invitation, asked.register, address)
        if asked.store != keys.roster.store:
            cause = f"this is store {keys.roster.store!r}"
            raise TrustTrouble("other_store", "admit", subject, cause, "correct `store.id` of the register that joins")
        if asked.register != invitation.register:
            await self._.record(JoinRefused(
                register=asked.register, address=address, cause="other_register", tries_left=invitation.tries_left
            ))  # fmt: skip
            cause = f"the code is for register {invitation.register!r}"
            raise TrustTrouble("other_register", "admit", subject, cause, "make a code for this one")
        if not verify(asked.key, asked.proof, asked.signature) or not invitation.claim(asked.key, self._.now_s()):
            raise TrustTrouble("wrong_code", "admit", subject, "the code was used by another machine", "make a new code")
        if keys.roster.admits(asked.key) != asked.register:
            await self._sign(invitation, asked, address)
        else:
            await keys.take(())  # asked again: perhaps because the disk refused
        self._wait()
        return self._done(invitation, asked.key, transcript)

    async def _missed(self, invitation: Invitation, register: str, address: str) -> TrustTrouble:
        left = invitation.missed()
        if not left:
            self.close(f"{TRIES} wrong tries were made")
        await self._.record(JoinRefused(register=register, address=address, cause="wrong_code", tries_left=left))
        subject = f"register {register}"
        if left:
            hint = "compare the code group by group"
            return TrustTrouble("wrong_code", "admit", subject, f"wrong code, {left} tries left", hint, tries_left=left)
        hint = "make a new code; somebody may be guessing"
        return TrustTrouble("code_used_up", "admit", subject, "wrong code, the fifth: the code is void", hint, tries_left=0)

    async def _sign(self, invitation: Invitation, asked: wire.Ask, address: str) -> None:
        """Journaled before it holds: who reads the journal finds at least all who belong."""
        keys = self._.keys
        authority = require_authority(keys)
        register, term = asked.register, keys.roster.next_term(asked.register)
        old = sorted(keys.roster.staying(register) - {asked.key})
        finals = dict(self._.finals(register)) if old else {}
        await self._.record(
            RegisterAdmitted(
                register=register,
                key=asked.key,
                term=term,
                may_admit=invitation.may_admit,
                replaced=tuple(old),
                address=address,
                by=invitation.by,
            )
        )
        store, may_admit = keys.roster.store, invitation.may_admit
        gone = [signed(authority, one) for key in old for one in leavings(store, register, key, finals)]
        admitted = Admitted(store=store, register=register, key=asked.key, term=term, may_admit=may_admit)
        await keys.take([signed(authority, admitted), *gone])

    def _done(self, invitation: Invitation, key: str, transcript: Transcript) -> wire.Done:
        keys = self._.keys
        authority = require_authority(keys)
        secret = keys.shelf.authority_secret() if invitation.may_admit else None
        return wire.Done(
            proof=prove(invitation.secret, "admitting", transcript),
            certificate=register_certificate(authority, keys.roster.store, invitation.register, key),
            statements=keys.roster.statements,
            store_secret=self._.store_secret,
            beacon_key=self._.beacon_key(),
            authority_secret=secret or b"",
            by=invitation.by,
            staff=staff if len(staff := self._.staff()) <= wire.MAX_STAFF else b"",
        )


def require_authority(keys: StoreKeys, operation: str = "sign for") -> KeyPair:
    """Raises `TrustTrouble` (no_authority_key) where the authority's key is not kept here."""
    if (pair := keys.authority()) is None:
        able = sorted(one.register for one in keys.roster.members.values() if one.may_admit and one.register != keys.register)
        hint = f"do it at {' or '.join(able)}, or" if able else "do it"
        hint += " bring the key here with `tillkeeper store recover` and the printed recovery code"
        cause = "the key of the store's authority is not kept here"
        raise TrustTrouble("no_authority_key", operation, f"store {keys.roster.store}", cause, hint)
    return pair


async def _send(writer: asyncio.StreamWriter, message: wire.Message) -> None:
    writer.write(wire.encode(message))
    await writer.drain()
