"""Reading what another register says. Pure."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

T = TypeVar("T")


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """Reads a `kind` from JSON. Whatever is wrong with the bytes, what is raised is a msgspec.DecodeError: the decoder itself
    raises others for text that is no UTF-8 and for what is nested without end, and nobody waits for those."""
    decode = msgspec.json.Decoder(kind).decode

    def read(body: bytes) -> T:
        try:
            return decode(body)
        except (UnicodeDecodeError, RecursionError) as error:
            raise msgspec.DecodeError(str(error)) from error

    return read
