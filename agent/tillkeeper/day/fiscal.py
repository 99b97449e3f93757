"""Keeps the log signed where a fiscal signer is connected: each record once, in order, late where it has to be.

No signer comes with Tillkeeper and none is certified (docs/end-of-day.md); a store connects one through `FiscalSigner`.
"""

import asyncio
import logging
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.fiscal import FiscalRecord, FiscalSigned, FiscalSigningFailed
from tillkeeper.errors import ConfigInvalid, TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent

log = logging.getLogger(__name__)

SETTING = "fiscal"
GROUP = "tillkeeper.fiscal_signers"
SIGNED = frozenset({"check_closed", "check_voided", "check_merged", "refund_recorded", "day_closed"})
"""Practice is among them, with `training` in its body: what that is for the law the signer knows. A merge can take back what
was closed and close it anew."""
PAGE = 200
SIGN_S = 5.0
"""A signer that takes longer has failed this time."""
AGAIN_S = 10.0
MAX_SIGNATURE, MAX_CAUSE = 4_096, 200


class SigningFailed(TillkeeperError):
    """The signer can not sign now. Asking again is safe: it is asked for the same record under the same counter."""

    code = "signing_failed"


class FiscalSigner(Protocol):
    """`name` goes to the journal with each signature."""

    @property
    def name(self) -> str: ...

    async def sign(self, record: FiscalRecord) -> str:
        """The signature, at most `MAX_SIGNATURE` characters. The same record asked for again has to give a signature of the
        same transaction: an answer may have been lost. What a record is, its place says (`incarnation`, `seq`): a register that
        lost its disk counts from 1 again, in another log. Whatever else is raised counts as a failure, too.

        Raises:
            SigningFailed: not now.
        """
        ...


class _Kept(msgspec.Struct, frozen=True):
    """`upto`: incarnation -> seq that is dealt with; `counter`: of the last record that is signed; `failing`: noted already.
    `late_until`: incarnation -> where the log was when the signer answered again: what is before that is signed late."""

    upto: dict[str, int] = {}
    counter: int = 0
    failing: bool = False
    late_until: dict[str, int] = {}


class Offered:
    """A signer that a package offers, made when it is first needed: one that can not be made (its device is not plugged in) has
    failed this time, and keeps no register from starting."""

    def __init__(self, name: str, make: Callable[[], FiscalSigner]) -> None:
        self._name, self._make = name, make
        self._made: FiscalSigner | None = None

    @property
    def name(self) -> str:
        return self._name if self._made is None else self._made.name

    async def sign(self, record: FiscalRecord) -> str:
        """Raises: whatever making it or signing does."""
        if self._made is None:
            self._made = self._make()
        return await self._made.sign(record)


def load_signer(name: str, data_dir: Path) -> FiscalSigner:
    """The signer that an installed package offers under this name, as an entry point of the group `tillkeeper.fiscal_signers`:
    a function that takes the register's data folder.

    Raises:
        ConfigInvalid: no package offers it.
    """
    offered = tuple(entry_points(group=GROUP, name=name))
    if not offered:
        raise ConfigInvalid("start", f"fiscal signer {name}", "no installed package offers it", f"an entry point of {GROUP}")
    return Offered(name, lambda: offered[0].load()(data_dir))


class FiscalJournal:
    """`run` is its one task. What is durable and not signed yet is found in the journal itself, so a crash loses nothing; the
    place up to where it is signed is durable in one batch with the signature. `changed`: told after an append."""

    def __init__(
        self, journal: Journal, signer: FiscalSigner, stamp: Callable[[Event], NewEvent], changed: Callable[[], None]
    ) -> None:
        self._journal, self._signer, self._stamp, self._changed = journal, signer, stamp, changed
        self._woken = asyncio.Event()
        self._trouble = ""
        stored = journal.setting(SETTING)
        self._kept = _Kept() if stored is None else msgspec.json.decode(stored, type=_Kept)
        self._begun = stored is not None
        if stored is None:  # what was sold before there was a signer is not signed afterwards
            self._kept = _Kept(upto=self._ends())

    def notify(self) -> None:
        """There are new events."""
        self._woken.set()

    @property
    def trouble(self) -> str:
        """Why nothing is signed now, empty while all is well: what is sold meanwhile is signed late."""
        return self._trouble

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._woken.clear()
            again_s: float | None = None
            try:
                if not await self.sign_waiting():
                    again_s = AGAIN_S
            except TillkeeperError as error:
                log.warning("fiscal signing waits: %s", error)
                again_s = AGAIN_S
            if again_s is not None:
                await asyncio.sleep(again_s)
                continue
            await self._woken.wait()

    async def sign_waiting(self) -> bool:
        """Sign all that waits, oldest first; whether nothing does any more. Raises: StorageRefused, StorageUnreadable."""
        if not self._begun:  # durable before anything is signed: what is sold from now on is to be signed, whatever befalls
            await self._journal.append(Batch(settings={SETTING: msgspec.json.encode(self._kept)}))
            self._begun = True
        for info in self._journal.logs():
            while page := self._journal.events(info.incarnation, self._kept.upto.get(info.incarnation, 0), PAGE):
                for envelope in page:
                    if envelope.type in SIGNED and not await self._sign(envelope):
                        return False
                    self._kept = msgspec.structs.replace(
                        self._kept, upto=self._kept.upto | {envelope.incarnation: envelope.seq}
                    )  # fmt: skip
                await asyncio.sleep(0)
        return True

    async def _sign(self, envelope: Envelope) -> bool:
        counter, place = self._kept.counter + 1, {"incarnation": envelope.incarnation, "seq": envelope.seq}
        record = FiscalRecord(
            store=envelope.store, register=envelope.register, type=envelope.type, business_day=envelope.business_day,
            at_ms=envelope.at_ms, body=envelope.body, hash=envelope.hash, counter=counter, **place,  # type: ignore[arg-type]
        )  # fmt: skip
        name = self._signer.name
        try:
            async with asyncio.timeout(SIGN_S):
                signature = await self._signer.sign(record)
            if not isinstance(signature, str) or not 0 < len(signature) <= MAX_SIGNATURE:
                raise SigningFailed("sign", f"record {counter}", "what it gave is no signature")
        except Exception as error:  # noqa: BLE001 - somebody else's program: whatever it raises, selling goes on
            cause = _cause(error)
            if not self._kept.failing:
                log.warning("fiscal signer %s: %r", name, error)
                failed = FiscalSigningFailed(
                    counter=counter, incarnation=envelope.incarnation, seq=envelope.seq, signer=name, cause=cause
                )
                await self._append(failed, msgspec.structs.replace(self._kept, failing=True))
            self._trouble = cause
            return False
        late_until = self._ends() if self._kept.failing else self._kept.late_until
        signed = FiscalSigned(
            counter=counter, incarnation=envelope.incarnation, seq=envelope.seq, signer=name, signature=signature,
            late=envelope.seq <= late_until.get(envelope.incarnation, 0),
        )  # fmt: skip
        upto = self._kept.upto | {envelope.incarnation: envelope.seq}
        await self._append(signed, _Kept(upto=upto, counter=counter, late_until=late_until))
        self._trouble = ""
        return True

    def _ends(self) -> dict[str, int]:
        return {one.incarnation: one.last_seq for one in self._journal.logs()}

    async def _append(self, event: Event, kept: _Kept) -> None:
        await self._journal.append(Batch(events=(self._stamp(event),), settings={SETTING: msgspec.json.encode(kept)}))
        self._kept = kept
        self._changed()


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {SIGN_S:g} s"
    return (error.cause if isinstance(error, SigningFailed) else f"it failed: {error or type(error).__name__}")[:MAX_CAUSE]
