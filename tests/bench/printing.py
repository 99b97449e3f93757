"""From the answer to the first byte of the ticket at a TCP printer; and a CUPS raw queue to the same printer, in turn."""

import json
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench import rows
from tests.bench.cups import CupsMissing, RawQueue
from tests.bench.world import PRINTERS, TYPICAL, Sinks, agent, settle, sinks, three_printers

ROUNDS, TURNS = 5, 20
WARM_UP = 10
PAUSE_S = 0.05
GOAL_MS = 5.0
GRILL = PRINTERS.index("grill")
ORDER = json.dumps(TYPICAL).encode()
TICKET = b"\x1b@" + b"\n".join(b"2 BURGER  MED RARE, BACON, NO ONION, FRIES" for _ in range(20)) + b"\n\x1dVB\x00"
FROM_ANSWER, FROM_REQUEST, CUPS = (
    "order answered -> first byte of its ticket at the printer, p50",
    "order sent -> first byte of its ticket at the printer, p50",
    "CUPS raw queue: job sent -> first byte at the same printer, p50",
)


def first_byte_ns(printers: Sinks) -> int:
    """When the next document began at the grill's printer."""
    while True:
        index, at_ns = printers.documents.get(timeout=20)
        if index == GRILL:
            return at_ns


def measure(folder: Path) -> list[rows.Row]:
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(len(PRINTERS)))
        till = stack.enter_context(agent(folder / "printing", three_printers(printers.ports, drawer=False)))
        client = stack.enter_context(till.local())
        queue: RawQueue | None = None
        why = ""
        try:
            queue = stack.enter_context(RawQueue(folder / "cups", printers.ports[GRILL]))
        except CupsMissing as error:
            why = str(error)

        def turn(times: dict[str, list[float]]) -> None:
            printers.forget()
            sent_ns, answered_ns = client.order(ORDER)
            at_ns = first_byte_ns(printers)
            times[FROM_ANSWER].append((at_ns - answered_ns) / 1e6)
            times[FROM_REQUEST].append((at_ns - sent_ns) / 1e6)
            time.sleep(PAUSE_S)
            if queue is not None:
                printers.forget()
                sent_ns = queue.submit(TICKET)
                times[CUPS].append((first_byte_ns(printers) - sent_ns) / 1e6)
                time.sleep(PAUSE_S)

        for _ in range(WARM_UP):
            turn({FROM_ANSWER: [], FROM_REQUEST: [], CUPS: []})
        rounds: dict[str, list[float]] = {FROM_ANSWER: [], FROM_REQUEST: [], CUPS: []}
        for _ in range(ROUNDS):
            times: dict[str, list[float]] = {FROM_ANSWER: [], FROM_REQUEST: [], CUPS: []}
            for _ in range(TURNS):
                turn(times)
            for name, values in times.items():
                if values:
                    rounds[name].append(rows.p50(values))
        settle(till)
    found = []
    for name, medians in rounds.items():
        goal = GOAL_MS if name == FROM_ANSWER else None
        if medians:
            found.append(rows.figure(name, rows.p50(medians), "ms", goal, rows.spread(medians, "ms")))
        else:
            found.append(rows.missing(name, "ms", goal, why))
    return found
