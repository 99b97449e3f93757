"""Turn an export of orders (tab-separated: order_id, quantity, item_name, choice_description, item_price) into a catalogue
and a day of orders that rings to exactly the money of the export.

`item_price` is for the whole line, so a piece costs price / quantity; where that is no whole cent the line becomes two lines
whose pieces differ by one cent. An item name that was sold at several prices becomes one item per price: the lowest price
has the plain id (`chicken-bowl`), the others carry theirs (`chicken-bowl-1098`); all have the same name. Choices, nested or
not, become free modifiers of a group per item name: what they cost is in the price already.

The export has no times and no order types. Times follow two bell curves, lunch (45 %, mean 2 h after opening) and dinner
(55 %, mean 8 h after), in the order of the export; order types go by the order's place in it: of ten, five dine in, three
take out, one drives through, one is delivered. Nothing is random: the same export gives the same bytes.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from statistics import NormalDist

import msgspec

from tillkeeper.cli.orders import PlannedOrder
from tillkeeper.cli.output import count
from tillkeeper.contract.commands import ChosenModifier, NewLine, PlaceOrder
from tillkeeper.contract.values import MAX_AMOUNT_MINOR, MAX_NAME, MAX_QUANTITY, OrderType
from tillkeeper.errors import ConfigInvalid
from tillkeeper.file_problem import Problem

COLUMNS = ("order_id", "quantity", "item_name", "choice_description", "item_price")
MAX_PROBLEMS = 50
NO_CHOICE = "NULL"

_LUNCH, _DINNER = NormalDist(7_200, 2_700), NormalDist(28_800, 4_500)
_LUNCH_SHARE = 0.45
_DAY_S = 41_000.0
_TYPES: tuple[OrderType, ...] = (
    "dine_in", "takeout", "dine_in", "takeout", "dine_in", "drive_through", "dine_in", "takeout", "dine_in", "delivery",
)  # fmt: skip
_CATEGORIES = (
    ("soft_drinks", "Drinks", re.compile(r"\b(soda|soft drink|water|izze|nectar|juice)\b", re.IGNORECASE)),
    ("sides", "Sides", re.compile(r"^(chips|side)\b", re.IGNORECASE)),
    ("mains", "Mains", re.compile("")),
)
"""An item's category is the first whose pattern is found in its name."""


class Row(msgspec.Struct, frozen=True):
    """A line of the export. `total_minor` is for all pieces."""

    order: str
    quantity: int
    name: str
    choices: tuple[str, ...]
    total_minor: int

    def pieces(self) -> tuple[tuple[int, int], ...]:
        """(quantity, unit price) of the lines to ring: one, or two where the price does not divide."""
        unit, rest = divmod(self.total_minor, self.quantity)
        parts = ((self.quantity - rest, unit), (rest, unit + 1))
        return tuple(part for part in parts if part[0])


class Imported(msgspec.Struct, frozen=True):
    """`catalogue` is TOML text as `sales.catalogue` reads it."""

    catalogue: str
    orders: tuple[PlannedOrder, ...]
    total_minor: int


def import_tsv(text: str, name: str, *, tax: str = "food") -> Imported:
    """Catalogue and orders of the export `text`; `name` is its file name in messages, `tax` the items' tax category.

    Raises:
        ConfigInvalid: `extra["problems"]` names every row that can not be read, up to 50.
    """
    rows = read_rows(text, name)
    ids = _Ids()
    menu = _menu(rows, ids)
    orders = _orders(rows, menu)
    return Imported(_toml(menu, tax, name), orders, sum(row.total_minor for row in rows))


def read_rows(text: str, name: str) -> list[Row]:
    """The rows of the export, in its order. Raises as `import_tsv`."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    problems = [Problem(name, 1, column, "this column is missing") for column in missing]
    rows: list[Row] = []
    if not missing:
        for record in reader:
            try:
                rows.append(_row(record))
            except ValueError as error:
                problems.append(Problem(name, reader.line_num, "", str(error)))
    if not rows and not problems:
        problems.append(Problem(name, 1, "", "there are no orders in it"))
    if problems:
        raise ConfigInvalid(
            "import",
            name,
            f"{count(len(problems), 'problem')}, the first: {problems[0]}",
            problems=tuple(problems[:MAX_PROBLEMS]),
        )
    return rows


def _row(record: dict[str | None, str | None]) -> Row:
    order, quantity, item, choices, price = ((record.get(column) or "").strip() for column in COLUMNS)
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", order):
        raise ValueError(f"{order!r} is no order id")
    if not re.fullmatch("[0-9]{1,3}", quantity) or not 1 <= int(quantity) <= MAX_QUANTITY:
        raise ValueError(f"{quantity!r} is no quantity from 1 to {MAX_QUANTITY}")
    if not item or len(item) > MAX_NAME or not item.isprintable():
        raise ValueError(f"{item[:40]!r} is no item name")
    return Row(order, int(quantity), item, parse_choices(choices), _minor(price))


def _minor(price: str) -> int:
    try:
        cents = Decimal(price.removeprefix("$").replace(",", "")) * 100
    except InvalidOperation:
        raise ValueError(f"{price!r} is no price") from None
    if not cents.is_finite() or cents != int(cents) or not 0 <= cents <= MAX_AMOUNT_MINOR:
        raise ValueError(f"{price!r} is no price in whole cents")
    return int(cents)


def parse_choices(text: str) -> tuple[str, ...]:
    """`[Salsa (Mild), [Rice, Beans]]` as its names, in order. A comma within parentheses belongs to the name.

    Raises:
        ValueError: brackets or parentheses that do not pair, or an empty or endless name.
    """
    if text in ("", NO_CHOICE):
        return ()
    names: list[str] = []
    current, brackets, parentheses = "", 0, 0
    for character in text:
        if character in "[]," and not parentheses:
            brackets += {"[": 1, "]": -1, ",": 0}[character]
            if current.strip():
                names.append(current.strip())
            current = ""
            if brackets < 0:
                raise ValueError(f"{text[:60]!r}: a bracket closes that was not opened")
            continue
        parentheses += {"(": 1, ")": -1}.get(character, 0)
        if parentheses < 0:
            raise ValueError(f"{text[:60]!r}: a parenthesis closes that was not opened")
        current += character
    if brackets or parentheses:
        raise ValueError(f"{text[:60]!r}: brackets do not pair")
    if current.strip():
        names.append(current.strip())
    if any(len(name) > MAX_NAME or not name.isprintable() for name in names):
        raise ValueError("a choice with control characters, or longer than a name may be")
    return tuple(names)


# --- ids ---


class _Ids:
    """Readable ids that stay unique: the same text has the same id, another text never does."""

    def __init__(self) -> None:
        self._by_text: dict[tuple[str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()

    def of(self, kind: str, text: str, wanted: str = "") -> str:
        if (kind, text) not in self._by_text:
            base = slug(wanted or text)
            candidate, count = base, 1
            while (kind, candidate) in self._taken:
                count += 1
                candidate = f"{base[:56]}.{count}"
            self._taken.add((kind, candidate))
            self._by_text[kind, text] = candidate
        return self._by_text[kind, text]


def slug(text: str) -> str:
    """`Chips and Fresh Tomato Salsa` as `chips-and-fresh-tomato-salsa`: an id that a person can type."""
    from anyascii import anyascii

    return re.sub(r"[^a-z0-9]+", "-", anyascii(text).lower()).strip("-")[:60].strip("-") or "x"


# --- the catalogue ---


class _Entry(msgspec.Struct):
    """All that is known of one item name."""

    name: str
    prices: list[int] = []
    choices: list[str] = []
    group_id: str = ""
    item_ids: dict[int, str] = {}


def _menu(rows: Sequence[Row], ids: _Ids) -> dict[str, _Entry]:
    menu: dict[str, _Entry] = {}
    for row in rows:
        entry = menu.setdefault(row.name, _Entry(row.name))
        entry.prices += [price for _pieces, price in row.pieces() if price not in entry.prices]
        entry.choices += [choice for choice in dict.fromkeys(row.choices) if choice not in entry.choices]
    for entry in menu.values():
        entry.prices.sort()
        entry.group_id = ids.of("group", entry.name) if entry.choices else ""
        entry.item_ids[entry.prices[0]] = ids.of("item", entry.name)
    for entry in menu.values():  # after all plain ids are taken
        for price in entry.prices[1:]:
            entry.item_ids[price] = ids.of("item", f"{entry.name}\t{price}", f"{slug(entry.name)[:50]}-{price}")
    return menu


def category_of(name: str) -> str:
    return next(category for category, _title, pattern in _CATEGORIES if pattern.search(name))


def _toml(menu: dict[str, _Entry], tax: str, source: str) -> str:
    ids = _Ids()
    parts = [f"# Made by `tillkeeper catalogue import` from {json.dumps(source)}. Prices in cents.\n"]
    used = {category_of(name) for name in menu}
    parts += [_table("categories", {"id": key, "name": title}) for key, title, _pattern in _CATEGORIES if key in used]
    for entry in menu.values():
        if entry.choices:
            choices = "".join(
                f"    {{ id = {_quoted(ids.of(entry.group_id, choice))}, name = {_quoted(choice)} }},\n"
                for choice in entry.choices
            )
            head = _table("groups", {"id": entry.group_id, "name": f"{entry.name[: MAX_NAME - 9]}: choices"})
            parts.append(f"{head}modifiers = [\n{choices}]\n")
    for entry in menu.values():
        for price, item_id in entry.item_ids.items():
            facts: dict[str, str | int] = {"id": item_id, "name": entry.name, "price_minor": price, "tax": tax}
            table = _table("items", facts | {"category": category_of(entry.name)})
            parts.append(table + (f"modifier_groups = [{_quoted(entry.group_id)}]\n" if entry.group_id else ""))
    return "\n".join(parts)


def _table(name: str, facts: dict[str, str | int]) -> str:
    lines = [f"{key} = {_quoted(value) if isinstance(value, str) else value}\n" for key, value in facts.items()]
    return f"[[{name}]]\n" + "".join(lines)


def _quoted(text: str) -> str:
    """A basic TOML string. JSON's escapes are TOML's; names hold no control characters (DEL, which JSON leaves, included)."""
    return json.dumps(text, ensure_ascii=False)


# --- the orders ---


def _orders(rows: Sequence[Row], menu: dict[str, _Entry]) -> tuple[PlannedOrder, ...]:
    modifier_ids = _Ids()
    for entry in menu.values():  # in the same order as in the catalogue, so that the ids are the same
        for choice in entry.choices:
            modifier_ids.of(entry.group_id, choice)
    by_order: dict[str, list[Row]] = {}
    for row in rows:
        by_order.setdefault(row.order, []).append(row)
    times = arrival_times(len(by_order))
    orders = []
    for at, (order, order_rows) in enumerate(by_order.items()):
        lines = tuple(line for row in order_rows for line in _lines(row, menu[row.name], modifier_ids))
        place = PlaceOrder(order_type=_TYPES[at % len(_TYPES)], lines=lines)
        subtotal = sum(row.total_minor for row in order_rows)
        orders.append(PlannedOrder(order=order, at_s=times[at], place=place, subtotal_minor=subtotal))
    return tuple(orders)


def _lines(row: Row, entry: _Entry, ids: _Ids) -> Iterable[NewLine]:
    counts = {choice: row.choices.count(choice) for choice in dict.fromkeys(row.choices)}
    modifiers = tuple(ChosenModifier(ids.of(entry.group_id, choice), count) for choice, count in counts.items())
    for quantity, price in row.pieces():
        yield NewLine(item_id=entry.item_ids[price], quantity=quantity, modifiers=modifiers)


def arrival_times(count: int) -> list[float]:
    """`count` ascending times in seconds with a lunch and a dinner peak."""
    lunch = round(count * _LUNCH_SHARE)
    dinner = count - lunch
    times = [_LUNCH.inv_cdf((at + 0.5) / lunch) for at in range(lunch)]
    times += [_DINNER.inv_cdf((at + 0.5) / dinner) for at in range(dinner)]
    return sorted(round(min(max(time, 0.0), _DAY_S), 1) for time in times)
