"""What heals by itself goes on whatever the disk says."""

import asyncio
import tomllib
import zlib
from pathlib import Path
from typing import Any, cast

import msgspec
from tests.till.world import config_in

from tillkeeper.across.entries import Side
from tillkeeper.across.healing import Healing
from tillkeeper.contract.together import CheckYielded
from tillkeeper.errors import StorageRefused
from tillkeeper.sales.catalogue import parse_catalogue


class Shop:
    """Directory, journal and the one other register; the disk is full for the first attempt."""

    def __init__(self, catalogue: bytes) -> None:
        self.touched: set[str] = set()
        self.directory, self.catalogue_bytes, self.attempts = self, catalogue, 0
        self.kept: dict[str, bytes] = {}

    def catalogue(self, version: str) -> bytes | None:
        return self.kept.get(version)

    async def append(self, batch: Any) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise StorageRefused("append", "journal.db", "the disk is full")
        self.kept |= batch.catalogues

    def others(self) -> tuple[str, ...]:
        return ("back",)

    def is_heard(self, _register: str) -> bool:
        return True

    async def ask(self, _register: str, _topic: str, _body: bytes, _within_s: float) -> bytes:
        return zlib.compress(self.catalogue_bytes)

    async def caught_up(self) -> None:
        pass


def test_a_full_disk_does_not_end_it_and_the_catalogue_is_fetched_again(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    body = msgspec.json.encode(tomllib.loads(Path(config.catalogue.file).read_text("utf-8")))
    version = parse_catalogue(body, "menu.json").version

    async def scene() -> None:
        shop = Shop(body)
        one = cast(Any, shop)
        healing = Healing(config, one, one, one, one, lambda: one, lambda _check: None, shop.caught_up)
        healing._catalogues.add(version)
        heals = asyncio.create_task(healing.run())
        for _ in range(1_000):
            if shop.kept or heals.done():
                break
            healing._woken.set()
            await asyncio.sleep(0.001)
        ended = heals.done()
        heals.cancel()
        await asyncio.gather(heals, return_exceptions=True)
        assert not ended
        assert version in shop.kept

    asyncio.run(scene())


class Across:
    """Directory and intake of a register that lost its disk: what it had goes on elsewhere. The first append is refused."""

    own = True

    def __init__(self) -> None:
        self.touched, self.written, self.attempts, self.followed = {"c1"}, list[Any](), 0, 0
        self.directory, self.training, self.register, self.hand = self, False, "back", 1

    @property
    def check(self) -> "Across":
        return self

    def registers(self, _check_id: str) -> frozenset[str]:
        return frozenset(("front", "back"))

    def standing(self, _check_id: str) -> "Across":
        return self

    def given(self, _check_id: str, _to: str) -> None:
        """To nobody else."""

    def own_side(self, _check_id: str, _register: str) -> Side | None:
        return Side(hand=0) if not self.followed else None

    async def caught_up(self) -> None:
        self.followed = len(self.written)

    def number(self, _check_id: str) -> None:
        return None

    def get(self, _check_id: str) -> None:
        """The shelf."""

    def stamp(self, event: Any) -> Any:
        return event

    async def change_check(self, _check_id: str, make: Any) -> None:
        draft = await make(None, self)
        if draft is None:
            return
        self.attempts += 1
        if self.attempts == 1:
            raise StorageRefused("append", "journal.db", "the disk is full")
        self.written += draft.events

    async def look_across(self, _check_id: str) -> None:
        pass


async def heals(across: Across, tmp_path: Path) -> None:
    """An agent that looks at the check some times."""
    one = cast(Any, across)
    healing = Healing(config_in(tmp_path), one, one, one, None, lambda: one, lambda _check: None, across.caught_up)
    task = asyncio.create_task(healing.run())
    for _ in range(20):
        across.touched = {"c1"}
        healing.notify()
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_what_a_full_disk_did_not_take_is_said_again_and_then_once(tmp_path: Path) -> None:
    """Until it is said nobody may decide about a card on that check; said twice the check would leave the books twice."""

    async def scene() -> None:
        across = Across()
        await heals(across, tmp_path)
        assert [type(event) for event in across.written] == [CheckYielded]
        across.followed = 0  # the agent is killed; its directory is as it was kept some time ago
        await heals(across, tmp_path)
        assert [type(event) for event in across.written] == [CheckYielded]

    asyncio.run(scene())
