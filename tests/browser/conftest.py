"""One Chromium for all browser tests of a worker."""

from collections.abc import Iterator

import pytest
from tests.support.browser import Chromium


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser
