"""Printer models as data: what a model can do, never how (that is the encoder's and the printer's part)."""

import functools
from typing import Literal

import msgspec

from tillkeeper_drivers.api import Tri
from tillkeeper_drivers.escpos import codepages
from tillkeeper_drivers.escpos.wide import Wide
from tillkeeper_drivers.printing import profiles
from tillkeeper_drivers.printing.profiles import ProfileError

REALTIME_QUESTIONS = (1, 2, 3, 4)
"""The `n` of `DLE EOT n` that every model with real-time status knows (Epson ESC/POS reference, DLE EOT)."""


CLAIMS = (
    "columns", "dots", "code_pages", "process_id", "automatic_status", "paper_query", "real_time_status", "drawer_pins",
    "size_command", "cut", "features", "wide",
)  # fmt: skip
"""Keys that say something about a model, which may be wrong."""


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What some models have. `red`: a second colour (`ESC r`). `qr`: `GS ( k`. `invert`: `GS B`. `buzzer`: built in.
    `raster`: `GS v 0`, which a logo is printed with."""

    red: bool = False
    qr: bool = False
    invert: bool = False
    buzzer: bool = False
    raster: bool = False


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. A fact of which boards of this kind differ is `unknown`: the driver asks and goes by the answer."""

    name: str
    title: str
    columns: int
    """Characters a line at normal width."""
    dots: int
    """Printable width in dots."""
    process_id: bool
    """Answers `GS ( H` function 48 when printing is complete."""
    automatic_status: bool
    """Sends 4-byte status by itself after `GS a`."""
    paper_query: Tri
    """Answers `GS r 1` when the buffer before it was processed."""
    real_time_status: Tri
    """Answers `DLE EOT n`."""
    preflight: tuple[int, ...]
    """Which `DLE EOT n` to ask before a document."""
    drawer_pins: tuple[int, ...]
    """Pins of the drawer connector that `ESC p` can drive."""
    size_command: Literal["gs", "esc", "none"]
    """`GS !` (1 to 8 times), `ESC !` (1 to 2 times) or one size only."""
    cut: Literal["feed_to_cutter", "none"]
    """`GS V 66 0`, or no cutter: the paper is fed past the tear bar."""
    code_pages: dict[int, str]
    """`n` of `ESC t n` to the name of Python's codec, in order of preference."""
    features: Features = Features()
    kanji_at_power_on: bool = False
    """Starts in a two-byte mode, where accented letters swallow their neighbours, until `FS .`."""
    print_mode_base: int = 0
    """Bits always set in `ESC !` (bit 0: font B), for models whose default is not 0."""
    line_ms: int = 85
    """The longest that a line of normal height takes to print, in milliseconds; 0 for what prints nothing. Not how fast it is,
    but how long it is waited for: the default is 50 mm/s, slower than any of these is said to be."""
    wide: Wide | None = None
    """Double-width characters: only where the one who set the printer up knows that its font is in (`tm-m30-ja`, ...)."""
    read: dict[str, str] = {}
    """Key to the page of this model's own manual where it was read."""
    copied: dict[str, str] = {}
    """Key to the public database or library that it was copied from."""

    @property
    def not_read(self) -> tuple[str, ...]:
        """Claims that are neither: known of ESC/POS in general, or of a like model, or a guess."""
        made = (claim for claim in CLAIMS if claim != "wide" or self.wide is not None)
        return tuple(claim for claim in made if claim not in self.read and claim not in self.copied)

    def codec_pages(self) -> tuple[tuple[int, str], ...]:
        """Page numbers and codecs in order of preference."""
        return tuple(self.code_pages.items())


@functools.cache
def load_profiles() -> dict[str, Profile]:
    """Every profile shipped, by name, validated.

    Raises:
        ProfileError: the data do not fit; names the profile and the key.
    """
    return parse_profiles(profiles.shipped("tillkeeper_drivers.escpos"))


def parse_profiles(text: str) -> dict[str, Profile]:
    """Profiles from TOML: one table each, its key is the profile's name. `like`: the table above that it takes the rest from.

    Raises:
        ProfileError: not TOML, an unknown or missing key, a wrong type, a codec that there is not.
    """
    return profiles.parse(text, Profile, _check)


def _check(profile: Profile) -> None:
    """What types can not say.

    Raises:
        ProfileError: see the messages.
    """
    where = f"profile {profile.name}"
    if not 8 <= profile.columns <= 128:
        raise ProfileError(f"{where}: columns must be 8 to 128, not {profile.columns}")
    if not profile.columns <= profile.dots <= 4096:
        raise ProfileError(f"{where}: dots must be {profile.columns} to 4096, not {profile.dots}")
    if not set(profile.preflight) <= set(REALTIME_QUESTIONS):
        raise ProfileError(f"{where}: preflight asks for {profile.preflight}, known are {REALTIME_QUESTIONS}")
    if not set(profile.drawer_pins) <= {2, 5}:
        raise ProfileError(f"{where}: drawer_pins may hold 2 and 5, not {profile.drawer_pins}")
    if not 0 <= profile.line_ms <= 1000:
        raise ProfileError(f"{where}: line_ms must be 0 to 1000, not {profile.line_ms}")
    if not 0 <= profile.print_mode_base <= 0xFF:
        raise ProfileError(f"{where}: print_mode_base is one byte, not {profile.print_mode_base}")
    for number, codec in profile.code_pages.items():
        if not 0 <= number <= 255:
            raise ProfileError(f"{where}: code page {number} is not a byte")
        if not codepages.exists(codec):
            raise ProfileError(f"{where}: code page {number}: no codec {codec!r}")
    if profile.wide is not None and not codepages.exists(profile.wide.charset):
        raise ProfileError(f"{where}: wide: no codec {profile.wide.charset!r}")
    if strange := (profile.read.keys() | profile.copied.keys()) - set(CLAIMS):
        raise ProfileError(f"{where}: read or copied names no claim: {', '.join(sorted(strange))}")
    if both := profile.read.keys() & profile.copied.keys():
        raise ProfileError(f"{where}: both read and copied: {', '.join(sorted(both))}")


def profile(name: str) -> Profile:
    """The shipped profile called `name`.

    Raises:
        ProfileError: there is none; the message lists those there are.
    """
    known = load_profiles()
    if name not in known:
        raise ProfileError(f"no printer profile {name!r}; there are: {', '.join(sorted(known))}")
    return known[name]
