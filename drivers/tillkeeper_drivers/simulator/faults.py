"""What can go wrong on command. Everything random comes from one seeded generator."""

from random import Random

import msgspec

_PRINTABLE = range(0x20, 0x7F)


class Faults(msgspec.Struct, forbid_unknown_fields=True):
    """Faults that are on. The `after_lines` ones fire once, when that many more lines with ink are on paper."""

    rst_on_connect: bool = False
    silent: bool = False
    """Accepts connections and neither reads nor answers."""
    mute: bool = False
    """Prints and never answers."""
    garbage: bool = False
    """Every answer is replaced with as many random bytes."""
    truncate: bool = False
    """Of every answer the last byte is missing."""
    echo: bool = False
    """Sends back what it gets and does nothing with it: a looped line."""
    babble: bool = False
    """Says random bytes without end, beside everything else."""
    wrong_id: bool = False
    """Process ids of somebody else come back."""
    close_after_bytes: int | None = None
    """Resets each connection after so many bytes; 1 resets it after every byte."""
    drain_bytes_per_s: float | None = None
    """Works off its buffer so slowly."""
    power_loss_after_lines: int | None = None
    power_off_s: float | None = None
    """How long a power loss lasts; None: until somebody switches it on."""
    cover_open_after_lines: int | None = None
    paper_out_after_lines: int | None = None

    def due(self, name: str) -> bool:
        """Count one printed line against the fault `name` and tell whether it fires now."""
        left: int | None = getattr(self, name)
        if left is None:
            return False
        setattr(self, name, left - 1 if left > 1 else None)
        return left <= 1

    def answer(self, data: bytes, rng: Random) -> bytes:
        """What goes out instead of `data`."""
        if self.mute or self.silent:
            return b""
        if self.garbage:
            return rng.randbytes(len(data))
        if self.truncate:
            return data[:-1]
        if self.wrong_id and data[:2] == b"\x37\x22":
            other = bytes(rng.choice([c for c in _PRINTABLE if c != byte]) for byte in data[2:6])
            return data[:2] + other + data[6:]
        return data
