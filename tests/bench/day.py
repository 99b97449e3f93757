"""What a page that is open costs the agent: the processor time of the store's own day, rung and printed, with one live reader
and with none. Three printers that cost nothing; no drawer, whose rests would only be waited for."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench import rows
from tests.bench.world import PRINTERS, Agent, agent, orders, sinks, three_printers
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import unix_connect

ROUNDS, ORDERS = 5, 150
WARM_UP = 20
GOAL_X = 1.6
LOOK_S, SETTLED_S = 0.1, 60.0
SEED = 5


class Page:
    """A live reader that takes everything."""

    def __init__(self, till: Agent) -> None:
        self.messages = 0
        self._socket = unix_connect(str(till.socket), uri="ws://till/v1/live", max_size=None)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for _ in self._socket:
                self.messages += 1

    def close(self) -> None:
        self._socket.close()
        self._thread.join()


@contextlib.contextmanager
def page(till: Agent) -> Iterator[Page]:
    made = Page(till)
    try:
        yield made
    finally:
        made.close()


def measure(folder: Path) -> list[rows.Row]:
    """One agent; the page is opened and closed in turn."""
    drawn = orders(SEED)
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(len(PRINTERS)))
        changes = three_printers(printers.ports, drawer=False)
        changes["registers"] = {"front": {"drawer": None}}
        till = stack.enter_context(agent(folder / "day", changes))
        _some(till, [json.dumps(next(drawn)).encode() for _ in range(WARM_UP)])
        ratios, seconds, messages = [], [], 0
        for round_ in range(ROUNDS):
            day = [json.dumps(next(drawn)).encode() for _ in range(ORDERS)]
            took = {}
            for watched in (False, True) if round_ % 2 else (True, False):
                with page(till) if watched else contextlib.nullcontext() as reader:
                    took[watched] = _some(till, day)
                    messages += reader.messages if reader is not None else 0
            ratios.append(took[True] / took[False])
            seconds.append((took[False], took[True]))
    without, watched_s = (rows.p50([pair[which] for pair in seconds]) for which in (0, 1))
    note = f"{watched_s * 1000 / ORDERS:.3g} ms to {without * 1000 / ORDERS:.3g} ms an order, its printing included; "
    note += f"{messages / ROUNDS / ORDERS:.3g} messages an order; {rows.spread(ratios, 'x')}"
    return [
        rows.figure("agent's processor time for an order, with a page open, to without", rows.p50(ratios), "x", GOAL_X, note)
    ]


def _some(till: Agent, day: list[bytes]) -> float:
    """Seconds of processor time from the first order until the last document was confirmed."""
    began = till.cpu_s()
    with till.local() as client:
        for body in day:
            client.order(body)
        end = time.monotonic() + SETTLED_S
        while any(device["queued"] for device in client.get("/v1/devices")["devices"]):
            assert time.monotonic() < end, "jobs are left"
            time.sleep(LOOK_S)
    return till.cpu_s() - began
