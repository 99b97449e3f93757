"""Registers that were apart catch up: how long it takes, whether a sale feels it, and what a second copy costs.

Real agents, HQ on SQLite and the cables between them, all on this machine: where each would have a processor of its own, here
they share two.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path

from tests.bench import rows
from tests.bench.accepting import ORDER, PAUSE_S, timed_ms
from tests.bench.branch import Branch
from tests.bench.client import Client
from tests.bench.history import days_of, journal_with

from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import HELD_FILE

FRONT, SIDE, BACK = "front", "side", "back"
EVENTS, CONVERGE_S, CONVERGE_ROUNDS = 10_000, 10.0, 3
DAYS, ORDERS_A_DAY, MONTH_S = 30, 1_000, 180.0
FELT, FELT_ROUNDS, PHASE_S = 2.0, 5, 8.0
WARM_UP_S = 3.0
UNDER_WAY_S = 0.5
"""For what is under way when a cable is cut."""
DEADLINE_S = 600.0
COPY_ROUNDS, COPY_TURNS = 5, 50
_FRONTS_LOG = f"(SELECT max(log_no) FROM logs WHERE register = '{FRONT}')"
_CLOSED = f"""SELECT count(*) FROM (SELECT * FROM events WHERE id >> 40 = {_FRONTS_LOG} ORDER BY id DESC LIMIT 100)
    WHERE type = 'check_closed' AND instr(body, ?)"""


@contextmanager
def _alone(folder: Path, past: Path, *names: str) -> Iterator[Branch]:
    """The first register has this past and was alone with it; everybody runs, its cables are cut."""
    data = folder / "data"
    shutil.copytree(past, data)
    with Branch(folder / "branch", *names, data={names[0]: data}, alone=names[0]) as branch:
        yield branch
    shutil.rmtree(folder)


def _caught_up(branch: Branch, others: tuple[str, ...]) -> float:
    """Seconds from the moment that the cables are whole until HQ and the others hold all, as they themselves say."""
    began_s = time.monotonic()
    branch.mend(FRONT)
    took_s = branch.wait_equal(FRONT, DEADLINE_S) - began_s
    # HQ's check numbers are events too: they may have come between the answer to the last question and this one.
    branch.wait(FRONT, lambda _: _is_held(branch, others), DEADLINE_S)
    return took_s


def _is_held(branch: Branch, others: tuple[str, ...]) -> bool:
    written = branch.own_seq(FRONT)
    return branch.held_by_hq(FRONT) == written and all(branch.held(other, FRONT) == written for other in others)


def measure_converging(folder: Path, kept: Path) -> list[rows.Row]:
    """10,000 events, to HQ and two registers."""
    past = journal_with(EVENTS, kept)
    took, written = [], 0
    for turn in range(CONVERGE_ROUNDS):
        with _alone(folder / f"converging-{turn}", past, FRONT, SIDE, BACK) as branch:
            took.append(_caught_up(branch, (SIDE, BACK)))
            written = branch.own_seq(FRONT)
    note = f"{written:,} events in the end, at HQ and two registers; {rows.spread(took, 's')}"
    return [rows.figure("10,000 events: the link is whole -> all have them", rows.p50(took), "s", CONVERGE_S, note)]


def measure_month(folder: Path, kept: Path) -> list[rows.Row]:
    """A register that was alone for 30 days. HQ and one other register get all of it."""
    past = days_of(DAYS, ORDERS_A_DAY, kept)
    with _alone(folder / "month", past, FRONT, SIDE) as branch:
        before, cpu_s = branch.own_seq(FRONT), {name: branch[name].cpu_s() for name in (FRONT, SIDE)}
        took_s = _caught_up(branch, (SIDE,))
        used = {name: branch[name].cpu_s() - began_s for name, began_s in cpu_s.items()}
        peers, hq = (one / 2**20 for one in branch.carried())
        sales, written = branch.sales_at_hq(), branch.own_seq(FRONT)
        rss = ", ".join(f"{branch[name].rss_mib():.0f}" for name in (FRONT, SIDE))
    note = (
        f"{before:,} events, {written:,} with their check numbers; {written / took_s:,.0f} events/s to each; {sales:,} sales "
    )
    note += f"in HQ's books; {peers:.0f} MiB to the register, {hq:.0f} MiB to HQ; sender and receiver: processor "
    note += f"{used[FRONT]:.0f} and {used[SIDE]:.0f} s, memory {rss} MiB"
    row = rows.figure("30 days of 1,000 orders: the link is whole -> HQ and a register have them", took_s, "s", MONTH_S, note)
    whole = sales == DAYS * ORDERS_A_DAY
    return [rows.Row(row.name, row.value, row.unit, row.goal, bool(row.holds) and whole, note)]


def measure_felt(folder: Path, kept: Path) -> list[rows.Row]:
    """Orders at that register, alone and while it catches up, in turn: its cables are cut and mended again."""
    past = days_of(DAYS, ORDERS_A_DAY, kept)
    idle, busy = [], []
    with _alone(folder / "felt", past, FRONT, SIDE) as branch, branch[FRONT].local() as client:
        _ring(client, WARM_UP_S)
        for _ in range(FELT_ROUNDS):
            alone = _ring(client, PHASE_S)
            branch.mend(FRONT)
            branch.wait(FRONT, lambda found: None not in found.values(), DEADLINE_S)
            catching_up = _ring(client, PHASE_S)
            left = branch.behind(FRONT)
            branch.cut(FRONT)
            time.sleep(UNDER_WAY_S)
            if min(count or 0 for count in left.values()) == 0:
                break  # one of them has everything: no catching up any more
            idle.append(alone)
            busy.append(catching_up)
    assert idle, f"it has caught up at once: {left}"
    ratios = [rows.percentile(b, 99) / rows.percentile(a, 99) for a, b in zip(idle, busy, strict=True)]
    all_idle, all_busy = list(chain(*idle)), list(chain(*busy))
    p99 = rows.percentile(all_busy, 99) / rows.percentile(all_idle, 99)
    note = f"{len(all_busy)} orders to {len(all_idle)}; {rows.spread(ratios, 'x')}; of all: p99 {p99:.3g} x "
    note += f"({rows.percentile(all_busy, 99):.3g} to {rows.percentile(all_idle, 99):.3g} ms), "
    note += f"p50 {rows.p50(all_busy) / rows.p50(all_idle):.3g} x ({rows.p50(all_busy):.3g} to {rows.p50(all_idle):.3g} ms)"
    return [rows.figure("order answered while 30 days are caught up, to idle, p99", rows.p50(ratios), "x", FELT, note)]


def _ring(client: Client, lasts_s: float) -> list[float]:
    """Milliseconds of each order, one after the other."""
    found, end_s = [], time.monotonic() + lasts_s
    while time.monotonic() < end_s:
        found.append(timed_ms(client))
    return found


def measure_copies(folder: Path) -> list[rows.Row]:
    """Orders with two other registers at hand, and in turn without: what a second copy costs, and how often it is there."""
    alone, together, copied = [], [], 0
    with ExitStack() as stack:
        branch = stack.enter_context(Branch(folder / "copies", FRONT, SIDE, BACK))
        client = stack.enter_context(branch[FRONT].local())
        _ring(client, WARM_UP_S)
        branch.wait_equal(FRONT, DEADLINE_S)
        disks = [stack.enter_context(closing(connect_reader(branch[name].data / HELD_FILE))) for name in (SIDE, BACK)]
        for _ in range(COPY_ROUNDS):
            branch.wait_equal(FRONT, DEADLINE_S)
            for _ in range(COPY_TURNS):
                began_ns, ended_ns, answer = client.place(ORDER)
                together.append((ended_ns - began_ns) / 1e6)
                check_id = json.loads(answer)["check_id"]
                copied += any(disk.execute(_CLOSED, (check_id,)).get for disk in disks)
                time.sleep(PAUSE_S)
            branch.cut(FRONT, SIDE, BACK)
            time.sleep(UNDER_WAY_S)
            alone += [timed_ms(client) for _ in range(COPY_TURNS)]
            branch.mend(FRONT)
    note = f"p99 {rows.percentile(together, 99):.3g} ms, {len(together)} orders; in turn, without others: "
    note += f"p50 {rows.p50(alone):.3g}, p99 {rows.percentile(alone, 99):.3g} ms"
    missing = 100 * (1 - copied / len(together))
    return [
        rows.figure("order answered with a second copy at another register's disk, p50", rows.p50(together), "ms", note=note),
        rows.figure("orders answered without one, two registers at hand", missing, "%", note=f"{copied} with one"),
    ]
