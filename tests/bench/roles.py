"""The primary of a store dies (SIGKILL): how long until its backup acts, and until what it held alone for HQ goes there."""

import time
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.bench.accepting import ORDER
from tests.bench.branch import HQ, Branch

ROUNDS = 12
ACTS_S, RELAY_S = 5.0, 1.5
DEADLINE_S = 60.0
LOOK_S = 0.01
FRONT, SIDE, BACK = "front", "side", "back"
ROLES = {"roles": {"primary": FRONT, "backup": SIDE}}


def measure(folder: Path) -> list[rows.Row]:
    """Each round the primary of that moment dies and comes back as the backup of the other one. Three registers and HQ; then
    two, whose only witness is an HQ of two processes on PostgreSQL, of which each hears one of them."""
    with Branch(folder / "roles", FRONT, SIDE, BACK, changes=ROLES) as branch:
        acts, relays = _rounds(branch)
    with Branch(folder / "roles-of-two", FRONT, SIDE, changes=ROLES, hq_processes=2) as branch:
        of_two, relays_of_two = _rounds(branch)
    relay_note = f"{ROUNDS} rounds; its own line to HQ was cut right before the order; {rows.spread(relays, 's')}"
    two_note = f"{ROUNDS} rounds, {rows.spread(of_two, 's')}; its log is at HQ after {rows.percentile(relays_of_two, 95):.3g} s"
    two = "a store of two, HQ of two processes: primary killed -> its backup acts, p95"
    return [
        rows.figure("primary killed -> its backup acts, p50", rows.p50(acts), "s", None, rows.spread(acts, "s")),
        rows.figure("primary killed -> its backup acts, p95", rows.percentile(acts, 95), "s", ACTS_S, f"{ROUNDS} rounds"),
        rows.figure("primary killed -> others relay its log to HQ, p95", rows.percentile(relays, 95), "s", RELAY_S, relay_note),
        rows.figure(two, rows.percentile(of_two, 95), "s", ACTS_S, two_note),
    ]


def _rounds(branch: Branch) -> tuple[list[float], list[float]]:
    """Seconds until the backup acts, and until the dead one's log is at HQ, of each round."""
    acts: list[float] = []
    relays: list[float] = []
    primary, backup = FRONT, SIDE
    for _ in range(ROUNDS):
        _wait(branch, primary, lambda found, who=backup: found["holds"] and found["backup"] == who)
        branch.wait_equal(primary, DEADLINE_S)
        relayed_s, acted_s = _die(branch, primary, backup)
        acts.append(acted_s)
        relays.append(relayed_s)
        branch.mend(primary, HQ)
        branch[primary].start()
        primary, backup = backup, primary
    return acts, relays


def _die(branch: Branch, primary: str, backup: str) -> tuple[float, float]:
    """Seconds until its last order is at HQ, and until the backup may do what only the primary may."""
    branch.cut(primary, HQ)
    with branch[primary].local() as client:
        client.order(ORDER)
    written = branch.own_seq(primary)
    while branch.held(backup, primary) < written:
        time.sleep(LOOK_S)
    killed_s = branch[primary].kill()
    relayed_s = acted_s = 0.0
    with branch[backup].local() as client:
        while not (relayed_s and acted_s):
            assert time.monotonic() - killed_s < DEADLINE_S, (relayed_s, acted_s, client.get("/v1/roles"))
            if not relayed_s and branch.held_by_hq(primary) >= written:
                relayed_s = time.monotonic() - killed_s
            if not acted_s and client.get("/v1/roles")["now"]["holds"]:
                acted_s = time.monotonic() - killed_s
            time.sleep(LOOK_S)
    return relayed_s, acted_s


def _wait(branch: Branch, name: str, what: Any) -> None:
    end_s = time.monotonic() + DEADLINE_S
    with branch[name].local() as client:
        while not what(found := client.get("/v1/roles")["now"]):
            assert time.monotonic() < end_s, found
            time.sleep(0.1)
