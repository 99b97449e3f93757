"""Who may do what: the table against commands, and pages against the table."""

import asyncio
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BEN, BOSS, COOK, FILE, NEW, WRONG, Page, write_roster
from tests.till.world import BURGERS, COLA, config_in

from tillkeeper.contract import cash
from tillkeeper.contract import commands as c
from tillkeeper.contract import day as days
from tillkeeper.contract import devices as setup
from tillkeeper.contract.after import SettleTask
from tillkeeper.contract.authorisations import AbandonAuthorisation, QueryAuthorisation
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.caller import PERMISSIONS, Caller
from tillkeeper.contract.modes import SwitchOffline, SwitchOffsite
from tillkeeper.contract.people import DeclareTips, RecordTimeEntry
from tillkeeper.contract.roles import AssignRoles, ConfirmAway
from tillkeeper.contract.values import Modifier, Tax
from tillkeeper.people.refusals import ApprovalNeeded, SignInNeeded
from tillkeeper.people.roles import roles
from tillkeeper.sales.model import Check, Line, Payment
from tillkeeper.sales.permits import WORDS, needed, require
from tillkeeper.till.roster_file import LOOK_S

PAGE = Caller(scope="page", terminal="front", employee="ana")
LINE = c.NewLine(item_id="cola")
RARE, BACON = c.ChosenModifier("rare"), c.ChosenModifier("bacon")


def check(*, fired: bool, paid: bool = False) -> Check:
    extras = (Modifier("rare", "Rare"), Modifier("bacon", "Bacon", price_minor=150))
    line = Line("L1", "burger", "Burger", 2, 900, Tax("sales", 0, False), "grill", modifiers=extras, fired=fired)
    payments = (Payment("P1", "cash", "cash", 100, 100),) if paid else ()
    return Check("C1", "B-001", "dine_in", "v1", "front", "2026-11-22", 0, lines=(line,), payments=payments)


FIRED, UNFIRED = check(fired=True), check(fired=False)

TABLE: list[tuple[Any, Check | None, tuple[str, ...]]] = [
    (c.OpenCheck(order_type="dine_in"), None, ("ring",)),
    (c.PlaceOrder(order_type="dine_in", lines=(LINE,)), None, ("ring",)),
    (c.PlaceOrder(order_type="dine_in", lines=(LINE,), tenders=(c.NewTender("cash"),)), None, ("ring", "tender")),
    (c.PlaceOrder(order_type="dine_in", lines=(LINE,), discounts=(c.NewDiscount("staff"),)), None, ("ring", "discount")),
    (c.AddLines(check_id="C1", lines=(LINE,)), FIRED, ("ring",)),
    (c.ChangeLine(check_id="C1", line_id="L1", quantity=3), FIRED, ("ring",)),
    (c.ChangeLine(check_id="C1", line_id="L1", quantity=1), FIRED, ("ring", "void_fired")),
    (c.ChangeLine(check_id="C1", line_id="L1", quantity=1), UNFIRED, ("ring", "void_unfired")),
    (c.ChangeLine(check_id="C1", line_id="L1", modifiers=(RARE,)), FIRED, ("ring", "void_fired")),
    (c.ChangeLine(check_id="C1", line_id="L1", modifiers=(BACON,)), FIRED, ("ring",)),
    (c.ChangeLine(check_id="C1", line_id="L1", modifiers=(RARE,)), UNFIRED, ("ring",)),
    (c.ChangeLine(check_id="C1", line_id="L9", quantity=1), FIRED, ("ring",)),
    (c.VoidLine(check_id="C1", line_id="L1", reason="x"), FIRED, ("void_fired",)),
    (c.VoidLine(check_id="C1", line_id="L1", reason="x"), UNFIRED, ("void_unfired",)),
    (c.VoidLine(check_id="C1", line_id="L9", reason="x"), FIRED, ("void_unfired",)),
    (c.ChangeOrderType(check_id="C1", order_type="takeout"), FIRED, ("ring",)),
    (c.ApplyDiscount(check_id="C1", code="staff"), FIRED, ("discount",)),
    (c.RemoveDiscount(check_id="C1", discount_id="D1"), FIRED, ("discount",)),
    (c.SendOrder(check_id="C1"), UNFIRED, ("ring",)),
    (c.HoldLines(check_id="C1", line_ids=("L1",)), UNFIRED, ("ring",)),
    (c.FireLines(check_id="C1"), UNFIRED, ("ring",)),
    (c.RecordTender(check_id="C1", tender="cash"), FIRED, ("tender",)),
    (c.CloseCheck(check_id="C1"), FIRED, ("tender",)),
    (c.AwaitTender(check_id="C1", tender="card"), FIRED, ("tender",)),
    (c.TakeCheck(check_id="C1"), None, ("take_over",)),
    (QueryAuthorisation(check_id="C1"), FIRED, ("tender",)),
    (AbandonAuthorisation(check_id="C1"), FIRED, ("tender",)),
    (AbandonAuthorisation(check_id="C1", although_unreachable=True), FIRED, ("tender", "refund")),
    (c.VoidCheck(check_id="C1", reason="x"), UNFIRED, ("void_unfired",)),
    (c.VoidCheck(check_id="C1", reason="x"), FIRED, ("void_check",)),
    (c.VoidCheck(check_id="C1", reason="x"), check(fired=False, paid=True), ("void_check",)),
    (c.RefundCheck(check_id="C1", tender="cash", reason="x"), FIRED, ("refund",)),
    (c.ReprintReceipt(check_id="C1"), FIRED, ("tender",)),
    (c.ReprintTicket(check_id="C1"), FIRED, ("ring",)),
    (c.RecordNoSale(drawer="drawer", reason="x"), None, ("no_sale",)),
    (RecordTimeEntry(employee="ana", kind="clock_in"), None, ()),
    (RecordTimeEntry(employee="ana", kind="clock_in", at_ms=1), None, ("edit_time",)),
    (RecordTimeEntry(employee="ben", kind="clock_in"), None, ("edit_time",)),
    (DeclareTips(employee="ana", cash_tips_minor=1), None, ()),
    (DeclareTips(employee="ben", cash_tips_minor=1), None, ("edit_time",)),
    (cash.OpenDrawerSession(drawer="drawer", float_minor=0), None, ("open_drawer",)),
    (cash.MoveCash(drawer="drawer", kind="paid_out", amount_minor=1, reason="x"), None, ("cash_movement",)),
    (cash.CountDrawer(drawer="drawer", counted={"USD": 0}), None, ("count_drawer",)),
    (cash.CloseDrawerSession(drawer="drawer"), None, ("close_drawer",)),
    (cash.PrintDrawerReport(drawer="drawer"), None, ("see_expected",)),
    (SetAvailability(kind="item", subject_id="cola", state="sold_out"), None, ("sold_out",)),
    (setup.ConfirmReplacement(device="grill", replacement_id="R1"), None, ()),
    (setup.UndoReplacement(device="grill"), None, ("set_up_devices",)),
    (setup.ResetDevice(device="grill"), None, ("set_up_devices",)),
    (setup.TryDrawer(device="drawer"), None, ("set_up_devices",)),
    (setup.LearnDrawer(device="drawer", opened=True), None, ("set_up_devices",)),
    (SettleTask(task_id="gap:x"), None, ("settle",)),
    (days.CloseDay(), None, ("close_day",)),
    (days.DeclareGap(register="back", reason="stolen"), None, ("close_day",)),
    (days.ParkRegister(register="back", reason="in repair"), None, ("close_day",)),
    (days.UnparkRegister(register="back"), None, ("close_day",)),
    (days.PrintDayReport(day="2026-11-22"), None, ("reports",)),
    (SwitchOffline(on=True), None, ("switch_mode",)),
    (AssignRoles(primary="front"), None, ("assign_roles",)),
    (ConfirmAway(register="front"), None, ("assign_roles",)),
    (SwitchOffsite(on=False), None, ("switch_mode",)),
    (c.EnterFromPaper(order_type="dine_in", lines=(LINE,), tenders=(c.NewTender("cash"),), slip="7"), None, ("ring", "tender")),
]


@pytest.mark.parametrize(("command", "on", "permissions"), TABLE, ids=lambda value: type(value).__name__)
def test_what_a_command_needs(command: Any, on: Check | None, permissions: tuple[str, ...]) -> None:
    assert needed(command, on, PAGE) == permissions
    allowed = Caller(scope="page", employee="ana", permissions=frozenset({*permissions, "training_off"}))
    assert require(command, on, allowed) == ()
    assert require(command, on, Caller()) == ()
    for missing in permissions:
        fewer = Caller(scope="page", employee="ana", permissions=frozenset(PERMISSIONS) - {missing})
        with pytest.raises(ApprovalNeeded) as refused:
            require(command, on, fewer)
        assert refused.value.extra["permission"] == missing
        approved = Caller(scope="page", employee="ana", permissions=fewer.permissions, approved=frozenset({missing}))
        assert require(command, on, approved) == (missing,)
    if not isinstance(command, SetAvailability):
        with pytest.raises(SignInNeeded):
            require(command, on, Caller(scope="page", terminal="front"))


def test_the_table_knows_every_command_and_every_permission() -> None:
    assert {type(command) for command, _, _ in TABLE} == set(get_args(c.AnyCommand))
    assert set(WORDS) == set(PERMISSIONS)
    assert roles()["manager"].permissions == set(PERMISSIONS)
    assert all(role.permissions for role in roles().values())


async def rung(page: Page, *lines: dict[str, Any]) -> Any:
    check = await page.post("/checks", {"order_type": "dine_in", "lines": list(lines)})
    return check["check_id"], check["line_ids"][0]


def test_a_fired_line_takes_a_managers_word_once(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        check_id, line_id = await rung(page, BURGERS, COLA)
        void, body = f"/checks/{check_id}/lines/{line_id}/void", {"reason": "cold", "quantity": 1}
        await page.post(void, body)
        await page.post(f"/checks/{check_id}/send")
        refused = await page.post(void, body, status=403)
        assert (refused["type"].rpartition(":")[2], refused["permission"]) == ("approval_needed", "void_fired")
        assert "ana may not void what the kitchen has already" in refused["cause"]
        approval = await page.approval(BOSS, "void_fired")
        await page.post(f"/checks/{check_id}/void", {"reason": "gone"}, approval=approval, status=403)
        await page.post(void, {"reason": ""}, approval=approval, status=422)
        first = await page.post(void, body, approval=approval, key="the-one")
        assert await page.post(void, body, approval=approval, key="the-one") == first
        assert await page.post(void, body, key="the-one") == first
        again = await page.call("POST", void.replace("/void", "/change"), {"quantity": 1}, approval=approval)
        assert again.status_code in (403, 422), again.text
        lines = {line["line_id"]: line for line in (await page.get(f"/checks/{check_id}"))["lines"]}
        assert lines[line_id]["voided_quantity"] == 2

    in_store(staffed(tmp_path), scene)


def test_an_approval_is_of_one_terminal_one_permission_and_somebody_who_may(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        front, side = await store.signed_in(ANA), await store.signed_in(BEN, "side")
        asked = {"drawer": "drawer", "reason": "change"}
        elsewhere = await side.approval(BOSS, "no_sale")
        other = await front.approval(BOSS, "refund")
        for approval in (elsewhere, other, "", "made-up"):
            await front.post("/no-sales", asked, approval=approval, status=403)
        may_not = await front.post("/approvals", {"pin": COOK.pin, "permission": "no_sale"}, status=403)
        assert may_not["type"].endswith(":approver_may_not")
        wrong = await front.post("/approvals", {"pin": WRONG[0], "permission": "no_sale"}, status=401)
        assert wrong["tries_left"] == 4
        await store.page().post("/approvals", {"pin": BOSS.pin, "permission": "no_sale"}, status=401)
        await front.post("/no-sales", asked, approval=await front.approval(BOSS, "no_sale"))
        await front.post("/no-sales", asked, status=403)

    in_store(staffed(tmp_path), scene)


def test_an_approval_ends_with_the_roster_that_it_was_given_under(tmp_path: Path) -> None:
    """Who gave it may have been taken off since."""
    config = staffed(tmp_path)

    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        approval = await page.approval(BOSS, "no_sale")
        write_roster(tmp_path / FILE, Path(config.data_dir), (ANA, BEN))
        async with asyncio.timeout(5 * LOOK_S):
            while len((await page.get("/staff"))["staff"]) > 2:  # noqa: ASYNC110 - another task's doing, seen over the port
                await asyncio.sleep(0.05)
        asked = {"drawer": "drawer", "reason": "change"}
        await page.post("/no-sales", asked, approval=approval, status=403)

    in_store(config, scene)


def test_a_known_key_is_answered_whoever_asks(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        order = {"order_type": "takeout", "lines": [COLA]}
        first = await page.post("/orders", order, key="the-order")
        await page.post("/sign-out")
        assert await page.post("/orders", order, key="the-order") == first
        await page.sign_in(BEN)
        assert await page.post("/orders", order, key="the-order") == first
        await page.post("/orders", order | {"table": "9"}, key="the-order", status=409)
        assert len((await page.get("/checks"))["checks"]) == 1

    in_store(staffed(tmp_path), scene)


def test_every_change_from_a_page_needs_somebody(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        document = (await (store.page()).call("GET", "/../openapi.json")).json()
        page = store.page()
        check_id, line_id = await rung(await store.signed_in(ANA, "side"), COLA)
        given = {"check_id": check_id, "line_id": line_id, "drawer": "drawer", "device": "receipt", "day": "2026-11-22"}
        bodies = {
            "add_lines": {"lines": [COLA]}, "place_order": {"order_type": "takeout", "lines": [COLA]},
            "enter_from_paper": {"order_type": "takeout", "lines": [COLA], "slip": "7"},
            "hold_lines": {"line_ids": [line_id]}, "erase_personal": {"digests": ["0" * 64]},
        }  # fmt: skip
        # A code is what a device is paired by; a restart is the machine's own, for no page whoever is signed in.
        free = {"sign_in", "sign_out", "set_availability", "health", "pair_device", "restart_between_sales"}
        tried = 0
        for path, methods in document["paths"].items():
            if "post" not in methods or methods["post"]["operationId"] in free:
                continue
            name = methods["post"]["operationId"]
            path = re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], "none"), path)
            body = bodies.get(name) or sample(document, methods["post"])
            refused = await page.post(path.removeprefix("/v1"), body, status=401)
            assert refused["type"].endswith(":sign_in_needed"), name
            tried += 1
        assert tried >= 29

    in_store(staffed(tmp_path), scene)


def test_anybody_says_what_is_sold_out_but_not_who_is_signed_in_without_the_permission(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        gone = {"kind": "item", "subject_id": "cola", "state": "sold_out"}
        await store.page().post("/availability", gone)
        await (await store.signed_in(COOK)).post("/availability", gone | {"state": "available"})
        refused = await (await store.signed_in(NEW)).post("/availability", gone, status=403)
        assert refused["permission"] == "sold_out"

    in_store(staffed(tmp_path), scene)


def sample(document: Any, operation: Any) -> dict[str, Any]:
    """A body with the required fields."""
    if "requestBody" not in operation:
        return {}
    schemas = document["components"]["schemas"]
    schema = schemas[operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    return {name: value_of(schemas, schema["properties"][name]) for name in schema.get("required", ())}


def value_of(schemas: Any, schema: Any) -> Any:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {"USD": 0}
    return {"integer": 1, "boolean": True, "array": ["x"]}.get(schema.get("type"), "1234")


def test_without_a_roster_nobody_has_to_sign_in(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = store.page("")
        assert "refund" in (await page.get("/session"))["permissions"]
        check = await page.post("/orders", {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]})
        await page.post(f"/checks/{check['check_id']}/refunds", {"tender": "cash", "reason": "cold", "by": "Ana"})
        assert (await page.post("/sign-in", {"pin": ANA.pin}, status=422))["type"].endswith(":no_staff")

    from msgspec.structs import replace

    config = config_in(tmp_path)
    in_store(replace(config, api=replace(config.api, listen="127.0.0.1:0")), scene)


def test_integrations_are_trusted_as_before(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        order = {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]}
        check = await store.register.post("/orders", order)
        await store.register.post(f"/checks/{check['check_id']}/refunds", {"tender": "cash", "reason": "cold"})
        await store.register.post("/no-sales", {"drawer": "drawer", "reason": "change"})

    in_store(staffed(tmp_path), scene)
