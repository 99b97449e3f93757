"""What can be ordered and paid with, as the pages get it."""

from collections.abc import Collection

from tillkeeper.config.model import Config
from tillkeeper.contract.views import (
    CatalogueView,
    CategoryView,
    DiscountOffer,
    ItemView,
    ModifierGroupView,
    ModifierOffer,
    TenderOffer,
)
from tillkeeper.sales.catalogue_model import Catalogue
from tillkeeper.sales.money import ppm


def offered(config: Config, current: Catalogue, allowed: Collection[str], age_s: float | None) -> CatalogueView:
    """`allowed`: the tenders that can be taken now. `age_s`: since the catalogue was adopted."""
    store = config.store
    return CatalogueView(
        version=current.version,
        sha256=current.sha256,
        currency=store.currency,
        minor_digits=store.minor_digits,
        age_s=age_s,
        categories=tuple(CategoryView(category_id=one.id, name=one.name) for one in current.categories.values()),
        items=tuple(
            ItemView(
                item_id=item.id,
                name=item.name,
                price_minor=item.price_minor,
                category=item.category,
                modifier_groups=item.modifier_groups,
            )
            for item in current.items.values()
        ),
        modifier_groups=tuple(
            ModifierGroupView(
                group_id=group.id,
                name=group.name,
                minimum=group.min,
                maximum=group.max,
                modifiers=tuple(
                    ModifierOffer(modifier_id=entry.id, name=entry.name, price_minor=entry.price_minor)
                    for entry in group.modifiers
                ),
            )
            for group in current.groups.values()
        ),
        discounts=tuple(
            DiscountOffer(
                code=discount.id,
                name=discount.name,
                scope=discount.scope,
                rate_ppm=None if discount.percent is None else ppm(discount.percent),
                amount_minor=discount.amount_minor,
                needs_reason=discount.needs_reason,
            )
            for discount in current.discounts.values()
        ),
        tenders=tuple(
            TenderOffer(
                tender=name,
                title=tender.title,
                kind=tender.kind,
                currency=tender.currency or store.currency,
                available=name in allowed,
                unavailable_words="" if name in allowed else "needs its own authorisation, which can not be had now",
            )
            for name, tender in config.tenders.items()
        ),
    )
