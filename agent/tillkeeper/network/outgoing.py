"""What goes out: reports to the agent, beacons to the other registers; on every change and once a second. Pure."""

from tillkeeper.network.model import ColumnName, Evidence, PeerState, Report, Tri, Verdict
from tillkeeper.network.plan import Plan
from tillkeeper.network.setup import Setup
from tillkeeper.network.surroundings import BEACON_S, Surroundings
from tillkeeper.network.timeline import Timeline

REPORT_S = 1.0
BEACON_GAP_S = 0.25
JITTER_S = 0.1


class Outgoing:
    """Remembers what was said last, and when."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        self._setup = setup
        self._reported: tuple[object, ...] = ()
        self._report_s = now_s - REPORT_S
        self._sequence = 0
        self._beacon_s = now_s + (setup.session % 97) / 97 * BEACON_S
        self._beaconed: tuple[object, ...] = ()
        self._beaconed_s = now_s - BEACON_S
        self._judged: Evidence | None = None
        self._shown: Evidence | None = None
        """The last evidence that had nothing new for a report, and for a beacon: looked at once, and not every tick."""

    def report(self, now_s: float, verdict: Verdict, evidence: Evidence, plan: Plan, stalls: int) -> Report | None:
        if evidence is self._judged and now_s - self._report_s < REPORT_S - 0.01:
            return None
        self._judged = evidence
        said = (
            verdict.phase, verdict.faults, verdict.also, evidence.trusted,
            tuple([column.state for column in evidence.columns.values()]),
            tuple([(sign.kind, sign.subject) for sign in evidence.signs]),
        )  # fmt: skip
        if said == self._reported and now_s - self._report_s < REPORT_S - 0.01:
            return None
        self._reported = said
        self._report_s = now_s
        return Report(
            at_s=now_s, verdict=verdict, evidence=evidence, targets=tuple([path.state() for path in plan.paths]),
            probes_sent=plan.sent, arp_sent=plan.arp.total, wan_bytes=plan.wan.total, stalls=stalls,
        )  # fmt: skip

    def beacon(
        self, now_s: float, verdict: Verdict, evidence: Evidence, known: Surroundings, timeline: Timeline, gateway_mac: str,
        wan_asked_s: float | None, wan_loses: bool,
    ) -> PeerState | None:  # fmt: skip
        if evidence is self._shown and now_s < self._beacon_s:
            return None
        columns: dict[ColumnName, Tri] = {
            name: column.state for name, column in evidence.columns.items() if column.state != "unknown"
        }
        said = (verdict.phase, verdict.faults, tuple([name for name, state in columns.items() if state == "no"]), wan_loses)
        changed = said != self._beaconed and now_s - self._beaconed_s >= BEACON_GAP_S
        if now_s < self._beacon_s and not changed:
            self._shown = evidence if said == self._beaconed else None
            return None
        self._beaconed, self._beaconed_s = said, now_s
        self._sequence += 1
        if now_s >= self._beacon_s:
            # Registers that were switched on together drift apart.
            chance = ((self._setup.session + self._sequence * 7_919) % 101) / 101
            self._beacon_s = now_s + BEACON_S + (chance - 0.5) * JITTER_S
        own = known.own_ipv4()
        return PeerState(
            register=self._setup.register, session=self._setup.session, sequence=self._sequence,
            address=own[0] if own else next((a.address for a in known.addresses if a.family == "ipv6"), ""),
            columns=columns, phase=verdict.phase, faults=verdict.faults, gateway_mac=gateway_mac,
            marks=timeline.marks(now_s), wan_asked=wan_asked_s is not None and now_s - wan_asked_s <= 1.0, wan_loses=wan_loses,
        )  # fmt: skip
