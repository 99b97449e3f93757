"""A member that is out of its mind names epochs far above all others: nobody goes by them, and the next honest one counts."""

import asyncio

import pytest
from tests.roles.test_roles_keeper import HIGHER, Disk

from tillkeeper.contract.day import RegisterParked, RegisterUnparked
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.roles import LEAP, MAX_COUNTER, Epoch, RolesAssigned, WitnessAsked
from tillkeeper.contract.witness import judge
from tillkeeper.day.index import DayIndex
from tillkeeper.roles.records import NewestRecord, Record, above, record_of
from tillkeeper.roles.telling import Claim, Renew, encode

MAD = [LEAP + 1, 2**40, MAX_COUNTER]


def _envelope(register: str) -> Envelope:
    return Envelope("s", register, "i", 1, "roles_assigned", 1, "2026-11-22", 0, "{}", "", "")


@pytest.mark.parametrize("counter", MAD)
def test_no_register_goes_by_an_epoch_that_nobody_can_have_come_to(counter: int) -> None:
    async def scene() -> None:
        disk = Disk()
        keeper = disk.keeper()
        mad = Epoch(counter, "c")
        keeper.learn(Record(primary="c", epoch=mad))
        renew = Renew(RolesAssigned(primary="c", counter=counter, register="c"))
        below = Epoch(counter - 1, "c")
        asked = WitnessAsked(register="c", away="nobody", base=below, epoch=mad, binding=True)
        await keeper.answers()["roles.renew"]("c", encode(renew))
        said = await keeper.answers()["roles.witness"]("c", encode(asked))
        assert b"agrees" not in said
        assert b"refuses" in await keeper.answers()["roles.claim"]("c", encode(Claim("c", below, mad)))
        assert not await keeper.fence.admit(mad)
        assert (keeper.record.primary, keeper.kept.agreed, keeper.kept.fence) == ("a", Epoch(), Epoch())
        assert above((keeper.seen, keeper.epoch), "a").counter == 1
        keeper.learn(HIGHER)
        await keeper.adopt()
        assert keeper.record == HIGHER
        assert await keeper.fence.admit(HIGHER.epoch)
        assert await keeper.fence.admit(Epoch(HIGHER.epoch.counter + LEAP, "a"))

    asyncio.run(scene())


def test_a_mad_record_in_a_log_does_not_hide_those_that_come_after_it() -> None:
    newest = NewestRecord()
    newest.take(_envelope("c"), RolesAssigned(primary="c", counter=MAX_COUNTER, register="c"))
    assert newest.record is None
    newest.take(_envelope("b"), HIGHER.event())
    assert newest.record == record_of(HIGHER.event())


def test_a_witness_binds_itself_to_no_such_epoch() -> None:
    base, mad = Epoch(MAX_COUNTER - 1, "c"), Epoch(MAX_COUNTER, "c")
    asked = WitnessAsked(register="c", away="a", base=base, epoch=mad, binding=True)
    assert judge(asked, "", Epoch(3, "a"), Epoch(4, "b"), 1_000.0) == ("refuses", Epoch(4, "b"))
    honest = WitnessAsked(register="c", away="a", base=Epoch(3, "a"), epoch=Epoch(4, "c"), binding=True)
    assert judge(honest, "", Epoch(3, "a"), Epoch(2, "b"), 1_000.0)[0] == "agrees"


def test_a_name_without_end_is_no_registers() -> None:
    newest = NewestRecord()
    newest.take(_envelope("c"), RolesAssigned(primary="p" * 300_000, counter=5, register="c"))
    assert newest.record is None


def test_no_register_can_be_parked_for_ever() -> None:
    index = DayIndex()
    index.take(_envelope("c"), RegisterParked(register="a", n=MAX_COUNTER, reason="mad"))
    assert (index.parked("a"), index.parkings("a")) == (None, 0)
    index.take(_envelope("b"), RegisterParked(register="a", n=1, reason="broken"))
    assert index.parked("a") is not None
    index.take(_envelope("b"), RegisterUnparked(register="a", n=2))
    assert index.parked("a") is None
