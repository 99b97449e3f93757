"""What a log tells of tickets that nobody knows to be on paper."""

from typing import Any

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled, TicketFired, TicketItemFired, TicketReprinted
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES, TYPE_NAMES, CheckOpened, encode_body
from tillkeeper.contract.values import Personal
from tillkeeper.replication.orphans import Orphans
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.model import TicketData

ITEM = TicketItemFired(line_id="l", action="add", quantity=2, name="Burger", modifiers=("no onion",), note="well done", seat=3)


class Logs:
    """Logs being told to a fold."""

    def __init__(self) -> None:
        self.fold, self.seq = Orphans(), 0

    def tell(self, register: str, *events: Event, at_ms: int = 1_000, texts: dict[str, tuple[str, str]] | None = None) -> None:
        for event in events:
            self.seq += 1
            name = TYPE_NAMES[type(event)]
            body = encode_body(event).decode()
            version = EVENT_TYPES[name][1]
            self.fold.take(
                Envelope("s", register, "i", self.seq, name, version, "2026-11-22", at_ms, body, "", "", texts or {})
            )

    def waiting(self, *dead: str, not_before_ms: int = 0) -> dict[str, Orphan]:
        return {one.job.job_id: one for one in self.fold.waiting(dead, not_before_ms)}


def opened(**more: Any) -> CheckOpened:
    return CheckOpened(
        check_id="c", ticket_code="B-7", order_type="dine_in", catalogue_version="1", terminal="front", table="4", **more
    )


def fired(job: str, device: str = "grill") -> TicketFired:
    return TicketFired(
        check_id="c", job_id=job, station="grill", device=device, revision=1, document_class="kitchen_ticket", items=(ITEM,),
        order_type="dine_in",
    )  # fmt: skip


def settled(job: str, outcome: Any = "confirmed") -> DocumentSettled:
    return DocumentSettled(job_id=job, document_class="kitchen_ticket", device="grill", outcome=outcome)


def moved(job: str, new: str) -> DocumentRerouted:
    return DocumentRerouted(job_id=job, new_job_id=new, from_device="grill", to_device="bar", reason="adopted")


def test_a_ticket_without_an_outcome_is_told_whole() -> None:
    logs = Logs()
    note = Personal(digest="d1")
    logs.tell("a", opened(note=note), fired("j1"), fired("j2"), settled("j2"), texts={"d1": ("salt", "allergic to nuts")})
    (found,) = logs.waiting("a").values()
    assert found.printed == "unknown"
    assert found.job.job_id == "j1"
    assert found.job.personal == {"note": "d1"}
    assert logs.fold.texts["d1"] == "allergic to nuts"
    data = found.job.data
    assert isinstance(data, TicketData)
    assert (data.ticket_code, data.table, data.station, data.revision) == ("B-7", "4", "grill", 1)
    assert [(line.quantity, line.name, line.modifiers, line.note, line.seat) for line in data.items] == [
        (2, "Burger", ("no onion",), "well done", 3)
    ]


def test_held_ones_wait_and_practice_is_said_to_be_practice() -> None:
    logs = Logs()
    logs.tell("a", opened(training=True), fired("j1"), settled("j1", "held"))
    (found,) = logs.waiting("a").values()
    assert found.job.state == "held"
    assert isinstance(found.job.data, TicketData)
    assert found.job.data.training


def test_a_ticket_that_moved_is_where_it_went() -> None:
    logs = Logs()
    logs.tell("a", opened(), fired("j1"), moved("j1", "j2"))
    (found,) = logs.waiting("a").values()
    assert (found.job.job_id, found.job.device, found.job.home) == ("j2", "bar", "grill")
    logs.tell("a", settled("j2"))
    assert not logs.waiting("a")


def test_a_reprint_is_a_ticket_of_its_own() -> None:
    logs = Logs()
    again = TicketReprinted(check_id="c", job_id="j9", original_job_id="j1", device="grill")
    logs.tell("a", opened(), fired("j1"), settled("j1"), again)
    (found,) = logs.waiting("a").values()
    assert (found.job.job_id, found.job.marks) == ("j9", ("DUPLICATE",))


def test_what_another_has_adopted_is_its_own_until_it_dies_too() -> None:
    logs = Logs()
    logs.tell("a", opened(), fired("j1"))
    logs.tell("b", moved("j1", "b1"))
    assert not logs.waiting("a")
    assert list(logs.waiting("a", "b")) == ["b1"]
    logs.tell("a", settled("b1"))  # of a job that it does not have
    assert list(logs.waiting("a", "b")) == ["b1"]
    logs.tell("b", settled("b1"))
    assert not logs.waiting("a", "b")


def test_it_does_not_matter_in_which_order_the_logs_are_read() -> None:
    """Where the one that adopted has died as well its log may come first."""
    logs = Logs()
    again = TicketReprinted(check_id="c", job_id="j9", original_job_id="j1", device="grill")
    logs.tell("c", moved("b1", "c1"), settled("c1"))
    logs.tell("b", moved("j1", "b1"), moved("j9", "b9"))
    logs.tell("a", again, fired("j1"), opened())
    assert list(logs.waiting("a", "b")) == ["b9"], "what was printed at the third is not printed again"
    logs.tell("b", settled("b9"))
    assert not logs.waiting("a", "b", "c")


def test_old_tickets_and_events_nobody_can_read_are_passed_over() -> None:
    logs = Logs()
    logs.tell("a", opened(), fired("j1"), at_ms=1_000)
    logs.fold.take(Envelope("s", "a", "i", 99, "ticket_fired", 1, "2026-11-22", 0, "{", "", ""))
    logs.fold.take(Envelope("s", "a", "i", 100, "from_the_future", 1, "2026-11-22", 0, "{}", "", ""))
    assert logs.waiting("a", not_before_ms=1_000)
    assert not logs.waiting("a", not_before_ms=1_001)
