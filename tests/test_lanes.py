"""Which worker plays what: `tests/support/lanes.py`."""

import re
from pathlib import Path

import pytest
from tests.support.lanes import LONG, WAITING, WORKING, next_unit, unit

HERE = Path(__file__).resolve().parent
API, LAB, DRIVERS = "tests/api/test_live.py", "tests/lab/test_twins.py", "tests/drivers/test_star_line.py"
LONGEST = f"tests/{LONG[0]}"


def test_what_is_named_is_there_once() -> None:
    assert [name for name in LONG if not (HERE / name).exists()] == []
    assert [name for name in WAITING if not (HERE / name).is_dir()] == []
    assert len(set(LONG)) == len(LONG)


@pytest.mark.parametrize("name", LONG)
def test_tests_that_are_dealt_out_alone_share_nothing_of_their_file(name: str) -> None:
    assert not re.search(r"scope=.(module|class)", (HERE / name).read_text("utf-8"))


def test_a_file_is_dealt_out_whole_and_a_long_one_test_by_test() -> None:
    assert unit(f"{API}::test_a[x::y]") == API
    assert unit(f"{LONGEST}::test_a[x::y]") == f"{LONGEST}::test_a[x::y]"


def test_those_that_wait_have_workers_of_their_own_while_there_are_any() -> None:
    assert next_unit([API, LAB, DRIVERS], WORKING - 1) == API
    assert next_unit([API, LAB, DRIVERS], WORKING) == LAB
    assert next_unit([LAB, DRIVERS], 0) == LAB
    assert next_unit([API], WORKING) == API
    with pytest.raises(ValueError, match="empty"):
        next_unit([], 0)


def test_the_long_ones_are_first() -> None:
    working = [name for name in LONG if name.split("/")[0] not in WAITING]
    left = [API, LAB, *(f"tests/{name}::test_a" for name in reversed(working))]
    assert next_unit(left, 0) == f"tests/{working[0]}::test_a"
