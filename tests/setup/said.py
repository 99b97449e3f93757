"""What tests of setup share: an interview that is answered by a function, and what is known of a made-up machine."""

from collections.abc import Callable
from typing import Any, TypeVar

from tillkeeper.config.load import builtin_menu
from tillkeeper.contract.devices import FoundView
from tillkeeper.sales.catalogue import parse_catalogue
from tillkeeper.setup.answers import EXAMPLE
from tillkeeper.setup.asking import Interview, Question, Wrong
from tillkeeper.setup.known import Known, Menu

T = TypeVar("T")
RECEIPT_PRINTER = FoundView(
    identity="usb:serial=J8XY012345", bus="usb", address="usb:serial=J8XY012345", title="EPSON TM-T88VI", profile="tm-t88vi"
)
GRILL_PRINTER = FoundView(
    identity="mac:00:26:ab:01:02:03", bus="network", address="192.168.1.40:9100", title="TM-m30", profile="tm-m30",
    mac="00:26:ab:01:02:03",
)  # fmt: skip
ADAPTER = FoundView(
    identity="serial:serial=A50285BI", bus="serial", address="serial:serial=A50285BI", title="FTDI FT232R", trouble="held_by",
    detail="brltty speaks to it", hint="remove brltty",
)  # fmt: skip
STRANGE = FoundView(
    identity="usb:port=1-1.4", bus="usb", address="usb:port=1-1.4", title="a printer without a name", vendor="04b8"
)
SCREEN = FoundView(
    identity="mac:00:26:ab:0a:0b:0c", bus="display", address="192.168.1.70:28000", title="Fresh KDS", mac="00:26:ab:0a:0b:0c"
)


def example_menu(typed: str = EXAMPLE) -> Menu:
    if typed.strip() != EXAMPLE:
        raise Wrong(f"there is no file {typed}")
    found = parse_catalogue(builtin_menu().read_bytes(), "menu.toml")
    taxes: dict[str, int] = {}
    for item in found.items.values():
        taxes[item.tax] = taxes.get(item.tax, 0) + 1
    return Menu(EXAMPLE, len(found.items), {key: one.name for key, one in found.categories.items()}, taxes)


def known(**more: Any) -> Known:
    return Known(**({"menu": example_menu, "timezone": "Europe/Berlin", "country": "DE"} | more))


def answered(
    steps: Interview[T], answer: Callable[[Question[Any]], Any], *, most: int = 2_000, said: list[str] | None = None
) -> tuple[T, list[str]]:
    """What comes of it, and the keys that were asked. `answer` gives the checked value. What is to be read goes to `said`."""
    keys: list[str] = []
    read = [] if said is None else said
    try:
        step = next(steps)
        for _ in range(most):
            if isinstance(step, Question):
                keys.append(step.key)
                step = steps.send(answer(step))
            else:
                read.append(step.text)
                step = steps.send(None)
    except StopIteration as done:
        value: T = done.value
        return value, keys
    raise AssertionError(f"it goes on asking: {keys[-20:]}")


def typed(*rows: tuple[str, str]) -> Callable[[Question[Any]], Any]:
    """Answers by the beginning of a question's key, each once, in order; the default for all else."""
    left = list(rows)

    def answer(question: Question[Any]) -> Any:
        at = next((at for at, (key, _text) in enumerate(left) if question.key.startswith(key)), None)
        return question.value(left.pop(at)[1] if at is not None else "")

    return answer
