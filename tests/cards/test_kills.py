"""An agent that is killed again and again while it takes cards, and a gateway that loses answers. Its ledger is the oracle:
what it kept of guests is what the checks say that it kept, to the cent, and no key was charged twice (I7, I13)."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import httpx
from tests.support.store import StoreRig

from tillkeeper_drivers.simulator.gateway import VirtualGateway

KILLS = int(os.environ.get("TILLKEEPER_CARD_KILLS", "6"))
SEED = int(os.environ.get("TILLKEEPER_CARD_SEED", "7"))
KILL_WITHIN_S = 1.2
WITHIN_S = 90.0
FAULTS = {"lost_after": 0.12, "lost_before": 0.08, "error_after": 0.06, "garbage_after": 0.04, "decline": 0.1, "twice": 0.05}
FINAL = ("tender_declined", "gateway_unreachable", "order_not_placed", "authorisation_abandoned", "check_not_open")


class Guests:
    """Each wants one thing with one key, and asks with it until the answer is final, whoever dies in between."""

    def __init__(self, rig: StoreRig, seed: int) -> None:
        self.rig, self.chance = rig, random.Random(seed)
        self.answers: dict[str, tuple[int, Any]] = {}
        self.coming = True

    async def ask(self, key: str, path: str, body: dict[str, Any]) -> Any:
        """The final answer."""
        while True:
            try:
                answer = await self.rig.post(path, body, key=key)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            kind = "" if answer.is_success else str(answer.json()["type"]).rpartition(":")[2]
            if answer.is_success or kind in FINAL:
                before = self.answers.setdefault(key, (answer.status_code, answer.json()))
                if answer.is_success:
                    assert before[1]["check_id"] == answer.json()["check_id"]
                return answer.json()
            if kind in ("authorisation_unknown", "check_frozen") and self.chance.random() < 0.2:
                await self._abandon(path)
            await asyncio.sleep(0.05)

    async def look(self, path: str) -> Any:
        while True:
            try:
                return await self.rig.get(path)
            except httpx.TransportError:
                await asyncio.sleep(0.05)

    async def _abandon(self, path: str) -> None:
        if "/checks/" not in path:
            return
        try:
            await self.rig.post(path.rpartition("/")[0] + "/authorisation/abandon", {})
        except httpx.TransportError:
            return

    async def guest(self, name: str) -> None:
        at = 0
        while self.coming:
            at += 1
            key = f"{name}-{at}"
            lines = [{"item_id": "cola", "quantity": self.chance.randint(1, 9)}]
            order = {"order_type": "takeout", "lines": lines}
            if self.chance.random() < 0.5:
                await self.ask(key, "/v1/orders", order | {"tenders": [{"tender": "card"}]})
                continue
            check = (await self.ask(f"{key}-open", "/v1/checks", order))["check_id"]
            await self.ask(key, f"/v1/checks/{check}/tenders", {"tender": "card"})
            if self.chance.random() < 0.3:
                body = {"tender": "card", "reason": "cold", "amount_minor": 100}
                if (await self.look(f"/v1/checks/{check}"))["state"] == "closed":
                    await self.ask(f"{key}-back", f"/v1/checks/{check}/refunds", body)


async def _kept(rig: StoreRig) -> tuple[int, int]:
    """What all checks together kept by card, and how many payments that were."""
    kept = payments = 0
    page: dict[str, Any] = {"next_before": ""}
    while page["next_before"] is not None:
        more = f"&before={page['next_before']}" if page["next_before"] else ""
        page = await rig.get(f"/v1/checks?limit=100{more}")
        for row in page["checks"]:
            check = await rig.get(f"/v1/checks/{row['check_id']}")
            assert not check["frozen"]
            cards = [one for one in check["payments"] if one["tender"] == "card"]
            assert len(cards) <= 1, "charged twice"
            payments += len(cards)
            kept += sum(one["amount_minor"] for one in cards)
            kept -= sum(one["amount_minor"] for one in check["refunds"] if one["tender"] == "card")
    return kept, payments


def test_whoever_is_killed_no_card_is_charged_twice_or_for_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(seed=SEED) as gateway:
            changes = {"gateways": {"bank": {"url": gateway.url, "timeout_s": 2.0}}, "tenders": {"card": {"gateway": "bank"}}}
            async with StoreRig(tmp_path, changes=changes, screens=False) as rig:
                await rig.wait_mode("online")
                gateway.by_chance(**FAULTS)
                gateway.delay_s = 0.1  # so that many kills come while the guest is at the terminal
                chance, guests = random.Random(SEED), Guests(rig, SEED)

                async def end() -> None:
                    for _ in range(KILLS):
                        await asyncio.sleep(chance.random() * KILL_WITHIN_S)
                        await rig.kill_agent()
                        await rig.start_agent()
                    await rig.wait_mode("online")
                    guests.coming = False
                    gateway.by_chance()

                async with asyncio.timeout(WITHIN_S + KILLS * 10):
                    async with asyncio.TaskGroup() as all_of_them:
                        for name in ("ana", "ben", "cleo"):
                            all_of_them.create_task(guests.guest(name))
                        all_of_them.create_task(end())

                    async def nothing_open() -> bool:
                        view = await rig.get("/v1/authorisations")
                        return not view["frozen"] and not view["reversals_owed"]

                    await rig.wait_for("all cards are settled", nothing_open, WITHIN_S)
                kept, payments = await _kept(rig)
                assert kept == gateway.kept_minor
                assert payments > 3
                approved = [one for one in gateway.entries.values() if one.state == "approved" and one.situation == "payment"]
                assert len(approved) == payments
                assert all(one.bookings <= 2 for one in gateway.entries.values())
                yes = [key for key, (status, _) in guests.answers.items() if status == 200 and key.rpartition("-")[2].isdigit()]
                assert len(yes) <= payments

    asyncio.run(run())
