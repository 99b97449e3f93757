"""Drawer sessions over the API of a register in this process: float to Z, refusals, swap, restarts, the live connection."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.cash.world import DRAWER, Till, at_till
from tests.till.world import config_in

from tillkeeper.config.model import Cash, Config
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.journal import Journal


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path)


def test_a_shift_from_float_to_z(config: Config) -> None:
    async def scene(till: Till) -> None:
        session = await till.open(10_000, by="ana")
        sale = await till.cash(2_000)
        due = sale["totals"]["gross_minor"]
        await till.move("paid_in", 5_000, "change from the bank")
        await till.move("paid_out", 1_250, "milk")
        await till.move("safe_drop", 3_000, "to the safe")
        await till.post(f"/checks/{sale['check_id']}/refunds", {"tender": "cash", "reason": "cold", "amount_minor": 100})
        await till.post("/no-sales", {"drawer": "drawer", "reason": "change for a guest"})
        expected = 10_000 + due + 5_000 - 1_250 - 3_000 - 100

        counted = (await till.count(USD=expected - 7))["report"]
        assert counted["session"]["expected_minor"] == {"USD": expected}
        assert counted["session"]["over_short_minor"] == {"USD": -7}
        closed = await till.close(by="mia")
        report, figures = closed["report"], closed["report"]["figures"]
        assert (report["kind"], report["session"]["state"], report["session"]["number"]) == ("z", "closed", 1)
        assert report["session"]["over_short_minor"] == {"USD": -7}
        assert (report["session"]["opened_by"], report["session"]["closed_by"]) == ("ana", "mia")
        assert figures["tenders"] == {"cash": due - 100}
        assert (figures["float_minor"], figures["sales"], figures["gross_minor"]) == (10_000, 1, due)
        assert (figures["paid_in_minor"], figures["paid_out_minor"], figures["safe_drop_minor"]) == (5_000, 1_250, 3_000)
        assert (figures["refunds"], figures["refunded_minor"], figures["no_sales"]) == (1, 100, 1)
        assert [job["document_class"] for job in closed["jobs"]] == ["report"]
        assert (await till.report(session))["figures"] == figures
        listed = await till.get(f"{DRAWER}/sessions")
        assert [one["session_id"] for one in listed["sessions"]] == [session]
        assert (await till.drawer())["session"] is None

    at_till(config, scene)


def test_the_drawer_opens_once_for_each_thing_done_with_it(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.open()
        for kind in ("paid_in", "paid_out", "safe_drop"):
            moved = await till.move(kind, 100)
            assert [job["document_class"] for job in moved["jobs"]] == ["drawer_pulse"], kind
        counted = await till.count(USD=1)
        assert [job["document_class"] for job in counted["jobs"]] == ["drawer_pulse"]

    at_till(config, scene)
    kicks = [event.cause for event in events(config) if type(event).__name__ == "DrawerKicked"]
    assert kicks == ["float", "paid_in", "paid_out", "safe_drop", "count"]


def test_what_cannot_follow_is_refused_and_changes_nothing(config: Config) -> None:
    async def scene(till: Till) -> None:
        async def refused(code: str, path: str, body: dict[str, object] | None = None) -> None:
            before = (await till.drawer(), await till.get(f"{DRAWER}/sessions"))
            problem = await till.post(DRAWER + path, body, status=422)
            assert problem["type"].endswith(code), problem
            assert problem["hint"], problem
            assert (await till.drawer(), await till.get(f"{DRAWER}/sessions")) == before

        move = {"kind": "paid_out", "amount_minor": 100, "reason": "milk"}
        await refused("no_drawer_session", "/movements", move)
        await refused("no_drawer_session", "/count", {"counted": {"USD": 1}})
        await till.open()
        await refused("session_open", "/open", {"float_minor": 0})
        await refused("not_counted", "/close")
        await refused("reason_missing", "/movements", move | {"reason": " "})
        await refused("control_characters", "/movements", move | {"reason": "milk\u0007"})
        await refused("card_number_in_text", "/movements", move | {"reason": "card 4111 1111 1111 1111"})
        await refused("unknown_currency", "/count", {"counted": {"GBP": 1}})
        await till.count(USD=1)
        await refused("no_drawer_session", "/count", {"counted": {"USD": 1}})
        await refused("no_drawer_session", "/movements", move)
        await till.close()
        await till.post("/drawers/nope/open", {"float_minor": 1}, status=404)
        await till.post("/drawers/receipt/open", {"float_minor": 1}, status=404)
        await till.post(f"{DRAWER}/movements", move | {"amount_minor": 0}, status=422)
        await till.post(f"{DRAWER}/open", {"float_minor": -1}, status=422)
        await till.post(f"{DRAWER}/count", {"counted": {}}, status=422)
        await till.report(status=404)
        await till.report("nothing", status=404)

    at_till(config, scene)


def test_a_swap_keeps_the_money_of_two_sessions_apart(config: Config) -> None:
    async def scene(till: Till) -> None:
        first = await till.open(1_000)
        due = (await till.cash())["totals"]["gross_minor"]
        await till.count(USD=1_000 + due)
        second = await till.open(2_000)
        await till.cash()
        await till.cash()
        drawer = await till.drawer()
        assert (drawer["session"]["session_id"], [one["session_id"] for one in drawer["waiting"]]) == (second, [first])
        z = (await till.close())["report"]
        assert (z["session"]["session_id"], z["session"]["over_short_minor"]) == (first, {"USD": 0})
        assert (await till.report())["session"]["expected_minor"] == {"USD": 2_000 + 2 * due}

    at_till(config, scene)


def test_a_count_meant_for_another_session_counts_none(config: Config) -> None:
    """Two tablets at one drawer: one counts and swaps while the other's count is on its way."""

    async def scene(till: Till) -> None:
        first = await till.open(1_000)
        late = {"counted": {"USD": 1_000}, "open_session_id": first}
        await till.count(USD=1_000)
        second = await till.open(2_000)
        problem = await till.post(f"{DRAWER}/count", late, status=422)
        assert (problem["type"].rpartition(":")[2], problem["session_id"]) == ("session_changed", second)
        assert (await till.drawer())["session"]["session_id"] == second
        counted = await till.post(f"{DRAWER}/count", late | {"open_session_id": second})
        assert counted["report"]["session"]["session_id"] == second

    at_till(config, scene)


def test_a_recount_replaces_the_first_count_and_both_stay_in_the_journal(config: Config) -> None:
    async def scene(till: Till) -> None:
        session = await till.open(1_000)
        await till.count(USD=900)
        again = await till.post(f"{DRAWER}/count", {"counted": {"USD": 1_000}, "session_id": session})
        assert again["report"]["session"]["over_short_minor"] == {"USD": 0}
        assert (await till.close())["report"]["session"]["counted_minor"] == {"USD": 1_000}

    at_till(config, scene)
    counts = [event for event in events(config) if type(event).__name__ == "DrawerCounted"]
    assert [(event.counted_minor["USD"], event.recount) for event in counts] == [(900, False), (1_000, True)]


def test_foreign_notes_are_counted_as_what_they_are(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.open(10_000)
        change = (await till.sell({"tender": "euro", "tendered_minor": 2_000}))["change_minor"]
        assert change > 0
        counted = (await till.count(USD=10_000 - change))["report"]["session"]
        assert counted["expected_minor"] == {"USD": 10_000 - change, "EUR": 2_000}
        assert counted["over_short_minor"] == {"USD": 0, "EUR": -2_000}

    at_till(config, scene)


def test_a_voided_check_gives_its_cash_back_out_of_the_drawer(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.open(1_000)
        check = await till.post("/checks", {"order_type": "dine_in", "lines": [{"item_id": "cola"}]})
        path = f"/checks/{check['check_id']}"
        await till.post(f"{path}/tenders", {"tender": "cash", "tendered_minor": 100})
        assert (await till.report())["figures"]["expected_minor"] == {"USD": 1_100}
        await till.post(f"{path}/void", {"reason": "guest left"})
        figures = (await till.report())["figures"]
        assert figures["expected_minor"] == {"USD": 1_000}
        assert (figures["voids"], figures["returned_minor"], figures["cash_back_minor"]) == (1, 100, 100)

    at_till(config, scene)


def test_where_a_session_is_required_cash_moves_in_one_only(config: Config) -> None:
    strict = replace(config, cash=Cash(session_required=True))

    async def scene(till: Till) -> None:
        problem = await till.cash(status=422)
        assert problem["type"].endswith("no_drawer_session")
        assert "float" in problem["hint"]
        assert "voucher" in problem["allowed"]
        assert "cash" not in problem["allowed"]
        sale = await till.sell({"tender": "voucher"})
        refund = {"tender": "cash", "reason": "cold"}
        await till.post(f"/checks/{sale['check_id']}/refunds", refund, status=422)
        await till.open(10_000)
        await till.cash()
        await till.post(f"/checks/{sale['check_id']}/refunds", refund)
        await till.count(USD=0)
        await till.cash(status=422)

    at_till(strict, scene)


def test_without_a_session_a_drawer_takes_cash_as_before(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.cash()
        await till.open(500)
        assert (await till.report())["figures"]["expected_minor"] == {"USD": 500}

    at_till(config, scene)


def test_everything_is_there_after_a_restart(config: Config) -> None:
    async def before(till: Till) -> None:
        await till.open(1_000)
        await till.cash()
        await till.count(USD=1_000)
        await till.close()
        await till.open(2_000)
        await till.cash()
        await till.count(USD=5)
        await till.open(3_000)
        await till.cash()

    async def after(till: Till) -> None:
        drawer = await till.drawer()
        assert drawer["session"]["float_minor"] == 3_000
        assert [one["float_minor"] for one in drawer["waiting"]] == [2_000]
        due = (await till.cash())["totals"]["gross_minor"]
        assert (await till.report())["figures"]["expected_minor"] == {"USD": 3_000 + 2 * due}
        z = (await till.close())["report"]
        assert (z["session"]["number"], z["session"]["over_short_minor"]) == (2, {"USD": 5 - 2_000 - due})
        page = await till.get(f"{DRAWER}/sessions?limit=1")
        assert [one["number"] for one in page["sessions"]] == [2]
        page = await till.get(f"{DRAWER}/sessions?limit=1&before={page['next_before']}")
        assert ([one["number"] for one in page["sessions"]], page["next_before"]) == ([1], None)

    at_till(config, before)
    at_till(config, after)


def test_one_key_is_one_count_and_its_answer_can_be_asked_for_again(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.open(1_000)
        body = {"counted": {"USD": 900}}
        answers = await asyncio.gather(*(till.post(f"{DRAWER}/count", body, key="tap") for _ in range(10)))
        assert {answer["report"]["session"]["over_short_minor"]["USD"] for answer in answers} == {-100}
        await till.close()
        late = await till.post(f"{DRAWER}/count", body, key="tap")
        assert late["report"]["session"]["state"] == "closed"

    at_till(config, scene)
    assert sum(type(event).__name__ == "DrawerCounted" for event in events(config)) == 1


def test_a_z_is_printed_again_as_a_copy(config: Config) -> None:
    async def scene(till: Till) -> None:
        session = await till.open(1_000)
        await till.count(USD=1_000)
        await till.close()
        for _ in range(2):
            await till.post(f"{DRAWER}/report", {"session_id": session})

    at_till(config, scene)
    printed = [event for event in events(config) if type(event).__name__ == "DrawerReportPrinted"]
    assert [(event.kind, event.copy) for event in printed] == [("z", 0), ("z", 1), ("z", 2)]


def test_training_never_touches_a_drawer(config: Config) -> None:
    async def scene(till: Till) -> None:
        await till.open(1_000)
        order = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}], "training": True}
        practice = await till.post("/orders", order)
        assert "drawer_pulse" not in [job["document_class"] for job in practice["jobs"]]
        figures = (await till.report())["figures"]
        assert {name: amount for name, amount in figures.items() if amount} == {
            "float_minor": 1_000,
            "expected_minor": {"USD": 1_000},
        }

    at_till(config, scene)


def events(config: Config) -> list[object]:
    """All events of the stopped register's journal."""

    async def read() -> list[object]:
        path = Path(config.data_dir) / "journal.db"
        journal = await Journal.open(
            path, config.store.id, config.this_register, wall_ms=lambda: 1, new_id=lambda: "x" * 26, machine_id=""
        )
        async with journal:
            found = [
                decode_body(e.type, e.body.encode())
                for log in journal.logs()
                for e in journal.events(log.incarnation, 0, 9_999)
            ]
            return [event for event in found if event is not None]

    return asyncio.run(read())
