"""tillkeeper-hq as a process, examined by the command."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.small_hq import TOKEN, SmallHq
from tests.conformance.small_server import serving
from tests.hq.world import READER, STORE, Hq, running, token

from tillkeeper.conformance.clauses import Clause
from tillkeeper.conformance.logs import DAY
from tillkeeper.conformance.run import CHECKS
from tillkeeper.trust.keys import KeyPair

ROOT = Path(__file__).resolve().parents[2]
SEED = bytes(range(32))


def command(folder: Path, url: str, *options: str, secret: str = token("till-1")) -> "subprocess.CompletedProcess[str]":
    (folder / "token").write_text(secret + "\n")
    (folder / "reader").write_text(READER + "\n")
    (folder / "seed").write_text(SEED.hex() + "\n")
    arguments = [url, "--token-file", str(folder / "token"), "--store", STORE, "--register", "till-1", *options]
    whole = [sys.executable, "-m", "tillkeeper", "conformance", *arguments]
    return subprocess.run(whole, capture_output=True, text=True, check=False, timeout=110)


def examined(folder: Path, hq: Hq, *options: str) -> "subprocess.CompletedProcess[str]":
    return command(folder, hq.url, "--test-store", "--authority-file", str(folder / "seed"), *options)


def test_tillkeeper_hq_conforms_and_its_books_keep_their_figures(tmp_path: Path) -> None:
    with running(tmp_path, authority=KeyPair(SEED).key) as hq:
        done = examined(tmp_path, hq, "--json")
        report = json.loads(done.stdout)
        assert done.returncode == 0, [one for one in report["results"] if one["verdict"] == "failed"]
        assert report["conforms"]
        assert [one["check"] for one in report["results"] if one["verdict"] != "passed"] == ["durable"]
        assert {one["check"] for one in report["results"]} == {check.name for check in CHECKS}
        days = hq.get("/v1/books", store=STORE)["days"]
        assert [day["books"]["business_day"] for day in days] == [DAY]
        figures = {name: value for name, value in days[0]["books"].items() if value and name != "business_day"}
        assert set(figures) == {"opened", "voids"}
        assert figures["opened"] == figures["voids"]
        made = [log for log in hq.get("/v1/registers")["registers"] if not log["incarnation"].startswith("conformance-")]
        assert made == []

        again = examined(tmp_path, hq)  # what the first run left behind is in nobody's way
        assert again.returncode == 0, again.stdout
        assert f"{len(CHECKS) - 1} passed, 1 skipped" in again.stdout
        assert "FAILED" not in again.stdout


def test_what_a_run_can_not_see_is_skipped(tmp_path: Path) -> None:
    with running(tmp_path) as hq:
        done = command(tmp_path, hq.url, "--test-store", "--json")
    assert done.returncode == 0
    skipped = [one for one in json.loads(done.stdout)["results"] if one["verdict"] == "skipped"]
    relays = {check.name for check in CHECKS if check.clause.name == "heads"} - {"relay-unknown-register"}
    assert {one["check"] for one in skipped} == {"durable", *relays}
    assert all(one["reason"] for one in skipped)


def test_a_run_that_can_not_begin_says_why(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    assert "--test-store" in command(tmp_path, nobody).stderr
    assert command(tmp_path, nobody).returncode == 2
    silent = command(tmp_path, nobody, "--test-store", "--json")
    assert silent.returncode == 3
    assert json.loads(silent.stderr)["exit_code"] == 3
    with running(tmp_path) as hq:
        refused = command(tmp_path, hq.url, "--test-store", secret="not-the-token-of-till-1")
        assert refused.returncode == 2
        assert "401" in refused.stderr
        assert hq.get("/v1/registers")["registers"] == []


def test_an_hq_that_does_not_conform_is_exit_code_5_and_the_reasons_are_printed(tmp_path: Path) -> None:
    async def scenario() -> "subprocess.CompletedProcess[str]":
        async with serving(SmallHq("fork_stored")) as url:
            return await asyncio.to_thread(command, tmp_path, url, "--test-store", secret=TOKEN)

    done = asyncio.run(scenario())
    assert done.returncode == 5, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines if "FAILED" in line] == [["3", "fork-rejected", "FAILED"]]
    at = lines.index("fork-rejected (clause 3)")
    assert lines[at + 1] == "  contract: Keep both, show it, answer `rejected` with `forked_log`."
    assert "expected rejected/forked_log" in lines[at + 2]
    assert lines[at + 3].startswith("  sent:     POST /v1/events: till-1/conformance-")
    assert lines[at + 4].startswith('  came:     200 {"held_seq":2')
    assert "1 failed" in lines[-1]


@pytest.mark.parametrize("clause", sorted({check.clause for check in CHECKS}), ids=lambda clause: clause.sentence[:30])
def test_the_page_says_what_checks_quote(clause: Clause) -> None:
    page = " ".join((ROOT / "docs" / "hq-contract.md").read_text().split())
    assert " ".join(clause.sentence.split()) in page
