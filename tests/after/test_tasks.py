"""What an outage left behind: the fold over the logs, and the one list of a store."""

import itertools
import random
from typing import Any

import msgspec

from tillkeeper.after.fold import MAX_SETTLED, MAX_TASKS, Owed
from tillkeeper.after.listing import Aside, Awaited, Told, awaiting, merged, quarantine
from tillkeeper.contract.after import TaskSettled, TaskView, Way, task_id
from tillkeeper.contract.authorisations import (
    AuthorisationAsked,
    AuthorisationReversed,
    AuthorisationSettled,
    Purpose,
    ReversalOwed,
)
from tillkeeper.contract.base import Event
from tillkeeper.contract.day import DayClosed, DayFigures, Gap
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TYPE_NAMES, CheckOpened, IncarnationBegan, RefundRecorded, encode_body
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.paper import SlipEntered
from tillkeeper.contract.roles import Epoch
from tillkeeper.contract.together import CheckMerged, Conflict

DAY = "2026-11-22"


def log(register: str, *events: Event) -> list[tuple[Envelope, Event]]:
    def envelope(seq: int, event: Event) -> Envelope:
        body = encode_body(event).decode()
        return Envelope("s", register, "I1", seq, TYPE_NAMES[type(event)], 1, DAY, 1_000 * seq, body, "", "")

    return [(envelope(seq, event), event) for seq, event in enumerate(events, 1)]


def closed(day: str, z: int, epoch: Epoch, *, gap: str = "") -> DayClosed:
    gaps = (Gap(register=gap, reason="stolen", by="mia"),) if gap else ()
    figures = DayFigures(books=DayBooks(business_day=day, sales=1, gross_minor=100))
    return DayClosed(day=day, z=z, epoch=epoch, tails={}, figures=figures, gaps=gaps)


def opened(check_id: str, code: str) -> CheckOpened:
    return CheckOpened(check_id=check_id, ticket_code=code, order_type="takeout", catalogue_version="c", terminal="t")


A = log(
    "a", opened("C1", "A-001"), SlipEntered(check_id="C1", slip="17", amount_minor=900),
    opened("C2", "A-002"), SlipEntered(check_id="C2", slip="17", amount_minor=450, doubled=True),
    opened("C3", "A-003"), SlipEntered(check_id="C3", slip="5", amount_minor=1, training=True),
    closed(DAY, 3, Epoch(1, "a"), gap="c"),
)  # fmt: skip
B = log(
    "b", TaskSettled(task_id=task_id("from_paper", "C1"), kind="from_paper", how="seen", by="mia"), closed(DAY, 2, Epoch()),
    TaskSettled(task_id="held:long-gone", kind="held", how="seen"),
)  # fmt: skip


def test_the_order_in_which_logs_come_makes_no_difference_and_what_was_settled_stays_away() -> None:
    found = set()
    for seed in range(40):
        chance, owed, left = random.Random(seed), Owed(), [list(A), list(B)]
        while any(left):
            envelope, event = chance.choice([one for one in left if one]).pop(0)
            owed.take(envelope, event)
            if chance.random() < 0.3:  # a restart in between
                state, owed = owed.dump(), Owed()
                owed.load(state)
        found.add(msgspec.json.encode(sorted(owed.tasks("a", 10_000_000), key=lambda task: task.task_id)))
    assert len(found) == 1
    tasks = msgspec.json.decode(found.pop(), type=list[TaskView])
    assert [(task.kind, task.amount_minor, task.ticket_code) for task in tasks] == [
        ("from_paper", 450, "A-002"), ("gap", None, ""), ("late_close", None, ""),
    ]  # fmt: skip
    assert "number that was entered before" in tasks[0].words
    assert "Z 2 of register b does not count, Z 3 of register a does" in tasks[2].words


def test_a_damaged_journal_is_listed_until_somebody_has_looked() -> None:
    owed = Owed()
    for reason in ("first_start", "restored_copy"):
        owed.take(*log("a", IncarnationBegan(reason=reason))[0])
    assert not owed.tasks("b", 0)
    owed.take(*log("a", IncarnationBegan(reason="corrupt_journal", set_aside="journal-set-aside-I0.db"))[0])
    (found,) = owed.tasks("b", 0)
    assert (found.kind, found.register, found.settles) == ("set_aside", "a", True)
    assert "journal-set-aside-I0.db" in found.words
    owed.take(*log("b", TaskSettled(task_id=found.task_id, kind="set_aside", how="seen", by="mia"))[0])
    assert not owed.tasks("b", 0)


def test_it_is_bounded() -> None:
    owed = Owed()
    for n in range(MAX_TASKS + 5):
        owed.take(*log("a", SlipEntered(check_id=f"C{n}", slip=str(n), amount_minor=1))[0])
    assert (len(owed.tasks("a", 0)), owed.forgotten) == (MAX_TASKS, 5)
    for n in range(MAX_SETTLED + 5):
        owed.settle(f"gap:{n}", n)
    assert len(owed.settled(MAX_SETTLED * 2)) == MAX_SETTLED
    assert not owed.is_settled("gap:4")
    assert owed.is_settled("gap:5")


def task(name: str, register: str = "a", **more: Any) -> TaskView:
    return TaskView(task_id=name, kind="held", register=register, words="w", hint="Print it.", at_ms=1, **more)


def test_the_list_of_a_store_is_the_union_without_what_anybody_knows_to_be_settled() -> None:
    mine = Told(register="a", tasks=(task("held:1", ways=(Way("Print now", "/x"),)), task("held:2")))
    theirs = Told(
        register="b", tasks=(task("held:2", "b"), task("held:3", "b", ways=(Way("Print now", "/y"),))), settled=("held:9",)
    )
    third = Told(register="c", settled=("held:2",))
    view = merged(mine, [theirs, third], ["register d: there is no line to it"], 10, 5)
    assert [(one.task_id, len(one.ways), one.only_there) for one in view.tasks] == [("held:1", 1, False), ("held:3", 0, True)]
    assert view.tasks[1].hint == "At register b: Print it."
    assert view.words == "2 things are left to do; 1 could not be asked."
    cut = merged(mine, [theirs], [], 1, 5)
    assert (len(cut.tasks), cut.more) == (1, 2)
    assert merged(Told(register="a"), [], [], 10, 5).words == "Nothing is left to do."


def test_each_says_its_amount_and_what_resolves_it() -> None:
    (card,) = awaiting("a", [Awaited("C1", "A-001", "card", 1250, 7, DAY)])
    assert (card.amount_minor, card.ways[0].path, card.ways[0].body) == (1250, "/v1/checks/C1/tenders", {"tender": "card"})
    assert not card.settles
    first, more = quarantine([Aside("HQ", "a", "I", 1, 1), Aside("HQ", "a", "I", 3, 3, "bad_chain", amount_minor=400)])
    assert first.task_id != more.task_id  # seen once, and there are others since
    assert (more.amount_minor, more.settles) == (400, True)
    assert more.words == "3 events of register a are in quarantine at HQ: bad_chain"
    assert len(task_id("quarantine", "a" * 64, "b" * 64)) <= 64


def card(name: str, check_id: str = "C1", **more: Any) -> AuthorisationAsked:
    return AuthorisationAsked(
        authorisation_id=name, situation="payment", tender="visa", kind="card", gateway="bank", amount_minor=1250,
        purpose=Purpose(kind="tender"), key_sha256="k", check_id=check_id, **more,
    )  # fmt: skip


def money(*logs: list[tuple[Envelope, Event]], me: str = "a", now_ms: int = 10_000_000) -> list[tuple[str, int | None, int]]:
    """What these logs come to, whichever comes first."""
    found = set()
    for order in itertools.permutations(logs):
        owed = Owed()
        for envelope, event in itertools.chain(*order):
            owed.take(envelope, event)
        again = Owed()
        again.load(owed.dump())
        assert again.tasks(me, now_ms) == owed.tasks(me, now_ms)
        found.add(tuple(sorted((task.kind, task.amount_minor, len(task.ways)) for task in again.tasks(me, now_ms))))
    assert len(found) == 1
    return list(found.pop())


def test_a_card_without_an_answer_is_listed_until_it_has_one_or_its_reversal_is_final() -> None:
    asked = log("a", opened("C1", "A-001"), card("P1"))
    assert money(asked, now_ms=3_000) == []  # a terminal takes its time
    assert money(asked) == [("frozen_sale", 1250, 2)]
    assert money(asked, me="b") == [("frozen_sale", 1250, 0)]
    no_answer = AuthorisationSettled(authorisation_id="P1", outcome="unknown")
    assert money(log("a", card("P1"), no_answer), now_ms=3_000) == [("frozen_sale", 1250, 2)]
    for outcome in ("approved", "declined", "never_made"):
        assert money(log("a", card("P1"), no_answer, AuthorisationSettled(authorisation_id="P1", outcome=outcome))) == []
    given_up = log("a", card("P1"), no_answer, ReversalOwed(authorisation_id="P1", cause="paid_another_way", check_id="C1"))
    assert money(given_up) == [("reversal_owed", 1250, 0)]
    elsewhere = log("b", AuthorisationReversed(authorisation_id="P1"))  # the check was taken over meanwhile
    assert money(given_up, elsewhere) == []


def test_what_was_paid_twice_is_given_back_by_one_tap() -> None:
    merge = CheckMerged(
        check_id="C1", from_register="b", at={}, check=msgspec.Raw(b"{}"), was="closed", state="closed", overpaid_minor=900,
        conflicts=(Conflict("paid_on_both", "b"),),
    )  # fmt: skip
    owed = Owed()
    for envelope, event in log("a", opened("C1", "A-001"), merge):
        owed.take(envelope, event)
    over, flagged = sorted(owed.tasks("a", 0), key=lambda task: task.kind, reverse=True)
    assert (over.kind, over.amount_minor, over.ticket_code) == ("overpaid", 900, "A-001")
    assert over.ways[0].path == "/v1/checks/C1/refunds"
    assert over.ways[0].body["amount_minor"] == 900
    assert (flagged.kind, flagged.settles) == ("merged", True)
    assert "paid on both" in flagged.words
    back = RefundRecorded(
        check_id="C1", refund_id="R1", tender="cash", kind="cash", amount_minor=400, tax_minor=0, reason="x",
        of_overpayment=True,
    )  # fmt: skip
    assert money(log("a", opened("C1", "A-001"), merge, back)) == [("merged", None, 0), ("overpaid", 500, 1)]
    rest = msgspec.structs.replace(back, refund_id="R2", amount_minor=500)
    assert money(log("a", opened("C1", "A-001"), merge, back, rest)) == [("merged", None, 0)]


def test_a_close_of_what_is_no_day_hides_nothing_else() -> None:
    owed = Owed()
    for envelope, event in (*log("mad", closed("2026-99-99", 1, Epoch(9, "mad")), closed("2026-99-99", 2, Epoch())), *A, *B):
        owed.take(envelope, event)
    assert [task.kind for task in owed.tasks("a", 0)].count("late_close") == 1
