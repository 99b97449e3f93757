"""Every changing operation leaves in the journal who did it. Over the real table of operations, and with a real agent."""

import asyncio
import getpass
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.staff import BOSS, STAFF_CONFIG, page_token, sign_in, write_roster
from tests.support.store import StoreRig

from tillkeeper.api.acts import ACTS, NOTED, NOTHING
from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.routes import Operation
from tillkeeper.contract.events import EVENT_TYPES
from tillkeeper.journal.files import JOURNAL_FILE

CHANGING = [operation for operation in OPERATIONS if operation.method != "GET"]
ME = f"user {getpass.getuser()}"
"""Who asks over the unix socket."""


def test_the_table_has_every_changing_operation_and_no_other() -> None:
    assert set(ACTS) == {operation.id for operation in CHANGING}


@pytest.mark.parametrize("operation", CHANGING, ids=lambda one: one.id)
def test_its_events_exist_and_say_who(operation: Operation) -> None:
    act = ACTS[operation.id]
    assert act.events
    for name in act.events:
        if name == NOTHING:
            continue
        form, _version = EVENT_TYPES[name]
        if act.who and name != "authorisation_reversed" and name != "pairing_refused":
            assert act.who in {field.name for field in msgspec.structs.fields(form)}, name


def test_whoever_asks_for_more_than_a_sale_can_be_named_or_is_known() -> None:
    """An operation that is nobody's in the table is one of the kitchen's and the till's own course."""
    nobody = {name for name, act in ACTS.items() if not act.who}
    assert nobody == {
        "add_lines", "change_order_type", "send_order", "hold_lines", "fire_lines", "close_check", "reprint_receipt",
        "search_devices",
    }  # fmt: skip


def journal(rig: StoreRig) -> list[tuple[str, dict[str, Any]]]:
    """Types and bodies, oldest first."""
    path = rig.data / JOURNAL_FILE
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT type, body FROM events ORDER BY id").fetchall()
    database.close()
    return [(kind, msgspec.json.decode(body)) for kind, body in rows]


ACTED: list[tuple[str, str, dict[str, Any]]] = [
    ("record_no_sale", "/v1/no-sales", {"drawer": "drawer", "reason": "change"}),
    ("open_drawer_session", "/v1/drawers/drawer/open", {"float_minor": 10_000}),
    ("move_cash", "/v1/drawers/drawer/movements", {"kind": "paid_in", "amount_minor": 500, "reason": "coins"}),
    ("count_drawer", "/v1/drawers/drawer/count", {"counted": {"EUR": 10_000}}),
    ("void_check", "/v1/checks/{open}/void", {"reason": "left"}),
    ("refund_check", "/v1/checks/{paid}/refunds", {"tender": "cash", "reason": "cold"}),
    ("release_jobs", "/v1/jobs/release", {}),
    ("test_device", "/v1/devices/receipt/test", {}),
    ("try_drawer", "/v1/devices/drawer/try", {}),
    ("find_personal", "/v1/privacy/find", {"text": "martinez"}),
    ("erase_personal", "/v1/privacy/erase", {"digests": ["0" * 64]}),
    ("switch_offline", "/v1/mode/offline", {"on": True}),
    ("switch_offsite", "/v1/mode/offsite", {"on": True}),
    ("open_pairing", "/v1/pairings", {"scope": "kitchen", "name": "pass"}),
]


async def _do(client: httpx.AsyncClient, rig: StoreRig, path: str, body: dict[str, Any], number: int) -> httpx.Response:
    opened = (await rig.order("cola", tenders=[]))["check_id"]
    paid = (await rig.order("cola"))["check_id"]
    filled = path.format(open=opened, paid=paid)
    return await client.post(filled, json=body, headers={"idempotency-key": f"act-{number}"})


def _who_by_event(rig: StoreRig, before: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, body in journal(rig)[before:]:
        name = body.get("operation", "") if kind == NOTED else ""
        for who in ("by", "employee"):
            if body.get(who):
                found.setdefault(f"{kind} {name}".strip(), set()).add(body[who])
    return found


def _expected(operation: str) -> str:
    event = ACTS[operation].events[0]
    return f"{event} {operation}" if event == NOTED else event


def test_over_the_unix_socket_the_user_of_the_machine_is_named(tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig:
            for number, (operation, path, body) in enumerate(ACTED):
                before = len(journal(rig))
                answer = await _do(rig.till, rig, path, body, number)
                assert answer.status_code == 200, (operation, answer.text)
                assert _who_by_event(rig, before).get(_expected(operation)) == {ME}, operation
            named = await rig.till.post(
                "/v1/no-sales", json={"drawer": "drawer", "reason": "change", "by": "Mia"}, headers={"idempotency-key": "named"}
            )
            assert named.status_code == 200
            assert any(body.get("by") == "Mia" for kind, body in journal(rig) if kind == "no_sale_recorded")
            assert "martinez" not in str(journal(rig))

    asyncio.run(scene())


def test_on_a_page_it_is_who_has_signed_in_and_on_the_port_the_integration(tmp_path: Path) -> None:
    async def scene() -> None:
        rig = StoreRig(tmp_path, changes=STAFF_CONFIG, hq=False, agent=False)
        async with rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            token = page_token(rig.data)
            async with httpx.AsyncClient(base_url=rig.origin, trust_env=False, timeout=30) as page:
                signed_in = await sign_in(page, token, BOSS)
                page.headers.update({"authorization": f"Bearer {token}", "tillkeeper-session": signed_in.session})
                for number, (operation, path, body) in enumerate(ACTED):
                    before = len(journal(rig))
                    answer = await _do(page, rig, path, body, number)
                    assert answer.status_code == 200, (operation, answer.text)
                    assert _who_by_event(rig, before).get(_expected(operation)) == {BOSS.employee}, operation
            full = {"authorization": f"Bearer {rig.api_token}"}
            async with httpx.AsyncClient(base_url=rig.origin, headers=full, trust_env=False, timeout=30) as vendor:
                before = len(journal(rig))
                answer = await _do(vendor, rig, "/v1/devices/receipt/test", {}, 99)
                assert answer.status_code == 200
                assert _who_by_event(rig, before)["act_noted test_device"] == {"integration"}

    asyncio.run(scene())


def test_another_configuration_and_another_roster_are_in_the_journal(tmp_path: Path) -> None:
    async def scene() -> None:
        rig = StoreRig(tmp_path, changes=STAFF_CONFIG, hq=False, agent=False)
        async with rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            assert "act_noted" not in {kind for kind, _ in journal(rig)}
            await rig.stop_agent()
            text = rig.config_file.read_text("utf-8")
            rig.config_file.write_text(text + "\n[privacy]\nkeep_days = 30\n", "utf-8")
            await asyncio.to_thread(_add_staff, rig)
            await rig.start_agent()
            changed = [body for kind, body in journal(rig) if kind == "act_noted"]
            assert [body["operation"] for body in changed] == ["change_config"]

            async def adopted() -> bool:
                return [body.get("by") for kind, body in journal(rig) if kind == "staff_adopted"][1:] == [ME]

            await rig.wait_for("the roster of the command is adopted", adopted)
            await rig.stop_agent()
            await rig.start_agent()
            assert [body for kind, body in journal(rig) if kind == "act_noted"] == changed

    asyncio.run(scene())


def _add_staff(rig: StoreRig) -> None:
    command = [sys.executable, "-m", "tillkeeper", "staff", "add", "zoe", "--role", "cook", "--pin-stdin"]
    environment = {name: value for name, value in os.environ.items() if name != "SUDO_USER"}
    done = subprocess.run(
        [*command, "--config", str(rig.config_file)],
        input="730128\n",
        text=True,
        capture_output=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
