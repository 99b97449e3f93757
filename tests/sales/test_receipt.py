"""What the guest reads."""

from tests.sales.world import SWISS, US, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.sales.receipt import receipt_data
from tillkeeper.spool.model import ReceiptData


def receipt(world: World, **more: object) -> ReceiptData:
    return receipt_data(world.open_check, world.totals(), world.config, 1234, **more)  # type: ignore[arg-type]


def rows(data: ReceiptData) -> list[tuple[str, str, int]]:
    return [(row.kind, row.label, row.amount_minor) for row in data.amounts]


def test_a_us_receipt_adds_the_tax() -> None:
    world = World(config(**US))
    world.order(line("burger", 2, "cheese"), table="7", server="Ana", tenders=(cmd.NewTender("cash", 5000),))
    data = receipt(world, copy=1)
    assert [(row.text, row.quantity, row.amount_minor, row.depth) for row in data.lines] == [
        ("Cheeseburger", 2, 2000, 0),
        ("Cheese", 2, 150, 1),
    ]
    # 21.50 x 8.875 % = 1.908
    assert rows(data) == [
        ("subtotal", "", 2150),
        ("tax", "Sales tax", 191),
        ("total", "", 2341),
        ("tender", "Cash", 5000),
        ("change", "", 2659),
    ]
    assert [(row.rate_ppm, row.net_minor) for row in data.amounts if row.kind == "tax"] == [(88_750, 2150)]
    assert [row.kind for row in data.amounts if row.strong] == ["total", "change"]
    assert (data.title, data.copy, data.table, data.server, data.order_type) == ("", 1, "7", "Ana", "dine_in")


def test_a_german_receipt_shows_the_tax_within() -> None:
    world = World()
    world.order(
        line("burger", order_type="takeout"), line("beer"), tenders=(cmd.NewTender("voucher", 333), cmd.NewTender("cash"))
    )
    data = receipt(world)
    assert ("takeout", 1) in [(row.order_type, row.depth) for row in data.lines]
    assert rows(data) == [
        ("total", "", 1333),
        ("included_tax", "VAT", 65),
        ("included_tax", "VAT", 53),
        ("tender", "Voucher", 333),
        ("tender", "Cash", 1000),
    ]
    assert [row.rate_ppm for row in data.amounts if row.kind == "included_tax"] == [70_000, 190_000]


def test_discounts_rounding_and_foreign_money_are_named() -> None:
    world = World(config(**SWISS))
    world.order(line("burger"), line("penny", 3), discounts=(cmd.NewDiscount("five"),), tenders=(cmd.NewTender("usd", 1000),))
    assert rows(receipt(world)) == [
        ("subtotal", "", 1003),
        ("discount", "Five off", -500),
        ("total", "", 503),
        ("included_tax", "VAT", 80),
        ("rounding", "", 2),
        ("tender", "US dollars", 900),
        ("change", "", 395),
    ]
    (foreign,) = [row for row in receipt(world).amounts if row.currency]
    assert (foreign.foreign_minor, foreign.currency) == (1000, "USD")


def test_voided_lines_are_not_on_it_and_an_open_check_says_what_is_due() -> None:
    world = World()
    world.order(line("burger"), line("beer"))
    world.do(cmd.VoidLine(check_id="c", line_id=world.open_check.lines[1].line_id, reason="r"))
    world.pay("voucher", 400)
    data = receipt(world)
    assert [row.text for row in data.lines] == ["Cheeseburger"]
    assert rows(data)[-1] == ("due", "", 600)


def test_a_refund_receipt() -> None:
    world = World()
    world.order(line("burger", 2), tenders=(cmd.NewTender("cash"),))
    world.refund(quantities={world.open_check.lines[0].line_id: 1})
    data = receipt(world, refund=world.open_check.refunds[0])
    assert data.title == "REFUND"
    assert [(row.text, row.quantity) for row in data.lines] == [("Cheeseburger", 1)]
    assert rows(data) == [("refund", "", -1000), ("included_tax", "", -160), ("tender", "Cash", -1000)]


def test_a_voided_check_says_so() -> None:
    world = World()
    world.order(line("burger"), tenders=(cmd.NewTender("voucher", 400),))
    world.do(cmd.VoidCheck(check_id="c", reason="r"))
    data = receipt(world)
    assert data.title == "VOID"
    assert all(kind != "due" for kind, _label, _minor in rows(data))


def test_a_void_says_what_was_given_back() -> None:
    world = World(config(**US))
    world.order(line("burger"), tenders=(cmd.NewTender("cash", 200),))
    world.do(cmd.VoidCheck(check_id="c", reason="guest left"))
    data = receipt(world)
    assert data.title == "VOID"
    assert ("returned", "Cash", -200) in rows(data)
