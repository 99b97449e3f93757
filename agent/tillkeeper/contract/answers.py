"""What commands came to, told from their events alone. Pure.

A register that lost its journal gets its newest events back from others, or reads them in a file that was damaged. With the
keys in them (`keys.py`) it answers a client that asks again with the first sale instead of making a second one.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tillkeeper.contract.authorisations import AuthorisationSettled, ReversalOwed
from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import DrawerReportPrinted
from tillkeeper.contract.commands import CommandResult, JobRef, KeptRefusal
from tillkeeper.contract.documents import DrawerKicked, ReceiptIssued, TicketFired, TicketReprinted
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import (
    CheckClosed,
    CheckOpened,
    CheckVoided,
    LineAdded,
    RefundRecorded,
    TenderRecorded,
)
from tillkeeper.contract.keys import Mark, mark_of
from tillkeeper.contract.people import ApprovalGiven
from tillkeeper.contract.placing import read_event

MAX_EVENTS = 2_000
"""Of one command; what says that it made more is not believed."""
_ENTITIES = ("discount_id", "refund_id", "tender_id", "no_sale_id", "entry_id", "declaration_id", "movement_id", "session_id")


class Answer(NamedTuple):
    """`at_ms`: wall clock of the command's last event."""

    key_sha256: bytes
    result: CommandResult
    at_ms: int


def answers(events: Iterable[Envelope]) -> list[Answer]:
    """Of the commands whose events are all there. `events`: of any logs, those of one log consecutive."""
    found: list[Answer] = []
    mark: Mark | None = None
    made: list[Envelope] = []
    for event in events:
        if made and (event.incarnation, event.seq) != (made[-1].incarnation, made[-1].seq + 1):
            mark, made = None, []
        begun = mark_of(event.body)
        if begun is not None:
            mark, made = (begun, []) if begun.events <= MAX_EVENTS else (None, [])
        if mark is None:
            continue
        made.append(event)
        if len(made) == mark.events:
            found.append(Answer(bytes.fromhex(mark.sha256), _result(made), event.at_ms))
            mark, made = None, []
    return found


def _result(made: list[Envelope]) -> CommandResult:
    """As the answer was, but for what no event says: totals only where the command closed its check."""
    events = [event for event in map(read_event, made) if event is not None]
    result = CommandResult(
        events=len(made) - sum(isinstance(event, ApprovalGiven) for event in events),
        check_id=next((event.check_id for event in events if getattr(event, "check_id", "")), ""),  # type: ignore[attr-defined]
        line_ids=tuple(event.line_id for event in events if isinstance(event, LineAdded)),
        jobs=tuple(ref for event in events if (ref := _job(event)) is not None),
    )
    for event in events:
        result = _with(result, event)
    return result


def _with(result: CommandResult, event: Event) -> CommandResult:
    match event:
        case CheckOpened():
            return msgspec.structs.replace(result, ticket_code=event.ticket_code, state="open")
        case CheckClosed():
            return msgspec.structs.replace(result, state="closed", totals=event.totals)
        case CheckVoided():
            return msgspec.structs.replace(result, state="voided", refund_minor=sum(event.returned_minor.values()))
        case AuthorisationSettled(outcome="declined" | "never_made"):
            result = msgspec.structs.replace(result, refused=_refused("tender_declined", event.reason))
        case ReversalOwed(cause="not_needed" | "order_not_placed" | "never_heard_of"):
            result = msgspec.structs.replace(result, refused=_refused("order_not_placed", "it was taken back"))
        case TenderRecorded():
            result = msgspec.structs.replace(result, change_minor=result.change_minor + event.change_minor)
        case RefundRecorded():
            result = msgspec.structs.replace(result, refund_minor=event.amount_minor)
        case _:
            pass
    if result.entity_id or result.ticket_code:
        return result
    return msgspec.structs.replace(result, entity_id=next((v for name in _ENTITIES if (v := getattr(event, name, ""))), ""))


def _refused(code: str, cause: str) -> KeptRefusal:
    """What the world had said, as far as the events tell."""
    hint = "this was the answer to this key before; use a new key for a new attempt"
    return KeptRefusal(code, "accept", "command", cause or "the gateway declined it", hint)


def _job(event: Event) -> JobRef | None:
    match event:
        case TicketFired():
            return JobRef(event.job_id, event.document_class, event.device, event.station)
        case TicketReprinted():
            return JobRef(event.job_id, "kitchen_ticket", event.device)
        case ReceiptIssued():
            return JobRef(event.job_id, "receipt", event.device)
        case DrawerKicked():
            return JobRef(event.job_id, "drawer_pulse", event.device)
        case DrawerReportPrinted():
            return JobRef(event.job_id, "report", event.device)
        case _:
            return None
