"""A file of timed orders: one JSON object a line. What `catalogue import` writes and `simulate day` replays."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from tillkeeper.cli.output import count
from tillkeeper.contract.base import Id
from tillkeeper.contract.commands import PlaceOrder
from tillkeeper.errors import ConfigInvalid

MAX_LINE = 256 * 1024
"""Bytes; a longer line is an error."""


class PlannedOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """`at_s`: seconds since the first order of the day could come. `subtotal_minor`: what its lines sum to before
    discounts and added tax, where the file's maker knows it. `place` may carry the command's tag, `"type":"place_order"`."""

    order: Id
    at_s: Annotated[float, Meta(ge=0, le=86_400)]
    place: PlaceOrder
    subtotal_minor: int | None = None

    def body(self) -> dict[str, Any]:
        """As `POST /v1/orders` takes it."""
        body: dict[str, Any] = msgspec.to_builtins(self.place)
        body.pop("type", None)
        return body


def encode(orders: Iterable[PlannedOrder]) -> bytes:
    return b"".join(msgspec.json.encode(order) + b"\n" for order in orders)


def read(path: Path) -> tuple[PlannedOrder, ...]:
    """All orders of the file, in its order.

    Raises:
        ConfigInvalid: `extra["problems"]` names each wrong line, 20 at most.
        OSError: the file can not be read.
    """
    decoder = msgspec.json.Decoder(PlannedOrder)
    orders: list[PlannedOrder] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, line in _lines(path):
        try:
            order = decoder.decode(line)
        except msgspec.DecodeError as error:
            problems.append(f"{path}:{number}: {error}")
            continue
        first = seen.setdefault(order.order, number)
        if first != number:
            problems.append(f"{path}:{number}: order {order.order!r} stands on line {first} already")
        orders.append(order)
    if problems:
        raise ConfigInvalid("read orders", str(path), count(len(problems), "wrong line"), problems=tuple(problems[:20]))
    return tuple(orders)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if line.strip():
                yield number, line
