"""Papers of made-up jobs: laid out, encoded, and read back from a virtual printer."""

from pathlib import Path

import msgspec

from tillkeeper.config.embedded import example
from tillkeeper.config.model import Config
from tillkeeper.layouts import documents, samples, shelf
from tillkeeper.layouts.language import language
from tillkeeper.layouts.model import Layout
from tillkeeper.spool.model import Job
from tillkeeper_drivers.api import Block, Columns, PrintDocument, Qr, Text
from tillkeeper_drivers.escpos.encoder import encode
from tillkeeper_drivers.escpos.profile import load_profiles
from tillkeeper_drivers.simulator.interpreter import Interpreter
from tillkeeper_drivers.simulator.models import models
from tillkeeper_drivers.simulator.paper import lay_out

PRINTERS = {32: "generic-58", 42: "tm-t88vi", 48: "tm-m30"}


def store(folder: Path = Path("/tmp"), **changes: object) -> Config:
    """The example store; `changes` are those of its `[store]` table."""
    config = example(folder)
    return msgspec.structs.replace(config, store=msgspec.structs.replace(config.store, **changes))


def with_layouts(config: Config, **changes: object) -> Config:
    return msgspec.structs.replace(config, layouts=msgspec.structs.replace(config.layouts, **changes))


def with_station(config: Config, name: str, **changes: object) -> Config:
    station = msgspec.structs.replace(config.stations[name], **changes)
    return msgspec.structs.replace(config, stations={**config.stations, name: station})


def paper_of(job: Job, config: Config, tag: str = "", layout: Layout | None = None) -> PrintDocument:
    """The job laid out as the config says, or by `layout`, or in the language `tag`."""
    choice = shelf.chosen(config)
    if layout is not None:
        choice = {key: layout if key[0] == layout.document else other for key, other in choice.items()}
    return documents.print_document(job, config, samples.PERSONAL, choice, language(tag) if tag else None)


def text_of(document: PrintDocument, columns: int = 42) -> str:
    """What a printer of that width makes of it, as text."""
    name = PRINTERS[columns]
    interpreter = Interpreter(models()[name])
    effects = interpreter.feed(encode(document, load_profiles()[name], None)) + interpreter.flush()
    return "".join(paper.as_text() for paper in lay_out(effects, name))


def words_of(block: Block) -> str:
    """All that a block says."""
    match block:
        case Text():
            return block.text
        case Columns():
            return f"{block.left} {block.right}"
        case Qr():
            return block.data
        case _:
            return ""
