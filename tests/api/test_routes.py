"""Each route does what the table says, over a real server."""

import asyncio
import re

import msgspec
import pytest
from tests.api.serving import problem, serving

from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.routes import JSON, path_names
from tillkeeper.contract import cash
from tillkeeper.contract import commands as c
from tillkeeper.contract import day as days
from tillkeeper.contract import devices as setup
from tillkeeper.contract.after import SettleTask
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.modes import SwitchOffline, SwitchOffsite
from tillkeeper.contract.roles import AssignRoles, ConfirmAway

LINE = {"item_id": "burger", "quantity": 2, "modifiers": [{"modifier_id": "rare"}], "note": "sans oignons, Ünïcödé 漢字"}

COMMANDS: list[tuple[str, dict[str, object], c.AnyCommand]] = [
    (
        "/v1/orders",
        {"order_type": "takeout", "lines": [LINE], "tenders": [{"tender": "cash"}]},
        c.PlaceOrder(order_type="takeout", lines=(msgspec.convert(LINE, c.NewLine),), tenders=(c.NewTender(tender="cash"),)),
    ),
    ("/v1/checks", {"order_type": "dine_in", "table": "7"}, c.OpenCheck(order_type="dine_in", table="7")),
    ("/v1/checks/A1/lines", {"lines": [LINE]}, c.AddLines(check_id="A1", lines=(msgspec.convert(LINE, c.NewLine),))),
    ("/v1/checks/A1/lines/L2/change", {"quantity": 3}, c.ChangeLine(check_id="A1", line_id="L2", quantity=3)),
    ("/v1/checks/A1/lines/L2/void", {"reason": "cold"}, c.VoidLine(check_id="A1", line_id="L2", reason="cold")),
    ("/v1/checks/A1/order-type", {"order_type": "delivery"}, c.ChangeOrderType(check_id="A1", order_type="delivery")),
    ("/v1/checks/A1/discounts", {"code": "staff", "by": "ana"}, c.ApplyDiscount(check_id="A1", code="staff", by="ana")),
    ("/v1/checks/A1/discounts/D1/remove", {}, c.RemoveDiscount(check_id="A1", discount_id="D1")),
    ("/v1/checks/B-037/send", {}, c.SendOrder(check_id="B-037")),
    ("/v1/checks/A1/hold", {"line_ids": ["L1"]}, c.HoldLines(check_id="A1", line_ids=("L1",))),
    ("/v1/checks/A1/fire", {"course": 2, "fire_at_ms": 5}, c.FireLines(check_id="A1", course=2, fire_at_ms=5)),
    (
        "/v1/checks/A1/tenders",
        {"tender": "cash", "tendered_minor": 500},
        c.RecordTender(check_id="A1", tender="cash", tendered_minor=500),
    ),
    ("/v1/checks/A1/close", {}, c.CloseCheck(check_id="A1")),
    ("/v1/checks/A1/await", {"tender": "card"}, c.AwaitTender(check_id="A1", tender="card")),
    ("/v1/checks/A1/await", {}, c.AwaitTender(check_id="A1")),
    ("/v1/checks/B-037/take", {"although_unreachable": True}, c.TakeCheck(check_id="B-037", although_unreachable=True)),
    ("/v1/checks/A1/authorisation/query", {}, c.QueryAuthorisation(check_id="A1")),
    ("/v1/checks/A1/authorisation/abandon", {}, c.AbandonAuthorisation(check_id="A1")),
    (
        "/v1/availability",
        {"kind": "item", "subject_id": "cola", "state": "counting", "remaining": 3},
        c.SetAvailability(kind="item", subject_id="cola", state="counting", remaining=3),
    ),
    ("/v1/checks/A1/void", {"reason": "left"}, c.VoidCheck(check_id="A1", reason="left")),
    (
        "/v1/checks/A1/refunds",
        {"tender": "cash", "reason": "cold", "quantities": {"L1": 1}},
        c.RefundCheck(check_id="A1", tender="cash", reason="cold", quantities={"L1": 1}),
    ),
    ("/v1/checks/1024/receipt", {}, c.ReprintReceipt(check_id="1024")),
    ("/v1/checks/A1/ticket", {"station": "grill"}, c.ReprintTicket(check_id="A1", station="grill")),
    ("/v1/no-sales", {"drawer": "d1", "reason": "change"}, c.RecordNoSale(drawer="d1", reason="change")),
    ("/v1/time-entries", {"employee": "ana", "kind": "clock_in"}, c.RecordTimeEntry(employee="ana", kind="clock_in")),
    ("/v1/tips", {"employee": "ana", "cash_tips_minor": 0}, c.DeclareTips(employee="ana", cash_tips_minor=0)),
    ("/v1/drawers/drawer/open", {"float_minor": 0}, cash.OpenDrawerSession(drawer="drawer", float_minor=0)),
    (
        "/v1/drawers/drawer/movements",
        {"kind": "safe_drop", "amount_minor": 5, "reason": "safe"},
        cash.MoveCash(drawer="drawer", kind="safe_drop", amount_minor=5, reason="safe"),
    ),
    ("/v1/drawers/drawer/count", {"counted": {"EUR": 0}}, cash.CountDrawer(drawer="drawer", counted={"EUR": 0})),
    ("/v1/drawers/drawer/close", {"session_id": "S1"}, cash.CloseDrawerSession(drawer="drawer", session_id="S1")),
    ("/v1/drawers/drawer/report", {}, cash.PrintDrawerReport(drawer="drawer")),
    ("/v1/checks/A1/await", {"tender": "visa"}, c.AwaitTender(check_id="A1", tender="visa")),
    (
        "/v1/availability",
        {"kind": "item", "subject_id": "cola", "state": "sold_out"},
        SetAvailability(kind="item", subject_id="cola", state="sold_out"),
    ),
    (
        "/v1/devices/grill/replacements/R1/confirm",
        {"release": False},
        setup.ConfirmReplacement(device="grill", replacement_id="R1", release=False),
    ),
    ("/v1/devices/grill/undo", {}, setup.UndoReplacement(device="grill")),
    ("/v1/devices/grill/reset", {"by": "ana"}, setup.ResetDevice(device="grill", by="ana")),
    ("/v1/devices/drawer/try", {}, setup.TryDrawer(device="drawer")),
    ("/v1/devices/drawer/learn", {"opened": True}, setup.LearnDrawer(device="drawer", opened=True)),
    ("/v1/after/gap:x/settle", {"how": "seen"}, SettleTask(task_id="gap:x", how="seen")),
    ("/v1/mode/offline", {"on": True}, SwitchOffline(on=True)),
    ("/v1/day/close", {"day": "2026-11-22", "by": "Mia"}, days.CloseDay(day="2026-11-22", by="Mia")),
    ("/v1/day/gaps", {"register": "back", "reason": "stolen"}, days.DeclareGap(register="back", reason="stolen")),
    ("/v1/registers/back/park", {"reason": "in repair"}, days.ParkRegister(register="back", reason="in repair")),
    ("/v1/registers/back/unpark", {}, days.UnparkRegister(register="back")),
    ("/v1/days/2026-11-22/report", {"by": "Mia"}, days.PrintDayReport(day="2026-11-22", by="Mia")),
    ("/v1/roles/assign", {"primary": "front", "backup": "side"}, AssignRoles(primary="front", backup="side")),
    ("/v1/roles/confirm-away", {"register": "front"}, ConfirmAway(register="front")),
    ("/v1/mode/offsite", {"on": False, "by": "ana"}, SwitchOffsite(on=False, by="ana")),
    (
        "/v1/orders/from-paper",
        {"order_type": "dine_in", "lines": [LINE], "slip": "17", "slip_at_ms": 5},
        c.EnterFromPaper(order_type="dine_in", lines=(msgspec.convert(LINE, c.NewLine),), slip="17", slip_at_ms=5),
    ),
]


def test_every_command_arrives_as_what_it_is() -> None:
    async def scenario() -> None:
        async with serving() as running:
            for number, (path, body, expected) in enumerate(COMMANDS):
                answer = await running.http.post(path, json=body, headers={"idempotency-key": f"k{number}"})
                assert answer.status_code == 200, (path, answer.text)
                assert running.till.executed[-1] == expected
                assert answer.json()["events"] == 1
        covered = {type(expected) for _, _, expected in COMMANDS}
        assert covered == set(c.AnyCommand.__args__), "a command without a route, or without a row here"

    asyncio.run(scenario())


def test_one_key_is_one_command() -> None:
    async def scenario() -> None:
        order = {"order_type": "dine_in", "lines": [LINE]}
        async with serving() as running:
            first = await running.unix.post("/v1/orders", json=order, headers={"idempotency-key": "same"})
            again = await running.http.post("/v1/orders", json=order, headers={"idempotency-key": "same"})
            other = await running.http.post("/v1/orders", json=order | {"table": "9"}, headers={"idempotency-key": "same"})
            assert "idempotent-replayed" not in first.headers
            assert again.headers["idempotent-replayed"] == "true"
            assert again.json() == first.json()
            problem(other, 409, "conflict")
            assert len(running.till.executed) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("keys", [[], [""], ["two words"], ["x" * 129], ["ключ".encode()], ["a", "b"]])
def test_nothing_changes_without_one_good_key(keys: list[str | bytes]) -> None:
    async def scenario() -> None:
        async with serving() as running:
            changing = [operation for operation in OPERATIONS if operation.changes]
            assert len(changing) == len({type(expected) for _, _, expected in COMMANDS}) + 6
            for operation in changing:
                path = operation.path.replace("{", "").replace("}", "")
                headers: list[tuple[str | bytes, str | bytes]] = [("idempotency-key", key) for key in keys]
                answer = await running.http.post(path, json={}, headers=headers)
                members = problem(answer, 400, "bad_request")
                assert members["subject"] == "Idempotency-Key"
            assert not running.till.executed
            assert not running.till.calls
            assert not running.till.network.asked

    asyncio.run(scenario())


def test_what_is_found_and_a_search() -> None:
    async def scenario() -> None:
        async with serving() as running:
            before = (await running.http.get("/v1/devices/found")).json()
            assert [(one["identity"], one["devices"]) for one in before["found"]] == [("usb:serial=J8XY", ["grill"])]
            assert before["searched_age_s"] is None
            after = await running.http.post("/v1/devices/search")  # to look changes nothing: it needs no key
            assert after.json()["searched_age_s"] == 0.5
            assert running.till.finder.searches == 1

    asyncio.run(scenario())


def test_a_path_with_a_line_feed_behind_it_is_no_other_spelling_of_a_route() -> None:
    """What is bounded by its path (`api/pace.py`) would be reached by one that is not."""

    async def scenario() -> None:
        async with serving() as running:
            for operation in OPERATIONS:
                path = re.sub(r"{\w+}", "A1", operation.path)
                answer = await running.http.request(operation.method, f"{path}%0A", json={})
                assert answer.status_code in (404, 405), path  # 405: /v1/jobs/release%0A might be a job
            for path in ("/openapi.json%0A", "/sw.js%0A", "/register%0A"):
                problem(await running.http.get(path), 404, "not_found")
            shake = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
            for path in ("/v1/live%0A", "/v1/live%0A1"):
                problem(await running.http.get(path, headers=shake | {"sec-websocket-key": "a" * 24}), 404, "not_found")

    asyncio.run(scenario())


def test_jobs_and_devices() -> None:
    async def scenario() -> None:
        async with serving() as running:
            key = {"idempotency-key": "k"}
            released = await running.http.post("/v1/jobs/J1/release", json={"by": "ana"}, headers=key)
            cancelled = await running.http.post("/v1/jobs/J1/cancel", headers=key)
            tested = await running.http.post("/v1/devices/grill/test", headers=key)
            who = "integration"  # the full token, and nobody is named
            assert released.json()["job_id"] == "J1"
            everything = await running.http.post("/v1/jobs/release", json={"by": "ana"}, headers={"idempotency-key": "all"})
            assert [one["job_id"] for one in everything.json()["jobs"]] == ["J1", "J2"]
            assert running.till.calls.pop() == ("release all", "all", "", "ana")
            assert cancelled.headers["idempotent-replayed"] == "true"
            assert tested.json()["document_class"] == "test_slip"
            assert running.till.calls == [
                ("release", "k", "J1", "ana"),
                ("cancel", "k", "J1", who),
                ("test", "k", "grill", who),
            ]
            assert (await running.http.get("/v1/jobs/J1")).json()["device"] == "grill"
            problem(await running.http.get("/v1/jobs/J9"), 404, "not_found")
            page = (await running.http.get("/v1/jobs", params={"state": "held", "limit": 2})).json()
            assert [row["job_id"] for row in page["jobs"]] == ["J0", "J1"]
            assert page["more"] is True
            device = (await running.http.get("/v1/devices")).json()["devices"][0]
            assert (device["device"], device["known"], device["paper_out"]) == ("grill", False, "unknown")

    asyncio.run(scenario())


def test_checks_are_found_and_paged() -> None:
    async def scenario() -> None:
        async with serving() as running:
            for number in range(5):
                await running.http.post("/v1/checks", json={"order_type": "dine_in"}, headers={"idempotency-key": str(number)})
            seen: list[str] = []
            before: str | None = None
            while True:
                params = {"limit": "2"} | ({"before": before} if before else {})
                page = (await running.http.get("/v1/checks", params=params)).json()
                seen += [row["check_id"] for row in page["checks"]]
                before = page["next_before"]
                if before is None:
                    break
            assert seen == ["CHK4", "CHK3", "CHK2", "CHK1", "CHK0"]
            assert all(row["synced"] is False for row in page["checks"])
            assert (await running.http.get("/v1/checks/B-003")).json()["check_id"] == "CHK2"
            assert (await running.http.get("/v1/checks", params={"state": "closed"})).json()["checks"] == []
            problem(await running.http.get("/v1/checks/nowhere"), 404, "not_found")

    asyncio.run(scenario())


def test_reads_of_the_register() -> None:
    async def scenario() -> None:
        async with serving() as running:
            status = (await running.http.get("/v1/status")).json()
            assert status["dot"]["colour"] == "green"
            assert status["only_here_words"] == "only on this register: 0"
            assert (await running.http.get("/v1/catalogue")).json()["age_s"] is None
            assert (await running.http.get("/v1/books", params={"day": "2026-11-20"})).json()["business_day"] == "2026-11-20"
            assert (await running.http.head("/v1/status")).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "query", ["day=yesterday", "day=2026-11-20%0A", "limit=0", "limit=x", "limit=501", "state=lost", "colour=red", "before=%2F"]
)
def test_a_query_that_is_wrong_says_where(query: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            members = problem(await running.http.get(f"/v1/checks?{query}"), 422, "invalid_field")
            assert str(members["path"]).startswith("$")

    asyncio.run(scenario())


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit", "day=%FF", "&".join(f"a{n}=1" for n in range(40))])
def test_a_query_that_is_none_is_refused(query: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            problem(await running.http.get(f"/v1/checks?{query}"), 400, "bad_request")

    asyncio.run(scenario())


def test_the_openapi_document_is_valid_and_complete() -> None:
    from openapi_spec_validator import validate  # four seconds of a processor, in each worker, where the module imports it

    async def scenario() -> None:
        async with serving() as running:
            document = (await running.http.get("/openapi.json")).json()
            validate(document)
            assert document["openapi"] == "3.1.0"
            for operation in OPERATIONS:
                described = document["paths"][operation.path][operation.method.lower()]
                shared = document["components"]["parameters"]
                parameters = [shared.get(one.get("$ref", "").rpartition("/")[2], one) for one in described["parameters"]]
                named = {(parameter["in"], parameter["name"]) for parameter in parameters}
                assert {("path", name) for name in path_names(operation.path)} <= named
                assert (("header", "Idempotency-Key") in named) == operation.changes
                assert not operation.changes or ("header", "Tillkeeper-Session") in named
                schema = described["responses"]["200"]["content"][operation.media]["schema"]
                assert ("$ref" in schema) == (operation.media == JSON)
            ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
            assert len(ids) == len(set(ids)) == len(OPERATIONS) + 1
            body = document["components"]["schemas"]["ChangeLineBody"]
            assert not {"check_id", "line_id", "type"} & body["properties"].keys()
            assert set(document["x-tillkeeper-websockets"]) == {"/v1/live", "/v1/kitchen/{device}"}

    asyncio.run(scenario())
