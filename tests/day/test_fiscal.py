"""The seam to a fiscal signer, with a signer that keeps its signatures in a file and fails when it is told to."""

import asyncio
import hashlib
import json
from pathlib import Path

import msgspec
import pytest
from tests.till.world import config_in

from tillkeeper import clock
from tillkeeper.contract.events import CheckVoided
from tillkeeper.contract.fiscal import FiscalRecord, FiscalSigned, FiscalSigningFailed
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckMerged
from tillkeeper.day.fiscal import FiscalJournal, Offered, SigningFailed, load_signer
from tillkeeper.errors import ConfigInvalid
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.till.stamp import Stamp


class FileSigner:
    """A chain of digests, one line a counter. The same counter again has the signature of the first time; another record under
    it is refused, as a real device would."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.broken = False
        self.asked = 0

    @property
    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []

    async def sign(self, record: FiscalRecord) -> str:
        self.asked += 1
        if self.broken:
            raise SigningFailed("sign", f"record {record.counter}", "the device does not answer")
        lines = self.lines
        if record.counter <= len(lines):
            known = lines[record.counter - 1]
            if known["hash"] != record.hash:
                raise SigningFailed("sign", f"record {record.counter}", "another record has this counter")
            return known["signature"]
        assert record.counter == len(lines) + 1, "in order, without gaps"
        before = lines[-1]["signature"] if lines else ""
        signature = hashlib.sha256(f"{before}{record.counter}{record.hash}".encode()).hexdigest()
        with self._path.open("a") as file:
            file.write(json.dumps({"hash": record.hash, "signature": signature}) + "\n")
        return signature


async def opened(folder: Path) -> Journal:
    return await Journal.open(folder / "journal.db", "s", "r", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="machine")


def events(journal: Journal) -> list[object]:
    return [read_event(envelope) for envelope in journal.events(journal.incarnation, 0, 500)]


def test_what_could_not_be_signed_is_noted_and_signed_late_in_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        stamp, signer = Stamp(config_in(tmp_path).store, clock.wall_ms), FileSigner(tmp_path / "signatures")
        async with await opened(tmp_path) as journal:
            await _sell(journal, stamp, "before there was a signer")
            signing = FiscalJournal(journal, signer, stamp, lambda: None)
            await _sell(journal, stamp, "1")
            assert await signing.sign_waiting()
            signer.broken = True
            await _sell(journal, stamp, "2")
            await _sell(journal, stamp, "3")
            assert not await signing.sign_waiting()
            assert not await signing.sign_waiting()
            assert signing.trouble == "the device does not answer"
            signer.broken = False
            assert await signing.sign_waiting()
            assert signing.trouble == ""
            await _sell(journal, stamp, "4")
            assert await signing.sign_waiting()
            found = events(journal)
            signed = [event for event in found if isinstance(event, FiscalSigned)]
            (failed,) = [event for event in found if isinstance(event, FiscalSigningFailed)]
            voids = {one.seq: one for one in journal.events(journal.incarnation, 0, 500) if one.type == "check_voided"}
            reasons = [json.loads(voids[one.seq].body)["reason"] for one in signed]
            assert [(one.counter, reason, one.late) for one, reason in zip(signed, reasons, strict=True)] == [
                (1, "1", False), (2, "2", True), (3, "3", True), (4, "4", False),
            ]  # fmt: skip
            assert [one.signature for one in signed] == [line["signature"] for line in signer.lines]
            assert (failed.counter, failed.cause) == (2, "the device does not answer")

    asyncio.run(scenario())


def test_an_answer_that_was_lost_in_a_crash_is_asked_for_again_under_the_same_counter(tmp_path: Path) -> None:
    async def scenario() -> None:
        stamp, signer = Stamp(config_in(tmp_path).store, clock.wall_ms), FileSigner(tmp_path / "signatures")
        async with await opened(tmp_path) as journal:
            signing = FiscalJournal(journal, signer, stamp, lambda: None)
            await _sell(journal, stamp, "0")
            assert await signing.sign_waiting()
            await _sell(journal, stamp, "1")
            record = journal.events(journal.incarnation, 0, 500)[-1]
            asked = FiscalRecord(
                store="s", register="r", incarnation=record.incarnation, seq=record.seq, type=record.type,
                business_day=record.business_day, at_ms=record.at_ms, body=record.body, hash=record.hash, counter=2,
            )  # fmt: skip
            answered = await signer.sign(asked)  # and then the agent died
        async with await opened(tmp_path) as journal:
            signing = FiscalJournal(journal, signer, stamp, lambda: None)
            assert await signing.sign_waiting()
            signed = [event for event in events(journal) if isinstance(event, FiscalSigned)]
            assert [(one.counter, one.signature) for one in signed][1:] == [(2, answered)]
            assert len(signer.lines) == 2

    asyncio.run(scenario())


class MadSigner(FileSigner):
    """Raises what is no failure of signing, or gives what is no signature."""

    def __init__(self, path: Path, does: object) -> None:
        super().__init__(path)
        self.does = does

    async def sign(self, record: FiscalRecord) -> str:
        if isinstance(self.does, Exception):
            raise self.does
        return self.does if self.does is not None else await super().sign(record)  # type: ignore[return-value]


@pytest.mark.parametrize("does", [ValueError("a bug"), OSError(5, "no device"), KeyError(), "", "x" * 5_000, b"bytes", 7])
def test_whatever_a_signer_does_is_a_failure_to_sign_and_nothing_worse(tmp_path: Path, does: object) -> None:
    async def scenario() -> None:
        stamp, signer = Stamp(config_in(tmp_path).store, clock.wall_ms), MadSigner(tmp_path / "signatures", does)
        async with await opened(tmp_path) as journal:
            signing = FiscalJournal(journal, signer, stamp, lambda: None)
            await _sell(journal, stamp, "1")
            running = asyncio.create_task(signing.run())
            async with asyncio.timeout(10):
                while not signing.trouble:  # noqa: ASYNC110 - another task's doing
                    await asyncio.sleep(0.01)
            assert not running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            (failed,) = [event for event in events(journal) if isinstance(event, FiscalSigningFailed)]
            assert failed.cause == signing.trouble
            signer.does = None
            assert await signing.sign_waiting()
            (signed,) = [event for event in events(journal) if isinstance(event, FiscalSigned)]
            assert (signed.counter, signed.late) == (1, True)

    asyncio.run(scenario())


def test_what_is_sold_once_there_is_a_signer_is_signed_also_after_a_crash_before_the_first_signature(tmp_path: Path) -> None:
    async def scenario() -> None:
        stamp, signer = Stamp(config_in(tmp_path).store, clock.wall_ms), FileSigner(tmp_path / "signatures")
        async with await opened(tmp_path) as journal:
            await _sell(journal, stamp, "before there was a signer")
            assert await FiscalJournal(journal, signer, stamp, lambda: None).sign_waiting()
            await _sell(journal, stamp, "1")  # and then the agent died
        async with await opened(tmp_path) as journal:
            assert await FiscalJournal(journal, signer, stamp, lambda: None).sign_waiting()
        assert len(signer.lines) == 1

    asyncio.run(scenario())


def test_what_a_merge_books_is_signed(tmp_path: Path) -> None:
    async def scenario() -> None:
        stamp, signer = Stamp(config_in(tmp_path).store, clock.wall_ms), FileSigner(tmp_path / "signatures")
        async with await opened(tmp_path) as journal:
            signing = FiscalJournal(journal, signer, stamp, lambda: None)
            merged = CheckMerged(
                check_id="C1", from_register="a", at={}, check=msgspec.Raw(b"{}"), was="closed", state="closed"
            )  # fmt: skip
            await journal.append(Batch(events=(stamp(merged),)))
            assert await signing.sign_waiting()
            assert len(signer.lines) == 1

    asyncio.run(scenario())


def test_a_signer_that_can_not_be_made_yet_is_made_later(tmp_path: Path) -> None:
    made: list[FileSigner] = []
    plugged: list[bool] = []

    def make() -> FileSigner:
        if not plugged:
            raise OSError(19, "no such device")
        made.append(FileSigner(tmp_path / "signatures"))
        return made[0]

    async def scenario() -> None:
        stamp = Stamp(config_in(tmp_path).store, clock.wall_ms)
        async with await opened(tmp_path) as journal:
            signing = FiscalJournal(journal, Offered("box", make), stamp, lambda: None)
            await _sell(journal, stamp, "1")
            assert not await signing.sign_waiting()
            assert "no such device" in signing.trouble
            plugged.append(True)
            assert await signing.sign_waiting()
            await _sell(journal, stamp, "2")
            assert await signing.sign_waiting()
            assert (len(made), len(made[0].lines)) == (1, 2)

    asyncio.run(scenario())


def test_a_signer_that_is_not_installed_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no installed package offers it"):
        load_signer("nobody", tmp_path)


async def _sell(journal: Journal, stamp: Stamp, reason: str) -> None:
    await journal.append(Batch(events=(stamp(CheckVoided(check_id=clock.new_id(), reason=reason)),)))
