"""What the commands send, show and exit with, against an agent that holds every body against the API's route table."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.fake_agent import FakeAgent, Store, drop

from tillkeeper.cli import GROUPS, main

Capture = pytest.CaptureFixture[str]

STATUS: dict[str, Any] = {
    "store": "store-1",
    "register": "front",
    "version": "1",
    "uptime_s": 61.0,
    "business_day": "2030-03-17",
    "dot": {"colour": "red", "words": "offline: HQ does not answer"},
    "offline_support": True,
    "only_here": 7,
    "only_here_words": "7 events are only on this register",
    "selling": False,
    "catalogue_version": "abc",
    "catalogue_age_s": None,
    "jobs_waiting": 1,
    "jobs_held": 2,
    "checks_open": 3,
    "paused": ["Reports at HQ do not update"],
    "sinks": [
        {"name": "HQ", "kind": "hq", "reachable": False, "behind": 12, "words": "silent for 5 min, behind by 12"},
        {"name": "side", "kind": "register", "reachable": True, "behind": 0, "words": "reachable, has all\u001b"},
    ],
    "devices": [
        {"device": "grill", "kind": "escpos", "known": True, "trouble": "paper is out", "queued": 1, "held": 2, "stations": []},
        {"device": "bar", "kind": "escpos", "known": False, "trouble": "", "queued": 0, "held": 0, "stations": ["bar"]},
    ],
    "advisories": [
        {"severity": "alarm", "title": "Disk full", "subject": "journal", "text": "No room.", "hint": "Delete something."}
    ],
}  # fmt: skip

RESULT: dict[str, Any] = {"events": 1, "check_id": "c1", "ticket_code": "B-001", "state": "open"}


def call(agent: FakeAgent, *arguments: str) -> int:
    return main([*arguments, "--socket", str(agent.socket)])


def test_help_imports_no_command_and_no_library() -> None:
    code = (
        "import sys, contextlib, io\n"
        "from tillkeeper.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out: main(['--help'])\n"
        "heavy = {'httpx', 'msgspec', 'asyncio', 'apsw', 'starlette', 'PIL', 'tillkeeper_drivers', 'email', 'zoneinfo'}\n"
        "print(sorted(heavy & set(sys.modules)), out.getvalue())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] usage: tillkeeper")
    for group in GROUPS:
        assert group in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--frobnicate"], ["stauts"], ["check"], ["order", "--seat", "1"]])
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: tillkeeper" in capsys.readouterr().err


def test_status_says_what_is_wrong_and_never_that_unknown_is_fine(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/status"] = STATUS
        assert call(agent, "status") == 0
        text = capsys.readouterr().out
        assert call(agent, "status", "--json") == 0
    assert "paused: Reports at HQ do not update" in text
    assert "HQ: silent for 5 min, behind by 12" in text
    assert "register side: reachable, has all" in text
    assert "\x1b" not in text
    for words in ("[red] offline: HQ does not answer", "7 events", "NOT SELLING", "paper is out", "ALARM: Disk full (journal)"):
        assert words in text
    (bar,) = (line for line in text.splitlines() if line.startswith("bar"))
    assert "unknown" in bar
    assert json.loads(capsys.readouterr().out) == STATUS


def test_an_order_goes_out_as_it_was_typed_and_comes_back_with_the_change(tmp_path: Path, capsys: Capture) -> None:
    order = "order --takeout --name Zoë --item burger:2 --mod rare --mod with-fries --note crisp --item cola --mod large"
    pay = "--discount complaint=1.50 --reason late --tender voucher=10 --cash 50.00"
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert call(agent, *order.split(), *pay.split(), "--by", "Maya") == 0
        sent = agent.last().body
    assert sent["lines"] == [
        {
            "item_id": "burger",
            "quantity": 2,
            "modifiers": [{"modifier_id": "rare", "quantity": 1}, {"modifier_id": "with-fries", "quantity": 1}],
            "note": "crisp",
        },
        {"item_id": "cola", "quantity": 1, "modifiers": [{"modifier_id": "large", "quantity": 1}]},
    ]
    assert sent["order_type"] == "takeout"
    assert sent["discounts"] == [{"code": "complaint", "amount_minor": 150, "reason": "late"}]
    assert sent["tenders"] == [{"tender": "voucher", "tendered_minor": 1000}, {"tender": "cash", "tendered_minor": 5000}]
    assert sent["by"] == "Maya"
    text = capsys.readouterr().out
    assert text.startswith("B-001 closed")
    gross = round((2 * 1450 + 325 + 110 - 150) * 1.08875)  # 35.77 with tax
    assert f"CHANGE {(1000 + 5000 - gross) / 100:.2f} USD" in text


def test_cash_without_an_amount_is_exactly_what_is_due(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert call(agent, "order", "--item", "apple", "--cash") == 0
        assert agent.last().body["tenders"] == [{"tender": "cash"}]
    assert "due 0.00" in capsys.readouterr().out


@pytest.mark.parametrize("amount", ["1.005", "-3", "0", "ten", "nan", "1e99999"])
def test_an_amount_that_is_none_is_exit_code_2_and_nothing_is_sent(amount: str, tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert call(agent, "order", "--item", "apple", f"--cash={amount}") == 2
        assert not agent.orders
    assert amount in capsys.readouterr().err


def test_a_broken_connection_is_repeated_once_with_the_same_key(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.after = [drop]
        assert call(agent, "order", "--item", "apple", "--cash", "--json") == 0
        keys = [request.key for request in agent.requests if request.method == "POST"]
        assert len(keys) == 2
        assert len(set(keys)) == 1
        assert len(agent.orders) == 1
        agent.faults = [lambda handler: False, drop, drop]
        assert call(agent, "order", "--item", "apple", "--cash", "--key", "mine") == 3
        assert call(agent, "order", "--item", "apple", "--cash", "--key", "mine") == 0
        assert list(agent.orders)[-1] == "mine"
    assert "can not be reached" in capsys.readouterr().err


def test_a_refusal_is_exit_code_1_with_cause_and_hint(tmp_path: Path, capsys: Capture) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        assert call(agent, "order", "--item", "no-such") == 1
        assert "no-such" in capsys.readouterr().err
        assert call(agent, "order", "--item", "no-such", "--json") == 1
        problem = json.loads(capsys.readouterr().err)
        assert problem["exit_code"] == 1
        assert problem["subject"]
        assert call(agent, "jobs", "show", "j1") == 1
    assert "hint: look again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (401, 2), (403, 2), (404, 1), (409, 1), (422, 1), (500, 6), (503, 3), (507, 4)]
)
def test_exit_codes_follow_the_kind_of_problem(status: int, code: int, tmp_path: Path, capsys: Capture) -> None:
    from tests.cli.fake_agent import problem

    def fault(handler: Any) -> bool:
        problem(handler, status, cause="because")
        return True

    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.faults = [fault]
        assert call(agent, "status") == code
    assert "because" in capsys.readouterr().err


def test_no_agent_is_exit_code_3(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TILLKEEPER_SOCKET", raising=False)
    assert main(["status"]) == 3
    assert main(["status", "--socket", "nobody"]) == 3
    assert "tillkeeper run" in capsys.readouterr().err


def test_the_token_comes_from_a_file_and_an_empty_one_is_refused(tmp_path: Path, capsys: Capture) -> None:
    token = tmp_path / "token"
    token.write_text("secret-secret-secret\n")
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers["GET /v1/status"] = STATUS
        assert call(agent, "status", "--token-file", str(token)) == 0
        assert agent.last("GET").token == "Bearer secret-secret-secret"
        token.write_text("\n")
        assert call(agent, "status", "--token-file", str(token)) == 2
    assert main(["status", "--socket", "a", "--url", "http://127.0.0.1:1"]) == 2


CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("check open --table 4 --covers 2 --item apple", "checks", {"order_type": "dine_in", "table": "4", "covers": 2}),
    (
        "check add B-001 --item apple --hold",
        "checks/B-001/lines",
        {"lines": [{"item_id": "apple", "quantity": 1, "held": True}]},
    ),
    ("check send B-001", "checks/B-001/send", {}),
    ("check fire B-001 --course 2", "checks/B-001/fire", {"course": 2}),
    ("check hold B-001 --line l1", "checks/B-001/hold", {"line_ids": ["l1"]}),
    ("check discount B-001 complaint=2 --reason late", "checks/B-001/discounts", {"code": "complaint", "amount_minor": 200}),
    ("check pay B-001 --cash 5", "checks/B-001/tenders", {"tender": "cash", "tendered_minor": 500}),
    ("check close B-001", "checks/B-001/close", {}),
    ("check void B-001 --reason wrong", "checks/B-001/void", {"reason": "wrong"}),
    ("check void-line B-001 l1:2 --reason wrong", "checks/B-001/lines/l1/void", {"reason": "wrong", "quantity": 2}),
    ("check refund 17 --tender cash --reason cold --line l1:2", "checks/17/refunds", {"quantities": {"l1": 2}}),
    ("check refund 17 --tender cash --reason cold --amount 1.25", "checks/17/refunds", {"amount_minor": 125}),
    ("check receipt B-001", "checks/B-001/receipt", {}),
    ("check ticket B-001 --station grill", "checks/B-001/ticket", {"station": "grill"}),
    ("drawer no-sale --reason change", "no-sales", {"drawer": "drawer", "reason": "change"}),
    ("drawer open 0 --drawer side", "drawers/side/open", {"float_minor": 0}),
    ("drawer paid-in 20 --reason bank", "drawers/drawer/movements", {"kind": "paid_in", "amount_minor": 2000}),
    ("drawer paid-out 1.50 --reason milk", "drawers/drawer/movements", {"kind": "paid_out", "reason": "milk"}),
    ("drawer drop 100 --reason safe", "drawers/drawer/movements", {"kind": "safe_drop", "amount_minor": 10000}),
]


@pytest.mark.parametrize(("line", "path", "fields"), CHANGES, ids=[row[0] for row in CHANGES])
def test_each_change_reaches_its_route_with_a_body_that_fits(
    line: str, path: str, fields: dict[str, Any], tmp_path: Path, capsys: Capture
) -> None:
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers[f"POST /v1/{path}"] = RESULT
        assert call(agent, *line.split(), "--key", "k", "--by", "Maya") == 0
        sent = agent.last()
    assert sent.path == f"/v1/{path}"
    assert sent.key == "k"
    assert sent.body | fields | {"by": "Maya"} == sent.body
    assert capsys.readouterr().out


def test_jobs_and_devices(tmp_path: Path, capsys: Capture) -> None:
    job = {
        "job_id": "j1", "document_class": "receipt", "device": "receipt", "state": "held", "age_s": 90.0,
        "ticket_code": "B-001", "reason": "paper_out\x1b[2J", "evidence": "", "marks": [], "may_have_printed": True,
    }  # fmt: skip
    with FakeAgent(tmp_path / "s", Store(tmp_path)) as agent:
        agent.answers |= {
            "GET /v1/jobs": {"jobs": [job], "more": True},
            "POST /v1/jobs/j1/release": job | {"state": "queued"},
            "POST /v1/jobs/j1/cancel": job,
            "POST /v1/jobs/release": {"jobs": [job], "more": False},
            "GET /v1/devices": {"devices": STATUS["devices"]},
            "POST /v1/devices/grill/test": {"job_id": "j2", "document_class": "test_slip", "device": "grill"},
        }
        assert call(agent, "jobs", "list", "--state", "held", "--limit", "1") == 0
        assert agent.last("GET").query == {"state": "held", "limit": "1"}
        for line in ("jobs release j1", "jobs release --all", "jobs cancel j1", "devices list", "devices test grill"):
            assert call(agent, *line.split()) == 0
        assert [call(agent, *line.split()) for line in ("jobs release", "jobs release j1 --all")] == [2, 2]
        shown = capsys.readouterr().out
        agent.answers["POST /v1/jobs/release"] = {"jobs": [], "more": False}
        assert call(agent, "jobs", "release", "--all") == 0
    left = capsys.readouterr().out
    assert "no kitchen ticket is held" in left
    assert "1 receipt or report is still held; those are released one by one:" in left
    assert "tillkeeper jobs release j1   receipt B-001" in left
    text = shown + left
    assert "may have printed" in text
    assert "1.5 min" in text
    assert "\x1b" not in text
    assert "j2" in text


def test_config_check_lists_everything_and_example_passes_it(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "store.toml"
    assert main(["config", "example"]) == 0
    path.write_text(capsys.readouterr().out)
    assert main(["config", "check", str(path)]) == 0
    path.write_text(path.read_text().replace("sushi =", "suhsi ="))
    assert main(["config", "check", str(path)]) == 2
    assert "has no category 'suhsi' (did you mean 'sushi'?)" in capsys.readouterr().out
    path.write_text(path.read_text().replace("on_ms = 100", "on_ms = 1").replace("[hq]", "[hhq]"))
    assert main(["config", "check", str(path), "--json"]) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert {problem["where"] for problem in problems} == {"devices.drawer.on_ms", "hhq"}
    assert main(["config", "show", str(path)]) == 2
    assert capsys.readouterr().err.count("store.toml:") >= 2


def test_render_shows_what_bytes_print(tmp_path: Path, capsys: Capture) -> None:
    stream = tmp_path / "slip.bin"
    stream.write_bytes(b"\x1b@Hello \x1bE\x01bold\n\x1dVB\x00second\n")
    assert main(["render", str(stream), "--png", str(tmp_path / "slip.png"), "--json"]) == 0
    papers = json.loads(capsys.readouterr().out)["papers"]
    assert "Hello bold" in papers[0]
    assert "second" in papers[1]
    assert (tmp_path / "slip-2.png").read_bytes().startswith(b"\x89PNG")
    assert main(["render", str(stream), "--profile", "nonsense"]) == 2
    assert main(["render", str(tmp_path / "absent")]) == 2


def test_simulated_printer_prints_what_it_is_sent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tillkeeper", "simulate", "printer", "--port", "0", "--speed", "0", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as printer:
        assert printer.stdout is not None
        port = int(printer.stdout.readline().split(";")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"\x1b@Table 4\n\x1dVB\x00")
            lines = [printer.stdout.readline() for _ in range(2)]
        printer.terminate()
        assert printer.wait(10) == 0
    assert "Table 4" in "".join(lines)
    assert "Table 4" in (tmp_path / "slip-0001.txt").read_text()


@pytest.mark.parametrize("stop_at_once", [False, True])
def test_a_simulated_printer_without_a_cutter_has_its_slip_torn_off(tmp_path: Path, stop_at_once: bool) -> None:
    command = [sys.executable, "-m", "tillkeeper", "simulate", "printer", "--profile", "generic-58", "--port", "0"]
    with subprocess.Popen([*command, "--speed", "0", "--out", str(tmp_path)], stdout=subprocess.PIPE, text=True) as printer:
        assert printer.stdout is not None
        port = int(printer.stdout.readline().split(";")[0].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.settimeout(10)
            connection.sendall(b"\x1b@Table 4\n\n\n\n")
            while stop_at_once and not _hangs(connection):
                pass
            lines = [] if stop_at_once else [printer.stdout.readline() for _ in range(2)]
            printer.send_signal(signal.SIGINT)
            lines += printer.stdout.readlines()
        assert printer.wait(10) == 0
    assert "".join(lines).count("Table 4") == 1
    assert "Table 4" in (tmp_path / "slip-0001.txt").read_text()
    assert (tmp_path / "slip-0001.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "slip-0002.txt").exists()


def _hangs(connection: socket.socket) -> bool:
    """Whether the printer answers: what was sent before has been received."""
    connection.sendall(b"\x10\x04\x01")
    return connection.recv(1) != b""
