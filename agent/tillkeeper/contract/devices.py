"""What is plugged in and answers, and how a device of the register is replaced by another: views, commands and the event."""

from typing import Literal

import msgspec

from tillkeeper.contract.base import Command, Event, Id, ShortText, View

# --- what is there ---


class FoundView(View, frozen=True):
    """A device that is plugged in or answers on the network, configured or not. `address` is what the config takes; `devices`:
    the configured ones that it is. `trouble`: no_permission, held_by, two_alike, no_driver, or empty; `detail` and `hint` in
    words."""

    identity: str
    bus: Literal["usb", "serial", "network", "display"]
    address: str
    title: str
    vendor: str = ""
    model: str = ""
    serial: str = ""
    mac: str = ""
    port: str = ""
    profile: str = ""
    node: str = ""
    trouble: str = ""
    detail: str = ""
    hint: str = ""
    devices: tuple[str, ...] = ()


class MovedView(View, frozen=True):
    """A network device that was followed to another address than its configured one."""

    device: str
    configured: str
    now: str
    at_ms: int


class FoundList(View, frozen=True):
    """`searched_age_s`: since the network was last asked; None before the first time. USB is always up to date."""

    found: tuple[FoundView, ...]
    moved: tuple[MovedView, ...] = ()
    searched_age_s: float | None = None


# --- replacing ---


class ReplacedView(View, frozen=True):
    """A device that is elsewhere, or of another model, than the config says, since a person said so at `at_ms` (wall clock).
    `configured`: what the config says. `edited`: the config has been changed since, and says something else; `same`: it says
    the same now. `ignored`: why it is not followed, or empty."""

    at_ms: int
    by: str
    configured: str
    edited: bool = False
    same: bool = False
    ignored: str = ""
    toml: str = ""
    """The lines for the config file that say the same."""


class ReplacementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`found`: the identity of what was found. `profile`: its model, where it can not be told or is told wrong. `by`: who."""

    found: ShortText
    profile: ShortText = ""
    by: ShortText = ""


class ModelChoice(msgspec.Struct, frozen=True):
    """A printer model: `name` is what the config takes as `profile`."""

    name: str
    title: str


class ReplacementView(View, frozen=True):
    """A replacement that waits for a person to say whether the right printer has printed slip `number`. `printed`: what is
    known of the slip. `waiting`: tickets that follow. `profile_known`: the printer's model was told, not assumed. `models`:
    those that it may be instead; a slip as one of them is begun with that `profile`."""

    replacement_id: str
    device: str
    title: str
    address: str
    kind: str
    profile: str
    number: str
    printed: Literal["confirmed", "sent", "unknown"]
    profile_known: bool = True
    detail: str = ""
    waiting: int = 0
    models: tuple[ModelChoice, ...] = ()


class ProbeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `ReplacementBody`. `sheet`: print the lines by which code pages are told apart."""

    found: ShortText
    profile: ShortText = ""
    sheet: bool = False
    by: ShortText = ""


class SheetLine(msgspec.Struct, frozen=True):
    """A line of the printed sheet: its letter, the code page that it was printed by, and how it reads where that is right."""

    letter: str
    page: int
    codec: str
    text: str


class ProbeView(View, frozen=True):
    """What a printer told of itself; `unknown` is neither yes nor no. `speaks`: the command set that it answered in, or empty.
    `profile`: the model that fits, or empty. `sheet`: what was printed, where it was asked for."""

    title: str
    address: str
    speaks: Literal["escpos", "star", ""]
    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    model_id: int | None = None
    cutter: str = "unknown"
    real_time_status: str = "unknown"
    automatic_status: str = "unknown"
    paper_query: str = "unknown"
    process_id: str = "unknown"
    profile: str = ""
    detail: str = ""
    sheet: tuple[SheetLine, ...] = ()


# --- commands ---


class ConfirmReplacement(Command, frozen=True, tag="confirm_replacement"):
    """The slip came out of the right printer: from now on it is the device. `release`: the kitchen tickets that are held for
    it print, in their order."""

    device: Id
    replacement_id: Id
    release: bool = True


class UndoReplacement(Command, frozen=True, tag="undo_replacement"):
    """The device is again what it was before it was replaced last."""

    device: Id


class ResetDevice(Command, frozen=True, tag="reset_device"):
    """The device is again what the config says."""

    device: Id


class TryDrawer(Command, frozen=True, tag="try_drawer"):
    """One pulse, to see whether the drawer opens and what its switch tells then; a printer with a bell rings with a slip."""

    device: Id


class LearnDrawer(Command, frozen=True, tag="learn_drawer"):
    """What a person saw after `TryDrawer`: whether the drawer has opened."""

    device: Id
    opened: bool


# --- the event ---


class DevicePlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a device is and of which model, as in the config."""

    kind: str = ""
    address: str = ""
    mac: str = ""
    profile: str = ""
    open_level: str = ""


class DeviceReplaced(Event, frozen=True):
    """A person said what a device is. `cause`: replaced, undone, reset, learned (a drawer's switch). Long serial numbers are
    shortened here."""

    device: str
    cause: str
    before: DevicePlace
    after: DevicePlace
    by: str = ""
