"""From something found to a device of the register: which driver and model it takes, who it says it is, and the sheet by which
a person tells its code pages. Talks to what is not (yet) the register's device, over connections of its own."""

import asyncio
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from tillkeeper.config import address as where
from tillkeeper.config.model import Device
from tillkeeper.contract.devices import ModelChoice, ProbeView, SheetLine
from tillkeeper.devices.overlay import PRINTERS
from tillkeeper.errors import Refused
from tillkeeper_drivers.api import Transport, TransportError, Tri
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.discovery.models import profile as fitting
from tillkeeper_drivers.escpos.profile import Profile
from tillkeeper_drivers.printing.told import Told

PROBE_S = 25.0
"""A printer that answers byte by byte is asked no longer than this."""
SHEET_S = 20.0
UNKNOWN_MODEL = "generic-80"
DISPLAY_MODEL = "kds-text"


def candidate(device: Device, found: Found, profile: str, star: bool) -> Device:
    """`device` as it would be at `found`. `profile`: its model; `star`: whether that is one of Star's."""
    kind = device.kind if device.kind == "escpos_display" else "star" if star else "escpos"
    mac = found.mac if where.kind(found.address) == "tcp" else ""
    changed = replace(device, kind=kind, address=found.address, mac=mac, profile=profile)
    if profile != device.profile:
        changed = replace(changed, columns=None)
    return changed if where.kind(found.address) == "tcp" else replace(changed, hold=False)


def refuse_found(name: str, device: Device, found: Found, used_by: tuple[str, ...]) -> None:
    """Raises `Refused` where `found` can not take the place of `device`."""
    subject = f"device {name}"
    if device.kind not in PRINTERS:
        cause = f"a {device.kind} is not replaced here"
        raise Refused("not_replaceable", "replace", subject, cause, "a drawer goes with its printer; a display is set up anew")
    if found.bus == "display":
        raise Refused("not_a_printer", "replace", subject, f"{found.title} is a display", "choose a printer")
    if others := [one for one in used_by if one != name]:
        cause = f"{found.title} is in use as {', '.join(others)}"
        raise Refused("found_in_use", "replace", subject, cause, "choose one that is not in use, or set that device up first")
    if found.trouble in ("no_permission", "held_by", "no_driver"):
        raise Refused("found_in_trouble", "replace", subject, f"{found.title}: {found.detail}", found.hint)


async def ask(transport: Transport) -> Told:
    """Who is there: as an ESC/POS printer, and where that is not understood, as a Star printer.

    Raises:
        TransportError: it can not be reached, or goes away in the middle.
    """
    from tillkeeper_drivers.escpos.probe import probe as escpos
    from tillkeeper_drivers.star.probe import probe as star

    try:
        async with asyncio.timeout(PROBE_S):
            told = await escpos(transport)
            if told.speaks:
                return told
            by_star = await star(transport)
            return by_star if by_star.speaks else told
    except TimeoutError:
        return Told(detail=f"it has not come to an end of its answers within {PROBE_S:g} s")


def model_of(told: Told, profiles: tuple[str, ...]) -> str:
    """The name of the model that fits, or empty."""
    return fitting(f"{told.maker} {told.model}", profiles) if told.model else ""


async def model_at(host: str, port: int, profiles: tuple[str, ...]) -> str:
    """The name of the model that whoever answers there says it is, or empty. Raises: TransportError."""
    from tillkeeper_drivers.transport.tcp import TcpTransport

    return model_of(await ask(TcpTransport(host, port)), profiles)


def titles() -> dict[str, str]:
    """Of all models of ours, text displays too."""
    from tillkeeper_drivers.escpos.profile import load_profiles

    models = load_profiles()
    return {one.name: one.title for kind in ("escpos", "escpos_display") for one in choices(kind, models)}


def choices(kind: str, models: Mapping[str, Profile]) -> tuple[ModelChoice, ...]:
    """The models that a person may name for a printer that takes the place of a device of `kind`, by their titles.

    Args:
        models: all ESC/POS models.
    """
    from tillkeeper_drivers.star.profile import load_profiles as star_models

    display = kind == "escpos_display"
    found = {name: model.title for name, model in models.items() if display or name != DISPLAY_MODEL}
    if not display:
        found |= {name: model.title for name, model in star_models().items()}
    return tuple(ModelChoice(name, title) for name, title in sorted(found.items(), key=lambda one: one[1].casefold()))


def probe_view(found: Found, told: Told, profile: str, sheet: tuple[SheetLine, ...]) -> ProbeView:
    return ProbeView(title=found.title, address=found.address, profile=profile, sheet=sheet, **msgspec.structs.asdict(told))


async def print_sheet(name: str, transport: Transport, profile: str, models: Mapping[str, Profile]) -> tuple[SheetLine, ...]:
    """Print it, and tell what is on it.

    Args:
        profile: its model, or empty: then the common pages are tried.
        models: all ESC/POS models.

    Raises:
        Refused: a model without code pages, or one that could not be reached.
    """
    from tillkeeper_drivers.escpos import sheet

    model = models.get(profile or UNKNOWN_MODEL)
    if model is None:
        cause, hint = f"the pages of a {profile} are known", "there is nothing to be told apart"
        raise Refused("no_sheet", "print", f"device {name}", cause, hint)
    try:
        async with asyncio.timeout(SHEET_S), transport.connect(3.0) as connection:
            await connection.write(sheet.sheet(model), 10.0)
            await connection.drain(10.0)
    except (TransportError, TimeoutError) as error:
        detail = error.detail if isinstance(error, TransportError) else f"it took more than {SHEET_S:g} s"
        raise Refused("no_sheet", "print", f"device {name}", detail, "look whether it has paper and is switched on") from error
    return tuple(SheetLine(**msgspec.structs.asdict(line)) for line in sheet.lines(model))


def exported(answer: ProbeView, name: str, base: str, pages: dict[int, str]) -> str:
    """A profile of what a printer told, as a TOML table. `base`: the model that it is taken to be like. Raises `Refused`."""
    from tillkeeper_drivers.escpos import sheet
    from tillkeeper_drivers.escpos.profile import load_profiles

    if (model := load_profiles().get(base)) is None:
        cause, hint = "it is none of our ESC/POS models", "name the one of ours that it is like: --profile generic-80"
        raise Refused("unknown_model", "export", f"profile {base}", cause, hint)
    # Clones answer the question for their maker with a placeholder.
    title = " ".join(part for part in (answer.maker, answer.model) if part.strip("_-. ")) or name
    made = sheet.learned(
        model,
        name,
        title,
        pages=pages,
        process_id=_tri(answer.process_id),
        automatic_status=_tri(answer.automatic_status),
        paper_query=_tri(answer.paper_query),
        real_time_status=_tri(answer.real_time_status),
        cutter=_tri(answer.cutter),
    )
    return sheet.as_toml(made)


def _tri(said: str) -> Tri:
    return "yes" if said == "yes" else "no" if said == "no" else "unknown"
