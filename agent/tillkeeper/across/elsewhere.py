"""The directory of checks: what the logs of all registers say of each, who has it, and how it stands there.

A follower (`replication.following`): logs come in any interleaving. It keeps where the events of a check are and reads them
when somebody asks; those of checks that are finished, as long as there is room.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tillkeeper.across.descent import Descent
from tillkeeper.across.entries import Entry, Side, owner_of
from tillkeeper.across.strands import BEGINS, Op, Standing, Strand, given, standing_of, strand_of, strands_of
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.values import CheckState
from tillkeeper.replication.model import LogId

MAX_FINISHED = 1_000
"""Checks that are finished and can still be found, the newest."""
MAX_FOLDED = 256
"""Checks of which is remembered what all that was written comes to: as many as a new order is compared with."""


class Logs(Protocol):
    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]: ...


class _State(msgspec.Struct):
    entries: list[Entry]
    descent: list[tuple[str, str, str, int]]


def _passed_on(side: Side | None, given: tuple[int, str] | None) -> bool:
    """`given`: the highest claim that others say it was given."""
    return side is not None and bool(side.elsewhere) and (given is None or (side.hand, side.elsewhere) > given)


class Directory:
    """`touched`: ids of checks of which something was heard since they were last taken out."""

    name = "checks"
    kinds: frozenset[str] | None = frozenset(
        {
            "incarnation_began", "check_opened", "line_added", "line_changed", "line_voided", "order_type_changed",
            "discount_applied", "discount_removed", "lines_held", "fire_scheduled", "lines_fired", "tender_recorded",
            "tender_awaited", "check_closed", "check_voided", "refund_recorded", "check_numbered", "ticket_fired",
            "receipt_issued", "check_handed_over", "check_taken", "check_forked", "check_yielded", "check_merged",
            "slip_entered", "authorisation_asked", "authorisation_settled", "reversal_owed", "authorisation_reversed",
        }
    )  # fmt: skip

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._descent = Descent()
        self._entries: dict[str, Entry] = {}
        self._sides: dict[str, dict[str, Side]] = {}
        """What entries say, until something new is heard."""
        self._ops: dict[str, list[Op]] = {}
        """Of entries that somebody asked for, while they are not finished."""
        self._folded: dict[str, tuple[Sequence[Strand], Standing | None]] = {}
        """What `strands` and `standing` say, until something new is heard."""
        self.touched: set[str] = set()

    # --- as a follower ---

    def take(self, envelope: Envelope, event: Event) -> None:
        log = LogId(envelope.register, envelope.incarnation)
        if isinstance(event, IncarnationBegan):
            self._descent.began(log, event)
            self._sides.clear()
            self._folded.clear()
            return
        check_id = getattr(event, "check_id", "")
        if not check_id:
            return
        entry = self._entries.get(check_id)
        if entry is None:
            entry = self._entries[check_id] = Entry(check_id)
            self._make_room()
        self._sides.pop(check_id, None)
        self._folded.pop(check_id, None)
        has_room = entry.heard(log, envelope.seq, envelope.business_day, event)
        if self._state(check_id) != "open":
            self._ops.pop(check_id, None)
        elif has_room and check_id in self._ops:
            self._ops[check_id].append(Op(log, envelope.seq, event, envelope.business_day, envelope.at_ms))
        self.touched.add(check_id)

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(_State(list(self._entries.values()), self._descent.dump()))

    def load(self, state: bytes) -> None:
        kept = msgspec.msgpack.decode(state, type=_State)
        self._entries = {entry.check_id: entry for entry in kept.entries}
        self._descent.load(kept.descent)
        # What was being looked at when the agent ended is looked at again.
        several = (one.check_id for one in kept.entries if len(one.logs) > 1 or len(self.registers(one.check_id)) > 1)
        self.touched |= set(several)

    def _make_room(self) -> None:
        """The oldest finished ones go; entries are in the order in which they were first heard of."""
        if len(self._entries) <= MAX_FINISHED or len(self._entries) % 50:
            return
        finished = [one for one in self._entries if one not in self.touched and self._state(one) != "open"]
        for check_id in finished[: max(0, len(finished) - MAX_FINISHED)]:
            del self._entries[check_id]
            for kept in (self._sides, self._ops, self._folded):
                kept.pop(check_id, None)

    # --- what it knows ---

    def _sides_of(self, check_id: str) -> dict[str, Side]:
        found = self._sides.get(check_id)
        if found is None:
            if (entry := self._entries.get(check_id)) is None:
                return {}
            found = self._sides[check_id] = entry.sides(self._descent)
        return found

    def _state(self, check_id: str) -> CheckState:
        return owner_of(self._sides_of(check_id))[1].state

    def owner(self, check_id: str) -> str:
        """Who has the highest claim; empty where nothing is known of the check."""
        return owner_of(self._sides_of(check_id))[0]

    def disputed(self, check_id: str, me: str) -> frozenset[str]:
        """Registers other than `me` that may still think that they have it: that have it by their own word or by another's,
        and have not said since that it went on."""
        sides = self._sides_of(check_id)
        given: dict[str, tuple[int, str]] = {}
        for side in sides.values():
            if side.elsewhere:
                given[side.elsewhere] = max(given.get(side.elsewhere, (-1, "")), (side.hand, side.elsewhere))
        others = {*sides, *given} - {me}
        return frozenset(name for name in others if not _passed_on(sides.get(name), given.get(name)))

    def own_side(self, check_id: str, register: str) -> Side | None:
        """Of a register that has it by its own word; None where it has not."""
        side = self._sides_of(check_id).get(register)
        return side if side is not None and not side.elsewhere else None

    def registers(self, check_id: str) -> frozenset[str]:
        """Who wrote about it, or was handed it."""
        sides = self._sides_of(check_id)
        return frozenset({*sides, owner_of(sides)[0]} if sides else ())

    def ends(self, check_id: str, register: str) -> dict[str, int]:
        """Where a register's last words about it are: incarnation -> seq."""
        entry = self._entries.get(check_id)
        logs = entry.logs if entry is not None else ()
        return {one.log.incarnation: one.seqs[-1] for one in logs if one.log.register == register}

    def open_ids(self) -> list[str]:
        """Of checks that are open as far as is known, wherever they are."""
        return [check_id for check_id in self._entries if self._state(check_id) == "open"]

    def recent_ids(self, most: int) -> list[str]:
        """The newest that were heard of, finished ones too."""
        return list(self._entries)[-most:]

    def find(self, ref: str, today: str) -> str:
        """The long id of what a person calls a check; empty where it is not known. A code is that of `today`, else the last."""
        if ref in self._entries:
            return ref
        named = [entry for entry in self._entries.values() if entry.ticket_code == ref.upper()]
        if not named and ref.isascii() and ref.isdecimal():
            named = [entry for entry in self._entries.values() if entry.number == int(ref)]
        named.sort(key=lambda one: (one.business_day == today, self._state(one.check_id) == "open", one.business_day))
        return named[-1].check_id if named else ""

    def number(self, check_id: str) -> int | None:
        entry = self._entries.get(check_id)
        return entry.number if entry is not None else None

    def strands(self, check_id: str) -> Sequence[Strand]:
        """Of each disk of each register on which anything was written that no other one has. Raises: StorageUnreadable."""
        return self._fold(check_id)[0]

    def strand(self, check_id: str, log: LogId) -> Strand:
        """What the disk on which this log is written has of it. Raises: StorageUnreadable."""
        return strand_of(log, self._descent.path(log), self._read(check_id)[0])

    def standing(self, check_id: str) -> Standing | None:
        """None where too little of it is known. Raises: StorageUnreadable."""
        return self._fold(check_id)[1]

    def given(self, check_id: str, to: str) -> Standing | None:
        """See `strands.given`. Raises: StorageUnreadable."""
        return given(self.strands(check_id), to)

    def _fold(self, check_id: str) -> tuple[Sequence[Strand], Standing | None]:
        found = self._folded.get(check_id)
        if found is None:
            ops, whole = self._read(check_id)
            entry = self._entries.get(check_id)
            tips = entry.tips(self._descent) if entry is not None else ()
            strands = strands_of(strand_of(log, self._descent.path(log), ops) for log in tips)
            found = strands, standing_of(strands)
            if whole:
                if len(self._folded) >= MAX_FOLDED:
                    del self._folded[next(iter(self._folded))]
                self._folded[check_id] = found
        return found

    def texts(self, check_id: str) -> dict[str, tuple[str, str]]:
        """digest -> (salt, text), of persons, from whichever log has them. Raises: StorageUnreadable."""
        found: dict[str, tuple[str, str]] = {}
        for op in self._read(check_id)[0]:
            if isinstance(op.event, BEGINS):
                for envelope in self._logs.events(op.log, op.seq - 1, 1):
                    found |= envelope.personal
        return found

    def _read(self, check_id: str) -> tuple[list[Op], bool]:
        """What was written about it, and whether that is all."""
        ops = self._ops.get(check_id)
        entry = self._entries.get(check_id)
        if ops is not None or entry is None:
            return ops or [], ops is not None
        ops, whole = [], True
        for kept in entry.logs:
            which, wanted = kept.log, set(kept.seqs)
            after, last = kept.seqs[0] - 1, kept.seqs[-1]
            while after < last and wanted:
                next_one = min(wanted)
                events = self._logs.events(which, next_one - 1, min(100, last - next_one + 1))
                if not events:
                    break
                for envelope in events:
                    if envelope.seq in wanted and (event := read_event(envelope)) is not None:
                        ops.append(Op(which, envelope.seq, event, envelope.business_day, envelope.at_ms))
                    wanted.discard(envelope.seq)
                after = events[-1].seq
            whole = whole and not wanted
        if whole and self._state(check_id) == "open":
            self._ops[check_id] = ops
        return ops, whole
