"""`simulate day`: nothing lost, nothing doubled, whatever the agent and the replay itself go through."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Store, drop, overloaded

from tillkeeper.cli import main

DAY = Path(__file__).resolve().parents[2] / "hw-fixtures" / "store" / "day.jsonl"


def head(folder: Path, count: int, start: int = 0) -> Path:
    path = folder / "orders.jsonl"
    path.write_bytes(b"".join(DAY.read_bytes().splitlines(keepends=True)[start : start + count]))
    return path


def replay(door: Path, orders: Path, *more: str) -> int:
    return main(["simulate", "day", "--socket", str(door), "--orders", str(orders), "--json", *more])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_whole_day_is_accepted_and_added_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "ids.jsonl"
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert replay(agent.socket, DAY, "--out", str(out)) == 0
        results = [json.loads(result) for result in agent.orders.values()]
    summary = json.loads(capsys.readouterr().out)
    assert summary["orders"] == summary["accepted"] == len(lines(DAY)) == len(results)
    assert summary["total_minor"] == sum(result["totals"]["gross_minor"] for result in results)
    assert summary["refused"] == summary["unanswered"] == 0
    assert 0 < summary["p50_ms"] <= summary["p99_ms"]
    assert {line["check_id"] for line in lines(out)} == {result["check_id"] for result in results}


def test_broken_connections_and_overload_lose_and_double_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = head(tmp_path, 30)
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.faults = [drop, overloaded] * 10
        agent.after = [drop] * 10  # accepted, and the answer is lost
        assert replay(agent.socket, orders) == 0
        assert len(agent.orders) == 30
    summary = json.loads(capsys.readouterr().out)
    assert summary["accepted"] == 30
    assert summary["retries"] == 30
    assert summary["repeated"] == 10


def test_an_agent_that_is_away_at_first_gets_every_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It comes once somebody has asked for it in vain."""
    orders = head(tmp_path, 5)
    agent = FakeAgent(tmp_path / "s", Store(tmp_path))

    def come() -> None:
        door.accept()[0].close()
        agent.socket.unlink()
        agent.__enter__()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(agent.socket))
        door.listen()
        late = threading.Thread(target=come)
        late.start()
        try:
            assert replay(agent.socket, orders) == 0
        finally:
            late.join()
            agent.__exit__(None, None, None)
    assert json.loads(capsys.readouterr().out)["retries"] > 0
    assert len(agent.orders) == 5


def test_an_agent_that_stays_away_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(tmp_path / "nobody", head(tmp_path, 2), "--patience", "0.2") == 3
    assert json.loads(capsys.readouterr().out)["unanswered"] == 2


def test_a_replay_that_was_killed_goes_on_without_doubles(tmp_path: Path) -> None:
    orders, out = head(tmp_path, 60), tmp_path / "ids.jsonl"
    command = [sys.executable, "-m", "tillkeeper", "simulate", "day", "--orders", str(orders), "--out", str(out)]
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:

        def kill(_handler: BaseHTTPRequestHandler) -> bool:
            os.kill(first.pid, signal.SIGKILL)
            return False

        go = threading.Event()

        def wait(_handler: BaseHTTPRequestHandler) -> bool:
            return not go.wait(30)

        agent.faults = [wait] + [lambda _handler: False] * 24 + [kill]
        first = subprocess.Popen([*command, "--socket", str(agent.socket)], stderr=subprocess.DEVNULL)
        go.set()
        assert first.wait(30) == -signal.SIGKILL
        with out.open("ab") as file:
            file.write(b'{"order": "d0')  # torn by the kill
        done = subprocess.run(
            [*command, "--socket", str(agent.socket), "--json"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        assert len(agent.orders) == 60
    summary = json.loads(done.stdout)
    assert summary["before"] > 0
    assert summary["before"] + summary["accepted"] == 60
    assert len({line["order"] for line in lines(out)}) == len(lines(out)) == 60
    assert summary["total_minor"] == sum(json.loads(result)["totals"]["gross_minor"] for result in agent.orders.values())


def test_refused_orders_and_wrong_sums_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unknown, wrong = (json.loads(line) for line in DAY.read_bytes().splitlines()[:2])
    unknown["place"]["lines"] = [{"item_id": "no-such-item"}]
    orders = tmp_path / "orders.jsonl"
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        orders.write_text(json.dumps(unknown) + "\n")
        assert replay(agent.socket, orders) == 1
        assert "no-such-item" in json.loads(capsys.readouterr().out)["reasons"][0]
        wrong["subtotal_minor"] += 1
        orders.write_text(json.dumps(wrong) + "\n")
        assert replay(agent.socket, orders) == 5
        assert wrong["order"] in json.loads(capsys.readouterr().out)["differs"][0]


def test_orders_without_a_tender_can_be_paid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = json.loads(DAY.read_bytes().splitlines()[0])
    del order["place"]["tenders"]
    orders = tmp_path / "orders.jsonl"
    orders.write_text(json.dumps(order) + "\n")
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert replay(agent.socket, orders, "--key-prefix", "a-") == 0
        assert replay(agent.socket, orders, "--key-prefix", "b-", "--pay", "cash") == 0
        states = {key[0]: json.loads(result)["state"] for key, result in agent.orders.items()}
    assert states == {"a": "open", "b": "closed"}


def test_speed_keeps_the_distance_between_orders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (json.loads(line) for line in DAY.read_bytes().splitlines()[:2])
    first["at_s"], second["at_s"] = 1000, 1030
    orders = tmp_path / "orders.jsonl"
    orders.write_text(json.dumps(second) + "\n" + json.dumps(first) + "\n")
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert replay(agent.socket, orders, "--speed", "100") == 0
        assert [request.key for request in agent.requests] == [f"day-{first['order']}", f"day-{second['order']}"]
    assert json.loads(capsys.readouterr().out)["seconds"] >= 0.3


@pytest.mark.parametrize("text", ["{}\n", "not json\n", '{"order": "1", "at_s": -1, "place": {}}\n'])
def test_a_file_of_no_orders_is_exit_code_2(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = tmp_path / "orders.jsonl"
    orders.write_text(DAY.read_text().splitlines()[0] + "\n" + text)
    assert replay(tmp_path / "s", orders) == 2
    assert f"{orders}:2:" in capsys.readouterr().err
