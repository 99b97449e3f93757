"""What the registers of the simulation sell, and how they are configured: all alike, each with a printer of its own."""

from tillkeeper.config.model import (
    CatalogueFile,
    Config,
    Device,
    Gateway,
    Register,
    Routing,
    Station,
    Store,
    TaxCategory,
    Taxes,
    TaxRate,
    Tender,
)
from tillkeeper.config.online import Online
from tillkeeper.sales.catalogue import Catalogue, parse_catalogue

EPOCH_MS = 1_795_000_000_000
STORE = "corner"
ITEMS = ("soup", "steak", "tea")
WEB = Online(take=True, tender="shop", lead_s=0)
_MENU = b"""
[[categories]]
id = "kitchen"
name = "Kitchen"

[[items]]
id = "soup"
name = "Soup"
price_minor = 450
tax = "food"
category = "kitchen"

[[items]]
id = "steak"
name = "Steak"
price_minor = 2395
tax = "food"
category = "kitchen"

[[items]]
id = "tea"
name = "Tea"
price_minor = 199
tax = "food"
category = "kitchen"
"""


def catalogue() -> Catalogue:
    return parse_catalogue(_MENU, "menu.toml")


def config(register: str, order: tuple[str, ...]) -> Config:
    return Config(
        this_register=register,
        store=Store(id=STORE, name="Corner", timezone="Europe/Berlin", currency="EUR"),
        taxes=Taxes(
            rates={"vat": TaxRate(name="VAT", percent=19, included=True)}, categories={"food": TaxCategory(default="vat")}
        ),
        registers={name: Register(letter=name[0].upper(), receipt_printer="") for name in order},
        stations={"grill": Station(title="Grill", devices=("grill",))},
        devices={"grill": Device(kind="escpos", address="192.0.2.9:9100", profile="tm-m30")},
        routing=Routing(default=("grill",)),
        tenders={
            "cash": Tender(kind="cash", title="Cash"),
            "card": Tender(kind="card", title="Card", gateway="bank"),
            WEB.tender: Tender(kind="custom", title="Paid to the shop"),
        },
        gateways={"bank": Gateway(url="https://bank.example")},
        online=WEB,
        catalogue=CatalogueFile(file="builtin"),
    )
