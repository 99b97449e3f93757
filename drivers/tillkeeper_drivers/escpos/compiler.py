"""The one place that imports python-escpos: its `Dummy` compiles calls to bytes, we own all I/O.

Importing it has side effects that a register does not want: it parses 96 KB of capabilities as YAML unless a pickle of
them is at hand, makes a temporary directory that it never removes, and calls `logging.basicConfig`. `warm` avoids the
three: a capabilities file of a few lines (python-escpos's own profiles are not used), the directory removed, and the
root logger left as it was.
"""

import logging
import os
import shutil
import threading
from importlib import resources
from typing import Protocol

_FILE = "ESCPOS_CAPABILITIES_FILE"
_PICKLES = "ESCPOS_CAPABILITIES_PICKLE_DIR"
_lock = threading.Lock()
_compiler: type["Compiler"] | None = None


class Compiler(Protocol):
    """What is used of `escpos.printer.Dummy`."""

    @property
    def output(self) -> bytes: ...

    def _raw(self, msg: bytes) -> None: ...

    def set(
        self,
        *,
        align: str | None = None,
        bold: bool | None = None,
        invert: bool | None = None,
        custom_size: bool | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> None: ...

    def hw(self, hw: str) -> None: ...

    def print_and_feed(self, n: int = 1) -> None: ...

    def cut(self, mode: str = "FULL", feed: bool = True) -> None: ...

    def qr(self, content: str, *, ec: int, size: int, native: bool) -> None: ...


def warm() -> None:
    """Import python-escpos now (about 0.09 s and 14 MB once). Idempotent; call it in a thread to keep the loop free."""
    global _compiler
    with _lock:
        if _compiler is None:
            _compiler = _load()


def is_warm() -> bool:
    """Whether `compiler()` answers at once."""
    return _compiler is not None


def compiler() -> Compiler:
    """A fresh byte compiler."""
    warm()
    if _compiler is None:
        raise RuntimeError("python-escpos did not load")
    return _compiler()


def _load() -> type[Compiler]:
    saved = {name: os.environ.get(name) for name in (_FILE, _PICKLES)}
    placeholder = logging.NullHandler()
    root = logging.getLogger()
    shipped = resources.files("tillkeeper_drivers.escpos").joinpath("capabilities.json")
    # basicConfig does nothing where the root logger has a handler.
    root.addHandler(placeholder)
    try:
        with resources.as_file(shipped) as path:
            os.environ[_FILE] = str(path)
            # Unset, so that the directory it makes is the one it tells us about below.
            os.environ.pop(_PICKLES, None)
            from escpos import capabilities
            from escpos.printer import Dummy
    finally:
        root.removeHandler(placeholder)
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    if saved[_PICKLES] is None or capabilities.pickle_dir != saved[_PICKLES]:
        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    loaded: type[Compiler] = Dummy
    return loaded
