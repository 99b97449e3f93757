"""An ESC/POS byte stream, interpreted: bytes in, effects out. Pure and incremental, bounded in memory.

Written apart from the encoder and the status parser and without their code, or it would only confirm their mistakes. What both
take for granted of ESC/POS (docs/printing-text.md says what was read) it can not find out. Real-time commands are found
elsewhere (`realtime`), when bytes arrive; here, where the buffer is worked off, they are skipped.
"""

import codecs
import re
import unicodedata
from functools import cache

from tillkeeper_drivers.simulator import charset, grammar
from tillkeeper_drivers.simulator.device_commands import DEVICE_COMMANDS
from tillkeeper_drivers.simulator.effects import Effect
from tillkeeper_drivers.simulator.graphics import Incoming
from tillkeeper_drivers.simulator.head import Head
from tillkeeper_drivers.simulator.models import Model
from tillkeeper_drivers.simulator.realtime import top_level_length
from tillkeeper_drivers.simulator.text_commands import TEXT_COMMANDS

_COMMANDS = TEXT_COMMANDS | DEVICE_COMMANDS
_PREFIXES = (grammar.ESC, grammar.FS, grammar.GS)
_SINGLE_BYTE_RUN = re.compile(rb"[\x20-\xff]+")
_ASCII_RUN = re.compile(rb"[\x20-\x7f]+")


class Interpreter:
    """One printer's understanding of what it is sent.

    Args:
        model: decides what is known and how wide the paper is.
        serial: what `GS I 68` answers.
    """

    def __init__(self, model: Model, serial: str = "SIM0000000") -> None:
        self._head = Head(model, serial)
        self._pending = bytearray()
        self._image: Incoming | None = None

    def feed(self, data: bytes) -> list[Effect]:
        """Interpret `data`; the same bytes give the same effects however they are split."""
        self._pending += data
        while self._pending and self._step():
            pass
        effects, self._head.out = self._head.out, []
        return effects

    def clear(self) -> None:
        """The buffers are emptied (`DLE ENQ 2`): an unfinished command, image and line are gone, settings stay."""
        self._pending.clear()
        self._image = None
        self._head.drop_line()

    def flush(self) -> list[Effect]:
        """What a printer still holds in its line buffer, printed: for showing a stream that lacks its last line feed."""
        if not self._head.at_line_start:
            self._head.feed(self._head.spacing)
        effects, self._head.out = self._head.out, []
        return effects

    def _step(self) -> bool:
        """Take one unit off the pending bytes; False where more bytes are needed."""
        if self._image is not None:
            return self._continue_image(self._image)
        first = self._pending[0]
        if first in _PREFIXES:
            return self._command()
        if first == grammar.DLE:
            size = top_level_length(self._pending)
            if size is None or size > len(self._pending):
                return False
            del self._pending[:size]
            return True
        if first < 0x20:
            self._control(first)
            del self._pending[:1]
            return True
        return self._text()

    def _command(self) -> bool:
        size = grammar.length(self._pending[: grammar.MAX_COMMAND])
        if size is None or size > grammar.MAX_COMMAND:
            if len(self._pending) < grammar.MAX_COMMAND:
                return False
            self._head.unknown(self._pending, "longer than any command")
            del self._pending[: grammar.MAX_COMMAND]
            return True
        if size > len(self._pending):
            return False
        command = bytes(self._pending[:size])
        del self._pending[:size]
        image = grammar.graphics_length(command)
        if image is not None:
            self._image = Incoming(command, image[1])
            return self._continue_image(self._image)
        handler = _COMMANDS.get(command[:2])
        if handler is None:
            self._head.unknown(command, "unknown command")
        else:
            handler(self._head, command[2:])
        return True

    def _continue_image(self, image: Incoming) -> bool:
        with memoryview(self._pending) as view:
            used = image.take(view)
        del self._pending[:used]
        if image.left:
            return False
        self._image = None
        image.finish(self._head)
        return True

    def _control(self, byte: int) -> None:
        if byte == 0x0A:
            self._head.feed(self._head.spacing)
        elif byte == 0x09:
            self._head.tab()
        # CR does nothing with automatic line feed off, its state on network printers; others mean nothing on a roll.

    def _text(self) -> bool:
        head = self._head
        seven_bits = head.mode == "double" and head.model.double_byte == "jis"
        run = None if seven_bits else (_SINGLE_BYTE_RUN if head.mode == "single" else _ASCII_RUN).match(self._pending)
        if run is None:
            return self._double() if head.mode == "double" else self._utf8()
        head.text(codecs.charmap_decode(run.group(), "strict", self._table())[0])
        del self._pending[: run.end()]
        return True

    def _table(self) -> str:
        """256 characters, of the selected page and country."""
        return _byte_table(self._head.model.pages[self._head.page], self._head.country)

    def _double(self) -> bool:
        lead, code = self._pending[0], self._head.model.double_byte
        if lead in (0x80, 0xFF) or (code == "jis" and not 0x21 <= lead <= 0x7E):
            self._head.text(charset.UNDEFINED)
            del self._pending[:1]
            return True
        if len(self._pending) < 2:
            return False
        trail = self._pending[1]
        paired = (0x21 if code == "jis" else 0x40) <= trail <= 0xFE and trail != 0x7F
        self._head.text(charset.double(code, lead, trail) if paired else charset.UNDEFINED, full_width=paired)
        del self._pending[: 2 if paired else 1]
        return True

    def _utf8(self) -> bool:
        size = charset.utf8_length(self._pending[0])
        broken = next((n for n in range(1, min(size, len(self._pending))) if not 0x80 <= self._pending[n] <= 0xBF), None)
        if broken is None and size > len(self._pending):
            return False
        taken = broken if broken is not None else max(1, size)
        text = bytes(self._pending[:taken]).decode("utf-8", "replace")[:1]
        full = unicodedata.east_asian_width(text) in "WF"
        if full and not charset.in_font(text, self._head.model.wide_fonts):
            text = charset.UNDEFINED
        self._head.text(text, full_width=full)
        del self._pending[:taken]
        return True


@cache
def _byte_table(codec: str, country: int) -> str:
    low = "".join(charset.low(n, country) for n in range(0x20, 0x7F))
    return "\0" * 0x20 + low + charset.UNDEFINED + charset.high_half(codec)
