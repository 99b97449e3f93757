"""Checks as the kitchen sees them, changed by hand, and a kitchen that learns only from what it was sent."""

from itertools import count
from typing import Any

import msgspec
from tests.spool.world import config

from tillkeeper.config.model import Config, Routing, Station
from tillkeeper.contract.documents import TicketFired
from tillkeeper.contract.values import Modifier, Tax
from tillkeeper.kitchen.tickets import learn, revise
from tillkeeper.sales.model import Check, Line, StationView
from tillkeeper.spool.model import Job, TicketData

TAX = Tax("std", 190_000, True)
NOW_MS = 1_760_000_000_000


def kitchen_config() -> Config:
    routing = Routing(default=("grill",), categories={"drinks": ("bar",)}, items={"combo": ("grill", "bar")})
    stations = {
        "grill": Station(title="Grill", devices=("grill",), backup="bar"),
        "bar": Station(title="Bar", devices=("bar", "receipt")),
    }
    return msgspec.structs.replace(config(), routing=routing, stations=stations)


def line(
    line_id: str, name: str = "Burger", quantity: int = 1, station: str = "grill", *, fired: bool = True, **more: Any
) -> Line:
    return Line(
        line_id=line_id, item_id=name.lower(), name=name, quantity=quantity, unit_price_minor=1000, tax=TAX, station=station,
        fired=fired, **more,
    )  # fmt: skip


def modifier(name: str, quantity: int = 1) -> Modifier:
    return Modifier(modifier_id=name.lower(), name=name, quantity=quantity)


class Pass:
    """A check and the stations' knowledge of it. `send` tells the kitchen, `change` only the check."""

    def __init__(self, *lines: Line, **more: Any) -> None:
        self.config = kitchen_config()
        self.ids = count(1)
        self.check = Check(
            check_id="C1", ticket_code="B-037", order_type="dine_in", catalogue_version="v", terminal="front",
            business_day="2025-10-09", opened_at_ms=NOW_MS, lines=lines, **more,
        )  # fmt: skip

    def new_id(self) -> str:
        return f"J{next(self.ids)}"

    def change(self, **fields: Any) -> None:
        self.check = msgspec.structs.replace(self.check, **fields)

    def change_line(self, line_id: str, **fields: Any) -> None:
        self.change(
            lines=tuple(msgspec.structs.replace(one, **fields) if one.line_id == line_id else one for one in self.check.lines)
        )

    def send(self) -> list[tuple[TicketFired, Job]]:
        made = revise(self.check, self.config, NOW_MS, self.new_id)
        for event, _job in made:
            view = self.check.stations.get(event.station, StationView())
            self.change(stations={**self.check.stations, event.station: learn(view, event)})
        return made

    def told(self) -> list[tuple[str, str, list[tuple[str, int, str]]]]:
        """Device, class and items (action, quantity, name) of what is sent now."""
        return [
            (job.device, job.document_class, [(item.action, item.quantity, item.name) for item in data_of(job).items])
            for _event, job in self.send()
        ]


def data_of(job: Job) -> TicketData:
    assert isinstance(job.data, TicketData)
    return job.data
