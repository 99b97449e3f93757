"""86 over the socket: who gets the last one, what a refused or killed order gives back, what the pages hear."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import websockets
from msgspec.structs import replace as changed
from tests.support.ports import free_port
from tests.till.world import COLA, Register, config_in, running

from tillkeeper import clock
from tillkeeper.contract.availability import AvailabilitySet, SubjectKind
from tillkeeper.contract.events import decode_body
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Appended, Batch, NewEvent
from tillkeeper.machine import machine_id
from tillkeeper.sales.stock import Change, Level, Stock, decode
from tillkeeper.till.availability import BEFORE, COUNTS, WORDS, StockKeeper
from tillkeeper.till.stamp import Stamp

ORDER = {"order_type": "takeout", "lines": [COLA]}


async def set_cola(till: Register, state: str, remaining: int | None = None, **more: Any) -> Any:
    body = {"kind": "item", "subject_id": "cola", "state": state, "by": "cook"} | more
    return await till.post("/availability", body | ({"remaining": remaining} if remaining else {}))


async def left(till: Register) -> dict[str, tuple[str, int]]:
    entries = (await till.get("/availability"))["entries"]
    return {entry["subject_id"]: (entry["state"], entry["remaining"]) for entry in entries}


async def order(till: Register, body: dict[str, Any], key: str) -> httpx.Response:
    return await till.client.post("/v1/orders", json=body, headers={"idempotency-key": key})


async def journal_of(config: Any) -> Journal:
    file = Path(config.data_dir) / "journal.db"
    return await Journal.open(
        file, config.store.id, config.this_register, wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=machine_id()
    )


async def told(config: Any) -> list[AvailabilitySet]:
    """What the journal says of it."""
    async with await journal_of(config) as journal:
        events = [
            decode_body(envelope.type, envelope.body.encode())
            for log in journal.logs()
            for envelope in journal.events(log.incarnation, 0, 10_000)
        ]
    return [event for event in events if isinstance(event, AvailabilitySet)]


def test_of_fifty_who_want_the_last_one_exactly_one_gets_it(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def sell() -> None:
        async with running(config) as till:
            await set_cola(till, "counting", 1)
            answers = await asyncio.gather(*(order(till, ORDER, f"page-{n}") for n in range(50)))
            assert sorted(answer.status_code for answer in answers) == [200, *[422] * 49]
            problem = next(answer.json() for answer in answers if answer.status_code == 422)
            assert problem["type"].endswith(":sold_out")
            assert (problem["subject"], problem["kind"], problem["name"], problem["remaining"]) == ("cola", "item", "Cola", 0)
            assert "Cola is sold out" in problem["detail"]
            assert await left(till) == {"cola": ("sold_out", 0)}
            assert len((await till.get("/checks"))["checks"]) == 1
            codes = [row["ticket_code"] for row in (await till.get("/checks"))["checks"]]
            await set_cola(till, "available")
            assert [codes[0], (await till.post("/orders", ORDER))["ticket_code"]] == ["B-001", "B-002"]

    asyncio.run(sell())
    events = asyncio.run(told(config))
    assert [(event.state, event.remaining, event.by) for event in events] == [
        ("counting", 1, "cook"),
        ("available", None, "cook"),
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_rung_and_what_is_left_make_the_whole_over_restarts(tmp_path: Path, seed: int) -> None:
    config = config_in(tmp_path)
    chance = random.Random(seed)
    refused: list[httpx.Response] = []

    async def shift(number: int, begin: int) -> None:
        """Orders, raised, lowered and voided, all at once."""
        async with running(config) as till:
            if not number:
                await set_cola(till, "counting", begin)
            bodies = [{"order_type": "takeout", "lines": [COLA | {"quantity": chance.randint(1, 3)}]} for _ in range(25)]
            answers = await asyncio.gather(*(order(till, body, f"{number}-{n}") for n, body in enumerate(bodies)))
            refused.extend(answer for answer in answers if answer.status_code == 422)
            checks = [await till.get(f"/checks/{row['check_id']}") for row in (await till.get("/checks?state=open"))["checks"]]

            async def change(check: dict[str, Any]) -> None:
                line = f"/v1/checks/{check['check_id']}/lines/{check['lines'][0]['line_id']}"
                ways = [
                    (f"{line}/change", {"quantity": chance.randint(1, 4)}),
                    (f"{line}/void", {"reason": "spilt"}),
                    (f"/v1/checks/{check['check_id']}/void", {"reason": "left"}),
                ]
                path, body = chance.choice(ways)
                key = {"idempotency-key": f"{number}-{check['check_id']}"}
                assert (await till.client.post(path, json=body, headers=key)).status_code in (200, 422)

            await asyncio.gather(*(change(check) for check in checks))
            found = [await till.get(f"/checks/{row['check_id']}") for row in (await till.get("/checks?limit=500"))["checks"]]
            rung = sum(line["quantity"] for check in found if check["state"] != "voided" for line in check["lines"])
            state, remaining = (await left(till))["cola"]
            assert rung + remaining == begin
            assert state == ("counting" if remaining else "sold_out")

    for number in range(3):
        asyncio.run(shift(number, 40))
    assert refused


def test_what_is_left_is_in_the_batch_of_the_order_and_known_before_any_log_is_read_again(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def scenario() -> None:
        async with running(config) as till:
            await set_cola(till, "counting", 5)
            await till.post("/orders", {"order_type": "takeout", "lines": [COLA | {"quantity": 3}]})
        async with await journal_of(config) as journal:
            stock = StockKeeper(journal, lambda: None, Stamp(config.store, clock.wall_ms)).now
            level = stock.of(("item", "cola"), marked=False)
            assert level is not None
            assert level.remaining == 2

    asyncio.run(scenario())


def test_an_order_refused_for_another_reason_takes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            await set_cola(till, "counting", 1)
            note = {"order_type": "takeout", "lines": [{**COLA, "note": "card 4111 1111 1111 1111"}]}
            assert (await till.post("/orders", note, status=422))["type"].endswith("card_number_in_text")
            await till.post("/orders", ORDER | {"tenders": [{"tender": "card"}]}, status=422)
            assert await left(till) == {"cola": ("counting", 1)}
            assert (await till.post("/orders", ORDER))["ticket_code"] == "B-001"

    asyncio.run(scenario())


def test_the_live_socket_tells_each_change(tmp_path: Path) -> None:
    base = config_in(tmp_path)
    port = free_port()
    config = changed(base, api=changed(base.api, listen=f"127.0.0.1:{port}"))

    async def scenario() -> None:
        async with running(config) as till:
            token = (tmp_path / "data" / "api-token").read_text("ascii").split("\n", 1)[0]
            headers = {"authorization": f"Bearer {token}"}
            await set_cola(till, "counting", 2)
            async with (
                asyncio.timeout(20),
                websockets.connect(f"ws://127.0.0.1:{port}/v1/live", additional_headers=headers, proxy=None) as page,
            ):
                first = json.loads(await page.recv())
                assert [entry["remaining"] for entry in first["availability"]["entries"]] == [2]
                opened = await till.post("/orders", ORDER)
                await till.post("/orders", {"order_type": "takeout", "lines": [{"item_id": "fries"}]})
                await till.post("/orders", ORDER)
                await till.post(f"/checks/{opened['check_id']}/void", {"reason": "left"})
                await set_cola(till, "available")
                seen = []
                while not seen or seen[-1]:
                    message = json.loads(await page.recv())
                    if message["type"] == "availability":
                        seen.append([(entry["state"], entry["remaining"]) for entry in message["availability"]["entries"]])
                assert seen == [[("counting", 1)], [("sold_out", 0)], [("counting", 1)], []]

    asyncio.run(scenario())


def test_a_line_that_is_on_a_check_stays_whatever_is_said_later(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            opened = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA]})
            path = f"/checks/{opened['check_id']}"
            await set_cola(till, "sold_out")
            await till.post(f"{path}/lines/{opened['line_ids'][0]}/change", {"note": "no ice"})
            await till.post(f"{path}/lines", {"lines": [{"item_id": "fries"}]})
            await till.post(f"{path}/lines", {"lines": [COLA]}, status=422)
            await till.post(f"{path}/send")
            assert (await till.post(f"{path}/tenders", {"tender": "cash"}))["state"] == "closed"

    asyncio.run(scenario())


# --- a journal that refuses late ---


class LateJournal:
    """Answers each batch when told to: durable, or refused. `disk`: the settings as they would be found after a crash, `log`:
    the events."""

    register = "front"
    incarnation = "log-1"

    def __init__(self) -> None:
        self.disk: dict[str, bytes] = {}
        self.log: list[Any] = []
        self.waiting: list[tuple[Batch, asyncio.Future[bool]]] = []

    def setting(self, name: str) -> bytes | None:
        return self.disk.get(name)

    async def append(self, batch: Batch) -> Appended:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append((batch, answer))
        if not await answer:
            raise StorageRefused("append", "journal", "the disk is full")
        return Appended(1, "")

    async def answer(self, *outcomes: bool) -> None:
        """Of the batches that wait, in their order."""
        for good in outcomes:
            batch, future = self.waiting.pop(0)
            if good:
                self.disk |= batch.settings
                self.log += [new.event for new in batch.events]
            future.set_result(good)
        for _ in range(5):
            await asyncio.sleep(0)

    @property
    def found(self) -> Stock:
        """What a start after a crash would find."""
        return decode(self.disk.get(WORDS, b"[]"), self.disk.get(COUNTS, b"[]"))

    @property
    def told(self) -> Stock:
        """What the other registers make of the log."""
        stock = Stock()
        for event in self.log:
            stock = stock.heard(self.register, event)
        return stock


SUBJECT: tuple[SubjectKind, str] = ("item", "cola")


KEPT_BEFORE = [
    ["item", "cola", "counting", 3, "cook"],
    ["item", "fries", "sold_out", 0, ""],
    ["item", "tea", "sold_out", None, "Mia"],
]


def keeper_of(journal: LateJournal) -> StockKeeper:
    return StockKeeper(cast(Journal, journal), lambda: None, lambda event: NewEvent(event, "2026-11-22", 1))


def left_in(stock: Stock) -> int | None:
    level = stock.of(SUBJECT, marked=False)
    return level.remaining if level is not None else None


async def take(keeper: StockKeeper, journal: LateJournal, pieces: int) -> None:
    change = Change((keeper.now.count(SUBJECT, pieces),))
    async with keeper.changing(change) as settings:
        await journal.append(Batch(events=tuple(NewEvent(one, "2026-11-22", 1) for one in change.events), settings=settings))


async def say(keeper: StockKeeper, journal: LateJournal, remaining: int) -> None:
    word = AvailabilitySet(kind="item", subject_id="cola", state="counting", remaining=remaining, word="w", stamp_ms=5)
    async with keeper.changing(Change((word,))) as settings:
        await journal.append(Batch(events=(NewEvent(word, "2026-11-22", 1),), settings=settings))


def test_an_order_that_was_refused_while_a_later_one_was_stored_takes_nothing() -> None:
    async def scenario() -> None:
        journal = LateJournal()
        keeper = keeper_of(journal)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(keeper, journal, 9))
            await asyncio.sleep(0)
            await journal.answer(True)
            refused = asyncio.gather(*(take(keeper, journal, pieces) for pieces in (1, 2, 4)), return_exceptions=True)
            await asyncio.sleep(0)
            assert left_in(keeper.now) == 2
            await journal.answer(True, False, True)
            assert left_in(journal.found) == left_in(journal.told) == 2
            await journal.answer(True)  # what puts it right
        outcomes = await refused
        assert [isinstance(outcome, StorageRefused) for outcome in outcomes] == [False, True, False]
        for stock in (keeper.now, keeper.durable, journal.found, journal.told):
            assert left_in(stock) == 4

    asyncio.run(scenario())


def test_what_could_not_be_put_right_is_put_right_with_the_next_order() -> None:
    async def scenario() -> None:
        journal = LateJournal()
        keeper = keeper_of(journal)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(keeper, journal, 9))
            await asyncio.sleep(0)
            await journal.answer(True)
            refused = asyncio.gather(*(take(keeper, journal, pieces) for pieces in (2, 3)), return_exceptions=True)
            await asyncio.sleep(0)
            await journal.answer(False, True)
            await journal.answer(False)  # what should have put it right
            group.create_task(take(keeper, journal, 1))
            await asyncio.sleep(0)
            await journal.answer(True)
            await journal.answer(True)
        assert isinstance((await refused)[0], StorageRefused)
        for stock in (keeper.now, keeper.durable, journal.found, journal.told):
            assert left_in(stock) == 9 - 3 - 1

    asyncio.run(scenario())


def test_a_refused_order_that_nobody_built_on_leaves_no_trace() -> None:
    async def scenario() -> None:
        journal = LateJournal()
        keeper = keeper_of(journal)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(keeper, journal, 9))
            await asyncio.sleep(0)
            await journal.answer(True)
            refused = asyncio.gather(take(keeper, journal, 2), return_exceptions=True)
            await asyncio.sleep(0)
            await journal.answer(False)
        assert isinstance((await refused)[0], StorageRefused)
        assert not journal.waiting
        assert left_in(keeper.now) == left_in(journal.found) == left_in(journal.told) == 9

    asyncio.run(scenario())


def test_a_new_log_has_a_counter_of_its_own_and_the_pieces_of_both_are_counted() -> None:
    async def scenario() -> None:
        journal = LateJournal()
        keeper = keeper_of(journal)
        async with asyncio.TaskGroup() as group:
            for task in (say(keeper, journal, 9), take):
                group.create_task(task if asyncio.iscoroutine(task) else take(keeper, journal, 2))
                await asyncio.sleep(0)
                await journal.answer(True)
            journal.incarnation = "log-2"
            group.create_task(take(keeper, journal, 3))
            await asyncio.sleep(0)
            await journal.answer(True)
        assert [event.counter for event in journal.log[1:]] == ["log-1", "log-2"]
        assert left_in(journal.told) == left_in(keeper.durable) == 4

    asyncio.run(scenario())


def test_what_an_earlier_agent_kept_is_said_to_all_and_before_every_other_word() -> None:
    async def scenario() -> None:
        journal = LateJournal()
        journal.disk[BEFORE] = json.dumps(KEPT_BEFORE).encode()
        keeper = keeper_of(journal)
        begun = asyncio.create_task(keeper.begin(iter(["a", "b", "c"]).__next__))
        await asyncio.sleep(0)
        await journal.answer(True)
        await begun
        assert keeper.durable.of(SUBJECT, marked=False) == Level("counting", 3, "cook")
        assert keeper.durable.of(("item", "fries"), marked=False) == Level("sold_out", 0)
        assert keeper.durable.of(("item", "tea"), marked=False) == Level("sold_out", None, "Mia")
        assert journal.told.words == keeper.durable.words
        newer = AvailabilitySet(kind="item", subject_id="cola", state="available", word="z", stamp_ms=2)
        assert journal.told.heard("other", newer).of(SUBJECT, marked=False) == Level("available")
        await keeper.begin(iter("").__next__)  # once
        assert not journal.waiting

    asyncio.run(scenario())
