"""The directory of checks: what the logs of all registers say of each, who has it, and how it stands there.

A follower (`replication.following`): logs come in any interleaving. It keeps where the events of a check are and reads them
when somebody asks; those of checks that are finished, as long as there is room.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from tillkeeper.across.strands import Op, Standing, Strand, given, standing_of
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import (
    CheckClosed,
    CheckNumbered,
    CheckOpened,
    CheckVoided,
    IncarnationBegan,
)
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.contract.values import CheckState
from tillkeeper.replication.model import LogId

MAX_FINISHED = 1_000
"""Checks that are finished and can still be found, the newest."""
MAX_EVENTS = 3_000
"""Of one check in one log; what comes after that is looked at by those who merge it no more."""
MAX_FOLDED = 256
"""Checks of which is remembered what all that was written comes to: as many as a new order is compared with."""
_BEGINS = CheckOpened | CheckTaken | CheckForked


class Logs(Protocol):
    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]: ...


class _Side(NamedTuple):
    """Of one register: its claim, who has the check by its word (empty: itself), and how it stands there."""

    hand: int = 0
    elsewhere: str = ""
    state: CheckState = "open"


class _Entry(msgspec.Struct):
    """`logs`: register, incarnation, seqs. `sides`: by register."""

    check_id: str
    ticket_code: str = ""
    business_day: str = ""
    number: int | None = None
    logs: list[tuple[str, str, list[int]]] = []
    sides: dict[str, _Side] = {}

    @property
    def owner(self) -> tuple[str, _Side]:
        """Who has the highest claim, and by whose word."""
        claims = [(side.hand, side.elsewhere or name, not side.elsewhere, side) for name, side in self.sides.items()]
        if not claims:
            return "", _Side()
        _, register, _, side = max(claims, key=lambda claim: claim[:3])
        return register, side


class _State(msgspec.Struct):
    entries: list[_Entry]
    incarnations: list[tuple[str, str, int]]


def _passed_on(side: _Side | None, given: tuple[int, str] | None) -> bool:
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
        self._entries: dict[str, _Entry] = {}
        self._ops: dict[str, list[Op]] = {}
        """Of entries that somebody asked for, while they are not finished."""
        self._folded: dict[str, tuple[Mapping[str, Strand], Standing | None]] = {}
        """What `strands` and `standing` say, until something new is heard."""
        self._before: dict[str, tuple[str, int]] = {}
        """incarnation -> the one before it, and when it began."""
        self.touched: set[str] = set()

    # --- as a follower ---

    def take(self, envelope: Envelope, event: Event) -> None:
        if isinstance(event, IncarnationBegan):
            self._before[envelope.incarnation] = (event.previous_incarnation, envelope.at_ms)
            self._folded.clear()
            return
        check_id = getattr(event, "check_id", "")
        if not check_id:
            return
        entry = self._entries.get(check_id)
        if entry is None:
            entry = self._entries[check_id] = _Entry(check_id)
            self._make_room()
        self._folded.pop(check_id, None)
        has_room = self._place(entry, envelope)
        self._note(entry, event, envelope)
        if has_room and check_id in self._ops:
            which = LogId(envelope.register, envelope.incarnation)
            self._ops[check_id].append(Op(which, envelope.seq, event, envelope.business_day, envelope.at_ms))
        self.touched.add(check_id)

    def dump(self) -> bytes:
        before = [(incarnation, *was) for incarnation, was in self._before.items()]
        return msgspec.msgpack.encode(_State(list(self._entries.values()), before))

    def load(self, state: bytes) -> None:
        kept = msgspec.msgpack.decode(state, type=_State)
        self._entries = {entry.check_id: entry for entry in kept.entries}
        self._before = {incarnation: (before, at_ms) for incarnation, before, at_ms in kept.incarnations}
        # What was being looked at when the agent ended is looked at again.
        self.touched |= {entry.check_id for entry in kept.entries if len(entry.sides) > 1 or len(entry.logs) > 1}

    def _place(self, entry: _Entry, envelope: Envelope) -> bool:
        """Whether there was room for it (`MAX_EVENTS`)."""
        for register, incarnation, seqs in entry.logs:
            if (register, incarnation) == (envelope.register, envelope.incarnation):
                has_room = len(seqs) < MAX_EVENTS
                if has_room:
                    seqs.append(envelope.seq)
                return has_room
        entry.logs.append((envelope.register, envelope.incarnation, [envelope.seq]))
        return True

    def _note(self, entry: _Entry, event: Event, envelope: Envelope) -> None:
        was = entry.sides.get(envelope.register)
        side = was or _Side()
        match event:
            case CheckOpened(ticket_code=code):
                entry.ticket_code, entry.business_day = code, envelope.business_day
                side = was or _Side()
            case CheckTaken() | CheckForked():
                entry.ticket_code, entry.business_day = event.ticket_code, event.business_day
                entry.number = event.number if event.number is not None else entry.number
                side = _Side(event.hand, "", event.state)
            case CheckHandedOver() | CheckYielded():
                side = _Side(event.hand, event.to, event.state)
            case CheckNumbered(number=number):
                entry.number = number
            case CheckClosed():
                side = side._replace(state="closed")
            case CheckVoided():
                side = side._replace(state="voided")
            case CheckMerged(state=state):
                side = side._replace(state=state)
        entry.sides[envelope.register] = side
        if entry.owner[1].state != "open":
            self._ops.pop(entry.check_id, None)

    def _make_room(self) -> None:
        """The oldest finished ones go; entries are in the order in which they were first heard of."""
        if len(self._entries) <= MAX_FINISHED or len(self._entries) % 50:
            return
        finished = [one for one, entry in self._entries.items() if entry.owner[1].state != "open" and one not in self.touched]
        for check_id in finished[: max(0, len(finished) - MAX_FINISHED)]:
            del self._entries[check_id]
            self._ops.pop(check_id, None)
            self._folded.pop(check_id, None)

    # --- what it knows ---

    def owner(self, check_id: str) -> str:
        """Who has the highest claim; empty where nothing is known of the check."""
        entry = self._entries.get(check_id)
        return entry.owner[0] if entry is not None else ""

    def disputed(self, check_id: str, me: str) -> frozenset[str]:
        """Registers other than `me` that may still think that they have it: that have it by their own word or by another's,
        and have not said since that it went on."""
        entry = self._entries.get(check_id)
        if entry is None:
            return frozenset()
        given: dict[str, tuple[int, str]] = {}
        for side in entry.sides.values():
            if side.elsewhere:
                given[side.elsewhere] = max(given.get(side.elsewhere, (-1, "")), (side.hand, side.elsewhere))
        others = {*entry.sides, *given} - {me}
        return frozenset(name for name in others if not _passed_on(entry.sides.get(name), given.get(name)))

    def side_state(self, check_id: str, register: str) -> CheckState | None:
        """How it stands at a register that has it by its own word; None where it has not."""
        entry = self._entries.get(check_id)
        side = entry.sides.get(register) if entry is not None else None
        return side.state if side is not None and not side.elsewhere else None

    def registers(self, check_id: str) -> frozenset[str]:
        """Who wrote about it, or was handed it."""
        entry = self._entries.get(check_id)
        return frozenset() if entry is None else frozenset({*entry.sides, entry.owner[0]})

    def ends(self, check_id: str, register: str) -> dict[str, int]:
        """Where a register's last words about it are: incarnation -> seq."""
        entry = self._entries.get(check_id)
        return {} if entry is None else {log: seqs[-1] for who, log, seqs in entry.logs if who == register}

    def open_ids(self) -> list[str]:
        """Of checks that are open as far as is known, wherever they are."""
        return [check_id for check_id, entry in self._entries.items() if entry.owner[1].state == "open"]

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
        named.sort(key=lambda entry: (entry.business_day == today, entry.owner[1].state == "open", entry.business_day))
        return named[-1].check_id if named else ""

    def number(self, check_id: str) -> int | None:
        entry = self._entries.get(check_id)
        return entry.number if entry is not None else None

    def strands(self, check_id: str) -> Mapping[str, Strand]:
        """By register. Raises: StorageUnreadable."""
        return self._fold(check_id)[0]

    def standing(self, check_id: str) -> Standing | None:
        """None where too little of it is known. Raises: StorageUnreadable."""
        return self._fold(check_id)[1]

    def given(self, check_id: str, to: str) -> Standing | None:
        """See `strands.given`. Raises: StorageUnreadable."""
        return given(self.strands(check_id).values(), to)

    def _fold(self, check_id: str) -> tuple[Mapping[str, Strand], Standing | None]:
        found = self._folded.get(check_id)
        if found is None:
            ops, whole = self._read(check_id)
            strands = self._strands(ops)
            found = strands, standing_of(strands.values())
            if whole:
                if len(self._folded) >= MAX_FOLDED:
                    del self._folded[next(iter(self._folded))]
                self._folded[check_id] = found
        return found

    def _strands(self, found: Iterable[Op]) -> dict[str, Strand]:
        by_register: dict[str, list[Op]] = {}
        for op in found:
            by_register.setdefault(op.log.register, []).append(op)
        return {
            register: Strand(register, tuple(sorted(ops, key=lambda op: (*self._rank(op.log.incarnation), op.seq))))
            for register, ops in by_register.items()
        }

    def texts(self, check_id: str) -> dict[str, tuple[str, str]]:
        """digest -> (salt, text), of persons, from whichever log has them. Raises: StorageUnreadable."""
        found: dict[str, tuple[str, str]] = {}
        for op in self._read(check_id)[0]:
            if isinstance(op.event, _BEGINS):
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
        for register, incarnation, seqs in entry.logs:
            which = LogId(register, incarnation)
            wanted = set(seqs)
            after, last = min(seqs) - 1, max(seqs)
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
        if whole and entry.owner[1].state == "open":
            self._ops[check_id] = ops
        return ops, whole

    def first_log(self, incarnation: str) -> str:
        """Of the disk on which this log was written, or of which that disk is a copy."""
        seen: set[str] = set()
        while incarnation not in seen and (before := self._before.get(incarnation, ("", 0))[0]):
            seen.add(incarnation)
            incarnation = before
        return incarnation

    def _rank(self, incarnation: str) -> tuple[int, int, str]:
        """Logs of one register in the order in which they were written, as they say themselves."""
        depth, at = 0, incarnation
        at_ms = self._before.get(incarnation, ("", 0))[1]
        while (before := self._before.get(at)) is not None and before[0] and depth < 1_000:
            depth, at = depth + 1, before[0]
        return depth, at_ms, incarnation
