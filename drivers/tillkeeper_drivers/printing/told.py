"""What a printer told of itself when it was asked who it is; the same for every command set."""

from typing import Literal

import msgspec

from tillkeeper_drivers.api import Tri


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """`speaks`: the command set in which it answered, or empty: then nothing but status questions were sent. `unknown` is what
    it did not tell, or was not asked. Texts are as the device wrote them, printable ASCII only."""

    speaks: Literal["escpos", "star", ""] = ""
    maker: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    model_id: int | None = None
    cutter: Tri = "unknown"
    real_time_status: Tri = "unknown"
    automatic_status: Tri = "unknown"
    paper_query: Tri = "unknown"
    process_id: Tri = "unknown"
    detail: str = ""


def plain(data: bytes) -> str:
    """A name that a device sent, on one line, at most 40 characters; what is no printable ASCII is left out."""
    return bytes(byte for byte in data if 0x20 <= byte <= 0x7E).decode("ascii").strip()[:40]
