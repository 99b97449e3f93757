"""Which command language a model understands, and who interprets it."""

from typing import Any, Protocol

from tillkeeper_drivers.simulator.effects import Effect
from tillkeeper_drivers.simulator.models import Model


class Understands(Protocol):
    """An interpreter: bytes in, effects out."""

    def feed(self, data: bytes) -> list[Effect]: ...

    def flush(self) -> list[Effect]: ...

    def clear(self) -> None: ...


class Listens(Protocol):
    """A scanner for real-time commands: each that ends within `data`, with how many bytes there are up to its end."""

    def feed(self, data: bytes) -> list[tuple[int, Any]]: ...


def interpreter(model: Model, serial: str = "SIM0000000") -> Understands:
    """A fresh one for `model`."""
    if model.language == "escpos":
        from tillkeeper_drivers.simulator.interpreter import Interpreter

        return Interpreter(model, serial)
    from tillkeeper_drivers.simulator.star.interpreter import StarInterpreter

    return StarInterpreter(model, serial)
