"""A guest's receipt on paper. Every amount was decided when the sale was accepted; here they are only set."""

from tillkeeper.config.model import Config
from tillkeeper.kitchen.local_time import local_text
from tillkeeper.kitchen.ticket_layout import mark_blocks
from tillkeeper.kitchen.words import order_type_words
from tillkeeper.spool.model import ReceiptData, ReceiptLine
from tillkeeper_drivers.api import Block, Columns, Feed, Rule, Text


def amount_text(amount_minor: int, minor_digits: int) -> str:
    """12345 with two digits is "123.45"; with none "12345"."""
    sign = "-" if amount_minor < 0 else ""
    digits = str(abs(amount_minor)).rjust(minor_digits + 1, "0")
    if minor_digits == 0:
        return sign + digits
    return f"{sign}{digits[:-minor_digits]}.{digits[-minor_digits:]}"


def blocks(data: ReceiptData, marks: tuple[str, ...], config: Config) -> tuple[Block, ...]:
    """See `layout.print_document`. A copy says COPY and its number: in some countries the law wants that word."""
    store = config.store
    copy = (f"COPY {data.copy}",) if data.copy else ()
    said: list[Block] = [*mark_blocks((*marks, *copy))]
    said.append(Text(store.name, align="centre", width=2, height=2, bold=True))
    said += [Text(line, align="centre") for line in store.receipt_header]
    if data.title:
        said.append(Text(data.title, align="centre", width=2, height=2, bold=True))
    said += _head(data, config)
    said.append(Rule())
    said += [_line(line, store.minor_digits) for line in data.lines]
    said.append(Rule())
    for row in data.amounts:
        amount = amount_text(row.amount_minor, store.minor_digits)
        if row.strong:
            said.append(Columns(row.label, f"{store.currency} {amount}", bold=True, height=2))
        else:
            said.append(Columns(row.label, amount))
    said.append(Rule())
    said.append(Text(f"Check {data.check_id}", align="centre"))
    said += [Text(line, align="centre") for line in store.receipt_footer]
    said.append(Feed(1))
    return tuple(said)


def _head(data: ReceiptData, config: Config) -> list[Block]:
    head: list[Block] = [
        Text(order_type_words(data.order_type), align="centre", bold=True),
        Text(data.ticket_code, align="centre", width=2, height=2, bold=True),
        Columns(local_text(data.printed_at_ms, config.store.timezone, "%Y-%m-%d %H:%M"), data.terminal),
    ]
    number = f"Check no. {data.check_number}" if data.check_number is not None else ""
    if data.server or number:
        head.append(Columns(f"Server {data.server}" if data.server else "", number))
    if data.table:
        head.append(Text(f"Table {data.table}"))
    return head


def _line(line: ReceiptLine, minor_digits: int) -> Block:
    indent = "  " * line.depth
    # A modifier without a price shows none: a column of 0.00 hides the prices that count.
    amount = "" if line.depth and not line.amount_minor else amount_text(line.amount_minor, minor_digits)
    quantity = f"{line.quantity} x " if not line.depth or line.quantity > 1 else ""
    return Columns(f"{indent}{quantity}{line.text}", amount)
