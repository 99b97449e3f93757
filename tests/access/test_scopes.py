"""What a device of each scope may call: the table is whole, and the register keeps to it over its real API."""

import asyncio
import re
import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from tests.access.world import Lan, lan
from tests.support.staff import BOSS, STAFF_CONFIG, write_roster
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tillkeeper.api.openapi import WEBSOCKETS as DESCRIBED
from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.routes import Operation
from tillkeeper.api.scopes import ALLOWED, WEBSOCKETS, WITHOUT_TOKEN, may
from tillkeeper.contract.caller import DEVICE_SCOPES, DeviceScope

MONEY = {
    "place_order", "open_check", "add_lines", "record_tender", "refund_check", "void_check", "record_no_sale", "move_cash",
    "open_drawer_session", "close_drawer_session", "take_check", "await_tender", "enter_from_paper", "apply_discount",
}  # fmt: skip
SLOW = {"search_devices", "start_diagnosis", "probe_device", "begin_replacement"}
"""What an empty body would set going for seconds: asked all the same where it is to be refused."""


def test_every_operation_and_socket_is_in_the_table_and_nothing_else() -> None:
    known = {operation.id for operation in OPERATIONS} | {"get_openapi"} | set(WEBSOCKETS.values())
    assert set(ALLOWED) | WITHOUT_TOKEN == known
    assert not set(ALLOWED) & WITHOUT_TOKEN
    assert set(WEBSOCKETS) == set(DESCRIBED)


def test_nobody_but_a_register_touches_money() -> None:
    assert set(ALLOWED) >= MONEY
    for operation in MONEY:
        assert ALLOWED[operation] == {"register"}, operation
    for changing in (one for one in OPERATIONS if one.tag in ("checks", "cash") and one.changes):
        assert "kitchen" not in ALLOWED[changing.id], changing.id
        assert "technician" not in ALLOWED[changing.id], changing.id


def test_a_kitchen_bumps_and_says_what_is_sold_out_and_no_more() -> None:
    opened = {name for name, scopes in ALLOWED.items() if "kitchen" in scopes}
    assert opened == {
        "get_health", "get_pages", "get_status", "get_availability", "get_catalogue", "set_availability", "live", "kitchen",
    }  # fmt: skip


def test_what_is_new_is_refused_until_somebody_writes_it_down() -> None:
    for scope in DEVICE_SCOPES:
        assert not may(scope, "an_operation_of_tomorrow")
    assert may("full", "an_operation_of_tomorrow")


async def ask(device: httpx.AsyncClient, operation: Operation) -> httpx.Response:
    """With what is no thing of this store, and an empty body; in the register's own time where it is too often."""
    path = re.sub(r"\{[^}]*\}", "nothing", operation.path)
    while True:
        answer = await device.request(operation.method, path, headers={"idempotency-key": f"scope-{operation.id}"})
        if answer.status_code != 429:
            return answer
        await asyncio.sleep(float(answer.headers["retry-after"]))


async def refused(found: Lan, scope: DeviceScope, token: str, operations: Sequence[Operation]) -> set[str]:
    """The operations that this scope is refused; each refusal names those that would do."""
    wrong: set[str] = set()
    async with found.device(token) as device:
        for operation in operations:
            if operation.id in SLOW and may(scope, operation.id):
                continue
            answer = await ask(device, operation)
            assert answer.status_code not in (401, 500), f"{scope} {operation.id}: {answer.text}"
            if answer.status_code == 403 and answer.json()["type"].endswith(":scope_refused"):
                wrong.add(operation.id)
                assert set(answer.json()["scopes"]) == ALLOWED[operation.id]
                assert answer.json()["scope"] == scope
    return wrong


@pytest.mark.root
def test_a_token_of_each_scope_against_every_operation(tmp_path: Path) -> None:
    async def scene() -> None:
        async with lan(tmp_path, screens=False) as found:
            for scope in DEVICE_SCOPES:
                token = await found.paired(scope, f"a-{scope}")
                # What ends sessions, days and the device itself comes last of all: never, here.
                operations = [one for one in OPERATIONS if one.id not in ("close_day",)]
                expected = {one.id for one in operations if not may(scope, one.id)}
                assert await refused(found, scope, token, operations) == expected, scope
                assert await sockets(found, token) == {path for path, name in WEBSOCKETS.items() if scope in ALLOWED[name]}, (
                    scope
                )

    asyncio.run(scene())


async def sockets(found: Lan, token: str) -> set[str]:
    """The WebSockets that open."""
    import ssl

    context = ssl.create_default_context(cadata=await found.authority())
    opened = set()
    said: list[tuple[int, bool]] = []
    for path in WEBSOCKETS:
        url = found.url.replace("https", "wss") + path.replace("{device}", "kitchen")
        with found.tablet.inside():
            try:
                async with connect(url, ssl=context, subprotocols=["tillkeeper.v1", f"bearer.{token}"], proxy=None):  # type: ignore[list-item]
                    opened.add(path)
            except InvalidStatus as error:
                said.append((error.response.status_code, b"scope_refused" in error.response.body))
    assert set(said) <= {(403, True)}
    return opened


@pytest.mark.root
def test_a_device_that_is_no_register_sees_no_money_on_its_live_connection(tmp_path: Path) -> None:
    import json
    import ssl

    async def scene() -> None:
        async with lan(tmp_path, screens=False) as found:
            await found.rig.ok("POST", "/v1/checks", {"order_type": "dine_in"})
            context = ssl.create_default_context(cadata=await found.authority())
            url = found.url.replace("https", "wss") + "/v1/live"
            cola = {"kind": "item", "subject_id": "cola"}
            for scope, money in (("kitchen", False), ("technician", False), ("manager", True), ("register", True)):
                token = await found.paired(scope, f"live-{scope}")
                with found.tablet.inside():
                    offered = ["tillkeeper.v1", f"bearer.{token}"]
                    async with connect(url, ssl=context, subprotocols=offered, proxy=None) as live:  # type: ignore[arg-type]
                        first = json.loads(await live.recv())
                        assert bool(first["checks"]) is money, scope
                        assert bool(first["drawers"]["drawers"]) is money, scope
                        await found.rig.ok("POST", "/v1/checks", {"order_type": "dine_in"})
                        await found.rig.ok("POST", "/v1/availability", cola | {"state": "sold_out"})
                        seen = set()
                        while "availability" not in seen:
                            seen.add(json.loads(await asyncio.wait_for(live.recv(), 30))["type"])
                        assert ("check" in seen) is money, (scope, seen)
                        await found.rig.ok("POST", "/v1/availability", cola | {"state": "available"})

    asyncio.run(scene())


@pytest.mark.root
def test_a_kitchen_device_of_one_display_is_no_other_and_a_register_of_one_place_neither(tmp_path: Path) -> None:
    async def scene() -> None:
        async with lan(tmp_path, screens=False, changes={"terminals": {"counter": {"title": "Counter"}}}) as found:
            refused = await found.rig.post("/v1/pairings", {"scope": "kitchen", "name": "x", "terminal": "nowhere"})
            assert refused.status_code == 404
            token = await found.paired("register", "front-tablet", terminal="counter")
            async with found.device(token) as device:
                headers = {"idempotency-key": "k1", "tillkeeper-terminal": "somewhere-else"}
                body = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
                sold = (await device.post("/v1/orders", json=body, headers=headers)).json()
            check = await found.rig.get(f"/v1/checks/{sold['check_id']}")
            assert check["terminal"] == "counter"

    asyncio.run(scene())


@pytest.mark.root
def test_a_session_of_elsewhere_opens_nothing_on_a_device_with_a_place(tmp_path: Path) -> None:
    terminals = {name: {"title": name.capitalize()} for name in ("counter", "bar")}
    write_roster(tmp_path / "staff.json", tmp_path / "data")

    async def scene() -> None:
        async with lan(tmp_path, screens=False, changes=STAFF_CONFIG | {"terminals": terminals}) as found:
            bound = await found.paired("register", "counter-tablet", terminal="counter")
            free, boss = await found.paired("register", "any-tablet"), await found.paired("manager", "phone")

            async def sold(token: str, session: str) -> tuple[int, str]:
                headers = {"idempotency-key": str(uuid.uuid4()), "tillkeeper-session": session, "tillkeeper-terminal": "bar"}
                body = {"order_type": "takeout", "lines": [{"item_id": "cola"}]}
                async with found.device(token) as device:
                    answer = (await device.post("/v1/orders", json=body, headers=headers)).json()
                if "check_id" not in answer:
                    return answer["status"], answer["type"].rpartition(":")[2]
                return 200, str((await found.rig.get(f"/v1/checks/{answer['check_id']}"))["terminal"])

            async def session(token: str) -> str:
                async with found.device(token) as device:
                    answer = await device.post("/v1/sign-in", json={"pin": BOSS.pin}, headers={"tillkeeper-terminal": "bar"})
                return str(answer.json()["session"])

            at_bar = await session(free)
            assert await sold(free, at_bar) == (200, "bar")
            assert await sold(bound, at_bar) == (401, "sign_in_needed")
            assert await sold(bound, await session(boss)) == (401, "sign_in_needed")
            assert await sold(bound, await session(bound)) == (200, "counter")

    asyncio.run(scene())
