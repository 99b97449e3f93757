"""A printer whose address is typed is asked for its model; where it says nothing a person chooses among the known ones."""

import asyncio
from typing import Any

import pytest
from tests.setup.said import GRILL_PRINTER, STRANGE, answered, known, typed
from tests.setup.test_interview import NAMED, RATES
from tests.support.ports import free_port

from tillkeeper.setup import checks, machine
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Wrong
from tillkeeper.setup.interview import interview
from tillkeeper_drivers.simulator.printer import VirtualPrinter

TYPED = ("printers", "192.168.1.50")


def set_up(*rows: tuple[str, str], **more: Any) -> tuple[Answers, str]:
    """The answers, and what was to be read."""
    said: list[str] = []
    steps = interview(known(models=machine.models(), **more), Answers())
    (answers, _menu, _secrets), _keys = answered(steps, typed(NAMED, *RATES, ("people.pin", "271828"), *rows), said=said)
    return answers, "\n".join(said)


def test_one_that_answers_has_its_own_model() -> None:
    asked: list[str] = []

    def identify(address: str) -> str:
        asked.append(address)
        return "tm-t20iii"

    answers, said = set_up(TYPED, identify=identify)
    assert asked == ["192.168.1.50:9100"]
    assert answers.printers["receipt"].model == "tm-t20iii"
    assert "It says that it is: Epson TM-T20III." in said
    assert "tm-m30" not in said


def test_one_that_does_not_answer_is_chosen_from_a_list() -> None:
    answers, said = set_up(TYPED, ("printers.192.168.1.50:9100.model", "tsp100"))
    assert answers.printers["receipt"].model == "tsp100"
    assert "tsp100          Star TSP100 (futurePRNT)" in said
    assert "generic-80      80 mm thermal printer" in said
    assert "kds-text" in said


def test_the_list_can_be_had_for_each() -> None:
    key = "printers.192.168.1.40:9100.model"
    answers, said = set_up(("printers", "1"), (key, "?"), (key, "tm-m30-ja"), found=lambda: (GRILL_PRINTER,))
    assert answers.printers["receipt"].model == "tm-m30-ja"
    assert said.count("Models:") == 1


def test_nobody_is_asked_over_usb() -> None:
    asked: list[str] = []
    answers, said = set_up(("printers", "1"), found=lambda: (STRANGE,), identify=lambda one: asked.append(one) or "")
    assert not asked
    assert "It is not known which model this is. There are:" in said
    assert answers.printers["receipt"].model == "generic-80"


def test_a_model_that_is_none_is_not_answered_with_all_of_them() -> None:
    with pytest.raises(Wrong, match=r"^this model is not known; did you mean tm-m30\?$"):
        checks.model("tm-m31")
    with pytest.raises(Wrong, match=r"^this model is not known, \? lists those that are$"):
        checks.model("Zebra")


@pytest.mark.parametrize(("model", "told"), [("tm-t20iii", "tm-t20iii"), ("generic-80", "")])
def test_a_printer_is_asked_who_it_is(model: str, told: str) -> None:
    async def scene() -> str:
        async with VirtualPrinter(model, speed_mm_s=0) as printer:
            found = await asyncio.to_thread(machine.identified, f"127.0.0.1:{printer.port}")
            assert not [slip for slip in printer.printed if slip.text.strip()]
            return found

    assert asyncio.run(scene()) == told


def test_where_nobody_answers_nothing_is_known() -> None:
    assert machine.identified(f"127.0.0.1:{free_port()}") == ""
