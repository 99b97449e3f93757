"""How all tests are dealt out to workers, and how what they start is started."""

import pytest
from tests.support import process
from tests.support.lanes import Lanes


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Lanes | None:
    return Lanes(config) if config.getoption("dist") == "loadfile" else None


def pytest_configure() -> None:
    process.is_warm = True
