"""What a check is: told what was heard and what time it is, it sends a little and says at the end what it found. Pure."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from tillkeeper.network.deep.values import Heard

Plain = str | int | float | bool | list[str] | None
State = Literal["running", "done", "failed", "skipped"]
Tell = Callable[[str, State, str, dict[str, Plain]], None]
"""(check, state, words, result), as in `wire.DiagnoseStep`."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what checks find: plain fields only, for they go into `wire.DiagnoseStep.result` as they are."""

    def plain(self) -> dict[str, Plain]:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a check ended. `words`: one sentence without a full stop, for a technician."""

    state: Literal["done", "failed", "skipped"]
    words: str
    found: Found | None = None


class Abandoned(Exception):
    """Whoever asked has gone."""


class Skip(Exception):
    """There is nothing to check here; the text says why."""


class Line(Protocol):
    """What checks send through. Every method may raise OSError: the kernel refused."""

    @property
    def mac(self) -> str:
        """The interface's own, empty where it has none (a tunnel)."""

    @property
    def mtu(self) -> int: ...

    def ask(self, address: str, sender: str) -> bool:
        """A broadcast ARP request (IPv6: neighbour solicitation). False: the allowance is used up, try later."""

    def discover(self, transaction: int) -> None: ...

    def packet(self, packet: bytes, target: str) -> float:
        """Sends a whole IP packet, routed by the kernel; tells when."""


class Check:
    """Base. `name` is `wire.DiagnoseStep.check`, `doing` what is said while it runs."""

    name: str = ""
    doing: str = ""

    def begin(self, now_s: float) -> None:
        """Called once, before anything else. Raises `Skip`."""

    def take(self, heard: Heard, now_s: float) -> None:
        """Something was heard at `now_s` by the kernel's stamp, likely meant for another check."""

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        """Sends what is due. None while it goes on; with `last` there is no later."""
        raise AssertionError(self.name)


def spaced(start_s: float, every_s: float, times: int) -> list[float]:
    return [start_s + number * every_s for number in range(times)]
