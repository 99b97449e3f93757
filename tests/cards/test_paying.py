"""A card payment from the question to the receipt, and every way in which its answer can go missing (T2, I7, I13)."""

import asyncio
from pathlib import Path

import pytest
from tests.cards.world import BURGERS, COLA, Shop, config_with, events_of, shop
from tests.till.world import Register, running

from tillkeeper_drivers.simulator.gateway import Fault, VirtualGateway

TOKEN = "s3cret-of-the-gateway"


def test_an_approved_card_closes_its_check_and_is_recorded_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open(BURGERS, COLA)
            due = (await at.check(check))["totals"]["due_minor"]
            done = await at.pay(check, key="one")
            assert done["state"] == "closed"
            assert await at.pay(check, key="one") == done, "the same key, the same answer"
            paid = (await at.check(check))["payments"][0]
            entry = next(iter(gateway.entries.values()))
            assert (paid["amount_minor"], paid["reference"], paid["label"]) == (due, entry.reference, entry.label)
            assert paid["tender_id"] == entry.authorisation_id
            assert gateway.kept_minor == due
            assert entry.asked["currency"]
            assert entry.asked["check_id"] == check

    asyncio.run(run())
    kinds = [kind for kind, _body in events_of(tmp_path)]
    asked, settled, recorded = (kinds.index(one) for one in ("authorisation_asked", "authorisation_settled", "tender_recorded"))
    assert asked < settled < recorded, "the question is durable before anything comes of it"
    assert TOKEN not in "".join(body for _kind, body in events_of(tmp_path))


def test_a_declined_card_leaves_the_check_open_and_its_key_answers_so_for_good(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("decline")
            refused = await at.pay(check, key="no", status=422)
            assert refused["type"].endswith("tender_declined")
            assert refused["reason"] == "insufficient funds"
            assert "cash" in refused["allowed"]
            again = await at.pay(check, key="no", status=422)
            assert again["type"] == refused["type"]
            assert len(gateway.requests) == 1, "what the gateway said is known"
            assert not (await at.check(check))["frozen"]
            assert (await at.pay(check, "cash"))["state"] == "closed"
            assert gateway.kept_minor == 0

    asyncio.run(run())


def test_without_the_gateways_secret_a_card_is_refused_with_the_reason_and_taken_once_that_is_there(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway:
            config = config_with(tmp_path, gateway)
            secret = tmp_path / "gateway-token"
            secret.rename(tmp_path / "elsewhere")
            async with running(config) as till:
                at = Shop(till, gateway)
                await till.post("/mode/offsite", {"on": True})
                check = await at.open()
                refused = await at.pay(check, status=422)
                assert refused["type"].endswith("gateway_unreachable")
                assert refused["cause"] == "nothing was charged: its secret can not be read at this register"
                assert "cash" in refused["allowed"]
                assert not gateway.requests
                assert not (await at.check(check))["frozen"]
                assert (await at.pay(check, "cash"))["state"] == "closed"
                assert await told_of(till) == ["gateways.bank.token_file"]
                (tmp_path / "elsewhere").rename(secret)

                async def taken_up() -> bool:
                    return not await told_of(till)

                await at.until(taken_up)
                assert (await at.pay(await at.open()))["state"] == "closed"

    async def told_of(till: Register) -> list[str]:
        return [one["subject"] for one in (await till.get("/status"))["advisories"] if one["code"] == "file_unread"]

    asyncio.run(run())


LOST: tuple[Fault, ...] = ("lost_before", "lost_after", "error_before", "error_after", "garbage_after", "half_after")


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_that_is_lost_freezes_the_check_until_the_gateway_is_asked(tmp_path: Path, fault: Fault) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order(fault, *["error_before"] * 200, on="any")
            refused = await at.pay(check, key="lost", status=422)
            assert refused["type"].endswith("authorisation_unknown")
            assert refused["ways_out"] == ["query_authorisation", "abandon_authorisation"]
            view = await at.check(check)
            assert view["state"] == "open"
            assert view["payments"] == []
            assert view["frozen"][0]["amount_minor"] == view["totals"]["due_minor"]
            for path, body in (
                ("tenders", {"tender": "cash"}),
                ("lines", {"lines": [COLA]}),
                ("void", {"reason": "x"}),
                ("close", {}),
                ("await", {"tender": "card"}),
            ):
                frozen = await at.till.post(f"/checks/{check}/{path}", body, status=422)
                assert frozen["type"].endswith("check_frozen"), path
                assert frozen["authorisation_id"] == refused["authorisation_id"]
            await at.till.post(f"/checks/{check}/send")  # what is rung may go to the kitchen
            gateway.forget_orders()
            answer = await at.till.client.post(
                f"/v1/checks/{check}/tenders", json={"tender": "card"}, headers={"Idempotency-Key": "lost"}
            )
            if answer.status_code != 200:  # the background was first, and saw to it that it never will be made
                assert fault in ("lost_before", "error_before")
                assert answer.json()["type"].endswith("gateway_unreachable")
                assert (await at.pay(check))["state"] == "closed"
            assert (await at.check(check))["state"] == "closed"
            due = view["totals"]["gross_minor"]
            assert gateway.kept_minor == due
            assert max(entry.bookings for entry in gateway.entries.values()) == 1
            await at.settled()

    asyncio.run(run())


def test_the_background_finds_out_what_became_of_a_payment_and_closes_the_check(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("lost_after")
            await at.pay(check, key="lost", status=422)
            await at.settled()
            closed = await at.check(check)
            assert closed["state"] == "closed"
            assert gateway.kept_minor == closed["totals"]["gross_minor"]
            assert (await at.pay(check, key="lost"))["state"] == "closed", "its own key knows too"

    asyncio.run(run())


def test_paying_another_way_frees_the_check_at_once_and_takes_the_card_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("lost_after", *["error_before"] * 200)
            await at.pay(check, key="lost", status=422)
            given_up = await at.till.post(f"/checks/{check}/authorisation/abandon", {"by": "ana"})
            assert given_up["authorisation"] == "reversal_owed"
            assert (await at.pay(check, "cash"))["state"] == "closed"
            owed = (await at.open_authorisations())["reversals_owed"]
            assert [one["check_id"] for one in owed] == [check]
            abandoned = await at.pay(check, key="lost", status=422)
            assert abandoned["type"].endswith("authorisation_abandoned")
            gateway.forget_orders()
            other = await at.open(COLA)
            await at.pay(other)
            await at.settled()
            due = (await at.check(other))["totals"]["gross_minor"]
            assert gateway.kept_minor == due, "only the second is kept"

    asyncio.run(run())
    kinds = [kind for kind, _body in events_of(tmp_path)]
    assert kinds.count("reversal_owed") == kinds.count("authorisation_reversed") == 1


def test_reversals_go_out_before_anything_else_once_the_gateway_is_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            first, second = await at.open(), await at.open(COLA)
            gateway.order("lost_after")
            refused = await at.pay(first, status=422)
            await gateway.power_off()
            await at.till.post(f"/checks/{first}/authorisation/abandon")
            unreached = await at.pay(second, status=422)
            assert unreached["type"].endswith("gateway_unreachable")
            assert not (await at.check(second))["frozen"], "nothing was sent, so nothing is in doubt"
            seen = len(gateway.requests)
            await gateway.power_on()
            await at.pay(second)
            assert gateway.requests[seen] == f"reverse {refused['authorisation_id']}"
            assert gateway.kept_minor == (await at.check(second))["totals"]["gross_minor"]

    asyncio.run(run())


def test_while_the_guest_is_at_the_terminal_other_checks_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check, other = await at.open(), await at.open(COLA)
            gateway.hold()
            paying = asyncio.create_task(at.pay(check, key="slow"))

            async def asked() -> bool:
                return bool((await at.open_authorisations())["frozen"])

            await at.until(asked)
            assert (await at.pay(other, "cash"))["state"] == "closed"
            frozen = await at.pay(check, "cash", status=422)
            assert frozen["type"].endswith("check_frozen")
            asking = await at.till.post(f"/checks/{check}/authorisation/query", status=422)
            assert asking["type"].endswith("check_frozen")
            gateway.go_on()
            assert (await paying)["state"] == "closed"

    asyncio.run(run())


def test_giving_up_while_the_terminal_still_works_takes_back_what_it_then_approves(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.hold()
            paying = asyncio.create_task(at.pay(check, key="slow", status=422))

            async def asked() -> bool:
                return bool((await at.open_authorisations())["frozen"])

            await at.until(asked)
            await at.till.post(f"/checks/{check}/authorisation/abandon")
            assert (await at.pay(check, "cash"))["state"] == "closed"
            gateway.go_on()
            assert (await paying)["type"].endswith("authorisation_abandoned")
            await at.settled()
            assert gateway.kept_minor == 0
            assert len((await at.check(check))["payments"]) == 1

    asyncio.run(run())


def test_another_amount_than_was_asked_is_taken_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("partial")
            assert (await at.pay(check, status=422))["type"].endswith("tender_declined")
            await at.settled()
            assert gateway.kept_minor == 0
            assert (await at.check(check))["totals"]["paid_minor"] == 0

    asyncio.run(run())


def test_a_request_that_arrives_twice_is_booked_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("twice")
            assert (await at.pay(check))["state"] == "closed"
            assert [entry.bookings for entry in gateway.entries.values()] == [1]

    asyncio.run(run())


async def _order(at: Shop, *tenders: dict[str, object], key: str, status: int = 200) -> dict[str, object]:
    body = {"order_type": "takeout", "lines": [BURGERS], "tenders": list(tenders)}
    answer: dict[str, object] = await at.till.post("/orders", body, key=key, status=status)
    return answer


def test_an_order_with_a_card_is_placed_only_once_it_is_paid(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            placed = await _order(at, {"tender": "card"}, key="a")
            assert placed["state"] == "closed"
            kept = gateway.kept_minor
            gateway.order("decline")
            refused = await _order(at, {"tender": "card"}, key="b", status=422)
            assert str(refused["type"]).endswith("tender_declined")
            gateway.order("lost_after")
            unknown = await _order(at, {"tender": "card"}, key="c", status=422)
            assert str(unknown["type"]).endswith("order_not_placed")
            again = await _order(at, {"tender": "card"}, key="c", status=422)
            assert again["type"] == unknown["type"]
            await at.settled()
            assert gateway.kept_minor == kept
            assert len((await at.till.get("/checks"))["checks"]) == 1

    asyncio.run(run())


def test_two_cards_on_one_order_are_both_taken_or_none(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            both = ({"tender": "card", "tendered_minor": 500}, {"tender": "gift"})
            placed = await _order(at, *both, key="a")
            assert placed["state"] == "closed"
            kept = gateway.kept_minor
            gateway.order("none", "decline")
            refused = await _order(at, *both, key="b", status=422)
            assert str(refused["type"]).endswith("tender_declined")
            await at.settled()
            assert gateway.kept_minor == kept

    asyncio.run(run())


def test_a_check_that_awaits_a_card_is_paid_by_it_later_the_guest_absent(tmp_path: Path) -> None:
    """T13."""

    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            await gateway.power_off()
            await at.pay(check, status=422)
            await at.till.post(f"/checks/{check}/await", {"tender": "card"})
            awaiting = (await at.open_authorisations())["awaiting"]
            assert [(one["check_id"], one["tender"]) for one in awaiting] == [(check, "card")]
            await gateway.power_on()
            assert (await at.pay(check))["state"] == "closed"
            assert (await at.open_authorisations())["awaiting"] == []
            assert next(iter(gateway.entries.values())).asked["guest_absent"] is True

    asyncio.run(run())


def test_voids_and_refunds_of_card_payments_are_calls_too(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            await at.pay(check, tendered_minor=700)
            first = next(iter(gateway.entries))
            gateway.order("decline")
            refused = await at.till.post(f"/checks/{check}/void", {"reason": "left"}, status=422)
            assert refused["type"].endswith("tender_declined")
            gateway.order("lost_after")
            await at.till.post(f"/checks/{check}/void", {"reason": "left"}, status=422, key="void")
            done = await at.till.post(f"/checks/{check}/void", {"reason": "left"}, key="void")
            assert done["state"] == "voided"
            assert done["refund_minor"] == 700
            assert gateway.kept_minor == 0
            assert list(gateway.entries.values())[-1].asked["original"] == first
            sold = await at.open()
            await at.pay(sold)
            sum_minor = gateway.kept_minor
            await at.till.post(f"/checks/{sold}/refunds", {"tender": "card", "reason": "cold", "amount_minor": 300})
            assert gateway.kept_minor == sum_minor - 300
            refund = (await at.check(sold))["refunds"][0]
            assert refund["amount_minor"] == 300
            assert refund["refund_id"] in gateway.entries

    asyncio.run(run())


def test_practice_calls_nobody(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            made = await at.till.post("/checks", {"order_type": "takeout", "lines": [COLA], "training": True})
            assert (await at.pay(made["check_id"]))["state"] == "closed"
            assert (await at.check(made["check_id"]))["payments"][0]["reference"] == "practice"
            assert gateway.requests == []

    asyncio.run(run())


def test_offline_nothing_is_asked_and_the_refusal_says_what_to_take(tmp_path: Path) -> None:
    """T2."""

    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            await at.till.post("/mode/offline", {"on": True})
            check = await at.open()
            for tender in ("card", "gift"):
                refused = await at.pay(check, tender, status=422)
                assert refused["type"].endswith("tender_needs_uplink")
                assert "cash" in refused["allowed"]
                assert tender not in refused["allowed"]
            assert gateway.requests == []
            assert (await at.pay(check, "cash"))["state"] == "closed"

    asyncio.run(run())


def test_a_store_without_an_hq_takes_cards_by_the_call_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            await at.till.post("/mode/offsite", {"on": False})
            assert (await at.till.get("/status"))["mode"] in ("offline", "checking")
            assert (await at.pay(await at.open()))["state"] == "closed"
            await gateway.power_off()
            refused = await at.pay(await at.open(), status=422)
            assert refused["type"].endswith("gateway_unreachable")

    asyncio.run(run())


def test_a_gateway_that_tells_a_card_number_does_not_bring_it_to_the_disk(tmp_path: Path) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.labels = ("VISA 4111 1111 1111 1111", "4111111111111111")
            assert (await at.pay(check))["state"] == "closed"
            paid = (await at.check(check))["payments"][0]
            assert (paid["label"], paid["reference"]) == ("*1111", "*1111")

    asyncio.run(run())
    assert "4111111111111111" not in (tmp_path / "data" / "journal.db").read_bytes().decode("latin-1")


@pytest.mark.parametrize("away", [True, False], ids=["away", "out of order"])
def test_the_background_asks_at_growing_intervals(tmp_path: Path, away: bool) -> None:
    async def run() -> None:
        async with VirtualGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open()
            gateway.order("lost_after", *["error_before"] * 10_000)
            await at.pay(check, status=422)
            if away:
                await gateway.power_off()

            async def tries() -> int:
                return int((await at.open_authorisations())["frozen"][0]["tries"])

            async def asked_again() -> bool:
                return await tries() >= 2

            await at.until(asked_again)
            await asyncio.sleep(1.0)
            assert await tries() <= 8, "1 s, then 2 s, then 4 s"

    asyncio.run(run())
