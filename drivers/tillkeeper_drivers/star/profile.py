"""Star models as data: what a model can do, never how."""

import codecs
import functools
from typing import Literal

import msgspec

from tillkeeper_drivers.printing import profiles
from tillkeeper_drivers.printing.profiles import ProfileError

CELL_DOTS = 12
"""Width of a normal character of font A, in dots."""


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model can print. `qr`: `ESC GS y` (a raster model is sent the drawn code). `invert`: `ESC 4`."""

    qr: bool = False
    invert: bool = False


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model."""

    name: str
    title: str
    language: Literal["line", "starprnt", "raster"]
    """Which of Star's command sets it speaks: Line Mode, StarPRNT, or Graphic Mode, which has no text at all."""
    columns: int
    """Characters a line at normal width."""
    dots: int
    """Printable width in dots."""
    print_end: Literal["document", "etb", "none"]
    """How it tells that printing is complete: `ESC GS ETX 1`, which echoes the document's number to the session that asked; the
    `ETB` counter of the automatic status, which every session hears; or not at all."""
    drawer_pins: tuple[int, ...]
    """Pins of the drawer connector that it can drive: 2 is external device 1, 5 is external device 2."""
    cut: Literal["partial", "full", "none"]
    """`ESC d 3`, `ESC d 2`, or no cutter: the paper is fed past the tear bar."""
    code_pages: dict[int, str] = {}
    """`n` of `ESC GS t n` to the name of Python's codec, in order of preference; none for raster."""
    features: Features = Features()

    def codec_pages(self) -> tuple[tuple[int, str], ...]:
        """Page numbers and codecs in order of preference."""
        return tuple(self.code_pages.items())


@functools.cache
def load_profiles() -> dict[str, Profile]:
    """Every profile shipped, by name, validated.

    Raises:
        ProfileError: the data do not fit; names the profile and the key.
    """
    return parse_profiles(profiles.shipped("tillkeeper_drivers.star"))


def parse_profiles(text: str) -> dict[str, Profile]:
    """Profiles from TOML: one table each, its key is the profile's name. `like`: the table above that it takes the rest from.

    Raises:
        ProfileError: not TOML, an unknown or missing key, a wrong type, a codec that Python does not have.
    """
    return profiles.parse(text, Profile, _check)


def _check(profile: Profile) -> None:
    where = f"profile {profile.name}"
    if not 8 <= profile.columns <= 128:
        raise ProfileError(f"{where}: columns must be 8 to 128, not {profile.columns}")
    if not CELL_DOTS * profile.columns <= profile.dots <= 4096:
        raise ProfileError(f"{where}: dots must be {CELL_DOTS * profile.columns} to 4096, not {profile.dots}")
    if not set(profile.drawer_pins) <= {2, 5}:
        raise ProfileError(f"{where}: drawer_pins may hold 2 and 5, not {profile.drawer_pins}")
    if (profile.language == "raster") == bool(profile.code_pages):
        raise ProfileError(f"{where}: a raster model has no code pages, any other has some")
    for number, codec in profile.code_pages.items():
        if not 0 <= number <= 255:
            raise ProfileError(f"{where}: code page {number} is not a byte")
        try:
            codecs.lookup(codec)
        except LookupError as error:
            raise ProfileError(f"{where}: code page {number}: no codec {codec!r}") from error


def profile(name: str) -> Profile:
    """The shipped profile called `name`.

    Raises:
        ProfileError: there is none; the message lists those there are.
    """
    known = load_profiles()
    if name not in known:
        raise ProfileError(f"no Star profile {name!r}; there are: {', '.join(sorted(known))}")
    return known[name]
