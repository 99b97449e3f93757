"""The last words: what works, what does not, and what is not known yet."""

from typing import Any

from tillkeeper.setup import ending
from tillkeeper.setup.ending import Words

FINE = {"known": True, "reachable": "yes", "trouble": ""}
AWAY = {"known": True, "reachable": "no", "trouble": "does not answer (is it switched on and connected?)"}
SILENT = {"known": False, "reachable": "unknown", "trouble": ""}
READY: dict[str, Any] = {"findings": []}


def status(
    *devices: dict[str, Any], sinks: tuple[dict[str, Any], ...] = (), advisories: tuple[str, ...] = ()
) -> dict[str, Any]:
    advised = [{"code": code, "title": code, "text": f"{code}.", "hint": "A hint."} for code in advisories]
    return {
        "register": "front", "store": "grill", "selling": True, "devices": devices, "sinks": sinks, "advisories": advised,
    }  # fmt: skip


def device(name: str, facts: dict[str, Any], kind: str = "escpos") -> dict[str, Any]:
    return {"device": name, "kind": kind, **facts}


def hq(*, reachable: bool) -> dict[str, Any]:
    return {"name": "HQ", "kind": "hq", "reachable": reachable, "words": "reachable" if reachable else "never heard"}


def test_what_has_said_nothing_is_awaited_and_then_said_to_be_unknown() -> None:
    now = status(device("receipt", FINE), device("bar", SILENT))
    assert ending.awaited(now, early=True) == ["bar"]
    assert ending.awaited(now, early=False) == ["bar"]
    words = ending.of_agent(now, READY)
    assert not words.trouble
    assert words.unknown == ("bar has said nothing yet: `tillkeeper devices list` says what it knows",)
    assert "receipt answers" in words.works


def test_what_does_not_answer_may_do_so_in_a_moment() -> None:
    now = status(device("receipt", AWAY), sinks=(hq(reachable=False),))
    assert ending.awaited(now, early=True) == ["receipt", "HQ"]
    assert ending.awaited(now, early=False) == ["HQ"]
    assert ending.of_agent(now, READY).trouble == (f"receipt: {AWAY['trouble']}", "HQ: never heard")


def test_a_tablet_may_come_any_day() -> None:
    for facts in (AWAY, SILENT):
        now = status(device("screen", facts, "display"))
        assert ending.awaited(now, early=True) == []
        assert ending.of_agent(now, READY).trouble == ("screen: no tablet and no browser shows it yet",)
    assert ending.of_agent(status(device("screen", FINE, "display")), READY).works[-1] == "screen answers"


def test_nothing_is_said_twice() -> None:
    now = status(
        device("bar", AWAY), sinks=(hq(reachable=False),), advisories=("device_trouble", "hq_never_reached", "clock_wrong")
    )
    found = [
        {"code": "only_here", "text": "Only here", "hint": "wait", "stops": True},
        {"code": "no_backup", "text": "No backup", "hint": "name one", "stops": False},
        {"code": "not_selling", "text": "Stores nothing", "hint": "look", "stops": True},
    ]
    assert ending.of_agent(now, {"findings": found}).trouble == (
        f"bar: {AWAY['trouble']}",
        "hq_never_reached. A hint.",
        "clock_wrong. A hint.",
        "Stores nothing: look",
    )


def test_what_there_is_stands_under_its_title() -> None:
    said = ending.summary(Words(works=("a",), unknown=("b",)), Words(works=("c",), after=("d",)))
    assert said == "\nWorks:\n  - a\n  - c\n\nNot known yet:\n  - b\n\nNext:\n  - d"
