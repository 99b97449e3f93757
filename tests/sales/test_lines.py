"""What a line may become while the check is open."""

from tests.sales.world import World, line, personal

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.events import CheckOpened, LineChanged


def test_a_check_opens_with_its_people_beside_the_chain() -> None:
    world = World()
    decision = world.do(
        cmd.OpenCheck(order_type="delivery", name="Ana", phone="555 0100", note="ring twice", table="7", covers=2)
    )
    opened = decision.events[0]
    assert isinstance(opened, CheckOpened)
    assert decision.personal == (personal("Ana"), personal("555 0100"), personal("ring twice"))
    assert opened.name is not None
    assert opened.name.digest == personal("Ana").digest
    assert (opened.ticket_code, opened.terminal, opened.catalogue_version) == ("B-001", "front", world.catalogue.version)
    assert "Ana" not in repr(decision.events)


def test_lines_are_rung_with_names_prices_and_stations_of_the_catalogue() -> None:
    world = World()
    decision = world.order(line("burger", 2, "cheese", seat=1, note="no\nsalt"), line("beer", course=2))
    burger, beer = world.open_check.lines
    assert decision.line_ids == (burger.line_id, beer.line_id)
    assert (burger.name, burger.kitchen_name, burger.unit_price_minor, burger.station) == (
        "Cheeseburger",
        "BURGER",
        1000,
        "grill",
    )
    assert (burger.seat, burger.note, burger.modifiers[0].price_minor) == (1, "no\nsalt", 75)
    assert (beer.course, beer.station) == (2, "bar,grill")


def test_the_same_modifier_twice_is_one_of_both() -> None:
    world = World()
    world.order(line("burger", 1, "cheese", "cheese"))
    (modifier,) = world.open_check.lines[0].modifiers
    assert modifier.quantity == 2


def test_a_fired_line_may_change_and_the_same_again_is_no_event() -> None:
    world = World()
    world.order(line("burger", 2))
    line_id = world.open_check.lines[0].line_id
    change = cmd.ChangeLine(
        check_id="c", line_id=line_id, quantity=3, modifiers=(cmd.ChosenModifier("cheese"),), note="hot", order_type="takeout"
    )
    decision = world.do(change)
    assert isinstance(decision.events[0], LineChanged)
    changed = world.open_check.lines[0]
    assert (changed.quantity, changed.note, changed.fired, changed.tax.code) == (3, "hot", True, "low")
    assert decision.totals is not None
    assert decision.totals.gross_minor == 3 * 1075
    assert world.do(change).events == ()
    kept = world.do(cmd.ChangeLine(check_id="c", line_id=line_id, seat=4)).check
    assert kept is not None
    assert (kept.lines[0].quantity, kept.lines[0].note, kept.lines[0].seat) == (3, "hot", 4)


def test_pieces_are_voided_one_by_one_and_the_line_stays_known() -> None:
    world = World()
    world.order(line("burger", 3))
    line_id = world.open_check.lines[0].line_id
    world.do(cmd.VoidLine(check_id="c", line_id=line_id, reason="dropped", quantity=1, by="Ana"))
    assert (world.open_check.lines[0].quantity, world.open_check.lines[0].voided_quantity) == (2, 1)
    decision = world.do(cmd.VoidLine(check_id="c", line_id=line_id, reason="left"))
    assert (world.open_check.lines[0].quantity, world.open_check.lines[0].voided_quantity) == (0, 3)
    assert decision.totals is not None
    assert decision.totals.gross_minor == 0


def test_a_no_sale_belongs_to_no_check() -> None:
    world = World()
    no_sale = world.do(cmd.RecordNoSale(drawer="till", reason="change for a note", by="Ana"))
    assert (no_sale.check, no_sale.opens_drawer, len(no_sale.events)) == (None, "no_sale", 1)
    assert no_sale.entity_id
