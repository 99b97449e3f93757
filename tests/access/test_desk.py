"""Pairing by a clock of its own and a disk that refuses: what a process can not be made to do in time."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tillkeeper.access.code import AGAIN_S, CODE_S, NOTED, new_code
from tillkeeper.access.desk import AccessDesk
from tillkeeper.access.parts import AccessParts
from tillkeeper.access.trouble import CodeRefused, ScopeTooFar
from tillkeeper.config.embedded import embedded, embedded_printers
from tillkeeper.contract.access import DevicePaired, LanView, PairBody, PairingBody, PairingRefused, UnpairBody
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import PERMISSIONS, Caller
from tillkeeper.errors import Refused, StorageRefused
from tillkeeper.people.refusals import ApprovalNeeded, SignInNeeded
from tillkeeper.till.approvals import Approvals, digest_of

FULL = Caller()


class Reachable:
    def view(self) -> LanView:
        return LanView(urls=("https://10.0.0.1:8443",), secure=True, fingerprint="AA:BB")

    def authority(self) -> bytes:
        return b"certificate"

    def pairing_url(self) -> str:
        return "https://10.0.0.1:8443/pair/"


class Room:
    """A desk with a clock that is set, and a disk that refuses on demand or is slow."""

    def __init__(self, folder: Path) -> None:
        self.now_s, self.events, self.settings = 1000.0, list[Event](), dict[str, bytes]()
        self.refuses, self.numbers = False, iter(range(100, 999))
        self.recording, self.ready = asyncio.Event(), asyncio.Event()
        self.ready.set()
        self.approvals = Approvals(lambda: self.now_s)
        self.desk = self.made(folder)

    def made(self, folder: Path) -> AccessDesk:
        return AccessDesk(
            AccessParts(
                config=embedded(folder, ports=dict.fromkeys(embedded_printers(), 1)),
                approvals=self.approvals,
                reach=Reachable(),
                setting=self.settings.get,
                record=self.record,
                now_s=lambda: self.now_s,
                now_ms=lambda: int(self.now_s * 1000),
                new_id=lambda: f"id-{next(self.numbers)}",
            )
        )

    async def record(self, events: tuple[Event, ...], settings: Mapping[str, bytes]) -> None:
        self.recording.set()
        await asyncio.sleep(0)
        await self.ready.wait()
        if self.refuses:
            raise StorageRefused("append", "journal", "the disk is full")
        self.events += events
        self.settings |= settings

    async def code(self, name: str = "grill") -> str:
        return (await self.desk.open(PairingBody(scope="kitchen", name=name), FULL)).code


def token(letter: str = "t") -> str:
    return letter * 43


def test_a_code_ends_after_ten_minutes(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        room.now_s += CODE_S - 0.1
        assert room.desk.view(FULL).open is not None
        room.now_s += 0.1
        with pytest.raises(CodeRefused) as refused:
            await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert refused.value.code == "no_code_open"
        assert room.desk.view(FULL).open is None

    asyncio.run(scene())


def test_a_newer_code_ends_the_one_before(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        old = await room.code()
        await room.code("bar")
        with pytest.raises(CodeRefused):
            await room.desk.pair(PairBody(code=old, token=token()), "10.0.0.2")

    asyncio.run(scene())


def test_a_device_that_got_the_name_elsewhere_meanwhile_is_not_ended_by_who_replaces_none(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code("grill")
        other = DevicePaired(device_id="of-side", name="grill", scope="kitchen", token_sha256="0" * 64)
        room.desk.keeper.become(room.desk.keeper.book.heard(other, "side", 1))
        with pytest.raises(Refused) as refused:
            await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert refused.value.code == "name_taken"
        assert list(room.desk.keeper.book.devices) == ["of-side"]
        asked = PairingBody(scope="kitchen", name="grill", replace=True)
        code = (await room.desk.open(asked, FULL)).code
        paired = await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert list(room.desk.keeper.book.devices) == [paired.device_id]

    asyncio.run(scene())


def test_two_that_come_at_once_are_one_device(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        both = await asyncio.gather(
            *(room.desk.pair(PairBody(code=code, token=token(one)), "10.0.0.2") for one in "ab"), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in both) == ["CodeRefused", "PairedView"]
        assert sum(isinstance(one, DevicePaired) for one in room.events) == 1

    asyncio.run(scene())


def test_a_device_that_asks_again_before_it_was_answered_is_answered_twice(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        said = PairBody(code=await room.code(), token=token())
        first, second = await asyncio.gather(*(room.desk.pair(said, "10.0.0.2") for _ in range(2)))
        assert first == second
        assert [type(one).__name__ for one in room.events] == ["PairingOpened", "DevicePaired"], "and nobody was refused"

    asyncio.run(scene())


def test_a_disk_that_refuses_pairs_nobody_and_the_code_stays_good(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        room.refuses = True
        with pytest.raises(StorageRefused):
            await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert room.desk.device(token().encode()) is None
        room.refuses = False
        paired = await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert room.desk.device(token().encode()) is not None
        room.refuses = True
        with pytest.raises(StorageRefused):
            await room.desk.unpair(paired.device_id, UnpairBody(), FULL)
        assert room.desk.device(token().encode()) is not None, "nothing has changed"

    asyncio.run(scene())


def test_the_same_device_is_answered_again_for_a_minute(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        first = await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        room.now_s += AGAIN_S - 1
        assert await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2") == first
        room.now_s += 1
        with pytest.raises(CodeRefused):
            await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")

    asyncio.run(scene())


def test_what_one_batch_says_the_next_one_keeps(tmp_path: Path) -> None:
    """Two that are paired while the disk is slow are both in the setting that a start reads."""

    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        kept = await room.desk.pair(PairBody(code=code, token=token("a")), "10.0.0.2")
        code = await room.code("bar")
        await asyncio.gather(
            room.desk.pair(PairBody(code=code, token=token("b")), "10.0.0.3"),
            room.desk.unpair(kept.device_id, UnpairBody(), FULL),
        )
        again = room.made(tmp_path)
        assert again.device(token("a").encode()) is None
        assert again.device(token("b").encode()) is not None

    asyncio.run(scene())


def test_whoever_pairs_needs_somebody_who_may(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        asked = PairingBody(scope="kitchen", name="grill")
        with pytest.raises(SignInNeeded):
            await room.desk.open(asked, Caller(scope="technician", device="phone"))
        cashier = Caller(scope="page", employee="ana", permissions=frozenset({"ring"}))
        with pytest.raises(ApprovalNeeded):
            await room.desk.open(asked, cashier)
        helper = Caller(scope="technician", device="phone", employee="tom", permissions=frozenset({"set_up_devices"}))
        await room.desk.open(asked, helper)
        with pytest.raises(ApprovalNeeded):  # nobody makes a device that may more than they do
            await room.desk.open(PairingBody(scope="manager", name="mine"), helper)
        assert room.events[-1].by == "tom"  # type: ignore[attr-defined]

    asyncio.run(scene())


def test_there_is_a_bound_on_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillkeeper.access.book.MAX_DEVICES", 1)

    async def scene() -> None:
        room = Room(tmp_path)
        await room.desk.pair(PairBody(code=await room.code(), token=token()), "10.0.0.2")
        with pytest.raises(Refused) as refused:
            await room.code("bar")
        assert refused.value.code == "too_many_devices"
        again = PairingBody(scope="kitchen", name="grill", replace=True)
        code = (await room.desk.open(again, FULL)).code
        await room.desk.pair(PairBody(code=code, token=token("a")), "10.0.0.2")

    asyncio.run(scene())


def test_a_code_that_was_opened_before_there_were_too_many_pairs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        monkeypatch.setattr("tillkeeper.access.book.MAX_DEVICES", 0)  # its own log has come back meanwhile
        with pytest.raises(Refused) as refused:
            await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert refused.value.code == "too_many_devices"
        assert [type(one).__name__ for one in room.events] == ["PairingOpened"]

    asyncio.run(scene())


def test_a_stranger_voids_no_code_and_fills_no_journal(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        for number in range(NOTED + 5):
            with pytest.raises(CodeRefused) as refused:
                await room.desk.pair(PairBody(code=new_code(), token=token("x")), f"10.0.0.{number}")
            assert refused.value.code == "wrong_code"
        opened = room.desk.view(FULL).open
        assert opened is not None
        assert opened.refused == NOTED + 5
        assert sum(isinstance(one, PairingRefused) for one in room.events) == NOTED
        await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")

    asyncio.run(scene())


def test_a_code_is_used_also_where_nobody_waits_for_the_answer_any_more(tmp_path: Path) -> None:
    async def scene() -> None:
        room = Room(tmp_path)
        code = await room.code()
        room.ready.clear()
        room.recording.clear()
        asking = asyncio.create_task(room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2"))
        await room.recording.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        other = asyncio.create_task(room.desk.pair(PairBody(code=code, token=token("x")), "10.0.0.3"))
        room.ready.set()
        with pytest.raises(CodeRefused) as refused:
            await other
        assert refused.value.code == "code_used"
        again = await room.desk.pair(PairBody(code=code, token=token()), "10.0.0.2")
        assert [one.device_id for one in room.desk.view(FULL).devices] == [again.device_id]

    asyncio.run(scene())


def test_an_approval_is_used_also_where_nobody_waits_for_the_answer_any_more(tmp_path: Path) -> None:
    """What it was given for is durable: the same word opens no second code and ends no second device."""

    async def scene() -> None:
        room = Room(tmp_path)
        device = await room.desk.pair(PairBody(code=await room.code(), token=token()), "10.0.0.2")
        cashier = Caller(scope="page", employee="ana", terminal="front", permissions=frozenset({"ring"}))

        async def left(work: Callable[[Caller], Coroutine[Any, Any, object]]) -> None:
            digest = digest_of(room.approvals.add("mia", "ana", "front", "set_up_devices"))
            approved = replace(cashier, approver="mia", approved=frozenset({"set_up_devices"}), approval=digest)
            room.ready.clear()
            room.recording.clear()
            asking = asyncio.create_task(work(approved))
            await room.recording.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            room.ready.set()
            with pytest.raises(ApprovalNeeded):
                await work(approved)

        await left(lambda caller: room.desk.open(PairingBody(scope="kitchen", name="bar"), caller))
        opened = room.desk.view(FULL).open
        assert opened is not None
        assert opened.name == "bar"
        await left(lambda caller: room.desk.unpair(device.device_id, UnpairBody(), caller))
        assert room.desk.device(token().encode()) is None
        assert [type(one).__name__ for one in room.events[-4:]] == [
            "ApprovalGiven", "PairingOpened", "ApprovalGiven", "DeviceUnpaired",
        ]  # fmt: skip

    asyncio.run(scene())


def test_a_device_on_which_nobody_has_signed_in_pairs_none_that_may_more(tmp_path: Path) -> None:
    """A register without a roster asks nobody for a PIN."""

    async def scene() -> None:
        room = Room(tmp_path)
        everything = frozenset(PERMISSIONS)
        tablet = Caller(scope="technician", device="tech", permissions=everything)
        for scope in ("register", "manager"):
            with pytest.raises(ScopeTooFar):
                await room.desk.open(PairingBody(scope=scope, name="mine"), tablet)
        assert not room.events
        await room.desk.open(PairingBody(scope="kitchen", name="grill"), tablet)
        await room.desk.open(PairingBody(scope="technician", name="second"), tablet)
        await room.desk.open(PairingBody(scope="manager", name="phone"), replace(tablet, employee="mia"))
        here = Caller(scope="page", permissions=everything)
        await room.desk.open(PairingBody(scope="manager", name="office"), here)

    asyncio.run(scene())
