"""What HQ does with events: each once, in order, and nothing that it does not like is lost."""

import json
import random
from pathlib import Path

import msgspec
import pytest
from tests.hq.world import DAY, READER, STORE, Hq, Log, personal, running, token

from tillkeeper.contract.books import day_books
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckClosed, CheckNumbered, CheckOpened
from tillkeeper.contract.values import Totals

pytestmark = pytest.mark.usefixtures("database")


def verdicts(answer: object) -> list[tuple[int, str, str]]:
    return [(v.seq, v.verdict, v.reason) for v in answer.verdicts]  # type: ignore[attr-defined]


def test_a_batch_sent_again_changes_nothing_and_gets_the_same_numbers(tmp_path: Path) -> None:
    log = Log()
    log.day_at(random.Random(1), 40)
    with running(tmp_path) as hq:
        first = hq.send(log.batch())
        again = hq.send(log.batch())
        assert {v for _, v, _ in verdicts(again)} == {"stored"}
        assert first.held_seq == again.held_seq == len(log.events)
        assert first.numbers == again.numbers
        assert sorted(n.number for n in first.numbers) == list(range(1, len(first.numbers) + 1))
        assert hq.books() == log.day_books()
        assert hq.books().refunds > 0
        assert hq.books().voids > 0
        assert hq.books().open_checks > 0


def test_a_gap_waits_and_is_filled(tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        early = hq.send(log.batch(2))
        assert early.held_seq == 0
        assert [v for _, v, _ in verdicts(early)] == ["retryable", "retryable"]
        assert hq.send(log.batch()).held_seq == 3
        assert hq.books() == log.day_books()


def test_an_empty_batch_is_a_beat(tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        assert hq.send(log.batch(last=0)).held_seq == 0
        hq.send(log.batch())
        before = hq.get("/v1/registers")["registers"][0]
        answer = hq.send(log.batch(last=0))
        after = hq.get("/v1/registers")["registers"][0]
        assert answer.held_seq == after["held_seq"] == 3
        assert answer.numbers == ()
        assert after["last_seen_ms"] == answer.hq_time_ms >= before["last_seen_ms"]


def test_a_forked_log_is_kept_visible_and_counted_beside(tmp_path: Path) -> None:
    log, clone = Log(), Log()
    for one in (log, clone):
        one.sale("c1", 1000)
    log.sale("c2", 2000)
    clone.sale("c3", 3000)
    with running(tmp_path) as hq:
        hq.send(log.batch())
        answer = hq.send(clone.batch())
        assert verdicts(answer) == [
            *((seq, "stored", "") for seq in (1, 2, 3)),
            *((seq, "rejected", "forked_log") for seq in (4, 5, 6)),
        ]
        hq.send(clone.batch())
        assert hq.books() == log.day_books()
        found = hq.get("/v1/quarantine")["events"]
        assert [(f["seq"], f["reason"]) for f in found] == [(4, "forked_log"), (5, "forked_log"), (6, "forked_log")]
        assert [msgspec.convert(f["envelope"], Envelope) for f in found] == clone.events[3:]
        beside = hq.get("/v1/books", day=DAY)["days"][0]["quarantined"]
        assert beside["gross_minor"] == 3000
        assert hq.get("/v1/registers")["registers"][0]["rejected"] == 3


def test_a_broken_chain_is_set_apart_and_the_rest_goes_on(tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1000)
    log.sale("c2", 2000)
    bad = msgspec.structs.replace(log.events[2], body=log.events[2].body.replace("1000", "9000"))
    log.events[2] = bad
    with running(tmp_path) as hq:
        answer = hq.send(log.batch())
        assert verdicts(answer)[2] == (3, "rejected", "broken_chain")
        assert answer.held_seq == 6
        assert hq.books().gross_minor == 2000
        assert hq.send(log.batch()).verdicts == answer.verdicts
        assert len(hq.get("/v1/quarantine")["events"]) == 1


def test_what_one_disk_damaged_comes_whole_from_another(tmp_path: Path) -> None:
    """The verdict stays as it was said; the whole event is listed beside the damaged one, and its money with it."""
    log = Log()
    log.sale("c1", 1000)
    log.sale("c2", 2000)
    whole = log.batch()
    damaged = msgspec.structs.replace(log.events[5], body=log.events[5].body + "}")
    with running(tmp_path) as hq:
        first = hq.send(msgspec.structs.replace(whole, events=(*log.events[:5], damaged)))
        for _ in range(2):
            assert hq.send(whole).verdicts == first.verdicts
        found = [msgspec.convert(f["envelope"], Envelope) for f in hq.get("/v1/quarantine")["events"]]
        assert found == [damaged, log.events[5]]
        assert hq.books().gross_minor == 1000
        assert hq.get("/v1/books", day=DAY)["days"][0]["quarantined"]["gross_minor"] == 2000


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "not json",
        '{"check_id": 5}',
        '{"check_id":"c9","more":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"check_id":"c9","totals":' + msgspec.json.encode(Totals(1, 0, 1, 0, 10**30, 0, 1, 0)).decode() + "}",
    ],
)
def test_a_poison_event_delays_no_other(tmp_path: Path, body: str) -> None:
    log = Log()
    log.raw("check_closed", body)
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        answer = hq.send(log.batch())
        assert verdicts(answer)[0] == (1, "rejected", "undecodable")
        assert {v for _, v, _ in verdicts(answer)[1:]} == {"stored"}
        assert answer.held_seq == 4
        assert hq.books() == log.day_books()
        assert hq.get("/v1/quarantine")["events"][0]["envelope"]["body"] == body


def test_a_bad_business_day_is_poison_too(tmp_path: Path) -> None:
    log = Log()
    log.raw("check_voided", '{"check_id":"c1","reason":"x"}', day="someday")
    with running(tmp_path) as hq:
        assert verdicts(hq.send(log.batch())) == [(1, "rejected", "undecodable")]


def test_unknown_types_and_versions_survive_byte_for_byte(tmp_path: Path) -> None:
    log = Log()
    odd = '{ "b" : 1.50,\t"a":"\\u00e9 é 漢", "b":2 }'
    log.raw("robot_waiter_dispatched", odd)
    log.raw("check_closed", '{"meaning":"changed"}', version=2)
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        assert {v for _, v, _ in verdicts(hq.send(log.batch()))} == {"stored"}
        back = hq.get("/v1/events", register="till-1", incarnation="inc-1")["events"]
        assert [msgspec.convert(e, Envelope) for e in back] == log.events
        assert hq.books() == log.day_books()


def test_personal_texts_are_kept_beside_and_only_if_they_fit(tmp_path: Path) -> None:
    log = Log()
    name, texts = personal("Zoë")
    opened = CheckOpened(
        check_id="c1", ticket_code="A-1", order_type="delivery", catalogue_version="v", terminal="till-1", name=name
    )
    log.add(opened, personal={**texts, "0" * 64: ("salt", "not what the chain speaks of")})
    with running(tmp_path) as hq:
        hq.send(log.batch())
        back = hq.get("/v1/events", register="till-1", incarnation="inc-1")["events"][0]
        assert back["personal"] == {name.digest: ["5a" * 16, "Zoë"]}
        assert "Zoë" not in back["body"]


def test_checks_are_found_by_id_number_and_code(tmp_path: Path) -> None:
    log = Log()
    log.sale("01LONGID", 1190)
    with running(tmp_path) as hq:
        number = hq.send(log.batch()).numbers[0].number
        for reference in ("01LONGID", str(number), "A-001"):
            found = hq.get(f"/v1/checks/{reference}")
            assert (found["check_id"], found["state"], found["totals"]["gross_minor"]) == ("01LONGID", "closed", 1190)
        assert hq.ask("/v1/checks/nobody").status_code == 404


def test_numbers_on_paper_win_after_hq_lost_its_disk(tmp_path: Path) -> None:
    """The database is gone; the log comes again and tells which numbers it once was given."""
    log = Log()
    log.open("c1")
    log.open("c2")
    log.add(CheckNumbered(check_id="c1", number=41))
    log.add(CheckNumbered(check_id="c2", number=42))
    later = Log("till-2")
    later.open("c3")
    with running(tmp_path, "--first-number", "1000") as hq:
        hq.send(log.batch())
        assert hq.get("/v1/checks/c1")["number"] == 41
        assert hq.get("/v1/checks/42")["check_id"] == "c2"
        fresh = hq.send(later.batch()).numbers[0].number
        assert fresh >= 1002  # 1000 and 1001 were handed out for a moment: never again


def test_a_number_that_another_check_has_is_not_taken_away(tmp_path: Path) -> None:
    log = Log()
    log.open("c1")
    log.open("c2")
    log.add(CheckNumbered(check_id="c2", number=1))
    with running(tmp_path) as hq:
        hq.send(log.batch())
        assert hq.get("/v1/checks/1")["check_id"] == "c1"
        assert hq.get("/v1/quarantine")["events"][0]["reason"] == "number_taken"


def test_what_is_stored_survives_a_restart(tmp_path: Path) -> None:
    log = Log()
    log.sale("c1", 1190)
    with running(tmp_path) as hq:
        answer = hq.send(log.batch())
        assert hq.end() == 0
        hq.start()
        assert hq.send(log.batch()).numbers == answer.numbers
        assert hq.books() == log.day_books()


def test_days_and_logs_are_kept_apart(tmp_path: Path) -> None:
    log, old = Log(), Log(incarnation="inc-0")
    log.sale("c1", 100, "2026-11-20")
    log.open("c2", "2026-11-20")
    old.sale("c3", 200)
    whole = {**old.books, **log.books}
    with running(tmp_path) as hq:
        send_all(hq, log, old)
        shown = hq.get("/v1/books", store=STORE)["days"]
        assert [d["books"]["business_day"] for d in shown] == ["2026-11-20", DAY]
        for day in ("2026-11-20", DAY):
            assert hq.books(day) == day_books(whole, day)
        assert hq.books().open_checks == 1
        assert [r["incarnation"] for r in hq.get("/v1/registers")["registers"]] == ["inc-1", "inc-0"]
        assert hq.get("/v1/books", secret=token("harbour"), day=DAY)["days"][0]["books"]["sales"] == 0


def send_all(hq: Hq, *logs: Log) -> None:
    for log in logs:
        hq.send(log.batch())


def test_a_check_closed_twice_in_two_events_is_two_events(tmp_path: Path) -> None:
    """HQ counts events, it does not second-guess a register: the books are the fold on both sides."""
    log = Log()
    log.sale("c1", 100)
    log.add(CheckClosed(check_id="c1", totals=Totals(100, 0, 100, 0, 100, 0, 100, 0)))
    with running(tmp_path) as hq:
        hq.send(log.batch())
        assert hq.books() == log.day_books()
        assert hq.ask("/v1/books", READER).status_code == 200


@pytest.mark.parametrize("field", ["check_id", "ticket_code", "tender"])
def test_a_name_too_long_to_look_up_delays_no_other(tmp_path: Path, field: str) -> None:
    """A database's index may refuse it; then its log would never go on."""
    long = random.Random(1).randbytes(4000).hex()
    log = Log()
    opened = {"check_id": "c1", "ticket_code": "A-1", "order_type": "dine_in", "catalogue_version": "v", "terminal": "t"}
    paid = {"check_id": "c1", "tender_id": "t", "tender": "cash", "kind": "cash", "amount_minor": 5, "tendered_minor": 5}
    body = paid if field == "tender" else opened
    log.raw("tender_recorded" if field == "tender" else "check_opened", json.dumps({**body, field: long}))
    log.sale("c2", 1190)
    with running(tmp_path) as hq:
        answer = hq.send(log.batch())
        assert verdicts(answer)[0] == (1, "rejected", "undecodable")
        assert (answer.held_seq, hq.books()) == (4, log.day_books())
