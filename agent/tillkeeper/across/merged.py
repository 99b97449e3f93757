"""Checks that were merged, of all registers of the store: what the list after an outage shows of them."""

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckClosed, CheckVoided, RefundRecorded, TenderRecorded
from tillkeeper.contract.together import CheckMerged, Conflict, MergedCheck
from tillkeeper.contract.values import CheckState
from tillkeeper.sales.model import Check

MAX_KEPT = 500
"""The newest merges."""


class _Merge(msgspec.Struct):
    """`due_minor`: still to be paid where it is open; `overpaid_minor`: to be given back."""

    check_id: str
    ticket_code: str
    register: str
    from_register: str
    merged_at_ms: int
    state: CheckState
    overpaid_minor: int
    due_minor: int
    conflicts: tuple[Conflict, ...] = ()
    training: bool = False


_decode = msgspec.json.Decoder(Check).decode


class Merges:
    """A follower. What is done about a merge (a refund, a payment) is written by the register that merged, after it."""

    name = "merges"
    kinds: frozenset[str] | None = frozenset(
        {"check_merged", "refund_recorded", "tender_recorded", "check_closed", "check_voided"}
    )  # fmt: skip

    def __init__(self) -> None:
        self._merges: dict[tuple[str, str], _Merge] = {}
        """By check and by the register that merged it."""

    def take(self, envelope: Envelope, event: Event) -> None:
        if isinstance(event, CheckMerged):
            self._merged(envelope, event)
            return
        merge = self._merges.get((getattr(event, "check_id", ""), envelope.register))
        if merge is None:
            return
        match event:
            case RefundRecorded(of_overpayment=True, amount_minor=amount):
                merge.overpaid_minor = max(0, merge.overpaid_minor - amount)
            case TenderRecorded():
                merge.due_minor = max(0, merge.due_minor - event.amount_minor + event.rounding_minor)
            case CheckClosed():
                merge.state, merge.due_minor = "closed", 0
                merge.overpaid_minor = max(0, -event.totals.due_minor)
            case CheckVoided():
                merge.state, merge.due_minor, merge.overpaid_minor = "voided", 0, 0

    def _merged(self, envelope: Envelope, event: CheckMerged) -> None:
        check = _decode(event.check)
        place = (event.check_id, envelope.register)
        before = self._merges.pop(place, None)
        self._merges[place] = _Merge(
            check_id=event.check_id,
            ticket_code=check.ticket_code,
            register=envelope.register,
            from_register=event.from_register,
            merged_at_ms=envelope.at_ms,
            state=event.state,
            overpaid_minor=event.overpaid_minor,
            due_minor=0 if event.state != "open" else max(0, event.due_minor),
            conflicts=(*(before.conflicts if before is not None else ()), *event.conflicts)[:100],
            training=event.training,
        )
        while len(self._merges) > MAX_KEPT:
            del self._merges[next(iter(self._merges))]

    def dump(self) -> bytes:
        return msgspec.msgpack.encode(list(self._merges.values()))

    def load(self, state: bytes) -> None:
        kept = msgspec.msgpack.decode(state, type=list[_Merge])
        self._merges = {(merge.check_id, merge.register): merge for merge in kept}

    def merged(self) -> tuple[MergedCheck, ...]:
        """The newest last; practice is not among them."""
        return tuple(_view(merge) for merge in self._merges.values() if not merge.training)


def _view(merge: _Merge) -> MergedCheck:
    return msgspec.convert(merge, MergedCheck, from_attributes=True)
