"""What was asked and not answered is asked about first: after a restart, and from an older copy of the disk."""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from tests.cards.test_gateway_http import ASK
from tests.cards.world import COLA, shop
from tests.support.store import StoreRig

from tillkeeper.cards.gateway_http import HttpGateway
from tillkeeper.config.model import Gateway
from tillkeeper_drivers.simulator.gateway import VirtualGateway

TOKEN = "s3cret-of-the-gateway"


def test_what_is_owed_outlives_a_restart_and_goes_out_first(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway:
            async with shop(tmp_path, gateway) as at:
                check = await at.open()
                gateway.order("lost_after", *["error_before"] * 300)
                refused = await at.pay(check, status=422)
                await at.till.post(f"/checks/{check}/authorisation/abandon")
                await at.pay(check, "cash")
            gateway.forget_orders()
            seen = len(gateway.requests)
            async with shop(tmp_path, gateway) as at:
                await at.settled()
                assert gateway.requests[seen] == f"reverse {refused['authorisation_id']}"
                assert gateway.kept_minor == 0

    asyncio.run(run())


def test_an_unknown_payment_is_found_out_after_a_restart_and_the_check_is_finished(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway:
            async with shop(tmp_path, gateway) as at:
                check = await at.open()
                gateway.order("lost_after", *["error_before"] * 300)
                await at.pay(check, status=422)
            gateway.forget_orders()
            async with shop(tmp_path, gateway) as at:
                await at.settled()
                assert (await at.check(check))["state"] == "closed"
                assert [entry.bookings for entry in gateway.entries.values()] == [1]

    asyncio.run(run())


def test_a_copy_of_the_disk_from_before_the_answer_asks_what_became_of_it(tmp_path: Path) -> None:
    """Restored, the register knows of the question and not of the answer: the guest pays once."""

    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway:
            async with shop(tmp_path, gateway) as at:
                check = await at.open()
                gateway.order("lost_after", *["error_before"] * 300)
                await at.pay(check, status=422)
            shutil.copytree(tmp_path / "data", tmp_path / "copy")
            gateway.forget_orders()
            async with shop(tmp_path, gateway) as at:
                await at.settled()
            shutil.rmtree(tmp_path / "data")
            (tmp_path / "copy").rename(tmp_path / "data")
            seen = len(gateway.requests)
            async with shop(tmp_path, gateway) as at:
                await at.settled()
                assert gateway.requests[seen].startswith("get ")
                paid = (await at.check(check))["payments"]
                assert len(paid) == 1
                assert gateway.kept_minor == paid[0]["amount_minor"]

    asyncio.run(run())


def test_links_that_drop_in_the_middle_of_calls_leave_no_card_without_its_authorisation(tmp_path: Path) -> None:
    """T2, I7: the internet goes down and up while cards are taken, with a real agent."""

    async def run() -> None:
        async with VirtualGateway(seed=3) as gateway:
            changes = {"gateways": {"bank": {"url": gateway.url, "timeout_s": 1.0}}, "tenders": {"card": {"gateway": "bank"}}}
            async with StoreRig(tmp_path, changes=changes, screens=False) as rig:
                await rig.wait_mode("online")
                kinds: set[str] = set()

                async def pay() -> None:
                    check = await rig.ok("POST", "/v1/checks", {"order_type": "takeout", "lines": [COLA]})
                    answer = await rig.post(f"/v1/checks/{check['check_id']}/tenders", {"tender": "card"})
                    if not answer.is_success:
                        problem = answer.json()
                        kinds.add(problem["type"].rpartition(":")[2])
                        if "allowed" in problem:
                            assert "cash" in problem["allowed"]

                for round_ in range(6):
                    gateway.delay_s = 0.2
                    paying = [asyncio.create_task(pay()) for _ in range(4)]
                    await asyncio.sleep(0.05 * round_)
                    await gateway.power_off()
                    await asyncio.gather(*paying)
                    await pay()
                    await gateway.power_on()
                gateway.delay_s = 0.0

                async def nothing_open() -> bool:
                    view = await rig.get("/v1/authorisations")
                    return not view["frozen"] and not view["reversals_owed"]

                await rig.wait_for("all cards are settled", nothing_open)
                paid = 0
                for row in (await rig.get("/v1/checks?limit=100"))["checks"]:
                    check = await rig.get(f"/v1/checks/{row['check_id']}")
                    for one in check["payments"]:
                        assert gateway.entries[one["tender_id"]].state == "approved"
                        paid += one["amount_minor"]
                assert paid == gateway.kept_minor
                assert kinds <= {"authorisation_unknown", "gateway_unreachable", "tender_declined"}
                assert "gateway_unreachable" in kinds

    asyncio.run(run())


@pytest.mark.parametrize("booked", [True, False])
def test_the_simulator_as_a_program_keeps_a_ledger_and_takes_faults(tmp_path: Path, booked: bool) -> None:
    async def run() -> None:
        ledger, socket = tmp_path / "ledger.jsonl", tmp_path / "control"
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tillkeeper", "simulate", "gateway", "--port", "0", "--ledger", str(ledger),
            "--control", str(socket), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert program.stdout is not None
            said = (await asyncio.wait_for(program.stdout.readline(), 20)).decode()
            url = said.partition(" at ")[2].partition(";")[0]
            reader, writer = await asyncio.open_unix_connection(str(socket))

            async def tell(request: dict[str, object]) -> dict[str, object]:
                writer.write(json.dumps(request).encode() + b"\n")
                answer: dict[str, object] = json.loads(await asyncio.wait_for(reader.readline(), 10))
                return answer

            assert (await tell({"next": ["none" if booked else "decline"]}))["ok"] is True
            assert (await tell({"next": ["explode"]}))["ok"] is False
            gateway = HttpGateway(Gateway(url=url), str)
            assert (await gateway.authorise(ASK)).heard == ("approved" if booked else "declined")
            await gateway.aclose()
            state = (await tell({"state": True}))["state"]
            assert isinstance(state, dict)
            assert state["kept_minor"] == (1250 if booked else 0)
            assert ASK.authorisation_id in ledger.read_text()
            writer.close()
        finally:
            if program.returncode is None:
                os.kill(program.pid, signal.SIGTERM)
            await asyncio.wait_for(program.wait(), 20)

    asyncio.run(run())
