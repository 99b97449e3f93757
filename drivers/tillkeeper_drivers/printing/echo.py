"""Tells a line that sends back what it gets (a loop, a modem, an echo service) from a printer that answers. Pure."""

_TAIL = 4096
"""Of what was sent, so much is remembered."""
_FIRST = 3
"""The whole of the first question, `DLE EOT n`; a printer answers it with other bytes."""
_RUN = 12
"""So many bytes in a row that were sent before are no answer: the longest part of a document that a printer says again is the
four bytes of its id."""


class EchoGuard:
    """Compares what is heard with what was sent, over one connection."""

    def __init__(self) -> None:
        self.echoes = False
        """Once it does, nothing that comes over this connection is an answer."""
        self._sent = bytearray()
        self._first = b""
        self._looks_like_it = True
        self._heard = bytearray()

    def sent(self, data: bytes) -> None:
        """To be called before `data` leaves."""
        if len(self._first) < _FIRST:
            self._first = (self._first + data)[:_FIRST]
        self._sent += data[-_TAIL:]
        del self._sent[:-_TAIL]

    def heard(self, data: bytes) -> bool:
        """Whether it is an echo, as far as is known by now."""
        if self.echoes:
            return True
        for byte in data[:_FIRST] if self._looks_like_it else b"":
            at = len(self._heard)
            if self._first[at : at + 1] != bytes([byte]):
                self._looks_like_it = False
                self._heard.clear()
                break
            self._heard.append(byte)
            if at + 1 == _FIRST:
                self.echoes = True
                break
        if not self._looks_like_it:
            self._heard += data
            starts = range(0, len(self._heard) - _RUN + 1, _RUN // 2)
            self.echoes = any(self._sent.find(self._heard[at : at + _RUN]) >= 0 for at in starts)
            del self._heard[: -(_RUN - 1)]
        return self.echoes
