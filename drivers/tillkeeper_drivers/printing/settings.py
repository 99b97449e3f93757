"""What a printer's driver waits for, how long, and what it advises a person to do."""

from typing import Literal

import msgspec

from tillkeeper_drivers.api import Reason

PinUse = Literal["drawer", "bell", "none"]

HINTS: dict[Reason, str] = {
    "unreachable": "check power, cable and address",
    "not_plugged_in": "plug it in and switch it on; it goes on by itself",
    "no_permission": "add the agent's user to the group lp (USB) or dialout (serial) and restart the agent",
    "wrong_device": "another device has this address now: look at `tillkeeper devices discover`",
    "busy": "another computer is printing, or holds the connection",
    "cover_open": "close the cover",
    "paper_out": "put in a new roll",
    "cutter": "free the cutter; it goes on by itself, else switch the printer off and on",
    "temperature": "wait: it goes on by itself once it has cooled down",
    "offline": "look at the printer's lamps",
    "unrecoverable": "switch the printer off and on; if it stays, it needs service",
    "no_answer": "another computer may hold the connection; else switch the printer off and on",
    "lost": "check whether it was printed",
    "stalled": "check whether it was printed; look at cover and paper",
}

TAKES_NOTHING = "look at its lamps, its cover and its paper; else switch it off and on"
"""Of a device that is connected and took no byte of a document (`no_answer`)."""

_CLEARING, _LONGEST, _LONGEST_S = 2, 5, 90.0


class Deadlines(msgspec.Struct, frozen=True):
    """In seconds. `answer` is for one status question, `maybe` where it is not known whether the model answers."""

    connect: float = 2.0
    write: float = 10.0
    """For the kernel to take each KB of the document, and for the device's stack to acknowledge the last of it, beyond the time
    that the document takes to print."""
    confirm: float = 15.0
    """Beyond the time that the document takes to print, from the last byte written or from the end of a trouble."""
    answer: float = 2.0
    maybe: float = 0.5
    maybe_confirm: float = 3.0
    """For a `GS r` answer of a model that may not know it, beyond the time that the document takes to print; `maybe` once this
    device left one out."""
    pace: float = 1.0
    """Times that documents take to print are multiplied with it."""
    poll: float = 1.0
    """Between two looks at the status while waiting."""
    pin: float = 1.0
    """How long after a kick the drawer's switch may still move."""
    beat: float = 5.0
    """Between two signs of life asked of an idle printer that reports changes by itself."""
    idle_poll: float = 1.0
    """Between two looks at an idle printer that does not, on a kept connection."""
    again: float = 4.0
    """The longest pause before a kept connection that broke is opened once more."""

    @property
    def clearing(self) -> float:
        """How long a trouble in mid-ticket may stand without anything moving: somebody is sent for a roll."""
        return _CLEARING * self.confirm

    @property
    def longest(self) -> float:
        """How long a confirmation is waited for in all, whatever is being cleared."""
        return max(self.confirm, min(_LONGEST * self.confirm, _LONGEST_S))
