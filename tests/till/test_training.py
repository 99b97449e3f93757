"""Practice over the socket: codes, tickets, drawer, pages that work on the other side; car order; lists."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.till.world import BURGERS, COLA, Register, config_in, running

from tillkeeper.config.model import Config, Training

PAID = {"order_type": "takeout", "lines": [BURGERS], "tenders": [{"tender": "cash", "tendered_minor": 5000}]}
PRACTICE = PAID | {"training": True}


def kinds(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(job["document_class"], job["device"]) for job in answer.get("jobs", ())]


def test_practice_has_codes_of_its_own_that_never_come_twice(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def codes(*bodies: dict[str, Any]) -> list[str]:
        async with running(config) as till:
            return [(await till.post("/orders", body))["ticket_code"] for body in bodies]

    assert asyncio.run(codes(PRACTICE, PAID, PRACTICE)) == ["T-001", "B-001", "T-002"]
    assert asyncio.run(codes(PRACTICE, PAID)) == ["T-003", "B-002"]


def test_practice_moves_no_money_and_opens_no_drawer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            before = await till.get("/books")
            sold = await till.post("/orders", PRACTICE)
            assert sold["change_minor"] > 0
            path = f"/checks/{sold['check_id']}"
            refund = await till.post(f"{path}/refunds", {"tender": "cash", "reason": "cold", "amount_minor": 100})
            copy = await till.post(f"{path}/receipt")
            paid = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA], "training": True})
            await till.post(f"/checks/{paid['check_id']}/tenders", {"tender": "cash", "tendered_minor": 100})
            voided = await till.post(f"/checks/{paid['check_id']}/void", {"reason": "left"})
            assert voided["refund_minor"] == 100
            for answer in (sold, refund, copy, voided):
                assert "drawer_pulse" not in [kind for kind, _ in kinds(answer)]
            assert ("receipt", "receipt") in kinds(sold)
            assert ("receipt", "receipt") in kinds(copy)
            after = await till.get("/books")
            del before["only_here"], after["only_here"]
            assert after == before
            listed = {row["ticket_code"]: row["training"] for row in (await till.get("/checks"))["checks"]}
            assert listed == {"T-001": True, "T-002": True}
            assert (await till.get(path))["training"]
            real = await till.post("/orders", PAID)
            assert "drawer_pulse" in [kind for kind, _ in kinds(real)]
            assert (await till.get("/books"))["checks_closed"] == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("kitchen", "devices"), [("receipt_printer", {"receipt"}), ("none", set()), ("kitchen", {"grill", "kitchen"})]
)
def test_tickets_of_practice_go_where_the_store_says(tmp_path: Path, kitchen: Any, devices: set[str]) -> None:
    config = replace(config_in(tmp_path), training=Training(kitchen=kitchen))

    async def scenario() -> None:
        async with running(config) as till:
            real = await till.post("/checks", {"order_type": "dine_in", "lines": [BURGERS]})
            sent = await till.post(f"/checks/{real['check_id']}/send")
            there = {device for kind, device in kinds(sent) if kind == "kitchen_ticket"}
            assert there
            assert "receipt" not in there
            practice = await till.post("/checks", {"order_type": "dine_in", "lines": [BURGERS], "training": True})
            path = f"/checks/{practice['check_id']}"
            found = {device for kind, device in kinds(await till.post(f"{path}/send")) if kind == "kitchen_ticket"}
            assert found == (there if kitchen == "kitchen" else devices)
            again = await till.post(f"{path}/ticket", status=200 if devices else 422)
            assert {device for _, device in kinds(again)} == found
            slip = await till.post(f"{path}/lines/{practice['line_ids'][0]}/void", {"reason": "dropped"})
            assert {device for kind, device in kinds(slip) if kind == "change_slip"} == found

    asyncio.run(scenario())


# --- the order of the cars ---


async def cars(till: Register, *types: str, **more: Any) -> list[int]:
    found = []
    for order_type in types:
        opened = await till.post("/checks", {"order_type": order_type, "lines": [COLA]} | more)
        found.append((await till.get(f"/checks/{opened['check_id']}"))["car"])
    return found


def test_cars_are_numbered_in_their_order_over_restarts(tmp_path: Path) -> None:
    config: Config = config_in(tmp_path)

    async def first() -> None:
        async with running(config) as till:
            assert await cars(till, "drive_through", "dine_in", "drive_through") == [1, 0, 2]
            refused = {"order_type": "drive_through", "lines": [{"item_id": "unicorn"}]}
            await till.post("/checks", refused, status=422)
            guarded = {"order_type": "drive_through", "lines": [COLA], "note": "4111 1111 1111 1111"}
            assert (await till.post("/checks", guarded, status=422))["type"].endswith("card_number_in_text")
            assert await cars(till, "drive_through", training=True) == [1]
            await asyncio.gather(*(cars(till, "drive_through") for _ in range(10)))
            listed = (await till.get("/checks?order_type=drive_through&limit=500"))["checks"]
            assert sorted(row["car"] for row in listed if not row["training"]) == list(range(1, 13))

    async def second() -> None:
        async with running(config) as till:
            assert await cars(till, "drive_through") == [13]
            assert await cars(till, "drive_through", training=True) == [2]

    asyncio.run(first())
    asyncio.run(second())


# --- lists ---


def test_the_list_is_filtered_newest_first_and_paged(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            opened: list[str] = []
            for number in range(30):
                kind = "drive_through" if number % 3 == 0 else "takeout"
                answer = await till.post("/checks", {"order_type": kind, "lines": [COLA]})
                opened.insert(0, answer["check_id"])
                if number % 5 == 0:
                    await till.post(f"/checks/{answer['check_id']}/await", {"tender": "card"})
            lane = [check_id for number, check_id in zip(range(29, -1, -1), opened, strict=True) if number % 3 == 0]
            waiting = [check_id for number, check_id in zip(range(29, -1, -1), opened, strict=True) if number % 5 == 0]
            assert await pages(till, "order_type=drive_through", 4) == lane
            assert await pages(till, "awaiting=true", 2) == waiting
            assert await pages(till, "awaiting=false", 5) == [check_id for check_id in opened if check_id not in waiting]
            assert await pages(till, "awaiting=true&order_type=drive_through&state=open", 1) == [
                check_id for check_id in lane if check_id in waiting
            ]
            assert await pages(till, "awaiting=true&state=closed", 5) == []
            assert await pages(till, "state=open", 7) == opened
            row = (await till.get("/checks?awaiting=true&limit=1"))["checks"][0]
            assert row["awaiting"] == "card"
            await till.post(f"/checks/{waiting[0]}/tenders", {"tender": "cash"})
            await till.post(f"/checks/{waiting[1]}/void", {"reason": "left"})
            await till.post(f"/checks/{waiting[2]}/await", {"tender": None})
            assert await pages(till, "awaiting=true", 50) == waiting[3:]

    asyncio.run(scenario())


async def pages(till: Register, query: str, limit: int) -> list[str]:
    """Every check of the list, page by page; asserts that no page is too long and that it ends."""
    found: list[str] = []
    before = ""
    for _ in range(100):
        page = await till.get(f"/checks?{query}&limit={limit}" + (f"&before={before}" if before else ""))
        assert len(page["checks"]) <= limit
        found += [row["check_id"] for row in page["checks"]]
        if page["next_before"] is None:
            return found
        before = page["next_before"]
    raise AssertionError("the list does not end")


def test_a_rare_kind_is_found_behind_many_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillkeeper.till.reads.STRETCH", 5)
    monkeypatch.setattr("tillkeeper.till.reads.MOST_LOOKED_AT", 10)

    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            rare = (await till.post("/checks", {"order_type": "delivery", "lines": [COLA]}))["check_id"]
            for _ in range(24):
                await till.post("/checks", {"order_type": "takeout", "lines": [COLA]})
            first = await till.get("/checks?order_type=delivery&limit=3")
            assert first["checks"] == []
            assert first["next_before"], "there is more than a page looks through"
            assert await pages(till, "order_type=delivery", 3) == [rare]

    asyncio.run(scenario())
