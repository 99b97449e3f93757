"""Decisions about lines: ring, change, void, order type, discounts. Prices come from the catalogue version of the check."""

from collections.abc import Iterable

from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.values import MAX_AMOUNT_MINOR, MAX_LINES, MAX_QUANTITY, Modifier, OrderType, Tax
from tillkeeper.kitchen.routing import station_field
from tillkeeper.sales.catalogue_model import Catalogue, CatalogueDiscount, Item
from tillkeeper.sales.context import Draft
from tillkeeper.sales.pricing import piece_price
from tillkeeper.sales.refusals import found, reason_needed
from tillkeeper.sales.taxes import tax_for


def catalogue_of(draft: Draft) -> Catalogue:
    """The catalogue of the check's version: a sale never mixes two."""
    catalogue = draft.context.catalogue
    if draft.check.catalogue_version != catalogue.version:
        raise draft.refuse(
            "catalogue_version",
            f"the check is on catalogue {draft.check.catalogue_version}, this is {catalogue.version}",
            "pay or void the check, and open a new one",
        )
    return catalogue


def ring(draft: Draft, lines: Iterable[cmd.NewLine], *, maybe_fired: bool = False) -> None:
    """Add lines to the open check; fires nothing."""
    draft.require_open()
    catalogue = catalogue_of(draft)
    rung: list[str] = []
    for new in lines:
        if len(draft.check.lines) >= MAX_LINES:
            raise draft.refuse("too_many_lines", f"a check holds at most {MAX_LINES} lines", max=MAX_LINES)
        item = found(catalogue.items, new.item_id, code="unknown_item", operation=draft.operation, what="item")
        modifiers = _modifiers(draft, catalogue, item, new.modifiers)
        _require_line_amount(draft, item.id, new.quantity, item.price_minor, modifiers)
        line_id = draft.context.new_id()
        draft.add(
            ev.LineAdded(
                check_id=draft.check.check_id,
                line_id=line_id,
                item_id=item.id,
                name=item.name,
                quantity=new.quantity,
                unit_price_minor=item.price_minor,
                tax=_tax(draft, item, new.order_type or draft.check.order_type),
                station=station_field(item.id, item.category, draft.context.config.routing),
                kitchen_name=item.kitchen_name,
                modifiers=modifiers,
                seat=new.seat,
                course=new.course,
                order_type=new.order_type,
                note=new.note,
                held=new.held,
                maybe_fired=maybe_fired,
            )
        )
        rung.append(line_id)
    draft.line_ids = (*draft.line_ids, *rung)
    draft.require_stock()
    draft.require_bounds()


def change_line(draft: Draft, command: cmd.ChangeLine) -> None:
    draft.require_open()
    line = draft.line(command.line_id)
    catalogue = catalogue_of(draft)
    item = found(catalogue.items, line.item_id, code="unknown_item", operation=draft.operation, what="item")
    modifiers = line.modifiers if command.modifiers is None else _modifiers(draft, catalogue, item, command.modifiers)
    quantity = line.quantity if command.quantity is None else command.quantity
    order_type = line.order_type if command.order_type is None else command.order_type
    _require_line_amount(draft, line.line_id, quantity, line.unit_price_minor, modifiers)
    event = ev.LineChanged(
        check_id=draft.check.check_id,
        line_id=line.line_id,
        quantity=quantity,
        tax=_tax(draft, item, order_type or draft.check.order_type),
        modifiers=modifiers,
        seat=line.seat if command.seat is None else command.seat,
        course=line.course if command.course is None else command.course,
        order_type=order_type,
        note=line.note if command.note is None else command.note,
        by=command.by,
    )
    if any(getattr(event, name) != getattr(line, name) for name in _CHANGEABLE):
        draft.add(event)
        draft.require_stock()
        draft.require_bounds()


_CHANGEABLE = ("quantity", "tax", "modifiers", "seat", "course", "order_type", "note")


def void_line(draft: Draft, command: cmd.VoidLine) -> None:
    draft.require_open()
    line = draft.line(command.line_id)
    reason_needed(command.reason, draft.operation, command.line_id)
    quantity = line.quantity if command.quantity is None else command.quantity
    if quantity > line.quantity:
        cause = f"only {line.quantity} pieces are left of the line"
        raise draft.refuse("quantity_too_large", cause, subject=line.line_id, max=line.quantity)
    draft.add(
        ev.LineVoided(
            check_id=draft.check.check_id, line_id=line.line_id, quantity=quantity, reason=command.reason, by=command.by
        )
    )
    draft.require_bounds()


def change_order_type(draft: Draft, command: cmd.ChangeOrderType) -> None:
    draft.require_open()
    if command.order_type == draft.check.order_type:
        return
    catalogue = catalogue_of(draft)
    taxes: dict[str, Tax] = {}
    for line in draft.check.lines:
        if line.order_type is None:
            item = found(catalogue.items, line.item_id, code="unknown_item", operation=draft.operation, what="item")
            taxes[line.line_id] = _tax(draft, item, command.order_type)
    draft.add(ev.OrderTypeChanged(check_id=draft.check.check_id, order_type=command.order_type, taxes=taxes))
    draft.require_bounds()


def apply_discount(draft: Draft, code: str, *, line_id: str | None, amount_minor: int | None, reason: str, by: str) -> None:
    draft.require_open()
    known = catalogue_of(draft).discounts
    discount = found(known, code, code="unknown_discount", operation=draft.operation, what="discount")
    if (discount.scope == "line") != (line_id is not None):
        target = "one line" if discount.scope == "line" else "the whole check"
        raise draft.refuse("discount_scope", f"this discount is for {target}", subject=code, scope=discount.scope)
    if line_id is not None:
        draft.line(line_id)
    if any(given.code == code and given.line_id == (line_id or "") for given in draft.check.discounts):
        raise draft.refuse("discount_twice", "this discount is given already", "remove it first", subject=code)
    if discount.needs_reason:
        reason_needed(reason, draft.operation, code)
    discount_id = draft.context.new_id()
    draft.add(
        ev.DiscountApplied(
            check_id=draft.check.check_id,
            discount_id=discount_id,
            code=code,
            name=discount.name,
            line_id=line_id or "",
            rate_ppm=discount.rate_ppm,
            amount_minor=_discount_amount(draft, discount, amount_minor),
            by=by,
            reason=reason,
        )
    )
    if discount.open and amount_minor is not None and (taken := draft.priced().discounts[discount_id]) < amount_minor:
        cause = f"only {draft.money(taken)} can be taken off"
        raise draft.refuse("discount_too_large", cause, subject=code, max_minor=taken)
    draft.require_bounds()
    draft.entity_id = discount_id


def _discount_amount(draft: Draft, discount: CatalogueDiscount, amount_minor: int | None) -> int:
    if discount.open:
        if amount_minor is None:
            cause = "this discount needs an amount"
            raise draft.refuse("discount_amount_missing", cause, "send amount_minor", subject=discount.id)
        return amount_minor
    if amount_minor is not None:
        cause = "this discount's amount is fixed"
        raise draft.refuse("discount_amount_fixed", cause, "leave amount_minor out", subject=discount.id)
    return discount.amount_minor or 0


def remove_discount(draft: Draft, command: cmd.RemoveDiscount) -> None:
    draft.require_open()
    known = {discount.discount_id: discount for discount in draft.check.discounts}
    found(known, command.discount_id, code="unknown_discount", operation=draft.operation, what="discount on this check")
    draft.add(ev.DiscountRemoved(check_id=draft.check.check_id, discount_id=command.discount_id, by=command.by))
    draft.require_bounds()
    draft.entity_id = command.discount_id


def _tax(draft: Draft, item: Item, order_type: OrderType) -> Tax:
    return tax_for(draft.context.config.taxes, item.tax, order_type)


def _modifiers(draft: Draft, catalogue: Catalogue, item: Item, chosen: tuple[cmd.ChosenModifier, ...]) -> tuple[Modifier, ...]:
    """The chosen modifiers as the line keeps them, in the order chosen; the same one twice is one of both quantities."""
    known = catalogue.modifiers_by_item[item.id]
    quantities: dict[str, int] = {}
    for choice in chosen:
        what = f"modifier of {item.id}"
        modifier = found(known, choice.modifier_id, code="unknown_modifier", operation=draft.operation, what=what, item=item.id)
        quantities[modifier.id] = quantities.get(modifier.id, 0) + choice.quantity
    for group_id in item.modifier_groups:
        group = catalogue.groups[group_id]
        picks = sum(quantities.get(modifier.id, 0) for modifier in group.modifiers)
        if picks < group.min:
            cause = f"{group.name} needs at least {group.min}, {picks} chosen"
            choices = tuple(modifier.id for modifier in group.modifiers[:20])
            hint = f"choose from {', '.join(choices)}"
            raise draft.refuse("modifiers_missing", cause, hint, subject=item.id, group=group.id, min=group.min, picks=picks)
        if group.max is not None and picks > group.max:
            cause = f"{group.name} takes at most {group.max}, {picks} chosen"
            raise draft.refuse("modifiers_too_many", cause, subject=item.id, group=group.id, max=group.max, picks=picks)
    return tuple(
        Modifier(
            modifier_id=name,
            name=known[name].name,
            price_minor=known[name].price_minor,
            quantity=quantity,
            kitchen_name=known[name].kitchen_name,
        )
        for name, quantity in quantities.items()
    )


def _require_line_amount(draft: Draft, subject: str, quantity: int, unit: int, modifiers: tuple[Modifier, ...]) -> None:
    if not 1 <= quantity <= MAX_QUANTITY:
        cause = f"{quantity} pieces; a line takes 1 to {MAX_QUANTITY}"
        raise draft.refuse("quantity_too_large", cause, subject=subject, max=MAX_QUANTITY)
    bare = unit + sum(modifier.price_minor * modifier.quantity for modifier in modifiers)
    if bare < 0:
        cause = f"with these modifiers a piece would cost {draft.money(bare)}"
        raise draft.refuse("negative_price", cause, subject=subject)
    amount = quantity * piece_price(unit, modifiers)
    if amount > MAX_AMOUNT_MINOR:
        raise draft.refuse(
            "amount_too_large", f"the line would come to {draft.money(amount)}", subject=subject, max_minor=MAX_AMOUNT_MINOR
        )
