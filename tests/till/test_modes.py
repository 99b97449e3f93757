"""Offline and offsite by hand: who may, that it is logged, that it lasts, and what it changes of a sale."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS
from tests.till.world import COLA, Register, config_in, running

from tillkeeper.config.model import Config, Tender
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.journal import Journal


def with_support(config: Config, *, support: bool = True) -> Config:
    return replace(config, offline=replace(config.offline, support=support))


async def journaled(config: Config, *types: str) -> list[Any]:
    """Events of these types, of a register that has stopped."""
    opening = Journal.open(
        Path(config.data_dir) / "journal.db", config.store.id, config.this_register,
        wall_ms=lambda: 1, new_id=lambda: "x", machine_id="",
    )  # fmt: skip
    async with await opening as journal:
        found: list[Any] = []
        for log in journal.logs():
            events = journal.events(log.incarnation, 0, 10_000)
            found += [decode_body(one.type, one.body.encode()) for one in events if one.type in types]
        return found


def test_without_the_administrators_word_nobody_switches_and_selling_goes_on(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(with_support(config_in(tmp_path), support=False)) as register:
            for switch in ("offline", "offsite"):
                refused = await register.post(f"/mode/{switch}", {"on": True, "by": "Mia"}, status=422)
                assert refused["type"].endswith(":offline_not_supported")
                assert "administrator" in refused["hint"]
                assert (await register.post(f"/mode/{switch}", {"on": False}))["events"] == 0
            mode = await register.get("/mode")
            assert (mode["may_switch"], mode["by_hand"]) == (False, None)
            await register.post("/orders", {"order_type": "dine_in", "lines": [COLA], "tenders": [{"tender": "cash"}]})

    asyncio.run(scene())


def test_a_cashier_needs_a_managers_word_and_the_journal_says_whose(tmp_path: Path) -> None:
    config = with_support(staffed(tmp_path))

    async def scene(store: Store) -> None:
        await store.page().post("/mode/offline", {"on": True}, status=401)
        page = await store.signed_in(ANA)
        refused = await page.post("/mode/offline", {"on": True}, status=403)
        assert (refused["type"].rpartition(":")[2], refused["permission"]) == ("approval_needed", "switch_mode")
        assert (await store.register.get("/mode"))["by_hand"] is None
        approval = await page.approval(BOSS, "switch_mode")
        await page.post("/mode/offline", {"on": True}, approval=approval)
        mode = await page.get("/mode")
        assert (mode["mode"], mode["by_hand"], mode["by"]) == ("manual_offline", "offline", "ana")
        await page.post("/mode/offline", {"on": False}, approval=approval, status=403)
        manager = await store.signed_in(BOSS)
        await manager.post("/mode/offline", {"on": False})
        assert (await page.get("/mode"))["mode"] != "manual_offline"

    in_store(config, scene)
    on, off = asyncio.run(journaled(config, "mode_switched"))
    assert (on.switch, on.on, on.by, off.on, off.by) == ("offline", True, "ana", False, "mia")
    (given,) = asyncio.run(journaled(config, "approval_given"))
    assert (given.approver, given.permission, given.command) == ("mia", "switch_mode", "switch_offline")
    changes = asyncio.run(journaled(config, "mode_changed"))
    assert [(one.mode, one.cause) for one in changes if one.mode == "manual_offline"] == [
        ("manual_offline", "switched to offline by ana")
    ]


@pytest.mark.parametrize(("switch", "mode"), [("offline", "manual_offline"), ("offsite", "offsite")])
def test_what_was_switched_lasts_over_a_restart_and_ends_by_hand(switch: str, mode: str, tmp_path: Path) -> None:
    config = with_support(config_in(tmp_path))

    async def first() -> None:
        async with running(config) as register:
            assert (await register.post(f"/mode/{switch}", {"on": True, "by": "Mia"}))["events"] == 1
            assert (await register.post(f"/mode/{switch}", {"on": True, "by": "Ben"}))["events"] == 0

    async def second() -> None:
        async with running(with_support(config, support=False)) as register:  # what the file says since does not hold it
            view = await register.get("/mode")
            assert (view["mode"], view["by_hand"], view["by"]) == (mode, switch, "Mia")
            assert f"switched to {switch} by Mia" in view["words"]
            assert view["since_ms"] > 1_700_000_000_000
            status = await register.get("/status")
            assert status["mode"] == mode
            assert "Mia" in status["dot"]["words"]
            await register.post(f"/mode/{switch}", {"on": False, "by": "Ben"})
            assert (await register.get("/mode"))["by_hand"] is None

    async def third() -> None:
        async with running(config) as register:
            assert (await register.get("/mode"))["mode"] == "offline"  # there is no HQ

    asyncio.run(first())
    asyncio.run(second())
    asyncio.run(third())


def test_offsite_ends_offline_by_hand_and_the_other_way_round(tmp_path: Path) -> None:
    async def scene() -> None:
        async with running(with_support(config_in(tmp_path))) as register:
            modes = []
            for switch, on in (("offline", True), ("offsite", True), ("offline", False), ("offline", True), ("offline", False)):
                await register.post(f"/mode/{switch}", {"on": on})
                modes.append((await register.get("/mode"))["mode"])
            assert modes == ["manual_offline", "offsite", "offsite", "manual_offline", "offline"]

    asyncio.run(scene())


def test_offline_by_hand_refuses_cards_and_offsite_lets_the_call_decide(tmp_path: Path) -> None:
    config = with_support(config_in(tmp_path))
    config = replace(config, tenders={**config.tenders, "visa": Tender(title="Visa", kind="card")})
    order = {"order_type": "dine_in", "lines": [COLA], "tenders": [{"tender": "visa"}]}

    async def codes(register: Register) -> str:
        refused = await register.post("/orders", order, status=422)
        assert "cash" in refused["allowed"]
        return str(refused["type"].rpartition(":")[2])

    async def scene() -> None:
        async with running(config) as register:
            await register.post("/mode/offline", {"on": True})
            assert await codes(register) == "tender_needs_uplink"
            await register.post("/mode/offsite", {"on": True})
            assert await codes(register) == "no_terminal"  # asked, and there is none
            for mode in ("offline", "offsite"):
                await register.post(f"/mode/{mode}", {"on": True})
                sold = {"order_type": "dine_in", "lines": [COLA], "tenders": [{"tender": "cash"}]}
                assert (await register.post("/orders", sold))["state"] == "closed"

    asyncio.run(scene())
