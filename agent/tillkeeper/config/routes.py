"""Names that the routing takes from the catalogue. Apart from `rules`, because the catalogue may change under a running agent:
a route to nothing is an error of `tillkeeper config check`, never a reason not to sell."""

from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from tillkeeper.config import lines
from tillkeeper.config.model import Config
from tillkeeper.file_problem import Problem, nearest


class Menu(Protocol):
    """What a catalogue has to show here (`sales.catalogue.Catalogue` does)."""

    @property
    def items(self) -> Collection[str]: ...
    @property
    def categories(self) -> Collection[str]: ...


def dangling_routes(file: Path, config: Config, menu: Menu) -> tuple[Problem, ...]:
    """Items and categories of `[routing]` that the catalogue does not have."""
    text = file.read_text(encoding="utf-8").replace("\r\n", "\n")
    where = lines.scan(text)
    found = []
    for key, kind, routed, known in (
        ("categories", "category", config.routing.categories, menu.categories),
        ("items", "item", config.routing.items, menu.items),
    ):
        for name in routed:
            if name not in known:
                path = ("routing", key, name)
                what = f"the catalogue has no {kind} {name!r}"
                found.append(Problem(str(file), where.of(path), ".".join(path), what, nearest(name, known)))
    return tuple(found)
