"""What was wrong and when: a pure fold of verdicts, corrected once the peers can be heard again.

All times are of the boot clock, as in reports; whoever keeps them gives them wall-clock stamps. Of two faults that one register
cannot tell apart, those who were there know which it was: carrier that peers lost in the same second was the switch's, a
silence in which they heard each other was mine. Their word comes with the beacons after the heal, so the entry is corrected
then.
"""

from typing import Literal

import msgspec

from tillkeeper.network.model import Evidence, Mark, PeerState, Report, Value, Verdict

ENTRIES = 200
PEERS = 200
MARKS = 4
MARK_AGE_S = 600.0
"""What is told in beacons: the newest few, for ten minutes."""
SAME_S = 2.5
"""Within which two registers' carriers went together: 1.5 s of clocks and switches, 1 s until a beacon is heard."""
LISTEN_S = 3.0
"""After a heal, until a peer that lost its carrier too would have said so."""
CORRECT_S = 120.0
"""After that the entry stays as it is: whoever comes back later (a rebooted switch takes a minute) is still heard."""
DEAF = frozenset(("own_port", "switch_hung", "nic_receive"))
CARRIER = frozenset(("cable", "switch_power"))


class Entry(Value, frozen=True):
    """`faults` as they were said last, `corrected_faults` what it was in truth, as far as peers know; `why`: how that is known.
    `carrier_lost`: the own carrier went away."""

    id: int
    began_s: float
    faults: tuple[str, ...]
    ended_s: float | None = None
    corrected_faults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    carrier_lost: bool = False
    why: str = ""


class Change(Value, frozen=True):
    kind: Literal["began", "altered", "ended", "corrected"]
    entry: Entry


class _Heard(Value, frozen=True):
    session: int
    sequence: int
    first_s: float
    heard_s: float


class Timeline:
    """The newest entries, oldest first. `first_id`: the number of the first one to come."""

    def __init__(self, first_id: int = 1) -> None:
        self.entries: tuple[Entry, ...] = ()
        self._next = first_id
        self._heard: dict[str, _Heard] = {}

    @property
    def running(self) -> Entry | None:
        last = self.entries[-1] if self.entries else None
        return last if last is not None and last.ended_s is None else None

    def take(self, report: Report, now_s: float) -> tuple[Change, ...]:
        return self.fold(report.verdict, report.evidence, now_s)

    def fold(self, verdict: Verdict, evidence: Evidence, now_s: float) -> tuple[Change, ...]:
        """What changed. Suspicions and pauses ("checking") neither begin nor end anything."""
        changes = [*self._follow(verdict, evidence, now_s)]
        fresh = self._listen(evidence.peers, now_s)
        if fresh or any(entry.ended_s is not None and now_s - entry.ended_s < CORRECT_S for entry in self.entries[-MARKS:]):
            changes += self._correct(evidence.peers, now_s)
        return tuple(changes)

    def marks(self, now_s: float) -> tuple[Mark, ...]:
        """Own troubles as peers want them, newest first."""
        found = []
        for entry in reversed(self.entries[-MARKS:]):
            if entry.ended_s is None or now_s - entry.ended_s <= MARK_AGE_S:
                ended = None if entry.ended_s is None else max(0.0, now_s - entry.ended_s)
                began = max(0.0, now_s - entry.began_s)
                mark = Mark(faults=entry.faults, began_age_s=began, ended_age_s=ended, carrier_lost=entry.carrier_lost)
                found.append(mark)
        return tuple(found)

    def _follow(self, verdict: Verdict, evidence: Evidence, now_s: float) -> list[Change]:
        running = self.running
        if verdict.phase == "fine":
            return [] if running is None else [self._put("ended", running, ended_s=max(running.began_s, verdict.since_s))]
        if verdict.phase != "confirmed":
            return []
        no_carrier = evidence.columns.get("carrier")
        lost = bool(CARRIER & set(verdict.faults)) or (no_carrier is not None and no_carrier.state == "no")
        if running is not None and not set(running.faults) & set(verdict.faults):
            # One trouble straight after another: a replugged cable into a dead port.
            ended = self._put("ended", running, ended_s=max(running.began_s, verdict.since_s))
            return [ended, self._begin(verdict, lost, now_s)]
        if running is None:
            return [self._begin(verdict, lost, now_s)]
        if (running.faults, running.also, running.carrier_lost or lost) == (verdict.faults, verdict.also, running.carrier_lost):
            return []
        return [
            self._put("altered", running, faults=verdict.faults, also=verdict.also, carrier_lost=running.carrier_lost or lost)
        ]

    def _begin(self, verdict: Verdict, lost: bool, now_s: float) -> Change:
        entry = Entry(
            id=self._next, began_s=min(verdict.since_s, now_s), faults=verdict.faults, also=verdict.also, carrier_lost=lost
        )
        self._next += 1
        self.entries = (*self.entries, entry)[-ENTRIES:]
        return Change(kind="began", entry=entry)

    def _put(self, kind: Literal["altered", "ended", "corrected"], entry: Entry, **changes: object) -> Change:
        altered = msgspec.structs.replace(entry, **changes)
        self.entries = tuple(altered if one.id == entry.id else one for one in self.entries)
        return Change(kind=kind, entry=altered)

    def _listen(self, peers: tuple[PeerState, ...], now_s: float) -> bool:
        """Remember when each beacon came; True where one is new."""
        fresh = False
        for peer in peers:
            known = self._heard.get(peer.register)
            if known is None or known.session != peer.session:
                if known is None and len(self._heard) >= PEERS:
                    del self._heard[min(self._heard, key=lambda name: self._heard[name].heard_s)]
                self._heard[peer.register] = _Heard(session=peer.session, sequence=peer.sequence, first_s=now_s, heard_s=now_s)
                fresh = True
            elif known.sequence != peer.sequence:
                self._heard[peer.register] = msgspec.structs.replace(known, sequence=peer.sequence, heard_s=now_s)
                fresh = True
        return fresh

    def _correct(self, peers: tuple[PeerState, ...], now_s: float) -> list[Change]:
        changes = []
        for entry in self.entries[-MARKS:]:
            if entry.ended_s is None or now_s - entry.ended_s > CORRECT_S:
                continue
            if set(entry.faults) >= CARRIER:
                found = self._whose_carrier(entry, peers, now_s)
            elif {"own_port", "switch_hung"} <= set(entry.faults):
                found = self._whose_silence(entry, peers, now_s)
            else:
                continue
            if found is not None and found[0] != entry.corrected_faults:
                changes.append(self._put("corrected", entry, corrected_faults=found[0], why=found[1]))
        return changes

    def _whose_carrier(self, entry: Entry, peers: tuple[PeerState, ...], now_s: float) -> tuple[tuple[str, ...], str] | None:
        with_me = [
            peer.register for peer in peers
            if any(mark.carrier_lost and abs(self._began_s(peer, mark) - entry.began_s) <= SAME_S for mark in peer.marks)
        ]  # fmt: skip
        if with_me:
            return ("switch_power",), f"{_names(with_me)} lost the connection in the same second"
        kept = [peer.register for peer in peers if self._was_there(peer, entry, now_s)]
        if not kept or "switch_power" in entry.corrected_faults:
            return None
        return ("cable",), f"{_names(kept)} kept the connection all the while"

    def _whose_silence(self, entry: Entry, peers: tuple[PeerState, ...], now_s: float) -> tuple[tuple[str, ...], str] | None:
        with_me = [
            peer.register for peer in peers
            if any(DEAF & set(mark.faults) and self._overlaps(peer, mark, entry) for mark in peer.marks)
        ]  # fmt: skip
        if with_me:
            return ("switch_hung",), f"{_names(with_me)} heard nobody either"
        heard = [peer.register for peer in peers if self._was_there(peer, entry, now_s)]
        if not heard or "switch_hung" in entry.corrected_faults:
            return None
        mine = tuple(code for code in ("own_port", "nic_receive") if code in entry.faults)
        return mine, f"{_names(heard)} went on hearing the others"

    def _was_there(self, peer: PeerState, entry: Entry, now_s: float) -> bool:
        """It ran all the while, was heard again, and has had the time to complain."""
        known = self._heard.get(peer.register)
        if known is None or entry.ended_s is None or known.session != peer.session:
            return False
        return known.first_s < entry.began_s and known.heard_s > entry.ended_s and now_s - entry.ended_s >= LISTEN_S

    def _began_s(self, peer: PeerState, mark: Mark) -> float:
        return self._told_s(peer) - mark.began_age_s

    def _overlaps(self, peer: PeerState, mark: Mark, entry: Entry) -> bool:
        began_s = self._began_s(peer, mark)
        ended_s = self._told_s(peer) - (mark.ended_age_s or 0.0)
        until_s = entry.ended_s if entry.ended_s is not None else entry.began_s
        return began_s <= until_s + SAME_S and ended_s >= entry.began_s - SAME_S

    def _told_s(self, peer: PeerState) -> float:
        known = self._heard.get(peer.register)
        return known.heard_s if known is not None else 0.0


def _names(registers: list[str]) -> str:
    shown = sorted(registers)[:3]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
