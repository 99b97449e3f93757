"""A stream of Star commands, interpreted: bytes in, effects out. Pure and incremental, bounded in memory.

An independent reading of Star's manuals, each by the name of the command: it shares no code with the encoder or the status
parser, or it would only confirm their mistakes.
"""

import codecs
import unicodedata
from collections.abc import Callable
from functools import cache

import msgspec

from tillkeeper_drivers.simulator import charset
from tillkeeper_drivers.simulator.effects import AsbSet, Asked, Cut, Effect, Initialised, Picture, Pulse, QrCode
from tillkeeper_drivers.simulator.head import Head
from tillkeeper_drivers.simulator.models import Model
from tillkeeper_drivers.simulator.qr_size import qr_modules
from tillkeeper_drivers.simulator.star.grammar import Splitter, Token
from tillkeeper_drivers.simulator.star.raster import Raster

_SECOND_DEVICE_MS = 200
_DOTS_PER_MM = 8


class StarInterpreter:
    """One printer's understanding of what it is sent.

    Args:
        model: decides what is known and how wide the paper is.
        serial: not asked for by any command that is simulated.
    """

    def __init__(self, model: Model, serial: str = "SIM0000000") -> None:
        self._head = Head(model, serial)
        self._splitter = Splitter()
        self._raster = Raster(self._head)
        self._half_character = b""
        self._pulse_ms = (_SECOND_DEVICE_MS, _SECOND_DEVICE_MS)
        self._tallest = 1
        self._start()

    def _start(self) -> None:
        self._head.reset()
        self._head.mode = "utf8" if self._head.model.utf8 else "single"
        self._qr = QrCode(0, b"", 3, "L", 0)

    def feed(self, data: bytes) -> list[Effect]:
        """Interpret `data`; the same bytes give the same effects however they are split."""
        for token in self._splitter.feed(data):
            self._take(token)
        effects, self._head.out = self._head.out, []
        return effects

    def clear(self) -> None:
        """The buffers are emptied: an unfinished command, row and line are gone, settings stay."""
        self._splitter.clear()
        self._raster = Raster(self._head)
        self._half_character = b""
        self._head.drop_line()

    def flush(self) -> list[Effect]:
        """What a printer still holds, printed: for showing a stream that lacks its end."""
        self._raster.flush()
        if not self._head.at_line_start:
            self._feed_line()
        effects, self._head.out = self._head.out, []
        return effects

    def _take(self, token: Token) -> None:
        if token.kind == "row":
            self._raster.row(token.data)
        elif token.kind == "control":
            self._control(token.data[0])
        elif token.kind == "command":
            self._command(token.data)
        elif self._head.model.language == "star_raster" or self._splitter.raster:
            self._head.unknown(token.data, "no text in this mode")
        else:
            self._text(token.data)

    # --- text ---

    def _text(self, data: bytes) -> None:
        self._tallest = max(self._tallest, self._head.style.height)
        if self._head.mode == "utf8":
            self._utf8(self._half_character + data)
            return
        page = self._head.model.pages[self._head.page]
        self._head.text(codecs.charmap_decode(data, "strict", _characters(page, self._head.country))[0])

    def _utf8(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = max(1, charset.utf8_length(data[at]))
            if at + size > len(data):
                break
            text = data[at : at + size].decode("utf-8", "replace")[:1]
            self._head.text(text, full_width=unicodedata.east_asian_width(text) in "WF")
            at += size
        self._half_character = data[at:]

    def _control(self, byte: int) -> None:
        if byte == 0x17:
            self._finish_line()
            self._head.out.append(Asked("etb"))
        elif byte == 0x07:
            self._head.out.append(Pulse(2, *self._pulse_ms))
        elif byte == 0x1A:
            self._head.out.append(Pulse(5, _SECOND_DEVICE_MS, _SECOND_DEVICE_MS))
        elif byte in (0x0A, 0x0D) and self._head.model.language != "star_raster":
            self._feed_line()
        elif byte == 0x09:
            self._head.tab()
        # FS and EM were done when they arrived; NUL and others mean nothing on a roll.

    def _feed_line(self) -> None:
        """Tall characters take as many lines as they are high (ESC i)."""
        self._head.feed(self._head.spacing * self._tallest)
        self._tallest = 1

    def _finish_line(self) -> None:
        self._raster.flush()
        if not self._head.at_line_start:
            self._feed_line()

    # --- commands ---

    def _command(self, command: bytes) -> None:
        for size in (4, 3, 2):
            handler = _COMMANDS.get(command[:size])
            if handler is not None and not self._other_language(command):
                handler(self, command[size:])
                return
        if command != b"\x1b\x06\x01":
            self._head.unknown(command, "unknown command")

    def _other_language(self, command: bytes) -> bool:
        return self._head.model.language == "star_raster" and command[:2] in _TEXT_ONLY

    def _wrong(self, what: bytes, why: str) -> None:
        self._head.unknown(what, why)

    def set_style(self, **changes: object) -> None:
        self._head.style = msgspec.structs.replace(self._head.style, **changes)

    def initialise(self, _p: bytes) -> None:
        self._finish_line()
        self._start()
        self._head.out.append(Initialised())

    def size(self, p: bytes) -> None:
        """ESC i n1 n2: how many times higher and wider, less one; out of range is ignored."""
        high, wide = (n - 48 if 48 <= n <= 53 else n for n in p)
        if max(high, wide) > 5:
            self._wrong(b"\x1bi" + p, "size out of range")
        else:
            self.set_style(height=high + 1, width=wide + 1)

    def align(self, p: bytes) -> None:
        if not self._head.at_line_start:
            self._wrong(b"\x1b\x1da" + p, "only at the beginning of a line")
        elif p[0] % 48 <= 2:
            self._head.align = p[0] % 48

    def page(self, p: bytes) -> None:
        if p[0] in self._head.model.pages:
            self._head.page = p[0]
        else:
            self._wrong(b"\x1b\x1dt" + p, "no such code page")

    def country(self, p: bytes) -> None:
        if p[0] < charset.COUNTRIES:
            self._head.country = p[0]

    def encoding(self, p: bytes) -> None:
        """ESC GS ) U pL pH 48 n: 0 code pages, 1 UTF-8. `p` starts with pL."""
        if not self._head.model.utf8:
            self._wrong(b"\x1b\x1d)U" + p, "not on this model")
        elif p[2:3] == b"0" and len(p) == 4:
            self._head.mode = "utf8" if p[3] & 1 else "single"

    def spacing(self, p: bytes) -> None:
        """ESC z n: lines of 3 mm or 4 mm."""
        self._head.spacing = _DOTS_PER_MM * (4 if p[0] & 1 else 3)

    def feed_lines(self, p: bytes) -> None:
        """ESC a n: prints what is on the line and feeds n lines in all."""
        if not 1 <= p[0] <= 127:
            self._wrong(b"\x1ba" + p, "1 to 127 lines")
            return
        for _ in range(p[0]):
            self._head.feed(self._head.spacing)

    def cut(self, p: bytes) -> None:
        """ESC d n: 0 full and 1 partial here, 2 full and 3 partial after a feed."""
        if p[0] % 48 > 3:
            self._wrong(b"\x1bd" + p, "no such cut")
            return
        self._finish_line()
        self._head.out.append(Cut(partial=bool(p[0] & 1)))

    def pulse_width(self, p: bytes) -> None:
        if p[0] and p[1]:
            self._pulse_ms = (10 * min(p[0], 127), 10 * min(p[1], 127))

    def automatic(self, p: bytes) -> None:
        self._head.out.append(AsbSet(p[0] & 1))

    def reset_etb(self, _p: bytes) -> None:
        self._head.out.append(Asked("reset_etb"))

    def document(self, p: bytes) -> None:
        """ESC GS ETX s n1 n2: s 0 tells the print end counter, 1 waits for the end and counts it, 2 clears it."""
        if not self._head.model.document_counter or p[0] > 2:
            self._wrong(b"\x1b\x1d\x03" + p, "not simulated on this model")
            return
        self._finish_line()
        self._head.out.append(Asked("print_end", (p[0], p[1], p[2])))

    def qr(self, p: bytes) -> None:
        """ESC GS y; `p` starts with the letter."""
        if not self._head.model.qr:
            self._wrong(b"\x1b\x1dy" + p, "not on this model")
        elif p[:2] == b"S1" and p[2] <= 3:
            self._qr = msgspec.structs.replace(self._qr, level="LMQH"[p[2]])
        elif p[:2] == b"S2" and 1 <= p[2] <= 8:
            self._qr = msgspec.structs.replace(self._qr, module_dots=p[2])
        elif p[:2] == b"D1":
            self._qr = msgspec.structs.replace(self._qr, data=p[5:])
        elif p[:1] == b"P":
            self._print_qr()
        elif p[:2] != b"S0":
            self._wrong(b"\x1b\x1dy" + p, "QR parameter out of range")

    def _print_qr(self) -> None:
        modules = qr_modules(len(self._qr.data), self._qr.level) if self._qr.data else 0
        side = modules * self._qr.module_dots
        if not modules or side > self._head.width:
            self._wrong(b"\x1b\x1dyP", "no data, or wider than the paper")
            return
        self._finish_line()
        self._head.graphics(msgspec.structs.replace(self._qr, modules=modules), side, side)

    def raster_block(self, p: bytes) -> None:
        """ESC GS S m xL xH yL yH n d..: a picture (StarPRNT)."""
        across, rows, data = p[1] + 256 * p[2], p[3] + 256 * p[4], p[6:]
        if across and rows and len(data) == across * rows:
            self._finish_line()
            self._head.graphics(Picture(0, 8 * across, rows, data), 8 * across, rows)

    def raster_mode(self, p: bytes) -> None:
        """ESC * r: `p` starts with the letter. Entering prints what is on the line."""
        if p == b"A":
            self._finish_line()
        self._raster.command(p)

    def execute(self, p: bytes) -> None:
        """ESC FF EOT and ESC FF NUL: the end of a document, of a page."""
        if p == b"\x04":
            self._raster.end_of_document()
        else:
            self._raster.flush()

    def ignore(self, _p: bytes) -> None:
        """Accepted and without effect on paper as drawn here."""




_Handler = Callable[[StarInterpreter, bytes], None]
_COMMANDS: dict[bytes, _Handler] = {
    b"\x1b@": StarInterpreter.initialise,
    b"\x1bE": lambda to, _p: to.set_style(bold=True),
    b"\x1bF": lambda to, _p: to.set_style(bold=False),
    b"\x1b4": lambda to, _p: to.set_style(invert=True),
    b"\x1b5": lambda to, _p: to.set_style(invert=False),
    b"\x1b-": lambda to, p: to.set_style(underline=p[0] & 1),
    b"\x1bi": StarInterpreter.size,
    b"\x1bz": StarInterpreter.spacing,
    b"\x1ba": StarInterpreter.feed_lines,
    b"\x1bd": StarInterpreter.cut,
    b"\x1bR": StarInterpreter.country,
    b"\x1b\x07": StarInterpreter.pulse_width,
    b"\x1b\x0c": StarInterpreter.execute,
    b"\x1b*r": StarInterpreter.raster_mode,
    b"\x1b\x1ea": StarInterpreter.automatic,
    b"\x1b\x1eE": StarInterpreter.reset_etb,
    b"\x1b\x1eF": lambda to, p: to.set_style(font="B" if p[0] & 1 else "A"),
    b"\x1b\x1d\x03": StarInterpreter.document,
    b"\x1b\x1da": StarInterpreter.align,
    b"\x1b\x1dt": StarInterpreter.page,
    b"\x1b\x1d)U": StarInterpreter.encoding,
    b"\x1b\x1dS": StarInterpreter.raster_block,
    b"\x1b\x1dy": StarInterpreter.qr,
    **dict.fromkeys((b"\x1b/", b"\x1b ", b"\x1bM", b"\x1b\x1ed", b"\x1b\x1er", b"\x1b\x1eA", b"\x1b$"), StarInterpreter.ignore),
}
_TEXT_ONLY = frozenset({b"\x1bE", b"\x1bF", b"\x1b4", b"\x1b5", b"\x1b-", b"\x1bi", b"\x1bz", b"\x1ba", b"\x1bR", b"\x1bd"})
"""What Graphic Mode does not have."""


@cache
def _characters(codec: str, country: int) -> str:
    low = "".join(charset.low(n, country) for n in range(0x20, 0x7F))
    return "\0" * 0x20 + low + charset.UNDEFINED + charset.high_half(codec)
