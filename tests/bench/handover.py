"""A drive-through with the lane on one register and the window on another: how soon what was ordered at the lane can be paid at
the window, from the lane's answer on. The window asks for the check at once and goes on asking until it has it."""

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.bench.branch import Branch
from tests.bench.client import Client
from tests.bench.world import TYPICAL

LANE, WINDOW, THIRD = "front", "window", "third"
CARS, WARM_UP = 100, 10
AGAIN_S, MOST_S = 0.005, 10.0


def measure(folder: Path) -> list[rows.Row]:
    order = json.dumps(TYPICAL | {"order_type": "drive_through", "tenders": []}).encode()
    with ExitStack() as stack:
        branch = stack.enter_context(Branch(folder, LANE, WINDOW, THIRD))
        lane, window = (stack.enter_context(branch[name].local()) for name in (LANE, WINDOW))
        payable: list[float] = []
        asked: list[float] = []
        for car in range(WARM_UP + CARS):
            _, ended_ns, answer = lane.place(order)
            check_id = json.loads(answer)["check_id"]
            took_ms = _taken(window, check_id)
            if car >= WARM_UP:
                payable.append((time.monotonic_ns() - ended_ns) / 1e6)
                asked.append(took_ms)
            paid = window.post(f"/v1/checks/{check_id}/tenders", json.dumps({"tender": "cash"}).encode())
            assert paid["state"] == "closed", paid
            time.sleep(0.05)
    name = "drive-through check payable at the window of another register, from the lane's answer, p95"
    note = f"p50 {rows.p50(payable):.3g} ms"
    return [
        rows.figure(name, rows.percentile(payable, 95), "ms", 300.0, note),
        rows.figure("of that, the hand-over, p95", rows.percentile(asked, 95), "ms", note=f"p50 {rows.p50(asked):.3g} ms"),
    ]


def _taken(window: Client, check_id: str) -> float:
    """How long the question took that brought it, in ms."""
    till_s = time.monotonic() + MOST_S
    while True:
        began_ns = time.monotonic_ns()
        status, answer = window.ask_post(f"/v1/checks/{check_id}/take", b"{}")
        if status == 200:
            return (time.monotonic_ns() - began_ns) / 1e6
        problem: Any = json.loads(answer)
        assert time.monotonic() < till_s, problem
        time.sleep(AGAIN_S)
