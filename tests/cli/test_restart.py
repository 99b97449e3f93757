"""Who waits for a restart knows the next agent from the one that was asked."""

import time
from typing import Any, cast

from tillkeeper.cli.exits import Unreachable
from tillkeeper.cli.restart import between_sales

AGE_S = 0.1
"""Of the agent that is asked: it has only just begun."""


class Agent:
    """`ends`: when it is asked; the next one begins at once, and is not reached for two looks."""

    def __init__(self, *, ends: bool) -> None:
        self._ends, self._began_s, self._away = ends, time.monotonic() - AGE_S, 0

    def get(self, path: str) -> dict[str, Any]:
        if self._away:
            self._away -= 1
            raise Unreachable("till.sock", "it is being started")
        return {"uptime_s": time.monotonic() - self._began_s} if path == "/v1/status" else {"reasons": ["a sale"]}

    def post(self, _path: str, _body: dict[str, str]) -> dict[str, Any]:
        if self._ends:
            self._began_s, self._away = time.monotonic(), 2
        return {"reasons": []}


def test_the_next_one_is_known_also_where_it_has_run_for_longer_than_the_one_before_had() -> None:
    assert between_sales(cast(Any, Agent(ends=True)), "ana", 5.0) is None


def test_the_same_one_is_never_taken_for_the_next() -> None:
    assert between_sales(cast(Any, Agent(ends=False)), "ana", 0.6) == {"reasons": ["a sale"]}
