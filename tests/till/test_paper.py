"""What was sold on paper is entered afterwards: it counts today, and nothing is cooked, kicked or printed twice."""

import asyncio
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.till.test_modes import journaled
from tests.till.world import BURGERS, COLA, Register, config_in, running

SLIP_MS = 1_790_000_000_000
SOLD = {"order_type": "dine_in", "lines": [BURGERS, COLA], "tenders": [{"tender": "cash"}]}
PAPER = SOLD | {"slip": " 17 ", "slip_at_ms": SLIP_MS}


async def jobs(register: Register) -> list[tuple[str, list[str]]]:
    found = await register.get("/jobs?state=all")
    return [(job["document_class"], job["marks"]) for job in found["jobs"]]


def test_it_is_sold_and_nothing_is_cooked_kicked_or_printed(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def scene() -> None:
        async with running(config) as register:
            done = await register.post("/orders/from-paper", PAPER)
            assert (done["state"], done.get("jobs", [])) == ("closed", [])
            assert await jobs(register) == []
            check = await register.get(f"/checks/{done['check_id']}")
            assert check["slip"] == {"slip": "17", "slip_at_ms": SLIP_MS, "doubled": False}
            assert {line["state"] for line in check["lines"]} == {"fired"}
            (row,) = (await register.get("/checks"))["checks"]
            assert row["slip"]["slip"] == "17"
            books = await register.get("/books")
            assert (books["checks_closed"], books["gross_minor"]) == (1, check["totals"]["gross_minor"])
            assert check["business_day"] == books["business_day"]

    asyncio.run(scene())
    (entered,) = asyncio.run(journaled(config, "slip_entered"))
    assert (entered.slip, entered.slip_at_ms, entered.amount_minor > 0, entered.doubled) == ("17", SLIP_MS, True, False)


def test_its_receipt_says_what_it_is_whenever_it_is_printed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            first = await register.post("/orders/from-paper", PAPER)
            await register.post(f"/checks/{first['check_id']}/receipt")
            second = await register.post("/orders/from-paper", PAPER | {"slip": "18", "print_receipt": True})
            assert [job["document_class"] for job in second["jobs"]] == ["receipt"]
            await register.post(f"/checks/{second['check_id']}/receipt")
            found = await jobs(register)
            assert [name for name, _ in found] == ["receipt"] * 3
            assert [marks[0].partition(",")[0] for _, marks in found] == ["FROM PAPER 17", "FROM PAPER 18", "FROM PAPER 18"]

    asyncio.run(scene())


def test_a_known_number_is_refused_until_somebody_says_that_it_is_another(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def scene() -> None:
        async with running(config) as register:
            first = await register.post("/orders/from-paper", PAPER)
            refused = await register.post("/orders/from-paper", PAPER | {"slip": "17"}, status=422)
            assert refused["type"].rpartition(":")[2] == "slip_known"
            assert refused["entered"]["check_id"] == first["check_id"]
        async with running(config) as register:  # and after a restart
            await register.post("/orders/from-paper", PAPER, status=422)
            sure = PAPER | {"although_known": True}
            second = await register.post("/orders/from-paper", sure, key="sure")
            assert (await register.post("/orders/from-paper", sure, key="sure")) == second
            assert (await register.get(f"/checks/{second['check_id']}"))["slip"]["doubled"]
            assert (await register.get("/books"))["checks_closed"] == 2
            codes = [row["ticket_code"] for row in (await register.get("/checks"))["checks"]]
            assert len(set(codes)) == 2

    asyncio.run(scene())


def test_two_people_who_enter_one_slip_at_the_same_time_do_not_both_succeed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            calls = [
                register.client.post("/v1/orders/from-paper", json=PAPER, headers={"Idempotency-Key": f"k{number}"})
                for number in range(6)
            ]
            answers = await asyncio.gather(*calls)
            assert sorted(answer.status_code for answer in answers) == [200, *[422] * 5]

    asyncio.run(scene())


def test_an_open_slip_goes_on_as_any_check_and_only_what_is_new_is_cooked(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            done = await register.post("/orders/from-paper", {key: PAPER[key] for key in ("order_type", "lines", "slip")})
            assert done["state"] == "open"
            path = f"/checks/{done['check_id']}"
            await register.post(f"{path}/send")
            assert await jobs(register) == []
            await register.post(f"{path}/lines/{done['line_ids'][0]}/void", {"reason": "never made"})
            assert await jobs(register) == []
            await register.post(f"{path}/lines", {"lines": [BURGERS]})
            await register.post(f"{path}/send")
            tickets = (await register.get("/jobs?state=all"))["jobs"]
            assert [job["document_class"] for job in tickets] == ["kitchen_ticket"]
            paid = await register.post(f"{path}/tenders", {"tender": "cash"})
            assert {job["document_class"] for job in paid["jobs"]} == {"receipt", "drawer_pulse"}

    asyncio.run(scene())


def test_what_was_sold_out_meanwhile_had_been_sold_and_a_time_to_come_is_a_mistake(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            await register.post("/availability", {"kind": "item", "subject_id": "cola", "state": "sold_out"})
            await register.post("/orders", {"order_type": "dine_in", "lines": [COLA]}, status=422)
            await register.post("/orders/from-paper", PAPER)
            to_come = PAPER | {"slip": "9", "slip_at_ms": 9_000_000_000_000}
            refused = await register.post("/orders/from-paper", to_come, status=422)
            assert refused["type"].rpartition(":")[2] == "slip_from_the_future"
            done = await register.post("/orders/from-paper", without(PAPER, "slip_at_ms") | {"slip": "10"})
            assert (await register.get(f"/checks/{done['check_id']}"))["slip"]["slip_at_ms"] == 0

    asyncio.run(scene())


def test_practice_with_a_slip_is_in_no_book_and_takes_no_number_away(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(config_in(tmp_path)) as register:
            for _ in range(2):
                await register.post("/orders/from-paper", PAPER | {"training": True})
            assert (await register.get("/books"))["checks_closed"] == 0
            await register.post("/orders/from-paper", PAPER)

    asyncio.run(scene())


def test_cash_of_a_slip_is_counted_with_the_drawer_of_now(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    config = replace(config, cash=replace(config.cash, session_required=True))

    async def scene() -> None:
        async with running(config) as register:
            refused = await register.post("/orders/from-paper", PAPER, status=422)
            assert refused["type"].endswith(":no_drawer_session")
            await register.post("/drawers/drawer/open", {"float_minor": 10_000})
            done = await register.post("/orders/from-paper", PAPER)
            report = await register.get("/drawers/drawer/report")
            gross = (await register.get(f"/checks/{done['check_id']}"))["totals"]["gross_minor"]
            assert report["figures"]["tenders"]["cash"] == gross

    asyncio.run(scene())


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
