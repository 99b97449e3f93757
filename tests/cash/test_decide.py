"""Which step may follow on which, and that every refusal is documented and asserted."""

import re
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.cash.world import DRAWER, Till, at_till
from tests.till.world import config_in

from tillkeeper.cash.sessions import MAX_WAITING, STEPS, Drawer, IllegalStep, apply
from tillkeeper.config.model import Terminal
from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import CashMoved, DrawerCounted, DrawerFigures, DrawerSessionClosed, DrawerSessionOpened

ROOT = Path(__file__).resolve().parents[2]
OPENED = DrawerSessionOpened(session_id="S", drawer="d", float_minor=5)
MOVED = CashMoved(movement_id="M", session_id="S", drawer="d", kind="paid_in", amount_minor=1, reason="r")
COUNTED = DrawerCounted(session_id="S", drawer="d", counted_minor={"EUR": 6})
CLOSED = DrawerSessionClosed(
    session_id="S", drawer="d", number=1, figures=DrawerFigures(), counted_minor={}, over_short_minor={}
)  # fmt: skip
REACHED: dict[str, tuple[Event, ...]] = {
    "none": (),
    "open": (OPENED,),
    "counted": (OPENED, COUNTED),
    "closed": (OPENED, COUNTED, CLOSED),
}
ALLOWED = {
    ("none", "DrawerSessionOpened"),
    ("open", "CashMoved"),
    ("open", "DrawerCounted"),
    ("counted", "DrawerCounted"),
    ("counted", "DrawerSessionClosed"),
}


@pytest.mark.parametrize(("state", "event"), list(product(REACHED, (OPENED, MOVED, COUNTED, CLOSED))))
def test_only_what_the_table_allows_can_follow(state: str, event: Event) -> None:
    drawer = Drawer()
    for before in REACHED[state]:
        drawer = apply(drawer, before, 1, {})
    name = type(event).__name__
    if state == "closed" and isinstance(event, DrawerSessionOpened):
        return  # an id comes once: `test_drawers.py` opens the next session
    if (state, name) in ALLOWED:
        apply(drawer, event, 1, {})
        assert state == "none" or (state, type(event)) in STEPS
    else:
        with pytest.raises(IllegalStep):
            apply(drawer, event, 1, {})


def test_a_z_number_that_is_not_the_next_is_no_step() -> None:
    drawer = apply(apply(Drawer(number=4), OPENED, 1, {}), COUNTED, 1, {})
    for number in (1, 4, 6):
        with pytest.raises(IllegalStep):
            apply(drawer, replace(CLOSED, number=number), 1, {})
    assert apply(drawer, replace(CLOSED, number=5), 1, {}) == Drawer(number=5)


def test_counted_sessions_can_not_pile_up(tmp_path: Path) -> None:
    async def scene(till: Till) -> None:
        for _ in range(MAX_WAITING):
            await till.open(0)
            await till.count(USD=0)
        problem = await till.post(f"{DRAWER}/open", {"float_minor": 0}, status=422)
        assert (problem["type"].rpartition(":")[2], problem["max"]) == ("too_many_sessions", MAX_WAITING)
        await till.close()
        await till.open(0)

    at_till(config_in(tmp_path), scene)


def test_where_there_is_no_printer_a_z_is_closed_and_a_report_is_refused(tmp_path: Path) -> None:
    config = replace(config_in(tmp_path), terminals={"yard": Terminal(title="Yard", receipt_printer="")})

    async def scene(till: Till) -> None:
        till.register.client.headers["tillkeeper-terminal"] = "yard"
        assert (await till.drawer())["title"] == "Yard"
        await till.open(0)
        assert (await till.post(f"{DRAWER}/report", status=422))["type"].endswith("no_receipt_printer")
        await till.count(USD=0)
        closed = await till.close()
        assert (closed["jobs"], closed["report"]["session"]["number"]) == ([], 1)

    at_till(config, scene)


def test_every_refusal_is_documented_and_asserted() -> None:
    source = "".join((ROOT / "agent/tillkeeper" / name).read_text() for name in ("cash/decide.py", "till/drawers.py"))
    raised = set(re.findall(r'Refused\(\s*"(\w+)"', source))
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/cash.md").read_text(), re.MULTILINE))
    tests = "".join(path.read_text() for path in (ROOT / "tests/cash").glob("*.py"))
    assert raised == documented
    assert {code for code in raised if f'"{code}"' not in tests} == set()
