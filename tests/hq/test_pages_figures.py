"""What the pages show: who is behind, sales to the cent, what was rejected and why, checks; whatever registers send."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.hq.people import NOW, Office
from tests.hq.world import DAY, STORE, Log

from tillkeeper.contract.books import day_books
from tillkeeper.contract.envelope import Author
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.paper import SlipEntered
from tillkeeper_hq.pages.standing import Kind, standing
from tillkeeper_hq.pages.words import Facts, ago, money, when
from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.queries import RegisterLog
from tillkeeper_hq.sql import Backend
from tillkeeper_hq.sqlite import SqliteBackend

MARKUP = "<img src=x onerror=alert(1)>\"'&\u202e"
SILENT_MS = 3 * 60_000


@pytest.fixture
def backend(new_database: Callable[[], str], tmp_path: Path) -> Backend:
    url = new_database()
    return PostgresBackend(url) if url else SqliteBackend(tmp_path)


def log_of(held: int, claimed: int | None, heard_ms: int, incarnation: str = "inc-1") -> RegisterLog:
    return RegisterLog(STORE, "till-1", incarnation, held, "0" * 64, 0, heard_ms, claimed)


@pytest.mark.parametrize(
    ("logs", "kind", "behind"),
    [
        ([], Kind.NEVER, None),
        ([log_of(10, 10, NOW)], Kind.FINE, 0),
        ([log_of(10, 9, NOW)], Kind.FINE, 0),
        ([log_of(10, 17, NOW)], Kind.BEHIND, 7),
        ([log_of(10, None, NOW)], Kind.UNKNOWN, None),
        ([log_of(10, None, 0)], Kind.UNKNOWN, None),
        ([log_of(10, 10, NOW - SILENT_MS)], Kind.SILENT, 0),
        ([log_of(10, 12, NOW - SILENT_MS)], Kind.SILENT, 2),
        ([log_of(10, 10, NOW - 9 * SILENT_MS)], Kind.GONE, 0),
        ([log_of(5, 8, NOW - SILENT_MS, "old"), log_of(3, 3, NOW)], Kind.BEHIND, 3),
        ([log_of(0, 8, NOW)], Kind.BEHIND, 8),
        ([log_of(10, 10, NOW + SILENT_MS)], Kind.FINE, 0),
    ],
)
def test_what_is_not_known_is_never_fine(logs: list[RegisterLog], kind: Kind, behind: int | None) -> None:
    found = standing(STORE, "till-1", logs, NOW)
    assert (found.kind, found.behind) == (kind, behind)


def test_the_overview_says_who_is_behind_and_by_how_much(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        log, silent = Log(), Log("till-2")
        log.day_at(random.Random(1), 10)
        silent.day_at(random.Random(2), 5)
        office.take(log, 1, 20, Author(len(log.events), "EUR", 2, "Europe/Berlin"))
        office.take(silent, author=Author(len(silent.events)))
        office.now_ms = _wall_ms()
        mia = office.person("mia")
        seen = mia.see(f"/store?store={STORE}")
        assert f"till-1 behind {len(log.events) - 20:,} events behind" in seen
        assert f"till-2 up to date HQ has everything {len(silent.events)} {len(silent.events)} 0" in seen
        assert "till-3 never heard HQ has not heard from it yet - ? ?" in seen
        office.take(log, 21, None, Author(len(log.events)))
        office.now_ms = _wall_ms()
        assert "till-1 up to date" in mia.see("/")
        office.now_ms += SILENT_MS
        assert "till-1 silent Last heard 3 min ago: what it did since is not known" in mia.see("/")


def _wall_ms() -> int:
    """Registers are heard by the real one."""
    return time.time_ns() // 1_000_000


def test_a_beat_of_a_log_that_hq_has_nothing_of_counts_as_behind(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        office.post(msgspec.structs.replace(Log().batch(), author=Author(0)))
        office.post(msgspec.structs.replace(Log("till-3").batch(), author=Author(41)))
        office.settle()
        office.now_ms = _wall_ms()
        seen = office.person("mia").see(f"/store?store={STORE}")
        assert "till-1 up to date" in seen
        assert "till-3 behind 41 events behind 0 41 41" in seen


@pytest.mark.parametrize("said", [Author(-1), Author(2**60), Author(5, "E" * 99), Author(5, "EUR", 99), Author(5, "EUR", -1)])
def test_what_no_register_says_is_not_believed_and_its_events_count(tmp_path: Path, said: Author) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        log = Log()
        log.sale("c1", 1190)
        assert office.take(log, author=said).held_seq == 3
        office.now_ms = _wall_ms()
        assert "till-1 unknown It does not say how many events it has 3 ?" in office.person("mia").see("/")


def test_sales_are_the_books_to_the_cent(backend: Backend, tmp_path: Path) -> None:
    chance = random.Random(4)
    with Office(tmp_path, backend) as office:
        office.add("mia", "viewer")
        logs = [Log(), Log("till-2"), Log("till-1", "inc-1", "harbour")]
        for log in logs:
            for _ in range(3):
                log.day_at(chance, 12)
            written = ("KWD", 3) if log.store == STORE else ("JPY", 0)
            office.take(log, author=Author(len(log.events), *written))
        office.settle()
        mia = office.person("mia")
        merged = dict(logs[0].books)
        for account, amount in logs[1].books.items():
            merged[account] = merged.get(account, 0) + amount
        books, other = day_books(merged, DAY), logs[2].day_books()
        corner, harbour = Facts("KWD", 3), Facts("JPY", 0)
        seen = mia.see(f"/sales?day={DAY}")
        assert f"corner {books.sales} {money(books.gross_minor, corner)} {money(books.net_minor, corner)}" in seen
        assert f"harbour {other.sales} {money(other.gross_minor, harbour)} {money(other.net_minor, harbour)}" in seen
        assert f"1 store, KWD {books.sales} {money(books.gross_minor, corner)}" in seen
        full = mia.see(f"/day?store={STORE}&day={DAY}")
        for words_, minor in (
            ("Gross", books.gross_minor),
            ("Tax", books.tax_minor),
            ("Tax in refunds", books.refunded_tax_minor),
        ):
            assert f"{words_} {money(minor, corner)}" in full
        for name, tender in books.tenders.items():
            amounts = (tender.taken_minor, tender.returned_minor, tender.refunded_minor, tender.kept_minor)
            assert " ".join((name, *(money(one, corner) for one in amounts))) in full
        for words_, number in (
            ("Closed checks", books.sales),
            ("Voided checks", books.voids),
            ("Open at the end", books.open_checks),
        ):
            assert f"{words_} {number}" in full
        assert f"{DAY} {books.sales} {money(books.gross_minor, corner)}" in mia.see(f"/store?store={STORE}")


def test_the_open_checks_of_a_day_are_those_left_from_before_too(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        log = Log()
        log.open("left", "2026-11-19")
        log.sale("next-day", 500, "2026-11-20")
        office.take(log)
        mia = office.person("mia")
        assert "2026-11-20 1 5.00 4.21 0.79 0.00 5.00 0 1" in mia.see(f"/store?store={STORE}")
        assert "corner 1 5.00 4.21 0.79 0.00 5.00 0 1" in mia.see("/sales?day=2026-11-20")
        assert "← 2026-11-19" in mia.see("/sales")


def test_the_days_that_are_offered_are_those_of_the_stores_that_one_may_see(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        office.add("ben", "viewer", "harbour", "elsewhere")
        corner, harbour = Log(), Log("till-1", "inc-1", "harbour")
        for log, day in ((corner, "2026-11-17"), (harbour, "2026-11-18"), (corner, "2026-11-19"), (corner, "2026-11-20")):
            log.sale(f"{log.store}-{day}", 500, day)
        office.take(corner)
        office.take(harbour)
        assert "Sales 2026-11-20" in office.person("mia").see("/sales")
        seen = office.person("ben").ask("/sales").text
        assert set(re.findall("2026-11-[0-9]{2}", seen)) - {"2026-11-21"} == {"2026-11-18"}, "21 is today, in the foot"


@pytest.mark.parametrize(
    "query", ["day=nonsense", "day=2026-02-30", "day=20261121", "day=%00", "day=9999-12-31", "store=" + "x" * 500]
)
def test_odd_questions_are_answered(tmp_path: Path, query: str) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        mia = office.person("mia")
        assert mia.ask(f"/sales?{query}").status_code == 200
        assert mia.ask(f"/day?store=corner&{query}").status_code in (200, 404)
        for path in ("/aside?id=-1", "/aside?id=99999999999999999999", "/aside?id=%F0", "/store?store=%00"):
            assert mia.ask(path).status_code == 404
        assert mia.ask("/quarantine?before=" + "9" * 40).status_code == 200


def hostile_log() -> Log:
    """Names and contents that would be markup, binary, or too large, in every place that a page shows."""
    log = Log("till-2", f"i{MARKUP}"[:64])
    log.raw(f"type{MARKUP}", f'{{"a": "{MARKUP}"}}', day=MARKUP)
    log.raw("check_voided", f"{MARKUP}\x00\x07\x1b[2J\ufffe")
    log.raw("check_voided", "\x00" * 1_000)
    log.raw("check_closed", "{" + "9" * 70_000)
    log.raw("check_voided", "[" * 30_000)
    log.raw("check_voided", "{}", version=2**53)
    log.sale(f"id{MARKUP}", 4_250)
    return log


def test_whatever_a_register_sends_stays_text(backend: Backend, tmp_path: Path) -> None:
    log = hostile_log()
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        office.take(log)
        broken = Log("till-2", log.incarnation)
        broken.raw(f"other{MARKUP}", f'{{"b":"{MARKUP}"}}', personal={"d": (MARKUP, MARKUP)})
        office.take(broken)
        office.post(msgspec.structs.replace(Log("till-3").batch(), author=Author(1, MARKUP[:20], 2, "../../etc/passwd")))
        office.settle()
        mia = office.person("mia")
        asides = re.findall(r"/aside\?id=(\d+)", mia.ask("/quarantine").text)
        assert len(asides) >= 5
        paths = [
            "/",
            f"/store?store={STORE}",
            "/sales",
            "/quarantine",
            "/checks?q=A-001",
            *(f"/aside?id={one}" for one in asides),
        ]
        for path in paths:
            answer = mia.ask(path)
            assert answer.status_code == 200, path
            assert "<img" not in answer.text
            assert "onerror=alert(1)>" not in answer.text
            assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e]", answer.text), path
        assert "42.50" in mia.see("/checks?q=A-001")


def test_an_owner_with_markup_in_the_note_marks_up_nothing(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        log = Log()
        log.raw("check_voided", "{}")
        office.take(log)
        mia = office.person("mia")
        assert mia.send("/aside?id=1", note=MARKUP).status_code == 303
        for path in ("/aside?id=1", "/journal"):
            assert "<img" not in mia.ask(path).text
        for note in ("", "   ", "x" * 501):
            assert mia.send("/aside?id=1", note=note).status_code == 422


def test_a_rejected_event_says_why_who_when_and_what_it_is_worth(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "manager")
        log, clone = Log(), Log()
        log.sale("c1", 1190)
        clone.sale("c2", 777)
        said = Author(3, "EUR", 2, "Europe/Berlin")
        office.take(log, author=said)
        office.take(clone, author=said)
        office.settle()
        mia = office.person("mia")
        listed = mia.see("/quarantine")
        assert "check_closed corner / till-1, event 3 forked_log" in listed
        assert "7.77 EUR" in listed
        closed = next(n for n in range(1, 4) if "check_closed, version 1" in mia.see(f"/aside?id={n}"))
        seen = mia.see(f"/aside?id={closed}")
        for part in (
            "the register's disk was cloned",
            "Sent by till-1",
            "gross 7.77 EUR",
            '"check_id":"c2"',
            "CET",
            "Nobody yet.",
        ):
            assert part in seen
        assert "They would add 1 check, 7.77 EUR gross" in mia.see(f"/day?store={STORE}&day={DAY}")
        assert "Forked log: corner / till-1. 3 events to look at" in mia.see("/")


def test_noting_takes_nothing_away_and_says_who(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        office.add("ben", "manager", STORE)
        log, clone = Log(), Log()
        log.sale("c1", 1190)
        clone.sale("c2", 777)
        office.take(log)
        office.take(clone)
        ben, mia = office.person("ben"), office.person("mia")
        assert ben.send("/aside?id=1", note="The spare till").status_code == 303
        assert "The spare till ben, " in mia.see("/aside?id=1")
        assert ben.see("/quarantine").count("not yet") == 2
        office.take(Log.again(clone, "till-1"))
        newer = Log("till-2")
        newer.raw("check_voided", "{}")
        shown_up_to = 3
        office.take(newer)
        assert ben.send("/quarantine", note="All of them", up_to=str(shown_up_to), reason="forked_log").status_code == 303
        assert ben.see("/quarantine").count("not yet") == 1
        everything = mia.see("/quarantine?all=1")
        assert (everything.count("forked_log"), everything.count("looked at")) == (3, 3)
        assert "They would add 1 check, 7.77 gross" in mia.see(f"/day?store={STORE}&day={DAY}")
        acts = mia.see("/journal")
        assert "ben quarantine looked at corner / till-1 / 1 The spare till" in acts
        assert "ben quarantine looked at forked_log 2 events: All of them" in acts


def test_a_check_is_found_by_what_is_on_paper_in_every_store(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "viewer")
        for store in (STORE, "harbour"):
            log = Log("till-1", "inc-1", store)
            log.sale(f"long-id-{store}", 1190)
            office.take(log)
        mia = office.person("mia")
        for asked in ("long-id-corner", "1", "A-001"):
            assert "1 A-001 closed corner / till-1 2026-11-21 11.90" in mia.see(f"/checks?q={asked}")
        assert mia.see("/checks?q=1").count("A-001") == 2
        assert mia.see("/checks?q=1&store=harbour").count("A-001") == 1
        assert "No such check" in mia.see("/checks?q=nothing-of-ours")


def test_a_check_that_was_sold_on_paper_says_so(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "viewer")
        log = Log()
        log.sale("plain", 1190)
        opened = CheckOpened(
            check_id="paper", ticket_code="A-002", order_type="dine_in", catalogue_version="c1", terminal="till-1"
        )
        log.add(opened)
        log.add(SlipEntered(check_id="other", slip="99", amount_minor=1))
        office.take(log)
        mia = office.person("mia")
        assert "paper" not in mia.see("/checks?q=1")
        assert "from paper" not in mia.see("/checks?q=A-002")  # another check's slip is not its own
        more = Log("till-2")
        more.add(msgspec.structs.replace(opened, check_id="slip", ticket_code="B-001"))
        more.add(SlipEntered(check_id="slip", slip=MARKUP[:30], slip_at_ms=1_795_354_500_000, amount_minor=1190))
        office.take(more)
        seen = mia.see("/checks?q=B-001")
        assert "from paper: slip" in seen
        assert "2026-11-22" in seen


def test_thousands_of_rows_come_page_by_page(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        log = Log()
        for _ in range(3_000):
            log.raw("check_voided", "{}")
        for first in (1, 1_501):
            office.take(log, first, first + 1_499)
        mia = office.person("mia")
        path, seen = "/quarantine", 0
        while path:
            text = mia.ask(path).text
            found = len(re.findall(r'href="/aside', text))
            assert found <= 50
            seen += found
            more = re.search(r'<a href="([^"]*before=[^"]*)"', text)
            path = more[1].replace("&amp;", "&") if more else ""
        assert seen == 3_000
        assert "3,000 rejected events in quarantine to look at" in mia.see("/")
        assert mia.send("/quarantine", note="One bad build", up_to="99999").status_code == 303
        assert "Nothing to look at." in mia.see("/quarantine")


def test_users_and_the_journal_come_page_by_page(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        mia = office.person("mia")
        for n in range(60):
            assert mia.send("/users", name=f"user {n:03}", role="viewer").status_code == 200
        first = mia.ask("/users").text
        assert len(re.findall(r'href="/user\?', first)) == 50
        assert "user 059" in mia.see("/users?after=user+048")
        assert "Older ones" not in mia.see("/journal")
        assert mia.send("/users", name="USER 001", role="viewer").status_code == 422
        assert mia.send("/users", name="boss", role="owner", stores="corner").status_code == 422
        assert mia.send("/user?name=mia", act="disable").status_code == 422


def test_money_and_times_in_words() -> None:
    assert money(123_456_789, Facts("EUR")) == "1,234,567.89 EUR"
    assert money(-5, Facts()) == "\u22120.05"
    assert money(1_000, Facts("JPY", 0)) == "1,000 JPY"
    assert money(1_234, Facts("KWD", 3)) == "1.234 KWD"
    assert when(1_795_300_000_000, Facts("", 2, "America/New_York")).endswith("EST")
    for zone in ("", "Nowhere/None", "../etc", "/etc/passwd", "\0"):
        assert when(1_795_300_000_000, Facts("", 2, zone)).endswith("UTC")
    assert when(2**60, Facts()) == f"at {2**60} ms"
    assert [ago(NOW - s * 1000, NOW) for s in (0, 59, 61, 7_200, 200_000, -50)] == [
        "now", "59 s ago", "1 min ago", "2 h ago", "2 days ago", "now"]  # fmt: skip
