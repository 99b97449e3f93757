"""What a preview was asked for, checked, and the document that shows it. Pure."""

from collections.abc import Iterable
from typing import cast

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.errors import BadRequest, NotFound
from tillkeeper.layouts import documents, samples
from tillkeeper.layouts.language import language
from tillkeeper.layouts.model import DOCUMENTS, TICKETS, DocumentName
from tillkeeper.layouts.names import languages
from tillkeeper_drivers.api import PrintDocument

MAX_COPY = 99


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`station`: empty for the first of the config, and only for the kitchen's documents. `language`: empty for the one that
    the config says. `columns`: None for the width of the device that would print it."""

    document: str
    station: str = ""
    language: str = ""
    columns: int | None = None
    training: bool = False
    copy: int = 0
    marks: tuple[str, ...] = ()


class Sample(msgspec.Struct, frozen=True):
    """`device`: the printer that would print it, empty where the config has none."""

    document: PrintDocument
    device: str


class Encoded(msgspec.Struct, frozen=True):
    """What a printer of the model `profile` would be sent."""

    data: bytes
    profile: str


def sample(asked: Asked, config: Config, layouts: documents.Choice) -> Sample:
    """The document that `asked` means.

    Raises:
        NotFound: no such document, station or language; the hint lists those there are.
        BadRequest: a copy number that is none.
    """
    name = _one_of(asked.document, DOCUMENTS, "document")
    station = ""
    if name in TICKETS:
        station = asked.station or next(iter(config.stations), "")
    if asked.station:
        _one_of(asked.station, config.stations, "station")
    if asked.language:
        _one_of(asked.language, sorted(languages()), "language")
    if not 0 <= asked.copy <= MAX_COPY:
        raise BadRequest("preview", name, f"copy {asked.copy} is not 0 to {MAX_COPY}")
    device = _printer(config, station)
    job = samples.sample(
        cast(DocumentName, name), config, station=station, training=asked.training, copy=asked.copy, marks=asked.marks
    )
    job = msgspec.structs.replace(job, device=device)
    spoken = language(asked.language) if asked.language else None
    return Sample(documents.print_document(job, config, samples.PERSONAL, layouts, spoken), device)


def _printer(config: Config, station: str) -> str:
    """The station's first printer, or the register's."""
    wanted = config.stations[station].devices if station else (config.register.receipt_printer,)
    printers = [name for name, device in config.devices.items() if device.kind in ("escpos", "star")]
    return next((name for name in wanted if name in printers), next(iter(printers), ""))


def _one_of(given: str, known: Iterable[str], what: str) -> str:
    names = tuple(known)
    if given not in names:
        raise NotFound("preview", f"{what} {given[:40]}", f"there is no {what} of this name", f"there are {', '.join(names)}")
    return given
