"""The virtual devices of the embedded register: printers on ports of their own, a kitchen display at the agent's door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tillkeeper.config.embedded import embedded_printers
from tillkeeper_drivers.simulator.display import VirtualDisplay
from tillkeeper_drivers.simulator.shop import DisplaySpec, PrinterSpec, VirtualShop
from tillkeeper_drivers.simulator.slips import write_durably

PAPER = "paper"
"""Folder within the data folder: what each device printed or showed, as text and picture."""


@asynccontextmanager
async def printers(data_dir: Path) -> AsyncIterator[VirtualShop]:
    """The printers that the embedded configuration wants, at instant paper speed; their ports are in `.printers`."""
    specs = [
        PrinterSpec(name, profile, pictures=True, speed_mm_s=0, drawer_pin=2 if name == "receipt" else None)
        for name, profile in embedded_printers().items()
    ]
    async with VirtualShop(specs, directory=data_dir / PAPER, control=True) as shop:
        yield shop


@asynccontextmanager
async def display(data_dir: Path, name: str, port: int, token: str) -> AsyncIterator[VirtualShop]:
    """A kitchen display at the agent's own door."""
    url = f"ws://127.0.0.1:{port}/v1/kitchen/{name}"
    spec = DisplaySpec(name, url, {"Authorization": f"Bearer {token}"})
    async with VirtualShop([spec], directory=data_dir / PAPER) as shop:
        showing = asyncio.create_task(_show(shop.displays[name], data_dir / PAPER / name), name=f"board of {name}")
        try:
            yield shop
        finally:
            showing.cancel()
            await asyncio.wait({showing})


async def _show(screen: VirtualDisplay, folder: Path) -> None:
    """Keep `board.txt` and `board.png` as the screen is."""
    shown = [""]
    while True:
        await screen.changed.wait_for(lambda: screen.as_text() != shown[0])
        shown[0] = screen.as_text()
        write_durably(folder / "board.txt", shown[0].encode())
        write_durably(folder / "board.png", await asyncio.to_thread(screen.as_png))
