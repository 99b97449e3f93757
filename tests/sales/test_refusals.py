"""Every rule that says no: its code, that nothing has changed, and that the document lists exactly these codes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sales.world import CONFIG, MENU, NOON, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.values import MAX_LINES
from tillkeeper.errors import Refused
from tillkeeper.sales.catalogue import parse_catalogue
from tillkeeper.sales.decide import decide

ROOT = Path(__file__).resolve().parents[2]


def add(*lines: cmd.NewLine) -> cmd.AddLines:
    return cmd.AddLines(check_id="c", lines=lines)


def discount(code: str, **more: Any) -> cmd.ApplyDiscount:
    return cmd.ApplyDiscount(check_id="c", code=code, **more)


def first(world: World) -> str:
    return world.open_check.lines[0].line_id


def voided_line(world: World) -> cmd.VoidLine:
    world.do(cmd.VoidLine(check_id="c", line_id=first(world), reason="r"))
    return cmd.VoidLine(check_id="c", line_id=first(world), reason="r")


def empty(world: World) -> cmd.RecordTender:
    world.do(cmd.OpenCheck(order_type="dine_in"))
    return cmd.RecordTender(check_id="c", tender="cash", tendered_minor=100)


def fired_line(world: World) -> cmd.HoldLines:
    world.do(cmd.SendOrder(check_id="c"))
    return cmd.HoldLines(check_id="c", line_ids=(first(world),))


def all_fired(world: World) -> cmd.FireLines:
    world.do(cmd.SendOrder(check_id="c"))
    return cmd.FireLines(check_id="c")


def closed(world: World) -> cmd.AddLines:
    world.pay("cash")
    return add(line("beer"))


def voided(world: World) -> cmd.SendOrder:
    world.do(cmd.VoidCheck(check_id="c", reason="r"))
    return cmd.SendOrder(check_id="c")


def republished(world: World) -> cmd.AddLines:
    world.catalogue = parse_catalogue(MENU.replace("1999", "2099").encode(), "menu.toml")
    return add(line("beer"))


def given_twice(world: World) -> cmd.ApplyDiscount:
    world.do(discount("five"))
    return discount("five")


def full_check(world: World) -> cmd.AddLines:
    world.do(add(*[line("penny")] * (MAX_LINES - 1)))
    return add(line("penny"))


def other_taxes(category: dict[str, Any]) -> Callable[[World], cmd.AddLines]:
    def change(world: World) -> cmd.AddLines:
        taxes = {"rates": CONFIG["taxes"]["rates"], "categories": {"food": {"default": "full"}, **category}}
        world.config = config(taxes=taxes)
        return add(line("beer"))

    return change


CASES: list[tuple[str, Callable[[World], Any]]] = [
    ("unknown_item", lambda _: add(line("burgr"))),
    ("unknown_modifier", lambda _: add(line("burger", 1, "chese"))),
    ("unknown_discount", lambda _: discount("stafff")),
    ("unknown_discount", lambda _: cmd.RemoveDiscount(check_id="c", discount_id="nope")),
    ("unknown_line", lambda _: cmd.VoidLine(check_id="c", line_id="nope", reason="r")),
    (
        "unknown_line",
        lambda _: cmd.PlaceOrder(order_type="dine_in", lines=(line("beer"),), discounts=(cmd.NewDiscount("happy", line=1),)),
    ),
    ("unknown_tender", lambda _: cmd.RecordTender(check_id="c", tender="cahs")),
    ("unknown_drawer", lambda _: cmd.RecordNoSale(drawer="paper", reason="r")),
    ("unknown_tax_category", other_taxes({})),
    ("unknown_tax_rate", other_taxes({"drink": {"default": "gone"}})),
    ("sold_out", lambda _: add(line("oyster"))),
    ("sold_out", lambda _: add(line("steak", 1, "well"))),
    ("unknown_item", lambda _: SetAvailability(kind="item", subject_id="burgr", state="sold_out")),
    ("unknown_modifier", lambda _: SetAvailability(kind="modifier", subject_id="chese", state="sold_out")),
    ("remaining_missing", lambda _: SetAvailability(kind="item", subject_id="burger", state="counting")),
    ("remaining_unexpected", lambda _: SetAvailability(kind="item", subject_id="burger", state="sold_out", remaining=3)),
    ("modifiers_missing", lambda _: add(line("steak"))),
    ("modifiers_too_many", lambda _: add(line("burger", 1, "cheese", "cheese", "cheese", "no-bun"))),
    ("negative_price", lambda _: add(line("burger", 1, "give"))),
    ("amount_too_large", lambda _: add(line("yacht", 2))),
    ("amount_too_large", lambda _: add(line("yacht"), line("yacht"))),
    ("amount_too_large", lambda _: cmd.RecordTender(check_id="c", tender="dear", tendered_minor=10**8)),
    ("amount_too_small", lambda _: cmd.RecordTender(check_id="c", tender="tiny", tendered_minor=1)),
    ("quantity_too_large", lambda w: cmd.VoidLine(check_id="c", line_id=first(w), reason="r", quantity=2)),
    ("quantity_too_large", lambda w: cmd.ChangeLine(check_id="c", line_id=first(w), quantity=1000)),
    ("too_many_lines", full_check),
    ("line_voided", voided_line),
    ("line_fired", fired_line),
    ("nothing_to_fire", all_fired),
    ("ambiguous_fire", lambda w: cmd.FireLines(check_id="c", line_ids=(first(w),), course=1)),
    ("fire_time_too_far", lambda _: cmd.FireLines(check_id="c", fire_at_ms=NOON * 2)),
    ("discount_scope", lambda _: discount("happy")),
    ("discount_scope", lambda w: discount("five", line_id=first(w))),
    ("discount_twice", given_twice),
    ("discount_amount_missing", lambda _: discount("manager")),
    ("discount_amount_fixed", lambda _: discount("five", amount_minor=100)),
    ("discount_too_large", lambda _: discount("manager", amount_minor=1001)),
    ("reason_missing", lambda _: discount("staff")),
    ("reason_missing", lambda w: cmd.VoidLine(check_id="c", line_id=first(w), reason=" ")),
    ("reason_missing", lambda _: cmd.VoidCheck(check_id="c", reason="")),
    ("reason_missing", lambda _: cmd.RecordNoSale(drawer="till", reason="")),
    ("check_empty", empty),
    ("check_not_open", closed),
    ("check_not_open", voided),
    ("check_not_closed", lambda _: cmd.RefundCheck(check_id="c", tender="cash", reason="r")),
    ("catalogue_version", republished),
    ("still_due", lambda _: cmd.CloseCheck(check_id="c")),
    ("tender_not_awaited", lambda _: cmd.AwaitTender(check_id="c", tender="cash")),
    ("unknown_tender", lambda _: cmd.AwaitTender(check_id="c", tender="vissa")),
    ("overpayment", lambda _: cmd.RecordTender(check_id="c", tender="voucher", tendered_minor=1001)),
    ("rate_missing", lambda _: cmd.RecordTender(check_id="c", tender="lost", tendered_minor=100)),
    ("tender_needs_uplink", lambda w: setattr(w, "mode", "offline") or cmd.RecordTender(check_id="c", tender="visa")),
    ("no_terminal", lambda _: cmd.RecordTender(check_id="c", tender="visa")),
    ("control_characters", lambda _: add(line("beer", note="\x1bp0"))),
    ("control_characters", lambda _: add(line("beer", note="\x9b0m"))),
    ("control_characters", lambda _: cmd.OpenCheck(order_type="dine_in", table="7\n8")),
    (
        "ambiguous_refund",
        lambda w: (
            w.pay("cash"),
            cmd.RefundCheck(check_id="c", tender="cash", reason="r", quantities={"x": 1}, amount_minor=1),
        )[1],
    ),
]
FOREIGN = {"tiny": "0.001", "dear": "1000"}
ELSEWHERE = {
    "below_paid", "nothing_due", "not_payable_in_cash", "nothing_to_refund", "refund_in_store_currency", "refund_too_much",
    "no_drawer_session", "training_check", "not_training", "training_no_sale", "training_availability",
    "check_frozen", "authorisation_differs", "refund_in_parts",
    "copies_exhausted", "slip_known", "slip_from_the_future",
    "may_be_paid", "check_too_large", "moved_on",
}  # fmt: skip


@pytest.mark.parametrize(("code", "make"), CASES, ids=[f"{number}-{code}" for number, (code, _) in enumerate(CASES)])
def test_refused_with_its_code_and_nothing_changed(code: str, make: Callable[[World], Any]) -> None:
    rates = {name: {"kind": "cash", "title": name, "currency": "CAD", "rate": rate} for name, rate in FOREIGN.items()}
    world = World(config(tenders=CONFIG["tenders"] | rates))
    world.order(line("burger"), send=False)
    command = make(world)
    before = world.check
    with pytest.raises(Refused) as refused:
        world.do(command)
    assert refused.value.code == code
    assert refused.value.operation
    assert refused.value.cause
    assert world.check is before


@pytest.mark.parametrize(
    ("command", "nearest"),
    [(add(line("burgr")), "burger"), (add(line("burger", 1, "chese")), "cheese"), (discount("stafff"), "staff")],
)
def test_a_wrong_name_is_answered_with_the_nearest(command: Any, nearest: str) -> None:
    world = World()
    world.order(line("burger"))
    with pytest.raises(Refused) as refused:
        world.do(command)
    assert refused.value.extra["nearest"][0] == nearest
    assert nearest in refused.value.hint


def test_a_command_for_a_check_needs_one() -> None:
    with pytest.raises(Refused) as refused:
        decide(cmd.SendOrder(check_id="c"), None, World().context())
    assert refused.value.code == "check_missing"


def test_an_order_with_one_wrong_part_leaves_nothing_behind() -> None:
    world = World()
    with pytest.raises(Refused):
        world.order(
            line("burger"), discounts=(cmd.NewDiscount("five"),), tenders=(cmd.NewTender("cash", 9999), cmd.NewTender("cash"))
        )
    assert world.check is None
    assert world.log == []


def test_every_code_is_documented_and_every_documented_code_is_asserted() -> None:
    sales = raised(*(ROOT / "agent/tillkeeper/sales").glob("*.py"), ROOT / "agent/tillkeeper/layouts/copies.py")
    setting_up = raised(*(ROOT / "agent/tillkeeper/devices").glob("*.py"))
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/refusals.md").read_text(), re.MULTILINE))
    rooms = (ROOT / "agent/tillkeeper" / name for name in ("cards", "across", "day", "roles", "online", "privacy"))
    together = raised(*(file for room in rooms for file in room.glob("*.py")))
    assert sales | setting_up | together == documented
    assert sales == {code for code, _ in CASES} | ELSEWHERE | {"check_missing"}


def raised(*files: Path) -> set[str]:
    """The codes in these sources."""
    source = "".join(path.read_text() for path in files)
    return set(re.findall(r'(?:(?<!wiring\.)refuse\(|(?<!Storage)Refused\(|code=|Verdict\("refused", )\s*"(\w+)"', source))


def test_the_codes_asserted_elsewhere_are() -> None:
    names = ("sales/test_payments.py", "sales/test_refunds.py", "sales/test_training.py", "layouts/test_copies.py")
    names += ("till/test_paper.py",)
    names += ("cards/test_calls.py", "sales/test_merge.py", "sales/test_highest_claim.py")
    others = "".join((ROOT / "tests" / name).read_text() for name in names)
    assert [code for code in sorted(ELSEWHERE) if f'"{code}"' not in others] == []
