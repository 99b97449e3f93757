"""Is the whole store well again? Each register tells what it knows of itself; one that does not tell is not well."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tillkeeper.after.green_rules import judged, of_said, silent, whole
from tillkeeper.clock import WallClock
from tillkeeper.contract.after import GreenRegister, GreenSaid, GreenView
from tillkeeper.contract.bodies import reader
from tillkeeper.contract.views import StatusView
from tillkeeper.errors import TillkeeperError

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

TOPIC = "green.say"
WITHIN_S = 1.0
KEPT_S = 1.0
"""Whoever asks again within this gets the same answer: a page that is open on ten tablets asks each register once."""

_decode = reader(GreenSaid)
_encode = msgspec.json.Encoder().encode


class GreenDesk:
    """`order`: all registers of the store, this one among them. `peers` None: it keeps to itself. `standing`: why a register is
    no member of the store, empty for those that are."""

    def __init__(
        self,
        register: str,
        order: Sequence[str],
        peers: "PeersDesk | None",
        status: Callable[[], StatusView],
        standing: Callable[[str], str],
        now_ms: WallClock,
        now_s: Callable[[], float],
    ) -> None:
        self._register, self._order, self._peers, self._status = register, tuple(order), peers, status
        self._standing, self._now_ms, self._now_s = standing, now_ms, now_s
        self._one = asyncio.Lock()
        self._kept: tuple[float, GreenView] | None = None
        if peers is not None:
            peers.answers[TOPIC] = self._say

    async def _say(self, _register: str, _body: bytes) -> bytes:
        return _encode(self._own())

    def _own(self) -> GreenSaid:
        return judged(self._status())

    async def view(self) -> GreenView:
        """As of a second ago at most. Takes up to `WITHIN_S`."""
        async with self._one:
            if self._kept is None or self._now_s() - self._kept[0] >= KEPT_S:
                registers = await asyncio.gather(*(self._of(name) for name in self._order or (self._register,)))
                self._kept = self._now_s(), whole(tuple(registers), self._now_ms())
            return self._kept[1]

    async def _of(self, register: str) -> GreenRegister:
        if register == self._register:
            return of_said(self._own())
        if (outside := self._standing(register)) != "":
            return silent(register, self._silent_s(register), outside)
        if self._peers is None:
            return silent(register, None, "this register has no keys of the store and asks nobody")
        try:
            said = _decode(await self._peers.ask(register, TOPIC, b"", WITHIN_S, call=True))
        except msgspec.DecodeError:
            return silent(register, self._silent_s(register), "says what is not understood here: is its version another?")
        except TillkeeperError as error:
            return silent(register, self._silent_s(register), _why(error))
        if said.register != register:
            return silent(register, self._silent_s(register), f"says that it is register {said.register[:50]}")
        return of_said(said)

    def _silent_s(self, register: str) -> float | None:
        state = self._peers.states.get(register) if self._peers is not None else None
        return state.age_s(self._now_s()) if state is not None else None


def _why(error: TillkeeperError) -> str:
    return {
        "unreachable": "",
        "timeout": "does not answer",
        "unknown_topic": "has an older version, which does not say how it is",
    }.get(error.code, f"does not say how it is: {error.cause}")
