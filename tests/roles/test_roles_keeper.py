"""One keeper and its disk: what is durable before it is used, the fence over crashes, and a register alone."""

import asyncio

import msgspec
import pytest

from tillkeeper.contract.roles import Epoch, RolesAssigned, WitnessAsked
from tillkeeper.errors import StorageRefused
from tillkeeper.roles import leading
from tillkeeper.roles.keeper import SETTING, RolesKeeper, RolesParts
from tillkeeper.roles.records import Record, configured
from tillkeeper.roles.standing import Standing

BASE = configured("a", "b", ("a", "b", "c"))
HIGHER = Record(primary="b", epoch=Epoch(4, "b"), cause="promoted")


class Disk:
    """Its settings and events. While it `fails` it takes nothing."""

    def __init__(self) -> None:
        self.settings: dict[str, bytes] = {}
        self.events: list[RolesAssigned] = []
        self.fails = False
        self.asked = asyncio.Event()

    async def append(self, events: tuple[RolesAssigned, ...], settings: dict[str, bytes]) -> None:
        await asyncio.sleep(0)
        if self.fails:
            raise StorageRefused("append", "journal.db", "the disk is full")
        self.settings |= settings
        self.events += events

    def keeper(
        self, me: str = "a", *, alone: bool = False, base: Record = BASE, now_s: float = 100.0, says: bytes = b""
    ) -> RolesKeeper:
        async def ask(_register: str, _topic: str, _body: bytes, _within_s: float) -> bytes:
            self.asked.set()
            return says

        return RolesKeeper(
            RolesParts(
                register=me, registers=("a", "b", "c"), base=base, now_s=lambda: now_s, setting=self.settings.get,
                append=self.append, ask=None if alone else ask,
            )
        )  # fmt: skip


def test_a_higher_record_ends_the_role_at_once_and_counts_once_it_is_durable() -> None:
    async def scene() -> None:
        disk = Disk()
        keeper = disk.keeper(alone=True, base=configured("a", "", ("a", "b")))
        assert keeper.holds(100.0)
        disk.fails = True
        keeper.learn(HIGHER)
        assert not keeper.holds(100.0), "before anything is durable"
        with pytest.raises(StorageRefused):
            await keeper.adopt()
        assert keeper.record.primary == "a"
        assert disk.keeper().record.primary == "a"
        disk.fails = False
        await keeper.adopt()
        assert keeper.record == disk.keeper().record == HIGHER

    asyncio.run(scene())


def test_a_decision_is_its_event_and_its_record_in_one_batch_or_nothing() -> None:
    async def scene() -> None:
        disk = Disk()
        keeper = disk.keeper("b")
        disk.fails = True
        with pytest.raises(StorageRefused):
            await keeper.decide(BASE, HIGHER)
        assert (keeper.record, disk.events) == (BASE, [])
        disk.fails = False
        assert await keeper.decide(BASE, HIGHER)
        assert disk.events == [HIGHER.event()]
        assert disk.keeper("b").record == HIGHER
        assert not await keeper.decide(BASE, HIGHER), "another record counts by now"

    asyncio.run(scene())


def test_no_epoch_below_one_that_was_obeyed_is_admitted_over_a_crash() -> None:
    async def scene() -> None:
        disk = Disk()
        fence = disk.keeper().fence
        assert await fence.admit(BASE.epoch)
        assert await fence.admit(Epoch(3, "b"))
        assert not await fence.admit(Epoch(3, "a"))
        again = disk.keeper().fence
        assert not await again.admit(Epoch(2, "z"))
        assert await again.admit(Epoch(3, "b"))
        disk.fails = True
        with pytest.raises(StorageRefused):
            await again.admit(Epoch(9, "b"))
        assert await again.admit(Epoch(3, "b")), "what was not durable was never obeyed"

    asyncio.run(scene())


def test_a_record_raises_the_fence() -> None:
    async def scene() -> None:
        disk = Disk()
        keeper = disk.keeper()
        keeper.learn(HIGHER)
        await keeper.adopt()
        assert not await keeper.fence.admit(Epoch(3, "z"))
        assert await disk.keeper().fence.admit(HIGHER.epoch)

    asyncio.run(scene())


def test_another_configuration_counts_until_somebody_has_assigned() -> None:
    async def scene() -> None:
        disk = Disk()
        await disk.keeper().fence.admit(Epoch(1, "c"))
        other = configured("b", "c", ("a", "b", "c"))
        assert disk.keeper(base=other).record == other
        keeper = disk.keeper()
        keeper.learn(HIGHER)
        await keeper.adopt()
        assert disk.keeper(base=other).record == HIGHER

    asyncio.run(scene())


def test_what_can_not_be_read_leaves_the_configuration() -> None:
    disk = Disk()
    disk.settings[SETTING] = b"{"
    assert disk.keeper().record == BASE
    disk.settings[SETTING] = msgspec.json.encode({"record": {"primary": 5}})
    assert disk.keeper().record == BASE


def test_a_register_alone_is_primary_at_once() -> None:
    keeper = Disk().keeper(alone=True, base=configured("", "", ("a",)))
    assert keeper.holds(100.0)
    assert keeper.preferred()[0] == "a"


def test_primary_and_backup_come_first_in_the_order_of_lines() -> None:
    assert Disk().keeper(base=configured("c", "b", ("a", "b", "c"))).preferred() == ("c", "b", "a")
    assert Disk().keeper(base=Record(primary="b", absent="c")).preferred() == ("b", "c", "a")
    assert Disk().keeper(base=Record(primary="z", backup="b")).preferred() == ("b", "a", "c")


def _renewed(**fields: object) -> bytes:
    return msgspec.json.encode({"epoch": {"counter": 0, "register": BASE.epoch.register}, **fields})


@pytest.mark.parametrize(
    "says",
    [
        b'{"epoch": {"counter": 1, "register": "\xff"}}',
        b'{"more": ' + b"[" * 200_000,
        _renewed(record=dict.fromkeys(("primary", "register"), "b") | {"counter": 2**53}),
        _renewed(granted=True, stood={"counter": 2**53, "register": "b"}),
    ],
)
def test_whatever_another_register_answers_the_primary_goes_on(says: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leading, "RAISE_AFTER_S", 0.0)

    async def scene() -> None:
        disk = Disk()
        keeper = disk.keeper(says=says)
        keeper.look()
        leads = asyncio.create_task(leading.Leading(keeper).run())
        await disk.asked.wait()
        for _ in range(10):
            keeper.woken.set()
            for tell in keeper.changed:
                tell()
            await asyncio.sleep(0)
        ended = leads.done()
        leads.cancel()
        await asyncio.gather(leads, return_exceptions=True)
        assert not ended

    asyncio.run(scene())


def test_a_witness_that_answers_garbage_is_none() -> None:
    async def scene() -> None:
        asked = WitnessAsked(register="b", away="a", base=BASE.epoch, epoch=Epoch(1, "b"))
        for says in (b'{"says": "\xff"}', b'{"more": ' + b"[" * 200_000):
            assert await Standing(Disk().keeper("b", says=says)).ask(asked) == {"c": None}

    asyncio.run(scene())
