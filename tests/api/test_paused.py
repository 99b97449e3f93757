"""What stands still while HQ is away is said in words, with the number of what waits, and never where nothing does."""

from typing import Any

import pytest
from tests.api.fake_till import facts

from tillkeeper.diagnostics.facts import HqFacts
from tillkeeper.diagnostics.snapshot import status_view


@pytest.mark.parametrize("mode", ["offline", "manual_offline", "checking"])
@pytest.mark.parametrize(("count", "words"), [(0, "No events wait"), (1, "1 event waits"), (12, "12 events wait")])
def test_away(mode: Any, count: int, words: str) -> None:
    reports, published, waiting = status_view(facts(mode=mode, only_here=count)).paused
    assert "Reports" in reports
    assert "published" in published
    assert waiting.startswith(words)


@pytest.mark.parametrize("changes", [{"mode": "online"}, {"mode": "offline", "hq": HqFacts(configured=False)}])
def test_nothing_is_paused_where_hq_answers_or_none_is_expected(changes: dict[str, Any]) -> None:
    assert status_view(facts(only_here=5, **changes)).paused == ()
