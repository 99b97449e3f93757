"""A shop full of virtual devices, started and stopped together, and the one call that renders a byte stream.

    async with VirtualShop([PrinterSpec("receipt", "tm-t88vi"), PrinterSpec("grill", "tm-u220")], control=True) as shop:
        print(shop.printers["receipt"].port, shop.control_at)
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tillkeeper_drivers.simulator.control import Controlled, control
from tillkeeper_drivers.simulator.display import VirtualDisplay
from tillkeeper_drivers.simulator.language import interpreter
from tillkeeper_drivers.simulator.models import model
from tillkeeper_drivers.simulator.paper import Paper, lay_out
from tillkeeper_drivers.simulator.printer import VirtualPrinter


class PrinterSpec(msgspec.Struct, frozen=True):
    """One printer; fields as the arguments of `VirtualPrinter`."""

    name: str
    model: str = "tm-t88vi"
    host: str = "127.0.0.1"
    port: int = 0
    speed_mm_s: float | None = None
    drawer_pin: int | None = None
    drawer_closes_s: float | None = 2.0
    paper_lines: int | None = None
    pictures: bool = False
    keep: int = 1000


class DisplaySpec(msgspec.Struct, frozen=True):
    """One kitchen display; it connects (and goes on trying) from the start."""

    name: str
    url: str
    headers: dict[str, str] = {}


class VirtualShop:
    """See the module.

    Args:
        devices: what to start; names are unique.
        directory: each device keeps its output in `directory/<name>`; None keeps it in memory.
        control: serve the control socket (`control`) on a free loopback port, or at this path.
        seed: of all faults; each device derives its own.

    Raises:
        ValueError: two devices of one name, or an unknown model.
        OSError: a port is taken.
    """

    def __init__(
        self,
        devices: Iterable[PrinterSpec | DisplaySpec],
        *,
        directory: Path | None = None,
        control: bool | Path = False,
        seed: int = 0,
    ) -> None:
        self.printers: dict[str, VirtualPrinter] = {}
        self.displays: dict[str, VirtualDisplay] = {}
        self.control_at = ""
        """Where the control socket is: a path or "host:port"; empty without one."""
        for number, spec in enumerate(devices):
            if spec.name in self.printers or spec.name in self.displays:
                raise ValueError(f"two virtual devices are called {spec.name!r}")
            own = directory / spec.name if directory else None
            if isinstance(spec, PrinterSpec):
                given = {name: value for name, value in msgspec.structs.asdict(spec).items() if name != "model"}
                self.printers[spec.name] = VirtualPrinter(spec.model, **given, directory=own, seed=seed + number)
            else:
                self.displays[spec.name] = VirtualDisplay(
                    spec.url, name=spec.name, headers=spec.headers, directory=own, seed=seed + number
                )
        self._control = control
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            devices: dict[str, Controlled] = {}
            for name, device in (self.printers | self.displays).items():
                devices[name] = await self._stack.enter_async_context(device)
            if self._control:
                path = self._control if isinstance(self._control, Path) else None
                self.control_at = await self._stack.enter_async_context(control(devices, path=path))
        except OSError:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)


def render_bytes(data: bytes, model_id: str) -> Paper:
    """What `data` looks like printed on one endless piece of paper: cuts are taken for nothing but their feed.

    Args:
        data: any byte stream in the model's language; text that lacks its last line feed is shown all the same.
        model_id: one of `models.toml`. Raises `ValueError` on another.
    """
    understands = interpreter(model(model_id))
    papers = lay_out([*understands.feed(data), *understands.flush()], model_id)
    lines = [line for paper in papers for line in paper.lines]
    return Paper(model_id, lines, papers[-1].cut if papers else None)
