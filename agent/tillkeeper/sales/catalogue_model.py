"""The catalogue snapshot: what can be sold, at which price, with which modifiers and discounts.

A snapshot never changes: its `version` is derived from its content, and a check stays on the version that it was opened
with. Files are TOML (or JSON of the same shape); `catalogue.py` reads them.
"""

import hashlib
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.values import MAX_AMOUNT_MINOR, MAX_NAME
from tillkeeper.sales.money import ppm

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}$(?!\n)")]
Price = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_MINOR)]
PriceChange = Annotated[int, Meta(ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR)]
Picks = Annotated[int, Meta(ge=0, le=1_000)]


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Base: an unknown key is an error."""

    id: Id
    name: Name


class CatalogueCategory(Entry, frozen=True):
    """What `routing.categories` of the configuration names."""


class CatalogueModifier(Entry, frozen=True):
    """`price_minor` is added to each piece; negative takes away."""

    price_minor: PriceChange = 0
    kitchen_name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    sold_out: bool = False


class ModifierGroup(Entry, frozen=True):
    """From `min` to `max` picks, quantities counted; `max` None: as many as one likes."""

    modifiers: tuple[CatalogueModifier, ...]
    min: Picks = 0
    max: Picks | None = None


class Item(Entry, frozen=True):
    """`tax` is a tax category of the configuration. `price_minor` is for one piece without modifiers."""

    price_minor: Price
    tax: str
    category: str
    kitchen_name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    modifier_groups: tuple[str, ...] = ()
    sold_out: bool = False


class CatalogueDiscount(Entry, frozen=True):
    """Exactly one of `percent` (number or text), `amount_minor` and `open` (the amount comes with the command)."""

    scope: Literal["check", "line"]
    percent: float | str | None = None
    amount_minor: Annotated[int, Meta(ge=1, le=MAX_AMOUNT_MINOR)] | None = None
    open: bool = False
    needs_reason: bool = False

    @property
    def rate_ppm(self) -> int:
        return 0 if self.percent is None else ppm(self.percent)


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that makes a version: its canonical JSON is hashed."""

    categories: tuple[CatalogueCategory, ...] = ()
    groups: tuple[ModifierGroup, ...] = ()
    items: tuple[Item, ...] = ()
    discounts: tuple[CatalogueDiscount, ...] = ()


class Catalogue:
    """A checked snapshot with its look-up tables, in file order. Made by `parse_catalogue`; equal content is equal."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.categories = {entry.id: entry for entry in content.categories}
        self.groups = {entry.id: entry for entry in content.groups}
        self.items = {entry.id: entry for entry in content.items}
        self.discounts = {entry.id: entry for entry in content.discounts}
        self._bytes = msgspec.json.encode(content, order="deterministic")
        self.sha256 = hashlib.sha256(self._bytes).hexdigest()
        self.version = self.sha256[:16]

    def encode(self) -> bytes:
        """Canonical JSON; `parse_catalogue` of it gives the same version."""
        return self._bytes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Catalogue) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def modifiers_by_item(self) -> dict[str, dict[str, CatalogueModifier]]:
        """Item id -> modifier id -> modifier, over all groups of the item (ids are unique within one item)."""
        return {
            item.id: {modifier.id: modifier for group in item.modifier_groups for modifier in self.groups[group].modifiers}
            for item in self.items.values()
        }
