"""What must be written nowhere: PINs, sessions, approvals - not in the journal, not in logs, not in answers."""

import json
import logging
from pathlib import Path

import pytest
from tests.people.test_roster import journal
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS, STAFF, WRONG, Page
from tests.till.world import COLA

from tillkeeper.api.openapi import document
from tillkeeper.journal.verify import verify_file


def test_pins_sessions_and_approvals_are_written_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secrets: list[str] = [person.pin for person in STAFF] + list(WRONG[:3])
    told: list[str] = []

    async def scene(store: Store) -> None:
        page = store.page()
        bodies: list[dict[str, object]] = [{"pin": pin} for pin in WRONG[:2]]
        bodies += [{"pin": f"{ANA.pin}x"}, {"pin": ANA.pin, "more": 1}, {"pin": [ANA.pin]}, {"pin": ANA.pin * 3}]
        told.extend([(await page.call("POST", "/sign-in", body)).text for body in bodies])
        await page.sign_in(ANA)
        approval = await page.approval(BOSS, "no_sale")
        secrets.extend((page.session, approval))
        told.append((await page.call("POST", "/approvals", {"pin": WRONG[2], "permission": "no_sale"})).text)
        made = await page.call("POST", "/no-sales", {"drawer": "drawer", "reason": "change"}, approval=approval)
        assert made.status_code == 200
        again = await page.call("POST", "/no-sales", {"drawer": "drawer", "reason": "change"}, approval=approval)
        assert again.status_code == 403
        told.extend((made.text, again.text, (await page.call("GET", "/session")).text, (await page.call("GET", "/staff")).text))
        told.append((await Page(store._http, "a-wrong-token", "front").call("POST", "/sign-in", {"pin": ANA.pin})).text)
        await page.post("/sign-out")

    with caplog.at_level(logging.DEBUG):
        in_store(staffed(tmp_path), scene)
    written = journal(tmp_path) + caplog.text.encode() + "".join(told).encode() + json.dumps(document()).encode()
    assert [secret for secret in secrets if secret.encode() in written] == []
    roster_file = (tmp_path / "staff.json").read_bytes()
    assert not any(person.pin.encode() in roster_file for person in STAFF)


def test_the_journal_says_who_approved_what_right_before_it(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        page = await store.signed_in(ANA)
        order = {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]}
        check = await page.post("/orders", order)
        approval = await page.approval(BOSS, "refund")
        await page.post(f"/checks/{check['check_id']}/refunds", {"tender": "cash", "reason": "cold"}, approval=approval)
        await page.post("/sign-out")

    in_store(staffed(tmp_path), scene)
    file = tmp_path / "data" / "journal.db"
    assert not any(log.problem for log in verify_file(file))
    events = stored(file)
    kinds = [kind for kind, _ in events]
    at = kinds.index("approval_given")
    assert kinds[at + 1] == "refund_recorded"
    assert events[at][1].pop("idempotency_key"), "of the command that the approval was for"
    assert events[at][1] | {"check_id": ""} == {
        "approver": "mia", "employee": "ana", "terminal": "front", "permission": "refund", "command": "refund_check",
        "check_id": "",
    }  # fmt: skip
    assert events[at + 1][1]["by"] == "ana"
    assert ("signed_in", {"employee": "ana", "terminal": "front"}) in events
    assert ("signed_out", {"employee": "ana", "terminal": "front"}) in events
    assert kinds.index("staff_adopted") < kinds.index("signed_in")


def stored(file: Path) -> list[tuple[str, dict[str, object]]]:
    """Type and body of every event, in order."""
    import apsw

    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        rows = connection.execute("SELECT type, body FROM events ORDER BY id").fetchall()
    finally:
        connection.close()
    return [(str(kind), json.loads(body)) for kind, body in rows]
