"""A Star printer's inside: the engine of the simulator with Star's answers, counters and recovery.

Source: Line Mode Command Specifications (automatic status, ETB, ESC RS E) and StarPRNT Command Specifications (ESC GS ETX).
"""

from typing import Any

from tillkeeper_drivers.simulator.effects import AsbSet, Asked, Effect, RealTimePulse, Unknown
from tillkeeper_drivers.simulator.engine import Engine
from tillkeeper_drivers.simulator.star.interpreter import StarInterpreter
from tillkeeper_drivers.simulator.star.realtime import RealTimeScanner
from tillkeeper_drivers.simulator.star.status import automatic_status

_LOST_COUNT = 5
"""By how much the ETB counter jumps where somebody else's counts come back."""


class StarEngine(Engine):
    """See the module."""

    def switch_on(self) -> None:
        """The state after power-on: empty buffers, counters 0, default settings. Paper stays where it was."""
        self._etb_counter = self._document_counter = 0
        self._etb_done = False
        self._cover_was_open = self._mechanism.cover_open
        super().switch_on()
        self._interpreter = StarInterpreter(self._model, self._serial)
        self._scanner = RealTimeScanner()
        self.kick_command = "BEL"

    def poke(self) -> None:
        """A jam that was removed is forgotten once the cover was opened and closed."""
        closed = self._cover_was_open and not self._mechanism.cover_open
        self._cover_was_open = self._mechanism.cover_open
        if closed:
            self._mechanism.recover()
        super().poke()

    def _status(self) -> bytes:
        return automatic_status(self._mechanism, counter=self._etb_counter, etb=self._etb_done)

    def _worth_telling(self) -> bool:
        return self._status()[:7] != self._asb_said[:7]

    def _report(self) -> None:
        super()._report()
        self._etb_done = False  # cleared once it was told (printer status 1, bit 1)
        self._asb_said = self._status()

    def _real_time(self, command: Any) -> None:
        if not isinstance(command, RealTimePulse):
            self._report()
        elif not self._pulsing:
            self._pulse(command.pin, command.on_ms, command.on_ms, "FS" if command.pin == 2 else "EM")

    def _respond(self, effect: Effect) -> None:
        if isinstance(effect, AsbSet):
            self.asb_mask = effect.mask
        elif isinstance(effect, Unknown):
            self.unknown.append(effect)
        elif isinstance(effect, Asked):
            self._asked(effect)

    def _asked(self, effect: Asked) -> None:
        if effect.what == "reset_etb":
            self._etb_counter, self._etb_done = 0, False
            self._asb_said = self._status()
        elif effect.what == "etb":
            self._etb_counter = (self._etb_counter + (_LOST_COUNT if self._faults.wrong_id else 1)) % 32
            self._etb_done = True
            if self.asb_mask:
                self._report()
        elif effect.what == "print_end":
            what, first, second = effect.numbers
            if what == 2:
                self._document_counter = 0
                return
            if what == 1:
                self._document_counter = (self._document_counter + 1) % 256
            if what == 1 and self._faults.wrong_id:
                first ^= 1
            self._outside.answer(bytes((0x1B, 0x1D, 0x03, what, first, second, self._document_counter, 0)))
