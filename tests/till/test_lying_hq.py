"""Check numbers from an HQ that gives one to two checks, or two to one: what is there already stays as it is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.till.world import COLA, Register, config_in, running

from tillkeeper import clock
from tillkeeper.config.model import Config
from tillkeeper.contract.envelope import HqAnswer, HqBatch, NumberAssigned
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.machine import machine_id
from tillkeeper.sales.checks import fold

Numbers = Callable[[list[str]], list[tuple[str, int]]]
"""Ids of the checks opened in a batch -> the numbers that HQ gives."""


@asynccontextmanager
async def hq(config: Config, folder: Path, numbers: Numbers) -> AsyncIterator[Config]:
    """An HQ that stores everything; the config that pushes to it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held = 0
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
                size = next(int(line.split(b":")[1]) for line in head if line.startswith(b"content-length:"))
                batch = msgspec.json.decode(await reader.readexactly(size), type=HqBatch)
                held = max([held, *(event.seq for event in batch.events)])
                opened = [event.body for event in batch.events if event.type == "check_opened"]
                given = numbers([msgspec.json.decode(body)["check_id"] for body in opened])
                answer = HqAnswer(held, numbers=tuple(NumberAssigned(*pair) for pair in given))
                body = msgspec.json.encode(answer)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    token = folder / "hq-token"
    token.write_text("secret\n", "ascii")
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield replace(config, hq=replace(config.hq, url=f"http://127.0.0.1:{port}", token_file=str(token), beat_s=0.05))


async def order(till: Register) -> str:
    return str((await till.post("/orders", {"order_type": "takeout", "lines": [COLA]}))["check_id"])


async def number_of(till: Register, check_id: str) -> Any:
    return (await till.get(f"/checks/{check_id}"))["number"]


async def until_all_told(till: Register) -> None:
    async with asyncio.timeout(20):
        while True:
            if not (await till.get("/status"))["only_here"]:
                return
            await asyncio.sleep(0.02)


def test_a_number_that_one_check_has_is_given_to_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = config_in(tmp_path)
        async with hq(config, tmp_path, lambda ids: [(one, 7) for one in ids]) as config, running(config) as till:
            first = await order(till)
            await until_all_told(till)
            others = [await order(till) for _ in range(3)]
            await until_all_told(till)
            assert await number_of(till, first) == 7
            assert [await number_of(till, other) for other in others] == [None] * 3
            assert (await till.get("/checks/7"))["check_id"] == first

    asyncio.run(scenario())


def test_two_numbers_for_one_check_leave_a_log_that_still_folds(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = config_in(tmp_path)
        two = hq(config, tmp_path, lambda ids: [(one, number) for one in ids for number in (11, 12)])
        async with two as config, running(config) as till:
            check_id = await order(till)
            await until_all_told(till)
            assert await number_of(till, check_id) == 11
        path = Path(config.data_dir) / JOURNAL_FILE
        async with await Journal.open(
            path,
            config.store.id,
            config.this_register,
            wall_ms=clock.wall_ms,
            new_id=clock.new_id,
            machine_id=machine_id(),
        ) as journal:
            bodies = [(one, decode_body(one.type, one.body.encode())) for one in journal.events(journal.incarnation, 0, 1000)]
        known = [(event, one.business_day, one.at_ms) for one, event in bodies if event is not None]
        assert fold(known)[check_id].number == 11

    asyncio.run(scenario())


def test_a_number_that_no_check_can_have_finds_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            for digits in (13, 20, 64):
                problem = await till.get(f"/checks/{'9' * digits}", status=404)
                assert problem["type"].endswith("not_found")

    asyncio.run(scenario())
