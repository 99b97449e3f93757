"""From the start of the process to the first order that it answers, with a short past and with a long one, in turn."""

import compileall
import json
from contextlib import ExitStack
from pathlib import Path

from tests.bench import rows
from tests.bench.accepting import LARGE, SMALL
from tests.bench.history import journal_with
from tests.bench.world import PRINTERS, ROOT, TYPICAL, Agent, settle, sinks, three_printers

ROUNDS = 11
ORDER = json.dumps(TYPICAL).encode()


def measure(folder: Path, kept: Path) -> list[rows.Row]:
    """Files are in the page cache (the first start of each is thrown away); .pyc files are compiled, as in a package."""
    for source in ("agent", "drivers"):
        assert compileall.compile_dir(ROOT / source, quiet=2)
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(len(PRINTERS)))
        changes = three_printers(printers.ports, drawer=False)
        tills = {events: Agent(folder / f"start-{events}", changes, journal_with(events, kept)) for events in (SMALL, LARGE)}
        ready: dict[int, list[float]] = {events: [] for events in tills}
        sold: dict[int, list[float]] = {events: [] for events in tills}
        for round_ in range(ROUNDS + 1):
            for events, till in tills.items():
                times = _once(till)
                if round_:
                    ready[events].append(times[0])
                    sold[events].append(times[1])
    found = []
    for events, goal in ((SMALL, 0.5), (LARGE, 0.6)):
        behind = f"with {events:,} events"
        note = f"{rows.spread(sold[events], 's')}; ready file after {rows.p50(ready[events]):.3g} s"
        found.append(rows.figure(f"start -> first order answered, {behind}, p50", rows.p50(sold[events]), "s", goal, note))
    return found


def _once(till: Agent) -> tuple[float, float]:
    """Seconds until the ready file stands and until the first order was answered."""
    try:
        began_ns = till.launch()
        ready_ns = till.wait_ready()
        with till.local() as client:
            _, answered_ns = client.order(ORDER)
        settle(till)
    finally:
        till.stop()
    return (ready_ns - began_ns) / 1e9, (answered_ns - began_ns) / 1e9
