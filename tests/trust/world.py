"""Registers of a store on disk, and the port on which one of them admits others: everything real but the journal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from tillkeeper.config.embedded import example
from tillkeeper.config.model import Config
from tillkeeper.config.model import Register as RegisterConfig
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import INTEGRATION
from tillkeeper.contract.roster import Admitted, Left, Roster, Signed, Statement
from tillkeeper.contract.trust import CodeBody
from tillkeeper.trust import tls
from tillkeeper.trust.acts import Outcome, Site, create
from tillkeeper.trust.admitting import AdmittingDesk, AdmittingParts, signed
from tillkeeper.trust.codes import JoinCode, read_join_code
from tillkeeper.trust.desk import TrustDesk, TrustParts
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.store_keys import StoreKeys

STORE = "store-1"
SECRET = "the secret that PINs are keyed with"
BEACON = "ab" * 32

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def site(folder: Path, register: str, store: str = STORE) -> Site:
    data = folder / register
    data.mkdir(parents=True, exist_ok=True)
    return Site(store=store, register=register, data_dir=data)


def config(place: Site) -> Config:
    base = example(place.data_dir)
    registers = {name: RegisterConfig(letter=letter) for name, letter in (("front", "F"), ("bar", "B"), ("lane", "L"))}
    store = replace(base.store, id=place.store)
    return replace(base, store=store, this_register=place.register, registers=registers, data_dir=str(place.data_dir))


def pair(number: int) -> KeyPair:
    return KeyPair(bytes([number]) * 32)


def admitted(authority: KeyPair, register: str, key: str, term: int = 1, **more: object) -> Signed:
    return signed(authority, Admitted(store=STORE, register=register, key=key, term=term, **more))  # type: ignore[arg-type]


def left(authority: KeyPair, register: str, key: str, **finals: int) -> Signed:
    return signed(authority, Left(store=STORE, register=register, key=key, finals=finals))


def roster(authority: KeyPair, *statements: Signed) -> Roster:
    merge = Roster(STORE, authority.key).merged(statements)
    assert not merge.refused
    return merge.roster


def said(one: Roster) -> set[Statement]:
    return {signed_one.statement for signed_one in one.statements if isinstance(signed_one.statement, Admitted)}


class Register:
    """A running register: its keys, its desks, what it has journaled, its clock."""

    def __init__(self, place: Site, finals: Mapping[str, Mapping[str, int]] | None = None, within_s: float = 5.0) -> None:
        keys = StoreKeys.open(place.data_dir, place.store, place.register)
        assert keys is not None
        self.site, self.keys = place, keys
        self.now_s = 1000.0
        self.journal: list[Event] = []
        self.settings: dict[str, bytes] = {}
        self.finals = finals or {}
        self.port = 0
        self.refuses: Exception | None = None
        self.config: Config = config(place)
        self.admitting = AdmittingDesk(
            AdmittingParts(
                keys=keys, now_s=lambda: self.now_s, record=self.record, finals=lambda name: self.finals.get(name, {}),
                store_secret=SECRET, beacon_key=lambda: BEACON, within_s=within_s,
            )
        )  # fmt: skip
        self.desk = TrustDesk(
            TrustParts(
                config=self.config, keys=keys, admitting=self.admitting, now_s=lambda: self.now_s, setting=self.settings.get,
                record=self.record, finals=lambda name: self.finals.get(name, {}), listening=lambda: f"127.0.0.1:{self.port}",
            )
        )  # fmt: skip

    async def record(self, event: Event, settings: Mapping[str, bytes] | None = None) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.journal.append(event)
        self.settings |= settings or {}

    def journaled(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.journal if isinstance(event, kind)]

    async def code(self, register: str = "bar", **more: object) -> str:
        made = await self.desk.open_code(CodeBody(register=register, by="ana", **more), INTEGRATION)  # type: ignore[arg-type]
        return made.code

    async def invited(self, register: str = "bar", **more: object) -> JoinCode:
        return read_join_code(await self.code(register, **more))

    @contextlib.asynccontextmanager
    async def listening(self, others: Serve | None = None) -> AsyncIterator[int]:
        """The port. `others`: takes the connections that are not the desk's."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                if tls.is_for_desk(writer.get_extra_info("ssl_object")):
                    await self.admitting.serve(reader, writer)
                elif others is not None:
                    await others(reader, writer)
            finally:
                writer.transport.abort()
                tasks.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self.keys.server, ssl_handshake_timeout=2)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self.port
        finally:
            self.admitting.close("")
            server.close()
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def founded(folder: Path, register: str = "front", **more: object) -> tuple[Register, Outcome]:
    """The first register of a new store."""
    place = site(folder, register)
    outcome = create(place, "ana")
    return Register(place, **more), outcome  # type: ignore[arg-type]
