"""Tests of HQ run on SQLite and on PostgreSQL: `world.Hq` starts on the database that the environment names."""

from collections.abc import Callable, Iterator

import pytest
from tests.hq.world import DATABASE
from tests.support import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.running("fsync=off") as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """The URL of an empty database; empty: SQLite, a file in HQ's folder."""
    if request.param == "sqlite":
        return str
    fresh: Callable[[], str] = request.getfixturevalue("server").fresh
    return fresh


@pytest.fixture
def database(new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> str:
    url = new_database()
    monkeypatch.setenv(DATABASE, url)
    return url
