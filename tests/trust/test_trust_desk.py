"""What the API says and does about the store: who may, what is refused, what is journaled."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.trust.world import STORE, Register, config, founded, pair, site

from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.trust import CodeBody, JoinCodeOpened, LeaveBody, RegisterLeft, StoreKeysTaken
from tillkeeper.errors import NotFound, Refused, StorageRefused, TillkeeperError
from tillkeeper.trust.acts import join_store, recover
from tillkeeper.trust.asking import join
from tillkeeper.trust.codes import read_join_code, read_recovery_code
from tillkeeper.trust.desk import TrustDesk, TrustParts, place
from tillkeeper.trust.invitation import AGAIN_S, CODE_S

CASHIER = Caller(scope="page", terminal="t", employee="cleo", permissions=frozenset(("ring",)))
MANAGER = Caller(scope="page", terminal="t", employee="mia", permissions=frozenset(("admit_registers",)))
NOBODY = Caller(scope="page", terminal="t")


async def refused(register: Register, asked: CodeBody, caller: Caller = INTEGRATION) -> TillkeeperError:
    with pytest.raises(TillkeeperError) as error:
        await register.desk.open_code(asked, caller)
    assert register.desk.view().code is None
    assert register.journal == []
    return error.value


def test_only_who_may_admit_makes_codes_and_lets_registers_go(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        for caller, code in ((CASHIER, "approval_needed"), (NOBODY, "sign_in_needed")):
            assert (await refused(front, CodeBody(register="bar"), caller)).code == code
            with pytest.raises(TillkeeperError) as error:
                await front.desk.leave(LeaveBody(register="front"), caller)
            assert error.value.code == code
        async with front.listening():
            made = await front.desk.open_code(CodeBody(register="bar", by="somebody else"), MANAGER)
            assert made.expires_s == CODE_S
            (event,) = front.journaled(JoinCodeOpened)
            assert event == JoinCodeOpened(register="bar", by="mia")
            view = front.desk.view()
            assert view.code is not None
            assert (view.code.register, view.code.tries_left) == ("bar", 5)

    asyncio.run(scene())


def test_what_gets_no_code(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        front.port = 7468
        assert isinstance(await refused(front, CodeBody(register="nowhere")), NotFound)
        assert (await refused(front, CodeBody(register="front"))).code == "own_register"
        assert (await refused(front, CodeBody(register="bar", address="a host"))).code == "no_address"
        front.refuses = StorageRefused("append", "journal", "the disk is full")
        assert (await refused(front, CodeBody(register="bar"))).code == "storage_refused"

    asyncio.run(scene())


def listening_at(front: Register, listening: str, address: str) -> TrustDesk:
    own = config(front.site)
    registers = own.registers | {"front": replace(own.registers["front"], address=address)}
    parts = TrustParts(
        config=replace(own, registers=registers), keys=front.keys, admitting=front.admitting, now_s=lambda: 0.0,
        setting=front.settings.get, record=front.record, finals=lambda _register: {}, listening=lambda: listening,
    )  # fmt: skip
    return TrustDesk(parts)


@pytest.mark.parametrize(
    ("listening", "address", "asked", "leads"),
    [
        ("0.0.0.0:7468", "192.168.1.11", "", ("192.168.1.11", 7468)),
        ("0.0.0.0:9000", "192.168.1.11", "", ("192.168.1.11", 9000)),
        ("192.168.1.12:7468", "", "", ("192.168.1.12", 7468)),
        ("0.0.0.0:7468", "front.lan:7000", "", ("front.lan", 7000)),
        ("0.0.0.0:7468", "front.lan", "10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::]:7468", "", "fd00::1", ("fd00::1", 7468)),
        ("0.0.0.0:7468", "", "", None),
        ("[::]:7468", "", "", None),
        ("", "192.168.1.11", "", None),
    ],
)
def test_where_a_code_leads(listening: str, address: str, asked: str, leads: tuple[str, int] | None, tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        desk = listening_at(front, listening, address)
        body = CodeBody(register="bar", address=asked)
        if leads is None:
            with pytest.raises(TillkeeperError) as error:
                await desk.open_code(body, INTEGRATION)
            assert error.value.code == "no_address"
            assert error.value.hint
            return
        code = read_join_code((await desk.open_code(body, INTEGRATION)).code)
        front.admitting.close("")
        assert (code.host, code.port) == leads

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("front", ("front", 1)), ("front:7", ("front", 7)), ("[fd00::1]:7", ("fd00::1", 7)), ("fd00::1", ("fd00::1", 1)),
        ("[fd00::1]", ("fd00::1", 1)), ("10.0.0.1:99999", ("10.0.0.1", 65_535)),
    ],
)  # fmt: skip
def test_places(text: str, found: tuple[str, int]) -> None:
    assert place(text, 1) == found


def test_a_register_that_has_a_key_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            await join(await front.invited(), pair(5), STORE, "bar")
            with pytest.raises(Refused) as error:
                await front.code()
            assert error.value.code == "has_key"
            assert front.keys.roster.admits(pair(5).key) == "bar"
            made = await front.desk.open_code(CodeBody(register="bar", replace=True), INTEGRATION)
            assert made.replaces
            assert front.keys.roster.admits(pair(5).key) == "bar", "until the new one is there the old one stays"

    asyncio.run(scene())


def test_letting_go_says_what_is_wrong_and_changes_nothing_twice(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path)
        _, other = founded(tmp_path / "other")
        async with front.listening():
            await join(await front.invited(), pair(5), STORE, "bar")
        with pytest.raises(NotFound):
            await front.desk.leave(LeaveBody(register="lane"), INTEGRATION)
        front.keys.shelf.path("authority.key").unlink()
        for code, why in (("", "no_authority_key"), ("AAAA", "mistyped_code"), (other.recovery, "wrong_code")):
            with pytest.raises(TillkeeperError) as error:
                await front.desk.leave(LeaveBody(register="bar", recovery_code=code), INTEGRATION)
            assert error.value.code == why
            assert "bar" in front.keys.roster.members
        asked = LeaveBody(register="bar", recovery_code=outcome.recovery)
        first, events = await front.desk.leave(asked, INTEGRATION), len(front.journal)
        assert await front.desk.leave(asked, INTEGRATION) == first
        assert len(front.journal) == events
        assert [member.register for member in first.members] == ["front"]

    asyncio.run(scene())


def test_a_register_that_lets_itself_go_says_so(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        view = await front.desk.leave(LeaveBody(register="front"), INTEGRATION)
        assert view.joined
        assert not view.member
        assert view.members == ()
        assert not view.may_admit
        assert await front.desk.leave(LeaveBody(register="front"), INTEGRATION) == view, "said again it changes nothing"

    asyncio.run(scene())


def test_what_a_register_writes_when_it_lets_itself_go_counts(tmp_path: Path) -> None:
    """Its own `register_left` would be put into quarantine otherwise, and HQ would call for support."""

    async def scene() -> None:
        finals = Growing()
        front, _ = founded(tmp_path, finals=finals)
        finals.log = front.journal
        (gone,) = (await front.desk.leave(LeaveBody(register="front"), INTEGRATION)).left
        assert front.journaled(RegisterLeft)
        assert gone.finals == {"one": 20 + len(front.journal)}

    asyncio.run(scene())


class Growing(Mapping[str, Mapping[str, int]]):
    """Finals of a register whose own log grows with what is journaled."""

    log: Sequence[object] = ()

    def __getitem__(self, _name: str) -> Mapping[str, int]:
        return {"one": 20 + len(self.log)}

    def __iter__(self) -> Iterator[str]:
        return iter(("front",))

    def __len__(self) -> int:
        return 1


def test_the_last_that_may_admit_does_not_leave_the_others_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path)
        async with front.listening():
            await join(await front.invited(), pair(5), STORE, "bar")
            with pytest.raises(Refused) as error:
                await front.desk.leave(LeaveBody(register="front"), INTEGRATION)
            assert error.value.code == "last_that_admits"
            assert "recover" in error.value.hint
            assert set(front.keys.roster.members) == {"front", "bar"}
            await join(await front.invited("lane", may_admit=True), pair(6), STORE, "lane")
        await front.desk.leave(LeaveBody(register="front"), INTEGRATION)
        assert not front.keys.is_member
        assert not front.desk.view().may_admit, "it has done away with the authority's key"
        # Whatever it signed with one, the others would never hear of it, and HQ would.
        for act in (
            front.desk.leave(LeaveBody(register="bar"), INTEGRATION),
            front.desk.leave(LeaveBody(register="bar", recovery_code=outcome.recovery), INTEGRATION),
            front.desk.open_code(CodeBody(register="bar", replace=True), INTEGRATION),
        ):
            with pytest.raises(TillkeeperError) as refusal:
                await act
            assert refusal.value.code == "not_a_member"
        assert set(front.keys.roster.members) == {"bar", "lane"}

    asyncio.run(scene())


def test_the_others_hear_of_who_got_the_authority_by_the_recovery_code(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path)
        async with front.listening():
            place = site(tmp_path, "bar")
            await asyncio.to_thread(join_store, place, await front.invited(), "ana")
        await asyncio.to_thread(recover, place, read_recovery_code(outcome.recovery), [], alone=False, by="ana")
        bar = Register(place)
        term = bar.keys.roster.members["bar"].term
        for _ in range(2):
            await bar.desk.begin()
        await front.keys.take(bar.keys.roster.statements)
        member = front.keys.roster.members["bar"]
        assert (member.may_admit, member.term, member.key) == (True, term, bar.keys.signer.key)
        assert len(front.keys.roster.statements) == 3

    asyncio.run(scene())


def test_the_store_says_who_is_missing_and_what_to_do_next(tmp_path: Path) -> None:
    async def scene() -> None:
        alone = TrustDesk(
            TrustParts(
                config=config(site(tmp_path, "front")), keys=None, admitting=None, now_s=lambda: 0.0,
                setting=lambda _name: None, record=unheard, finals=lambda _register: {}, listening=lambda: "",
            )
        )  # fmt: skip
        assert not alone.view().restart
        front, _ = founded(tmp_path)
        assert alone.view().restart, "the keys came after it had begun"
        with pytest.raises(TillkeeperError) as error:
            await alone.open_code(CodeBody(register="bar"), INTEGRATION)
        assert (error.value.code, error.value.hint.partition(",")[0]) == ("no_store_keys", "start the agent again")
        assert front.desk.view().waiting == ("bar", "lane")
        async with front.listening():
            code = await front.invited()
            opened = front.desk.view().code
            assert opened is not None
            assert not opened.used
            await join(code, pair(5), STORE, "bar")
            used = front.desk.view().code
            assert used is not None
            assert used.used
            assert used.expires_s <= AGAIN_S
        view = front.desk.view()
        assert view.waiting == ("lane",)
        assert not view.restart

    asyncio.run(scene())


async def unheard(_event: object, _settings: object) -> None:
    raise AssertionError("nothing is to be journaled")


def test_the_journal_hears_of_each_key_once(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path)
        front.refuses = StorageRefused("append", "journal", "the disk is full")
        await front.desk.begin()
        front.refuses = None
        for _ in range(3):
            await front.desk.begin()
        (event,) = front.journal
        assert event == StoreKeysTaken(
            act="created", register="front", key=outcome.key, authority=outcome.roster.authority, by="ana"
        )

    asyncio.run(scene())


def test_without_keys_everything_says_so(tmp_path: Path) -> None:
    async def scene() -> None:
        parts = TrustParts(
            config=config(site(tmp_path, "front")), keys=None, admitting=None, now_s=lambda: 0.0, setting=lambda _name: None,
            record=unheard, finals=lambda _register: {}, listening=lambda: "", trouble="read trust/register.key: it is gone",
        )  # fmt: skip
        desk = TrustDesk(parts)
        await desk.begin()
        view = desk.view()
        assert (view.joined, view.member, view.trouble) == (False, False, parts.trouble)
        for act in (desk.open_code(CodeBody(register="bar"), INTEGRATION), desk.leave(LeaveBody(register="bar"), INTEGRATION)):
            with pytest.raises(TillkeeperError, match="it is gone") as error:
                await act
            assert error.value.code == "no_store_keys"

    asyncio.run(scene())
