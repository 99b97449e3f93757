"""The project's own day of orders: reproducible, valid, and with everything in it that a day brings."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.cli.fake_agent import Store

from tillkeeper.cli.orders import read

STORE = Path(__file__).resolve().parents[2] / "hw-fixtures" / "store"


def test_the_day_is_what_its_script_makes(tmp_path: Path) -> None:
    made = tmp_path / "day.jsonl"
    subprocess.run([sys.executable, STORE / "make_day.py", "--out", made], check=True)
    assert made.read_bytes() == (STORE / "day.jsonl").read_bytes()


def test_every_order_of_the_day_is_accepted_and_rings_to_its_sum(tmp_path: Path) -> None:
    store = Store(tmp_path)
    states: Counter[str] = Counter()
    for order in read(STORE / "day.jsonl"):
        done = store.place(order.place)
        assert done.check is not None
        assert done.totals is not None
        assert done.totals.subtotal_minor == order.subtotal_minor, order.order
        states[done.check.state] += 1
    assert states.total() >= 300
    assert states["closed"] == states.total()


def test_the_day_holds_what_a_day_brings() -> None:
    orders = [order.place for order in read(STORE / "day.jsonl")]
    lines = [line for order in orders for line in order.lines]
    assert {order.order_type for order in orders} == {"dine_in", "takeout", "drive_through", "delivery"}
    assert {tender.tender for order in orders for tender in order.tenders} >= {"cash", "voucher", "house", "euro"}
    assert any(len(order.tenders) > 1 for order in orders)
    assert {discount.code for order in orders for discount in order.discounts} >= {"happy-hour", "staff", "complaint"}
    assert any(line.note for line in lines)
    assert any(line.seat for line in lines)
    assert any(line.course > 1 for line in lines)
    assert any(line.held for line in lines)
    assert any(line.modifiers for line in lines)


def test_lunch_and_dinner_are_peaks() -> None:
    hours = Counter(int(11 + order.at_s / 3600) for order in read(STORE / "day.jsonl"))
    assert hours[13] > 2 * hours[15]
    assert hours[19] > 2 * hours[15]


def test_the_menu_has_the_names_that_break_printers(tmp_path: Path) -> None:
    items = Store(tmp_path).catalogue.items.values()
    text = "".join(item.name + item.kitchen_name for item in items)
    assert len(items) >= 60
    assert len({item.tax for item in items}) == 2
    for low, high in (("À", "ÿ"), ("Α", "ω"), ("А", "я"), ("ァ", "ヶ"), ("一", "龯"), ("ء", "ي")):
        assert any(low <= character <= high for character in text), (low, high)
