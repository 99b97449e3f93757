"""What the reading commands show of the API's own views."""

import asyncio
import subprocess
import sys
from pathlib import Path

import apsw
import msgspec
import pytest
from msgspec.structs import replace
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper import daemon
from tillkeeper.api.server import Bound
from tillkeeper.cli import main
from tillkeeper.cli.client import Client
from tillkeeper.config.embedded import embedded, embedded_printers
from tillkeeper.contract import views
from tillkeeper.contract.authorisations import FrozenView
from tillkeeper.contract.paper import Slip
from tillkeeper.contract.together import Conflict, ElsewhereView
from tillkeeper.contract.values import Modifier, Tax, Totals
from tillkeeper.journal.files import JOURNAL_FILE

Capture = pytest.CaptureFixture[str]

BOOKS = views.BooksView(
    business_day="2030-03-17", currency="USD", checks_opened=5, checks_closed=3, checks_voided=1, checks_open=1,
    gross_minor=10888, net_minor=10000, tax_minor=888, discount_minor=250, rounding_minor=0, refund_minor=100,
    refund_tax_minor=8, no_sales=2, only_here=4,
    taxes=(views.TaxBook(code="sales", title="Sales tax", net_minor=10000, tax_minor=888),),
    tenders=(views.TenderBook(tender="cash", taken_minor=10888, returned_minor=1234, refunded_minor=100),),
)  # fmt: skip

CHECK = views.CheckView(
    check_id="01ABC", ticket_code="B-001", state="open", synced=False, order_type="takeout", business_day="2030-03-17",
    opened_at_ms=1_900_000_000_000, terminal="front", catalogue_version="abc", name="Zoë\x1b[31m",
    totals=Totals(3150, 0, 3150, 280, 3430, 0, 0, 3430),
    lines=(
        views.LineView(
            line_id="l1", item_id="ribeye", name="刺身", quantity=2, unit_price_minor=1500, state="fired",
            tax=Tax("sales", 88750, False), station="grill", note="crisp",
            modifiers=(Modifier("sauce", "Sauce béarnaise", 75),),
        ),
    ),
)  # fmt: skip

SUMMARY = views.CheckSummary(
    check_id="01ABC", ticket_code="B-001", state="open", synced=False, order_type="takeout", business_day="2030-03-17",
    opened_at_ms=1_900_000_000_000, terminal="front", gross_minor=3430, due_minor=3430, lines=1,
)  # fmt: skip


def show(tmp_path: Path, capsys: Capture, line: str, **answers: msgspec.Struct) -> str:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers |= {path: msgspec.to_builtins(view) for path, view in answers.items()}
        assert main([*line.split(), "--socket", str(agent.socket)]) == 0
        return capsys.readouterr().out


def test_books(tmp_path: Path, capsys: Capture) -> None:
    text = show(tmp_path, capsys, "books --day 2030-03-17", **{"GET /v1/books": BOOKS})
    for words in ("2030-03-17", "108.88", "8.88", "12.34", "not at HQ yet: 4 events"):
        assert words in text


def test_a_list_of_checks_marks_what_is_not_synced(tmp_path: Path, capsys: Capture) -> None:
    page = views.CheckPage(checks=(SUMMARY,), next_before="01ABC")
    text = show(tmp_path, capsys, "check list --state open", **{"GET /v1/checks": page})
    assert "B-001" in text
    assert "34.30" in text
    assert "not synced" in text
    assert "--before 01ABC" in text


THERE = ElsewhereView(register="side", reachable=False, heard_s=90.0, as_of_ms=1_900_000_000_000)


def test_a_list_of_checks_says_what_to_know_before_one_is_touched(tmp_path: Path, capsys: Capture) -> None:
    rows = (
        replace(SUMMARY, ticket_code="B-001", frozen=True),
        replace(SUMMARY, ticket_code="B-002", elsewhere=THERE),
        replace(SUMMARY, ticket_code="B-003", doubt=("side",), conflicts=2),
        replace(SUMMARY, ticket_code="B-004", slip=Slip("17")),
    )
    text = show(tmp_path, capsys, "check list", **{"GET /v1/checks": views.CheckPage(checks=rows)})
    frozen, there, merged, paper = (line for line in text.splitlines() if "B-0" in line)
    assert "open, FROZEN" in frozen
    assert "open, at side (silent)" in there
    assert "may be paid at side, MERGED, look at 2" in merged
    assert "from paper" in paper


def test_a_check_in_full_says_who_has_it_what_freezes_it_and_what_a_merge_left(tmp_path: Path, capsys: Capture) -> None:
    asked = FrozenView(
        authorisation_id="a1", state="unknown", situation="payment", tender="card", amount_minor=1250, asked_at_ms=1,
        reason="no answer within 2 s",
    )  # fmt: skip
    conflicts = (Conflict("changed_on_both", "side", "l1", "course"), Conflict("paid_on_both", "side"))
    check = replace(CHECK, elsewhere=THERE, frozen=(asked,), doubt=("side",), conflicts=conflicts, overpaid_minor=500)
    text = show(tmp_path, capsys, "check show B-001", **{"GET /v1/checks/B-001": check})
    for words in (
        "ELSEWHERE: register side has it and is silent: it may have been changed or paid there (tillkeeper take B-001)",
        "FROZEN by a call whose outcome is not known: card 12.50, payment: no answer within 2 s (tillkeeper cards)",
        "MAY BE PAID ALREADY at side: ask the guest",
        "MERGED with side: changed on both (l1 course)",
        "MERGED with side: paid on both",
        "PAID TWICE: 5.00 to be given back (tillkeeper after)",
    ):
        assert words in text
    assert "FROZEN" not in show(tmp_path, capsys, "check show B-001", **{"GET /v1/checks/B-001": CHECK})


def test_a_check_in_full_shows_prices_with_modifiers_and_steers_no_terminal(tmp_path: Path, capsys: Capture) -> None:
    text = show(tmp_path, capsys, "check show B-001", **{"GET /v1/checks/B-001": CHECK})
    assert "NOT SYNCED" in text
    assert "31.50" in text  # 2 x (15.00 + 0.75)
    assert "Sauce béarnaise" in text
    assert "crisp" in text
    assert "\x1b" not in text


def test_columns_stay_in_line_beside_wide_characters(tmp_path: Path, capsys: Capture) -> None:
    text = show(tmp_path, capsys, "catalogue show")
    sushi, burger = (next(line for line in text.splitlines() if line.startswith(name)) for name in ("sashimi ", "burger "))
    wide = sum(character in "刺身" for character in sushi)
    assert sushi.index("22.50") + wide == burger.index("14.50")


def test_a_simulated_display_shows_its_tickets_and_leaves_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tillkeeper", "simulate", "display", "kitchen", "--url", "http://127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as display:
        assert display.stdout is not None
        assert "/v1/kitchen/kitchen" in display.stdout.readline()
        display.terminate()
        assert display.wait(10) == 0
    assert main(["simulate", "display", "kitchen", "--url", "nonsense"]) == 2


def test_journal_verify_tells_a_changed_journal(tmp_path: Path, capsys: Capture) -> None:
    journal = sell(tmp_path)
    assert main(["journal", "verify", str(tmp_path / "data")]) == 0
    assert "verified" in capsys.readouterr().out
    connection = apsw.Connection(str(journal))
    connection.execute("UPDATE events SET body = replace(body, 'Apple', 'Pear') WHERE type = 'line_added'")
    connection.close()
    assert main(["journal", "verify", str(journal)]) == 5
    assert "verified" not in capsys.readouterr().out
    assert main(["journal", "verify", str(tmp_path / "nowhere")]) == 2


def sell(folder: Path) -> Path:
    """A journal with a sale in it."""
    config = embedded(folder / "data", ports=dict.fromkeys(embedded_printers(), 9))

    def ring() -> None:
        with Client(socket=config.api.socket) as client:
            client.post("/v1/orders", {"order_type": "takeout", "lines": [{"item_id": "apple"}]})

    async def run() -> None:
        ready: asyncio.Future[Bound] = asyncio.get_running_loop().create_future()
        register = asyncio.create_task(daemon.run(config, ready.set_result))
        await asyncio.wait_for(ready, 20)
        await asyncio.to_thread(ring)
        register.cancel()
        await asyncio.wait([register])

    asyncio.run(run())
    return folder / "data" / JOURNAL_FILE


def test_nothing_is_due_on_a_voided_check(tmp_path: Path, capsys: Capture) -> None:
    voided = msgspec.structs.replace(SUMMARY, state="voided")
    page = views.CheckPage(checks=(voided,), next_before=None)
    text = show(tmp_path, capsys, "check list", **{"GET /v1/checks": page})
    (row,) = (line for line in text.splitlines() if line.startswith("B-001"))
    assert row.count("34.30") == 1
    assert " - " in row
    text = show(
        tmp_path, capsys, "check show B-001", **{"GET /v1/checks/B-001": msgspec.structs.replace(CHECK, state="voided")}
    )
    (due,) = (line for line in text.splitlines() if line.startswith("due"))
    assert due.split() == ["due", "-"]


def test_the_catalogue_says_what_goes_after_mod_and_discount(tmp_path: Path, capsys: Capture) -> None:
    text = show(tmp_path, capsys, "catalogue show")
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "." in rows["large"]
    assert "%" in rows["happy-hour"]
    assert "CODE=AMOUNT" in rows["complaint"]


def test_one_item_is_shown_with_its_groups_only(tmp_path: Path, capsys: Capture) -> None:
    text = show(tmp_path, capsys, "catalogue show --item cola")
    words = text.split()
    assert {"cola", "large"} <= set(words)
    assert not {"rare", "burger", "happy-hour"} & set(words)
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert main(["catalogue", "show", "--item", "no-such", "--socket", str(agent.socket)]) == 1
    assert "no-such" in capsys.readouterr().err
