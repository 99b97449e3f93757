"""Paired devices: events, views and requests of one room. A token is never in any of them, only the SHA-256 of 256 random bits;
a code is in the answer that opens it, once.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Event, ShortText, View
from tillkeeper.contract.caller import DeviceScope

DeviceName = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)")]
Token = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}$(?!\n)")]
"""256 bits, base64url without padding (RFC 4648, section 5)."""
Code = Annotated[str, Meta(max_length=40)]

# --- events ---


class PairingOpened(Event, frozen=True):
    """For ten minutes whoever has the code may become device `name`. `replaces`: there is one of that name, which ends then."""

    name: str
    scope: DeviceScope
    terminal: str = ""
    replaces: bool = False
    by: str = ""


class DevicePaired(Event, frozen=True):
    """Whoever has the token whose SHA-256 is `token_sha256` is this device from now on, at every register of the store. `by`:
    who opened the pairing; `address`: from where it was asked for."""

    device_id: str
    name: str
    scope: DeviceScope
    token_sha256: str
    terminal: str = ""
    by: str = ""
    address: str = ""


class DeviceUnpaired(Event, frozen=True):
    """Its token opens nothing any more. `cause`: by_hand, or replaced (another one has its name)."""

    device_id: str
    name: str
    cause: str = "by_hand"
    by: str = ""


class PairingRefused(Event, frozen=True):
    """Somebody at `address` had a wrong code while one was open, or came with it too late; the first ten of a code."""

    name: str
    address: str
    cause: str


# --- requests ---


class PairingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`terminal`: of a register device the place in [terminals], of a kitchen device the one display it may be; empty: any.
    `replace`: a device of this name is there, and is to end."""

    scope: DeviceScope
    name: DeviceName
    terminal: Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$(?!\n)")] = ""
    replace: bool = False
    by: ShortText = ""


class PairBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`token`: made by the device; it is known here by its digest alone. The same code with the same token may be said again:
    the answer may have been lost."""

    code: Code
    token: Token


class UnpairBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    by: ShortText = ""


# --- views ---


class PairingView(View, frozen=True):
    """The code, once. `url`: with the code in it, empty where the register has no address that devices reach. `qr`: the modules
    of the QR code of `url` (ISO/IEC 18004), a row a text, "#" dark. `fingerprint`: SHA-256 of the certificate of the web
    authority."""

    name: str
    scope: DeviceScope
    terminal: str
    code: str
    url: str
    qr: tuple[str, ...]
    secure: bool
    fingerprint: str
    expires_s: float
    replaces: bool


class OpenPairingView(View, frozen=True):
    """`used`: it has been redeemed; it is answered again to the same device until it ends. `refused`: how often
    somebody had a wrong code meanwhile."""

    name: str
    scope: DeviceScope
    expires_s: float
    refused: int = 0
    used: bool = False


class PairedDevice(View, frozen=True):
    """`last_seen_ms`: when this register heard it last, wall clock; None: not since its agent was started. `connected`: open
    connections now. `register`: where it was paired."""

    device_id: str
    name: str
    scope: DeviceScope
    terminal: str
    by: str
    register: str
    paired_at_ms: int
    last_seen_ms: int | None = None
    connected: int = 0


class LanView(View, frozen=True):
    """How devices reach this register: `urls` ("https://..."), empty where [lan] is off. `secure`: by HTTPS; without, pages do
    not survive a reload while the register is away, and anybody on the network can listen. `trouble`: why it does not work, in
    words. `fingerprint`: of the web authority's certificate, SHA-256 in groups; `leaf_until_ms`: how long the register's
    holds."""

    urls: tuple[str, ...] = ()
    secure: bool = False
    trouble: str = ""
    fingerprint: str = ""
    leaf_until_ms: int | None = None


class PairingsView(View, frozen=True):
    devices: tuple[PairedDevice, ...]
    lan: LanView
    open: OpenPairingView | None = None


class PairedView(View, frozen=True):
    """What a device is from now on: `page` is where it goes. It keeps the token that it made."""

    device_id: str
    name: str
    scope: DeviceScope
    terminal: str
    store: str
    store_name: str
    register: str
    page: str
