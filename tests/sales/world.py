"""A small store to decide in: three items, two order types with different taxes, every kind of tender."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.contract import commands as cmd
from tillkeeper.contract.values import Totals
from tillkeeper.journal.records import PersonalText
from tillkeeper.sales.catalogue import Catalogue, parse_catalogue
from tillkeeper.sales.context import Context, Decision
from tillkeeper.sales.decide import Decidable, decide
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.sales.tenders import Authoriser, NoTerminal

NOON = 1_900_000_000_000

MENU = """
[[categories]]
id = "grill"
name = "Grill"

[[categories]]
id = "bar"
name = "Bar"

[[groups]]
id = "doneness"
name = "Doneness"
min = 1
max = 1
modifiers = [{ id = "rare", name = "Rare" }, { id = "well", name = "Well done", sold_out = true }]

[[groups]]
id = "extras"
name = "Extras"
max = 3
modifiers = [{ id = "cheese", name = "Cheese", price_minor = 75 }, { id = "no-bun", name = "No bun", price_minor = -100 }]

[[groups]]
id = "odd"
name = "Odd"
modifiers = [{ id = "give", name = "Give away", price_minor = -5000 }]

[[items]]
id = "steak"
name = "Steak"
price_minor = 1999
tax = "food"
category = "grill"
modifier_groups = ["doneness"]

[[items]]
id = "burger"
name = "Cheeseburger"
kitchen_name = "BURGER"
price_minor = 1000
tax = "food"
category = "grill"
modifier_groups = ["extras", "odd"]

[[items]]
id = "beer"
name = "пиво 啤酒"
price_minor = 333
tax = "drink"
category = "bar"

[[items]]
id = "penny"
name = "Penny sweet"
price_minor = 1
tax = "drink"
category = "bar"

[[items]]
id = "yacht"
name = "Yacht"
price_minor = 90_000_000
tax = "drink"
category = "bar"

[[items]]
id = "oyster"
name = "Oyster"
price_minor = 400
tax = "food"
category = "bar"
sold_out = true

[[discounts]]
id = "staff"
name = "Staff 20 %"
scope = "check"
percent = "20"
needs_reason = true

[[discounts]]
id = "happy"
name = "Happy hour"
scope = "line"
percent = 33.33

[[discounts]]
id = "five"
name = "Five off"
scope = "check"
amount_minor = 500

[[discounts]]
id = "manager"
name = "Manager"
scope = "check"
open = true

[[discounts]]
id = "gone"
name = "On the house"
scope = "check"
percent = 100
"""

CONFIG: dict[str, Any] = {
    "this_register": "front",
    "store": {"id": "s1", "name": "Test", "timezone": "Europe/Berlin", "currency": "EUR"},
    "taxes": {
        "rates": {
            "full": {"name": "VAT", "percent": 19, "included": True},
            "low": {"name": "VAT", "percent": 7, "included": True},
        },
        "categories": {
            "food": {"default": "full", "by_order_type": {"takeout": "low"}},
            "drink": {"default": "full"},
        },
    },
    "registers": {"front": {"letter": "B", "receipt_printer": "paper", "drawer": "till"}},
    "stations": {"grill": {"title": "Grill", "devices": ["paper"]}, "bar": {"title": "Bar", "devices": ["paper"]}},
    "devices": {"paper": {"kind": "escpos"}, "till": {"kind": "drawer", "printer": "paper"}},
    "routing": {"default": ["grill"], "categories": {"bar": ["bar", "grill"]}},
    "tenders": {
        "cash": {"kind": "cash", "title": "Cash"},
        "exact": {"kind": "cash", "title": "Cash, no change", "overpayment": "refuse"},
        "usd": {"kind": "cash", "title": "US dollars", "currency": "USD", "rate": "0.90"},
        "lost": {"kind": "cash", "title": "No rate", "currency": "GBP"},
        "voucher": {"kind": "custom", "title": "Voucher"},
        "cheque": {"kind": "custom", "title": "Cheque", "overpayment": "change"},
        "visa": {"kind": "card", "title": "Card"},
        "giftcard": {"kind": "gift", "title": "Gift card"},
        "points": {"kind": "loyalty", "title": "Points"},
    },
    "catalogue": {"file": "menu.toml"},
}

US: dict[str, Any] = {
    "store": {**CONFIG["store"], "currency": "USD"},
    "taxes": {
        "rates": {"sales": {"name": "Sales tax", "percent": 8.875}},
        "categories": {"food": {"default": "sales"}, "drink": {"default": "sales"}},
    },
}
SWISS: dict[str, Any] = {"store": {**CONFIG["store"], "currency": "CHF"}, "cash_rounding": {"CHF": 5}}


def catalogue() -> Catalogue:
    return parse_catalogue(MENU.encode(), "menu.toml")


def config(**changes: Any) -> Config:
    return msgspec.convert(CONFIG | changes, Config)


def counter() -> Callable[[], str]:
    numbers = iter(range(1, 1_000_000))
    return lambda: f"id{next(numbers):06d}"


def personal(text: str) -> PersonalText:
    salt = "00"
    return PersonalText(hashlib.sha256((salt + text).encode()).hexdigest(), salt, text)


@dataclass
class World:
    """One register. `do` decides against the check as it stands and keeps the outcome, as a till would."""

    config: Config = field(default_factory=config)
    catalogue: Catalogue = field(default_factory=catalogue)
    mode: Any = "online"
    now_ms: int = NOON
    authoriser: Authoriser = field(default_factory=NoTerminal)
    new_id: Callable[[], str] = field(default_factory=counter)
    check: Check | None = None
    log: list[tuple[Any, str, int]] = field(default_factory=list)

    def context(self) -> Context:
        return Context(
            config=self.config,
            catalogue=self.catalogue,
            mode=self.mode,
            now_ms=self.now_ms,
            business_day="2030-03-17",
            new_id=self.new_id,
            make_personal=personal,
            ticket_code="B-001",
            authoriser=self.authoriser,
        )

    def do(self, command: Decidable) -> Decision:
        new = isinstance(command, (cmd.OpenCheck, cmd.PlaceOrder))
        decision = decide(command, None if new else self.check, self.context())
        self.log += [(event, "2030-03-17", self.now_ms) for event in decision.events]
        if decision.check is not None:
            self.check = decision.check
        return decision

    def order(self, *lines: cmd.NewLine, order_type: Any = "dine_in", **more: Any) -> Decision:
        return self.do(cmd.PlaceOrder(order_type=order_type, lines=lines, **more))

    def pay(self, tender: str, tendered_minor: int | None = None) -> Decision:
        return self.do(cmd.RecordTender(check_id="c", tender=tender, tendered_minor=tendered_minor))

    def refund(self, tender: str = "cash", **more: Any) -> Decision:
        return self.do(cmd.RefundCheck(check_id="c", tender=tender, reason="cold", **more))

    def totals(self) -> Totals:
        return totals(self.open_check, rules_of(self.config.store))

    @property
    def open_check(self) -> Check:
        assert self.check is not None
        return self.check


def line(item_id: str, quantity: int = 1, *modifiers: str, **more: Any) -> cmd.NewLine:
    chosen = tuple(cmd.ChosenModifier(name) for name in modifiers)
    return cmd.NewLine(item_id=item_id, quantity=quantity, modifiers=chosen, **more)
