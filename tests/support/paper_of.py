"""What a simulated printer of a profile makes of a document."""

from tillkeeper_drivers.api import Block, PrintDocument
from tillkeeper_drivers.escpos.encoder import encode
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.escpos.profile import load_profiles
from tillkeeper_drivers.simulator.effects import Effect, Unknown
from tillkeeper_drivers.simulator.interpreter import Interpreter
from tillkeeper_drivers.simulator.models import model
from tillkeeper_drivers.simulator.paper import Paper, lay_out

PRINTERS = tuple(name for name, profile in load_profiles().items() if profile.code_pages)
"""Every ESC/POS printer, without the display that shows itself as one."""


def effects(name: str, blocks: tuple[Block, ...], picture: Raster | None = None) -> list[Effect]:
    """Of the bytes that the encoder makes for `name`, in the simulated printer of that name."""
    return Interpreter(model(name)).feed(encode(PrintDocument("job", blocks), load_profiles()[name], None, picture))


def paper(name: str, blocks: tuple[Block, ...], picture: Raster | None = None) -> Paper:
    """The one piece of paper that comes out. AssertionError where the printer did not understand a byte."""
    done = effects(name, blocks, picture)
    assert not [effect for effect in done if isinstance(effect, Unknown)], [e for e in done if isinstance(e, Unknown)][:3]
    (one,) = lay_out(done, name)
    return one


def lines(name: str, blocks: tuple[Block, ...]) -> list[str]:
    """The printed lines, without the row of the cut."""
    one = paper(name, blocks)
    rows = one.as_text().splitlines()
    return rows[:-1] if one.cut else rows
