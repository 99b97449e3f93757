"""`tillkeeper mode` and `order --from-paper`: what they send and show."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper.cli import main
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.order import slip_time_ms

Capture = pytest.CaptureFixture[str]
ZONE = "Europe/Berlin"
NOW = datetime(2026, 11, 22, 14, 40, tzinfo=ZoneInfo(ZONE))
BY_HAND: dict[str, Any] = {
    "mode": "manual_offline",
    "dot": {"colour": "red", "words": "Offline by hand (switched by Mia), offline support is on"},
    "words": "switched to offline by Mia",
    "may_switch": True,
    "pending": None,
    "by_hand": "offline",
    "by": "Mia",
    "since_ms": 5,
    "paused": ["Changes published at HQ are not applied"],
}


@pytest.mark.parametrize(
    ("line", "path", "on"),
    [
        ("mode offline on --by Mia", "offline", True),
        ("mode offline off --by Mia", "offline", False),
        ("mode offsite on --by Mia", "offsite", True),
    ],
)
def test_a_switch_is_sent_and_the_mode_shown(tmp_path: Path, capsys: Capture, line: str, path: str, on: bool) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers[f"POST /v1/mode/{path}"] = {"events": 1}
        agent.answers["GET /v1/mode"] = BY_HAND
        assert main([*line.split(), "--socket", str(agent.socket)]) == 0
        (sent,) = [one for one in agent.requests if one.method == "POST"]
        assert (sent.path, sent.body) == (f"/v1/mode/{path}", {"on": on, "by": "Mia"})
        said = capsys.readouterr().out
        assert "[red] Offline by hand (switched by Mia)" in said
        assert "paused: Changes published at HQ are not applied" in said


def test_it_is_shown_without_a_word_and_says_where_it_can_not_be_switched(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/mode"] = BY_HAND | {"mode": "online", "may_switch": False, "pending": "offline"}
        for line in (["mode"], ["mode", "show"]):
            assert main([*line, "--socket", str(agent.socket)]) == 0
            said = capsys.readouterr().out
            assert "offline after this sale" in said
            assert "does not allow it" in said
        assert not [one for one in agent.requests if one.method == "POST"]


@pytest.mark.parametrize("line", ["mode offline", "mode on", "mode show on", "mode online on"])
def test_half_a_switch_is_refused_before_anything_is_sent(tmp_path: Path, line: str) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        try:
            code: Any = main([*line.split(), "--socket", str(agent.socket)])
        except SystemExit as ended:
            code = ended.code
        assert code == 2
        assert not agent.requests


def test_a_slip_goes_out_as_one(tmp_path: Path) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/pages"] = {"timezone": ZONE}
        agent.answers["POST /v1/orders/from-paper"] = {"events": 5, "ticket_code": "B-001", "state": "closed"}
        line = "order --from-paper 17 --at 2026-11-22T14:35 --item burger:2 --cash --another"
        assert main([*line.split(), "--socket", str(agent.socket)]) == 0
        sent = agent.last().body
        assert (sent["slip"], sent["slip_at_ms"], sent["although_known"]) == ("17", 1_795_354_500_000, True)
        assert not sent["print_receipt"]
        assert sent["lines"] == [{"item_id": "burger", "quantity": 2}]
        assert "send" not in sent


@pytest.mark.parametrize("line", ["order --item burger --at 14:35", "order --item burger --receipt", "order --from-paper 1"])
def test_what_belongs_to_a_slip_needs_one(tmp_path: Path, line: str) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert main([*line.split(), "--socket", str(agent.socket)]) == 2
        assert not agent.requests


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("14:35", datetime(2026, 11, 22, 14, 35)),
        ("14:45", datetime(2026, 11, 22, 14, 45)),  # somebody's clock is ahead a little
        ("23:10", datetime(2026, 11, 21, 23, 10)),
        ("2026-11-20T09:05", datetime(2026, 11, 20, 9, 5)),
    ],
)
def test_the_time_on_a_slip_is_one_of_the_last_24_hours(text: str, at: datetime) -> None:
    assert slip_time_ms(text, ZONE, NOW) == at.replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000


@pytest.mark.parametrize("text", ["25:00", "lunch", "14.35", "2026-13-01T10:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        slip_time_ms(text, ZONE, NOW)
