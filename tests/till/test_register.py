"""The register as one thing, over its socket: codes, keys, versions of the catalogue, restarts, books, folds."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from tests.till.world import BURGERS, COLA, config_in, running

from tillkeeper import clock
from tillkeeper.contract.events import decode_body
from tillkeeper.errors import ConfigInvalid
from tillkeeper.journal.journal import Journal
from tillkeeper.sales.checks import fold
from tillkeeper.till.shelf import check_of


def test_a_refused_order_uses_no_ticket_code(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            await till.post("/orders", {"order_type": "takeout", "lines": [{"item_id": "unicorn"}]}, status=422)
            first = await till.post("/orders", {"order_type": "takeout", "lines": [COLA]})
            await till.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "card"}]}, status=422)
            note = {"order_type": "takeout", "lines": [{**COLA, "note": "card 4111 1111 1111 1111"}]}
            assert (await till.post("/orders", note, status=422))["type"].endswith("card_number_in_text")
            second = await till.post("/orders", {"order_type": "takeout", "lines": [COLA]})
            assert (first["ticket_code"], second["ticket_code"]) == ("B-001", "B-002")

    asyncio.run(scenario())


def test_codes_go_on_after_an_orderly_restart(tmp_path: Path) -> None:
    async def one() -> str:
        async with running(config_in(tmp_path)) as till:
            return str((await till.post("/orders", {"order_type": "takeout", "lines": [COLA]}))["ticket_code"])

    assert [asyncio.run(one()) for _ in range(3)] == ["B-001", "B-002", "B-003"]


def test_one_key_at_the_same_time_is_one_order(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            order = {"order_type": "dine_in", "lines": [BURGERS]}
            answers = await asyncio.gather(*(till.post("/orders", order, key="tap") for _ in range(20)))
            assert len({msgspec.json.encode(answer, order="sorted") for answer in answers}) == 1
            assert len((await till.get("/checks"))["checks"]) == 1
            problem = await till.post("/orders", {"order_type": "takeout", "lines": [BURGERS]}, key="tap", status=409)
            assert "another command" in problem["cause"]

    asyncio.run(scenario())


def test_a_refusal_is_not_kept_and_the_key_may_try_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            opened = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA]})
            path = f"/checks/{opened['check_id']}"
            assert "nothing was printed" in (await till.post(f"{path}/receipt", key="again", status=422))["cause"]
            await till.post(f"{path}/tenders", {"tender": "cash"})
            assert (await till.post(f"{path}/receipt", key="again"))["jobs"][0]["document_class"] == "receipt"

    asyncio.run(scenario())


def test_a_check_keeps_the_catalogue_it_was_opened_with(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    menu = Path(config.catalogue.file)

    async def open_check() -> tuple[str, str]:
        async with running(config) as till:
            answer = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA]})
            return answer["check_id"], (await till.get("/catalogue"))["version"]

    async def ring_on(check_id: str) -> tuple[list[int], int, str]:
        async with running(config) as till:
            await till.post(f"/checks/{check_id}/lines", {"lines": [COLA]})
            old = [line["unit_price_minor"] for line in (await till.get(f"/checks/{check_id}"))["lines"]]
            opened = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA]})
            new = (await till.get(f"/checks/{opened['check_id']}"))["lines"][0]["unit_price_minor"]
            return old, new, (await till.get("/catalogue"))["version"]

    check_id, before = asyncio.run(open_check())
    text = menu.read_text("utf-8")
    at = text.index('id = "cola"')
    menu.write_text(text[:at] + text[at:].replace("price_minor = 325", "price_minor = 999", 1), "utf-8")
    old, new, after = asyncio.run(ring_on(check_id))
    assert (old, new) == ([325, 325], 999)
    assert before != after


def test_a_broken_catalogue_says_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    Path(config.catalogue.file).write_text('[[items]]\nid = "a"\nname = "A"\nprice_minor = 1\ntax = "no"\ncategory = "no"\n')

    async def scenario() -> None:
        async with running(config):
            raise AssertionError("it must not start")

    with pytest.raises(ConfigInvalid) as caught:
        asyncio.run(scenario())
    assert len(caught.value.extra["problems"]) >= 2


def test_the_rows_are_the_fold_of_the_events(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def sell() -> None:
        async with running(config) as till:
            closed = await till.post(
                "/orders", {"order_type": "takeout", "lines": [BURGERS, COLA], "name": "Zoë", "tenders": [{"tender": "cash"}]}
            )
            await till.post(f"/checks/{closed['check_id']}/refunds", {"tender": "cash", "reason": "cold", "amount_minor": 100})
            opened = await till.post("/checks", {"order_type": "dine_in", "lines": [BURGERS, {**COLA, "course": 2}]})
            path = f"/checks/{opened['check_id']}"
            await till.post(f"{path}/send")
            await till.post(f"{path}/lines/{opened['line_ids'][0]}/change", {"quantity": 1, "note": "well done"})
            await till.post(f"{path}/order-type", {"order_type": "takeout"})
            voided = await till.post("/checks", {"order_type": "dine_in", "lines": [COLA]})
            await till.post(f"/checks/{voided['check_id']}/void", {"reason": "guest left"})

    async def compare() -> None:
        path = Path(config.data_dir) / "journal.db"
        async with await Journal.open(
            path, "store-1", "front", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=daemon_machine_id()
        ) as journal:
            events = [
                (event, envelope.business_day, envelope.at_ms)
                for envelope in journal.events(journal.incarnation, 0, 10_000)
                if (event := decode_body(envelope.type, envelope.body.encode())) is not None
            ]
            rows = {stored.row.check_id: check_of(stored.row) for stored in journal.checks(limit=100)}
            assert fold(events) == rows
            assert len(rows) == 3

    asyncio.run(sell())
    asyncio.run(compare())


def daemon_machine_id() -> str:
    from tillkeeper.machine import machine_id

    return machine_id()


def test_the_books_of_the_day(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def sell() -> None:
        async with running(config) as till:
            order = {"order_type": "takeout", "lines": [BURGERS], "tenders": [{"tender": "cash", "tendered_minor": 10_000}]}
            sold = await till.post("/orders", order)
            await till.post(f"/checks/{sold['check_id']}/refunds", {"tender": "cash", "reason": "cold", "amount_minor": 300})
            await till.post("/no-sales", {"drawer": "drawer", "reason": "change", "by": "ann"})

    async def read() -> None:
        async with running(config) as till:
            books = await till.get("/books")
            assert (books["checks_closed"], books["no_sales"], books["refund_minor"]) == (1, 1, 300)
            assert books["gross_minor"] == books["net_minor"] + books["tax_minor"] == 3150 + 280
            assert books["tenders"] == [{"tender": "cash", "taken_minor": 3430, "returned_minor": 0, "refunded_minor": 300}]
            assert books["only_here"] > 0

    asyncio.run(sell())
    asyncio.run(read())


def test_a_refund_receipt_is_not_a_copy_of_the_sale(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            sold = await till.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]})
            path = f"/checks/{sold['check_id']}"
            refund = await till.post(f"{path}/refunds", {"tender": "cash", "reason": "warm"})
            assert [job["document_class"] for job in refund["jobs"]] == ["drawer_pulse", "receipt"]
            assert (await till.get(path))["receipts"] == 1
            copy = await till.post(f"{path}/receipt")
            assert [job["document_class"] for job in copy["jobs"]] == ["receipt"], "a reprint never kicks the drawer"
            assert (await till.get(path))["receipts"] == 2

    asyncio.run(scenario())


def test_a_check_is_found_by_long_id_and_by_ticket_code_and_marked_not_synced(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            opened = await till.post("/checks", {"order_type": "dine_in", "table": "4", "lines": [COLA]})
            closed = await till.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]})
            for answer in (opened, closed):
                by_id = await till.get(f"/checks/{answer['check_id']}")
                by_code = await till.get(f"/checks/{answer['ticket_code'].lower()}")
                assert by_id["check_id"] == by_code["check_id"] == answer["check_id"]
                assert len(answer["check_id"]) == 26
                assert by_id["synced"] is False
            assert [row["synced"] for row in (await till.get("/checks"))["checks"]] == [False, False]
            await till.get("/checks/B-777", status=404)

    asyncio.run(scenario())


def test_cash_is_taken_and_cards_are_refused_without_hq(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            for tender in ("card", "gift"):
                order = {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": tender}]}
                problem = await till.post("/orders", order, status=422)
                assert problem["type"] == "urn:tillkeeper:problem:tender_needs_uplink"
                assert problem["allowed"] == ["cash", "euro", "voucher", "house"]
            assert (await till.get("/checks"))["checks"] == [], "nothing half-done"
            sums = (await till.post("/checks", {"order_type": "takeout", "lines": [COLA]}))["totals"]
            tenders = [{"tender": "voucher", "tendered_minor": 100}, {"tender": "cash", "tendered_minor": 500}]
            sold = await till.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": tenders})
            assert sold["state"] == "closed"
            assert sold["change_minor"] == 600 - sums["gross_minor"]

    asyncio.run(scenario())


def test_a_reprint_for_a_station_that_was_told_nothing_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            sold = await till.post("/orders", {"order_type": "takeout", "lines": [COLA]})
            path = f"/checks/{sold['check_id']}/ticket"
            problem = await till.post(path, {"station": "grill"}, status=404)
            assert problem["hint"] == "told: bar"
            assert [job["device"] for job in (await till.post(path, {"station": "bar"}))["jobs"]] == ["bar"]

    asyncio.run(scenario())


def test_a_cancelled_job_answers_the_same_after_a_restart(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def cancel() -> tuple[str, dict[str, object]]:
        async with running(config) as till:
            await till.post("/orders", {"order_type": "takeout", "lines": [COLA]})  # keeps the printer's worker busy
            sold = await till.post("/orders", {"order_type": "takeout", "lines": [COLA]})
            job_id = sold["jobs"][0]["job_id"]
            return job_id, await till.post(f"/jobs/{job_id}/cancel", {"by": "ann"}, key="cancel-1")

    async def again(job_id: str) -> dict[str, object]:
        async with running(config) as till:
            await till.post(f"/jobs/{job_id}/release", {"by": "ann"}, key="cancel-1", status=409)
            await till.post(f"/jobs/{job_id}/cancel", {"by": "ann"}, key="cancel-2", status=404)
            return dict(await till.post(f"/jobs/{job_id}/cancel", {"by": "ann"}, key="cancel-1"))

    job_id, first = asyncio.run(cancel())
    assert first["state"] == "expired"
    assert asyncio.run(again(job_id)) == first
