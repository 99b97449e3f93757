"""The one place that names concrete drivers: builds them from the config, and lays a job out for its device.

Drivers are imported when a device of their kind is made: a register without a kitchen display never loads its protocol.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

import msgspec

from tillkeeper.clock import wall_ms
from tillkeeper.config import address, logo
from tillkeeper.config.model import Config
from tillkeeper.config.model import Device as DeviceConfig
from tillkeeper.config.own_models import escpos
from tillkeeper.devices import store_files
from tillkeeper.devices.changeable import Changeable
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.unknown_model import UnknownModel
from tillkeeper.devices.wired import NO_WORD
from tillkeeper.devices.wiring import Wiring
from tillkeeper.diagnostics.facts import UnreadFacts
from tillkeeper.errors import NotFound
from tillkeeper.layouts import documents, previews, shelf
from tillkeeper.layouts.previews import Asked, Encoded
from tillkeeper.spool.model import Job, WiredData
from tillkeeper_drivers.api import BoardEvent, Device, Document, PrintDocument, Transport

if TYPE_CHECKING:
    from tillkeeper_drivers.escpos.logo import Raster
    from tillkeeper_drivers.escpos.printer import EscPosPrinter
    from tillkeeper_drivers.kds.foreign import ForeignDisplay
    from tillkeeper_drivers.kds.websocket import WebSocketDisplay
    from tillkeeper_drivers.printing.settings import Deadlines
    from tillkeeper_drivers.star.printer import StarPrinter

log = logging.getLogger(__name__)

PersonalTexts = Callable[[Iterable[str]], Mapping[str, str]]
"""Digests -> digest: text; an erased one is absent (`Journal.personal`)."""


class Registry:
    """All devices of the config, and what the store's files add (`own`).

    Args:
        personal: see `PersonalTexts`.
        on_board: told what cooks do on the displays; must not block.
        locator: knows where the devices are now.
        wiring: to the registers that other devices are wired to; None where all of them are driven from here.
    """

    def __init__(
        self,
        config: Config,
        personal: PersonalTexts,
        on_board: Callable[[BoardEvent], None],
        locator: Locator | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        self._config = config
        self._wiring = wiring
        self._personal = personal
        self._own = store_files.read(config)
        self._layouts = self._own.layouts.layouts
        shelf.read_languages(config)
        self._locator = locator or Locator(wall_ms)
        self._displays: dict[str, WebSocketDisplay] = {}
        self._boards: dict[str, WebSocketDisplay | ForeignDisplay] = {}
        self._devices: dict[str, Device] = {}
        for name, device in config.devices.items():
            if wiring is not None and config.wired_to(name) and device.kind != "drawer":
                self._devices[name] = wiring.remote(name)
            elif device.kind == "display":
                self._devices[name] = self._boards[name] = self._displays[name] = _display(name, config, on_board)
            elif device.kind in ("epson_kds", "fresh_kds", "logic_controls"):
                self._devices[name] = self._boards[name] = _foreign_display(name, device, on_board, self._locator)
            elif device.kind != "drawer":
                self._devices[name] = Changeable(_driver(name, config, self._locator, self._own.logo.data))

    def unread(self) -> tuple[UnreadFacts, ...]:
        """The store's files that are of no use."""
        return tuple(self._own.unread(self._config))

    def worker_ids(self) -> tuple[str, ...]:
        return tuple(self._devices)

    def worker_of(self, device_id: str) -> str | None:
        """The device that does the work of `device_id`: its printer's for a drawer, else its own."""
        device = self._config.devices.get(device_id)
        name = device.printer if device is not None and device.kind == "drawer" else device_id
        return name if name in self._devices else None

    def device(self, worker_id: str) -> Device:
        """Raises KeyError for a device without a worker of its own."""
        return self._devices[worker_id]

    def display(self, device_id: str) -> "WebSocketDisplay":
        """The display behind the API's WebSocket route; `attach` serves one connected screen.

        Raises:
            NotFound: no display of this name is configured.
        """
        display = self._displays.get(device_id)
        if display is None:
            raise NotFound("open", f"display {device_id}", "no display of this name is configured", "see `tillkeeper devices`")
        return display

    @property
    def boards(self) -> "Mapping[str, WebSocketDisplay | ForeignDisplay]":
        """All displays that tell what cooks do, our own and those of other makers, by device id."""
        return self._boards

    @property
    def displays(self) -> "Mapping[str, WebSocketDisplay]":
        """Our own displays, by device id."""
        return self._displays

    def document(self, job: Job) -> Document:
        """The job laid out for its device, personal texts included where they are not erased."""
        if isinstance(job.data, WiredData) and self._wiring is not None:
            return self._wiring.bench.document(job)
        texts = self._personal(job.personal.values()) if job.personal else {}
        named = {field: texts[digest] for field, digest in job.personal.items() if digest in texts}
        return documents.document(job, self._config, named, self._layouts)

    def withheld(self, job: Job) -> str:
        """See `spool.ports.Devices`."""
        return self._wiring.bench.withheld(job) if self._wiring is not None else NO_WORD

    # --- being set up ---

    def trial(self, name: str, device: DeviceConfig) -> Device:
        """A driver of its own for what may take the place of `name`. Raises KeyError: its profile is unknown."""
        return _on_paper(name, device, self._config, Locator(wall_ms), self._own.logo.data)

    def way(self, name: str, device: DeviceConfig) -> Transport:
        """A way of its own to what may take the place of `name`."""
        return _transport(name, device, Locator(wall_ms))

    def slip(self, job: Job, device: DeviceConfig) -> Document:
        """A test slip for what may take the place of the job's device."""
        devices = {**self._config.devices, job.device: device}
        return documents.document(job, msgspec.structs.replace(self._config, devices=devices), {}, self._layouts)

    def apart(self, name: str) -> AbstractAsyncContextManager[None]:
        """See `Changeable.apart`; nothing for a device that has no connection of its own."""
        device = self._devices.get(name)
        return device.apart() if isinstance(device, Changeable) else nullcontext()

    async def renew(self, name: str) -> None:
        """Make the device anew, as the config says now, between two of its jobs."""
        device = self._devices.get(name)
        if isinstance(device, Changeable):
            await device.change(_driver(name, self._config, self._locator, self._own.logo.data))

    def preview(self, asked: Asked) -> Encoded:
        """See `preview`."""
        return preview(asked, self._config, self._layouts, self._own.logo.data)

    async def close(self) -> None:
        for device in self._devices.values():
            await device.close()


def preview(asked: Asked, config: Config, layouts: documents.Choice | None = None, picture: bytes | None = None) -> Encoded:
    """The bytes that print what `asked` means, from the encoder that prints it in life. `picture`: the logo, None to read it.

    Raises:
        NotFound, BadRequest: see `previews.sample`; and a width that no model has.
        ConfigInvalid: `layouts` is None and a layout of the config is wrong.
    """
    from tillkeeper_drivers.escpos.encoder import encode
    from tillkeeper_drivers.escpos.profile import load_profiles

    made = previews.sample(asked, config, shelf.chosen(config) if layouts is None else layouts)
    png = logo.read(config.store.logo).data if picture is None else picture
    device = config.devices.get(made.device)
    if device is not None and device.kind == "star" and asked.columns in (None, 0, device.columns or _star_columns(device)):
        return _star_preview(made.document, device, png)
    own = escpos(config.models.own).get(device.profile) if device is not None else None
    by_width = {model.columns: model for model in reversed(load_profiles().values()) if model.code_pages}
    if own is not None and device is not None and device.columns is not None:
        own = msgspec.structs.replace(own, columns=device.columns)
    columns = asked.columns or (own.columns if own is not None else 0)
    model = own if own is not None and own.columns == columns else by_width.get(columns)
    if model is None:
        there = ", ".join(map(str, sorted(by_width)))
        raise NotFound("preview", f"{columns} columns", "no printer of this width is known", f"there are {there}")
    # Who draws it knows our models only.
    drawn = model if model.name in load_profiles() else by_width.get(columns, load_profiles()["generic-80"])
    return Encoded(encode(made.document, model, None, _logo(png, model.dots)), drawn.name)


def _star_columns(device: DeviceConfig) -> int:
    from tillkeeper_drivers.star.profile import profile

    return profile(device.profile).columns


def _star_preview(document: PrintDocument, device: DeviceConfig, png: bytes) -> Encoded:
    from tillkeeper_drivers.star.encoder import encode
    from tillkeeper_drivers.star.profile import profile

    model = profile(device.profile)
    if device.columns is not None:
        model = msgspec.structs.replace(model, columns=device.columns)
    return Encoded(encode(document, model, None, _logo(png, model.dots)), model.name)


def widths() -> tuple[int, ...]:
    """The columns of the printer models there are."""
    from tillkeeper_drivers.escpos.profile import load_profiles

    return tuple(sorted({model.columns for model in load_profiles().values() if model.code_pages}))


def profiles() -> tuple[str, ...]:
    """The names of the printer models there are."""
    from tillkeeper_drivers.escpos.profile import load_profiles
    from tillkeeper_drivers.star.profile import load_profiles as load_star_profiles

    return (*load_profiles(), *load_star_profiles())


def warm() -> None:
    """Load what the first document would wait for (about 0.2 s). Blocking: for a thread."""
    from tillkeeper_drivers.escpos import encoder

    encoder.warm()


def driver_of(name: str, config: Config) -> Device:
    """A driver of its own for a configured printer, for who prints without the agent. Raises KeyError."""
    return _driver(name, config, Locator(wall_ms), b"")


def _driver(name: str, config: Config, locator: Locator, png: bytes) -> Device:
    """As the config says now."""
    device = config.devices[name]
    if device.kind != "star" and device.profile and device.profile not in escpos(config.models.own):
        log.error("%s is used for nothing: there is no model %r", name, device.profile)
        return UnknownModel(name, device.profile)
    return _on_paper(name, device, config, locator, png)


def _on_paper(name: str, device: DeviceConfig, config: Config, locator: Locator, png: bytes) -> Device:
    """A printer, or a display that takes what printers take."""
    if device.kind == "escpos_display":
        return _text_display(name, device, config, locator)
    make = _star if device.kind == "star" else _printer
    return make(name, device, config, locator, png)


def _printer(name: str, device: DeviceConfig, config: Config, locator: Locator, png: bytes) -> Device:
    from tillkeeper_drivers.escpos.printer import EscPosPrinter

    model = escpos(config.models.own)[device.profile]
    if device.columns is not None:
        model = msgspec.structs.replace(model, columns=device.columns)
    place = _transport(name, device, locator)
    return _told(EscPosPrinter(name, place, model, **_fitted(name, device, config, _logo(png, model.dots))), name, config)


class _Fitted(TypedDict):
    """What printers of every command set are given alike."""

    pin_use: dict[int, Literal["drawer", "bell", "none"]]
    deadlines: "Deadlines"
    hold: bool
    picture: "Raster | None"


def _fitted(name: str, device: DeviceConfig, config: Config, picture: "Raster | None") -> _Fitted:
    from tillkeeper_drivers.printing.settings import Deadlines

    limits = Deadlines(confirm=device.confirm_timeout_s)
    return _Fitted(pin_use=_pins(name, config), deadlines=limits, hold=_own(device), picture=picture)


def _logo(png: bytes, dots: int) -> "Raster | None":
    """The store's logo as wide as a model's paper; None without one."""
    from tillkeeper_drivers.escpos.logo import prepare

    return prepare(png, dots) if png else None


def _star(name: str, device: DeviceConfig, config: Config, locator: Locator, png: bytes) -> Device:
    from tillkeeper_drivers.star.printer import StarPrinter
    from tillkeeper_drivers.star.profile import profile

    model = profile(device.profile)
    if device.columns is not None:
        model = msgspec.structs.replace(model, columns=device.columns)
    place = _transport(name, device, locator)
    return _told(StarPrinter(name, place, model, **_fitted(name, device, config, _logo(png, model.dots))), name, config)


def _pins(name: str, config: Config) -> dict[int, Literal["drawer", "bell", "none"]]:
    """What hangs on the connector of the printer `name`."""
    use: dict[int, Literal["drawer", "bell", "none"]] = {
        other.pin: "drawer" for other in config.devices.values() if other.kind == "drawer" and other.printer == name
    }
    bell = config.devices[name].bell_pin
    if bell is not None:
        use[bell] = "bell"
    return use


P = TypeVar("P", bound="EscPosPrinter | StarPrinter")


def _told(printer: P, name: str, config: Config) -> P:
    """The printer, with what the config says of its drawer's switch."""
    from tillkeeper_drivers.drawer import PinPolarity

    for other in config.devices.values():
        if other.kind == "drawer" and other.printer == name and other.open_level != "learn":
            printer.polarity = PinPolarity.told(other.open_level)
    return printer


def _own(device: DeviceConfig) -> bool:
    """Whether no other register prints on it, so that a connection may stand."""
    return device.hold or address.kind(device.address) != "tcp"


def _text_display(name: str, device: DeviceConfig, config: Config, locator: Locator) -> Device:
    from tillkeeper_drivers.kds.escpos_text import EscPosTextDisplay
    from tillkeeper_drivers.printing.settings import Deadlines

    model = escpos(config.models.own)[device.profile] if device.profile else None
    limits = Deadlines(confirm=device.confirm_timeout_s)
    return EscPosTextDisplay(name, _transport(name, device, locator), model, limits, hold=_own(device))


def _foreign_display(
    name: str, device: DeviceConfig, on_board: Callable[[BoardEvent], None], locator: Locator
) -> "ForeignDisplay":
    """Of another maker; see docs/kitchen-displays.md."""
    answer_s = device.confirm_timeout_s
    if device.kind == "epson_kds":
        from tillkeeper_drivers.kds.epson import epson_display

        callback = address.host_port(device.callback) if device.callback else None
        host, port = address.host_port(device.address)
        transport = _transport(name, device, locator)
        where = locator.place(name)
        if where is None:
            return epson_display(name, host, port, on_board, callback=callback, answer_s=answer_s)
        return epson_display(name, where.now_at, port, on_board, callback=callback, answer_s=answer_s, gate=transport)
    if device.kind == "fresh_kds":
        from tillkeeper_drivers.kds.fresh import fresh_display

        return fresh_display(name, _transport(name, device, locator), on_board, answer_s=answer_s)
    from tillkeeper_drivers.kds.logic_controls import logic_controls_display

    shared = address.kind(device.address) == "folder"
    place = Path(address.node(device.address)) if shared else _transport(name, device, locator)
    return logic_controls_display(name, place, on_board, kds_station=device.kds_station, answer_s=answer_s)


def _display(name: str, config: Config, on_board: Callable[[BoardEvent], None]) -> "WebSocketDisplay":
    from tillkeeper_drivers.kds.websocket import WebSocketDisplay

    return WebSocketDisplay(name, on_board, register=config.this_register)


def _transport(name: str, device: DeviceConfig, locator: Locator) -> Transport:
    place = locator.know(name, device)
    kind, identity = address.kind(device.address), address.identity(device.address)
    if kind == "serial":
        from tillkeeper_drivers.transport.serial import Line, SerialTransport

        line = Line(**msgspec.structs.asdict(device.serial))
        return SerialTransport(_where(identity) if identity else address.node(device.address), line, identity)
    if kind == "usb":
        from tillkeeper_drivers.transport.usblp import UsblpTransport

        return UsblpTransport(_where(identity) if identity else address.node(device.address), identity)
    from tillkeeper_drivers.transport.tcp import TcpTransport

    host, port = address.host_port(device.address)
    if place is None:
        return TcpTransport(host, port)
    return TcpTransport(place.now_at, port, whose=place.check, missed=place.missed)


def _where(identity: str) -> Callable[[], str]:
    def where() -> str:
        from tillkeeper_drivers.discovery import udev  # slow to import, and called on a thread

        return udev.node_of(identity)

    return where
