"""One printer's inside: the receive buffer worked off at printing speed, held while it can not print.

Real-time commands act when they are received, the rest when its turn comes. While the paper is out, the cover open or the
cutter jammed nothing of the buffer is worked off, drawer pulses included, and a full buffer takes no more bytes: over TCP
real-time commands then wait behind the closed window too, as on real printers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random

from tillkeeper_drivers.simulator.changes import Changes
from tillkeeper_drivers.simulator.effects import (
    AsbSet,
    ClearBuffers,
    Cut,
    Effect,
    Initialised,
    Printed,
    ProcessId,
    Pulse,
    RealTime,
    RealTimeStatus,
    Recover,
    Reply,
    StatusAsked,
    Unknown,
)
from tillkeeper_drivers.simulator.faults import Faults
from tillkeeper_drivers.simulator.interpreter import Interpreter
from tillkeeper_drivers.simulator.language import Listens, Understands
from tillkeeper_drivers.simulator.mechanism import Mechanism
from tillkeeper_drivers.simulator.models import Model
from tillkeeper_drivers.simulator.paper import Paper
from tillkeeper_drivers.simulator.realtime import RealTimeScanner

_CHUNK = 512
_UNKNOWN_KEPT = 100


class Outside:
    """What the engine needs of the world around it."""

    def __init__(
        self,
        answer: Callable[[bytes], None],
        slip: Callable[[Paper], Awaitable[None]],
        kicked: Callable[[int, int, str], None],
        power_loss: Callable[[], None],
    ) -> None:
        self.answer = answer
        """Send bytes to whoever is connected."""
        self.slip = slip
        """A piece of paper is cut; returns when it is safely kept."""
        self.kicked = kicked
        """(pin, on_ms, command): a pulse went out."""
        self.power_loss = power_loss


class Engine:
    """See the module. `speed_mm_s` 0 prints at once.

    Args:
        model_id: its id in `models.toml`.
        changed: notified whenever something that can be seen from outside changed.
    """

    def __init__(
        self, model_id: str, model: Model, mechanism: Mechanism, faults: Faults, outside: Outside, changed: Changes,
        *, speed_mm_s: float, serial: str, rng: Random,
    ) -> None:  # fmt: skip
        self._model_id, self._model, self._serial = model_id, model, serial
        self._mechanism, self._faults, self._outside, self._changed = mechanism, faults, outside, changed
        self._speed, self._rng = speed_mm_s, rng
        self.unknown: deque[Unknown] = deque(maxlen=_UNKNOWN_KEPT)
        """What was not understood, newest last."""
        self.paper = Paper(model_id)
        """What hangs out of the printer, not yet cut. It survives a power loss."""
        self._life = 0
        self._wake = asyncio.Event()
        self._pulse_until = 0.0
        self.switch_on()

    def switch_on(self) -> None:
        """The state after power-on: empty buffers, default settings. Paper stays where it was."""
        self._life += 1
        self._interpreter: Understands = Interpreter(self._model, self._serial)
        self._scanner: Listens = RealTimeScanner()
        self._received = bytearray()
        self._effects: deque[Effect] = deque()
        self.asb_mask = self._model.asb_default
        self.kick_command = "ESC p"
        self._asb_said = self._status()

    def _status(self) -> bytes:
        """What it says of itself by itself."""
        return self._mechanism.automatic_status()

    def _worth_telling(self) -> bool:
        """Whether something that is reported changed since the last report."""
        return self._mechanism.asb_changed(self.asb_mask, self._asb_said)

    @property
    def room(self) -> int:
        """Bytes that the receive buffer still takes."""
        return self._model.buffer_bytes - len(self._received)

    @property
    def idle(self) -> bool:
        """Everything received was worked off."""
        return not self._received and not self._effects

    def receive(self, data: bytes) -> None:
        """Take `data` (no more than `room`) and act on real-time commands in it."""
        taken = 0
        for end, command in self._scanner.feed(data):
            # What comes after a command that clears the buffers is not cleared by it.
            self._received += data[taken:end]
            taken = end
            self._real_time(command)
        self._received += data[taken:]
        self._wake.set()

    def poke(self) -> None:
        """The mechanism changed: report it where reports are on, and go on printing where that is possible again."""
        if self.asb_mask and self._worth_telling():
            self._report()
        self._wake.set()
        self._changed.notify()

    def greet(self) -> None:
        """Somebody connected: a printer that reports by itself says how it is."""
        if self.asb_mask:
            self._report()

    def _report(self) -> None:
        self._asb_said = self._status()
        self._outside.answer(self._asb_said)

    # --- real time ---

    def _real_time(self, command: RealTime) -> None:
        if isinstance(command, RealTimeStatus):
            self._outside.answer(bytes((self._mechanism.real_time_status(command.what),)))
        elif isinstance(command, Recover):
            if self._mechanism.recover():
                if command.clear:
                    self._clear()
                self.poke()
        elif isinstance(command, ClearBuffers):
            self._clear()
            self._outside.answer(b"\x37\x25\x00")
        elif not self._pulsing and not (self._mechanism.cutter_error or self._mechanism.unrecoverable):
            self._pulse(command.pin, command.on_ms, command.on_ms, "DLE DC4")

    def _clear(self) -> None:
        """Process ids that wait are dropped without a word (reference, GS ( H function 48)."""
        self._received.clear()
        self._effects.clear()
        self._interpreter.clear()
        self._life += 1

    @property
    def _pulsing(self) -> bool:
        return asyncio.get_running_loop().time() < self._pulse_until

    def _pulse(self, pin: int, on_ms: int, off_ms: int, command: str) -> None:
        self._pulse_until = asyncio.get_running_loop().time() + (on_ms + off_ms) / 1000
        self._outside.kicked(pin, on_ms, command)

    # --- the buffer, in its turn ---

    async def run(self) -> None:
        """Work the buffer off, for ever."""
        while True:
            if self._effects and self._mechanism.online:
                await self._perform(self._effects[0])
            elif self._received and not self._effects and self._mechanism.online:
                await self._take()
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _take(self) -> None:
        """Interpret up to a line feed, so that little has been understood before it is on paper."""
        end = self._received.find(b"\n", 0, _CHUNK) + 1 or _CHUNK
        rate = self._faults.drain_bytes_per_s
        if rate:
            end, life = min(end, 16), self._life
            await asyncio.sleep(min(end, len(self._received)) / rate)
            if life != self._life:
                return
        chunk = bytes(self._received[:end])
        del self._received[:end]
        self._effects.extend(self._interpreter.feed(chunk))
        self._changed.notify()
        if not rate:
            await asyncio.sleep(0)

    async def _perform(self, effect: Effect) -> None:
        """Do `effect`, then take it off the queue, unless the queue was emptied meanwhile."""
        life = self._life
        if isinstance(effect, Printed):
            await self._print(effect)
        elif isinstance(effect, Cut):
            await self._cut(effect)
        elif isinstance(effect, Pulse):
            self._pulse(effect.pin, effect.on_ms, effect.off_ms, self.kick_command)
        else:
            self._respond(effect)
        # The same life means that the effect is still the first one; a failed cut stays and is tried again.
        if life == self._life and not (isinstance(effect, Cut) and self._mechanism.cutter_error):
            self._effects.popleft()
            self._changed.notify()

    def _respond(self, effect: Effect) -> None:
        if isinstance(effect, ProcessId):
            self._outside.answer(b"\x37\x22" + effect.id + b"\0")
        elif isinstance(effect, StatusAsked):
            self._outside.answer(bytes((self._mechanism.buffered_status(effect.what),)))
        elif isinstance(effect, Reply):
            self._outside.answer(effect.data)
        elif isinstance(effect, AsbSet):
            self.asb_mask = effect.mask
            self.greet()
        elif isinstance(effect, Initialised):
            self.asb_mask = self._model.asb_default
        elif isinstance(effect, Unknown):
            self.unknown.append(effect)

    async def _print(self, line: Printed) -> None:
        life = self._life
        if self._speed:
            await asyncio.sleep(line.advance / self._model.dots_per_mm / self._speed)
        if life != self._life:
            return
        self.paper.lines.append(line)
        self._mechanism.use_paper(line.advance)
        if line.runs or line.graphics:
            self._fire()
        self.poke()

    def _fire(self) -> None:
        """The faults that wait for a line to be printed."""
        if self._faults.due("cover_open_after_lines"):
            self._mechanism.cover_open = True
        if self._faults.due("paper_out_after_lines"):
            self._mechanism.load_paper(0)
        if self._faults.due("power_loss_after_lines"):
            self._outside.power_loss()

    async def _cut(self, cut: Cut) -> None:
        if self._model.cutter and not self._mechanism.cut():
            self.poke()
            return
        await self._take_off(cut)

    async def tear(self) -> None:
        """Somebody tears off what hangs out, in the middle of a slip too."""
        await self._take_off(Cut(partial=False))
        self._changed.notify()

    async def _take_off(self, cut: Cut) -> None:
        done, self.paper = self.paper, Paper(self._model_id)
        done.cut = cut
        if not done.blank:
            await self._outside.slip(done)
