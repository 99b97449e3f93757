"""What stands still while HQ is away is said in words, with the number of what waits, and never where nothing does."""

from typing import Any

import pytest
from tests.api.fake_till import facts

from tillkeeper.after.green_rules import judged
from tillkeeper.diagnostics.facts import HqFacts, SinkFacts
from tillkeeper.diagnostics.snapshot import sink_words, status_view

OWN_THERE = "has everything of this register"
OF_OTHERS = "not known to hold 37 events of other registers"


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


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        (SinkFacts(name="HQ", kind="hq", reachable=True, behind=0, heard_s=0.2), "reachable, has everything"),
        (SinkFacts(name="side", kind="register", reachable=True, behind=9, for_s=180.0), "reachable, behind by 9, about 3 min"),
        (SinkFacts(name="side", kind="register", reachable=True, behind=7), "reachable, behind by 7"),
        (
            SinkFacts(name="side", kind="register", reachable=False, behind=7, heard_s=300.0, trouble="it hung up"),
            "silent for 5 min, it hung up, behind by 7",
        ),
        (SinkFacts(name="side", kind="register", reachable=False), "never heard, how much it holds is not known"),
        (SinkFacts(name="last", kind="register", reachable=True, sends=False), "reachable"),
        (
            SinkFacts(name="HQ", kind="hq", reachable=True, behind=7, for_s=1.0, put_off="does not take side's"),
            "reachable, behind by 7, does not take side's",
        ),
        (SinkFacts(name="HQ", kind="hq", reachable=True, behind=37, others=37), f"reachable, {OWN_THERE}, {OF_OTHERS}"),
        (SinkFacts(name="HQ", kind="hq", reachable=True, behind=51, others=37), f"reachable, behind by 14, {OF_OTHERS}"),
        (
            SinkFacts(name="side", kind="register", reachable=False, trouble="not a member", outside="has left the store"),
            "has left the store",
        ),
    ],
)
def test_a_sink_in_words(sink: SinkFacts, words: str) -> None:
    assert sink_words(sink) == words


def test_what_waits_for_hq_is_counted_though_another_register_holds_it() -> None:
    view = status_view(facts(mode="offline", only_here=0, to_hq=9))
    assert view.only_here_words == "only on this register: 0"
    assert "9 events wait on this register to be sent" in view.paused


def test_green_counts_what_waits_and_not_what_others_wrote() -> None:
    hq = SinkFacts(name="HQ", kind="hq", reachable=False, behind=51, others=37)
    assert judged(status_view(facts(mode="offline", to_hq=14, sinks=(hq,)))).to_hq == 14
