"""How long a whole order takes to be durable and answered, over the unix socket and over loopback; and whether a long past
makes it longer. One order at a time, with a pause after each in which its tickets go out."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import rows
from tests.bench.client import Client
from tests.bench.history import journal_with
from tests.bench.world import PRINTERS, TYPICAL, agent, settle, sinks, three_printers

ROUNDS, TURNS = 5, 25
PAST_ROUNDS, PAST_TURNS = 7, 40
PAUSE_S = 0.03
WARM_UP = 20
SMALL, LARGE = 1_000, 1_000_000
FLOOR = "a request that does nothing (health), unix socket, p50"
ORDER = json.dumps(TYPICAL).encode()


def timed_ms(client: Client, body: bytes = ORDER) -> float:
    began_ns, ended_ns = client.order(body)
    time.sleep(PAUSE_S)
    return (ended_ns - began_ns) / 1e6


def measure(folder: Path) -> list[rows.Row]:
    """The typical order with everything that follows from it, the drawer's pulse included."""
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(len(PRINTERS)))
        till = stack.enter_context(agent(folder / "accepting", three_printers(printers.ports, drawer=True)))
        ways = {"unix socket": stack.enter_context(till.local()), "loopback": stack.enter_context(till.loopback())}
        for client in ways.values():
            for _ in range(WARM_UP):
                timed_ms(client)
        rounds: dict[str, list[float]] = {way: [] for way in (*ways, FLOOR)}
        for _ in range(ROUNDS):
            times: dict[str, list[float]] = {way: [] for way in rounds}
            for _ in range(TURNS):
                for way, client in ways.items():
                    times[way].append(timed_ms(client))
                times[FLOOR].append(_health_ms(ways["unix socket"]))
            for way, values in times.items():
                rounds[way].append(rows.p50(values))
    found = [
        rows.figure(f"order accepted and durable, {way}, p50", rows.p50(rounds[way]), "ms", 3.0, rows.spread(rounds[way], "ms"))
        for way in ways
    ]
    return [*found, rows.figure(FLOOR, rows.p50(rounds[FLOOR]), "ms", note=rows.spread(rounds[FLOOR], "ms"))]


def _health_ms(client: Client) -> float:
    began_ns = time.monotonic_ns()
    client.get("/v1/health")
    took_ms = (time.monotonic_ns() - began_ns) / 1e6
    time.sleep(PAUSE_S)
    return took_ms


def measure_past(folder: Path, kept: Path) -> list[rows.Row]:
    """Two agents side by side, one with a million events behind it, asked in turn."""
    pasts = {events: journal_with(events, kept) for events in (SMALL, LARGE)}
    with ExitStack() as stack:
        tills, clients = [], []
        for events, data in pasts.items():
            printers = stack.enter_context(sinks(len(PRINTERS)))
            changes = three_printers(printers.ports, drawer=False)
            till = stack.enter_context(agent(folder / f"past-{events}", changes, data))
            tills.append(till)
            clients.append(stack.enter_context(till.local()))
        for client in clients:
            for _ in range(WARM_UP):
                timed_ms(client)
        ratios, medians = [], []
        for turn in range(PAST_ROUNDS):
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(PAST_TURNS):
                for which in (0, 1) if turn % 2 else (1, 0):
                    times[which].append(timed_ms(clients[which]))
            small, large = map(rows.p50, times)
            ratios.append(large / small)
            medians.append((small, large))
        for till in tills:
            settle(till)
    small, large = (rows.p50([pair[which] for pair in medians]) for which in (0, 1))
    note = f"{large:.3g} ms to {small:.3g} ms; {rows.spread(ratios, 'x')}"
    return [rows.figure("order p50 with 1,000,000 events, to that with 1,000", rows.p50(ratios), "x", 1.1, note)]
