"""One Chromium for all browser tests of a worker, and a whole one for those that look at what the shell has not."""

from collections.abc import Iterator

import pytest
from tests.support.browser import WHOLE, Chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


@pytest.fixture
def whole_chromium() -> Iterator[Chromium]:
    with Chromium(WHOLE) as browser:
        yield browser
