"""Makes `day.jsonl`: a day of orders from the project's own menu, with a seed. The same seed gives the same bytes.

    python hw-fixtures/store/make_day.py --out hw-fixtures/store/day.jsonl

320 orders from 11:00, with a lunch and a dinner peak; modifiers, notes, seats, courses, held lines, order types, discounts,
and mixed tenders. People are made up. `subtotal_minor` is what the lines sum to before discounts and added tax.
"""

import argparse
import math
from pathlib import Path
from random import Random
from typing import TypeVar

from tillkeeper.cli.orders import PlannedOrder, encode
from tillkeeper.cli.tsv_import import arrival_times
from tillkeeper.config.load import builtin_menu
from tillkeeper.contract.commands import ChosenModifier, NewDiscount, NewLine, NewTender, PlaceOrder
from tillkeeper.contract.values import OrderType
from tillkeeper.sales.catalogue import parse_catalogue
from tillkeeper.sales.catalogue_model import Catalogue, Item, ModifierGroup

SEED = 20_240_229
ORDERS = 320
OPENING_S = 11 * 3600
NAMES = ("Zoë", "Håkon", "José", "Łucja", "Αλέξανδρος", "Наталья", "さくら", "ليلى", "Siobhán", "Jürgen", "Anna", "Omar")
NOTES = (
    "allergic to nuts",
    "sans gluten s’il vous plaît",
    "extra heiß",
    "μισή μερίδα",
    "без лука",
    "わさび抜きで",
    "cut in half",
    "بدون ثوم",
)
SERVERS = ("Maya", "Søren", "Inès", "Kofi")
COURSES = {"starters": 1, "desserts": 3}
T = TypeVar("T")


class Dice:
    """Chance that does not depend on the Python version: everything comes from `Random.random` alone."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - repeatable, not secret

    def happens(self, share: float) -> bool:
        return self._random.random() < share

    def below(self, count: int) -> int:
        return int(self._random.random() * count)

    def one(self, choices: tuple[T, ...]) -> T:
        return choices[self.below(len(choices))]


def make_day(seed: int = SEED, count: int = ORDERS) -> bytes:
    """The whole file."""
    menu = builtin_menu()
    catalogue = parse_catalogue(menu.read_bytes(), menu.name)
    dice = Dice(seed)
    times = [round(time + dice.below(300) / 10, 1) for time in arrival_times(count)]
    return encode(_order(dice, catalogue, f"d{at:03d}", time) for at, time in enumerate(sorted(times), 1))


def _order(dice: Dice, catalogue: Catalogue, name: str, at_s: float) -> PlannedOrder:
    order_type: OrderType = dice.one(("dine_in",) * 5 + ("takeout",) * 3 + ("drive_through", "delivery"))
    dining = order_type == "dine_in"
    covers = 1 + dice.below(5) if dining else 0
    in_courses = dining and dice.happens(0.15)
    lines = tuple(_line(dice, catalogue, covers, in_courses) for _ in range(1 + dice.below(3) + covers))
    subtotal = sum(_price(catalogue, line) for line in lines)
    discounts = _discounts(dice, catalogue, lines, subtotal, at_s)
    place = PlaceOrder(
        order_type=order_type,
        lines=lines,
        table=str(1 + dice.below(24)) if dining else "",
        covers=covers,
        server=dice.one(SERVERS) if dining else "",
        name="" if dining else dice.one(NAMES),
        phone=f"555-01{dice.below(100):02d}" if order_type == "delivery" else "",
        note=dice.one(NOTES) if dice.happens(0.05) else "",
        discounts=discounts,
        tenders=_tenders(dice, subtotal, bool(discounts)),
    )
    return PlannedOrder(order=name, at_s=at_s, place=place, subtotal_minor=subtotal)


def _line(dice: Dice, catalogue: Catalogue, covers: int, in_courses: bool) -> NewLine:
    item = dice.one(tuple(catalogue.items.values()))
    return NewLine(
        item_id=item.id,
        quantity=2 + dice.below(3) if dice.happens(0.12) else 1,
        modifiers=_modifiers(dice, catalogue, item),
        seat=1 + dice.below(covers) if covers and dice.happens(0.8) else None,
        course=COURSES.get(item.category, 2) if in_courses else 1,
        order_type="takeout" if covers and dice.happens(0.03) else None,
        note=dice.one(NOTES) if dice.happens(0.08) else "",
        held=dice.happens(0.02),
    )


def _modifiers(dice: Dice, catalogue: Catalogue, item: Item) -> tuple[ChosenModifier, ...]:
    return tuple(pick for name in item.modifier_groups for pick in _picks(dice, catalogue.groups[name]))


def _picks(dice: Dice, group: ModifierGroup) -> list[ChosenModifier]:
    most = min(2, len(group.modifiers), 2 if group.max is None else group.max)
    wanted = max(group.min, most if dice.happens(0.15) else 1 if dice.happens(0.4) else 0)
    free = list(group.modifiers)
    return [ChosenModifier(free.pop(dice.below(len(free))).id) for _ in range(wanted)]


def _price(catalogue: Catalogue, line: NewLine) -> int:
    known = catalogue.modifiers_by_item[line.item_id]
    modifiers = sum(known[chosen.modifier_id].price_minor * chosen.quantity for chosen in line.modifiers)
    return (catalogue.items[line.item_id].price_minor + modifiers) * line.quantity


def _discounts(
    dice: Dice, catalogue: Catalogue, lines: tuple[NewLine, ...], subtotal: int, at_s: float
) -> tuple[NewDiscount, ...]:
    hour = (OPENING_S + at_s) / 3600
    if 17 <= hour < 18.5:
        bar = [at for at, line in enumerate(lines) if catalogue.items[line.item_id].category == "bar"]
        if bar:
            return tuple(NewDiscount("happy-hour", line=at) for at in bar)
    if hour < 14.5 and subtotal > 1500 and dice.happens(0.15):
        return (NewDiscount("lunch-deal"),)
    if subtotal > 1000 and dice.happens(0.08):
        return dice.one(
            (
                (NewDiscount("loyal-guest"),),
                (NewDiscount("staff", reason="own meal"),),
                (NewDiscount("complaint", amount_minor=350, reason="it took too long"),),
            )
        )
    return ()


def _tenders(dice: Dice, subtotal: int, discounted: bool) -> tuple[NewTender, ...]:
    """What certainly covers the check: `most` is above any total with tax."""
    most = math.ceil(subtotal * 1.1)
    if dice.happens(0.5):
        return (NewTender("cash", tendered_minor=math.ceil(most / 1000) * 1000),)
    if dice.happens(0.4):
        return (NewTender("cash"),)
    if subtotal > 2500 and not discounted and dice.happens(0.5):
        return (NewTender("voucher", tendered_minor=1000, reference=f"V{dice.below(10_000):04d}"), NewTender("cash"))
    if dice.happens(0.3):
        return (NewTender("euro", tendered_minor=math.ceil(most / 500) * 500),)
    if dice.happens(0.5):
        return (NewTender("house", reference="room 12"),)
    return (NewTender("voucher", reference=f"V{dice.below(10_000):04d}"),)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.out.write_bytes(make_day(options.seed))
