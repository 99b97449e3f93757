"""A gateway that approves less than was asked, whenever that is heard, and one that is late with what it was sent first."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.cards.world import BURGERS, shop

from tillkeeper_drivers.httpd import Answer, Asked
from tillkeeper_drivers.simulator.gateway import Fault, VirtualGateway

TOKEN = "s3cret-of-the-gateway"


class HalvingGateway(VirtualGateway):
    """Approves half of a payment, and nobody hears of it until it is `back`."""

    back = False

    async def _handle(self, asked: Asked) -> Answer:
        answer = await self._do("put", asked.path.rpartition("/")[2], asked, "partial") if asked.method == "PUT" else None
        if not self.back:
            raise ConnectionError("on purpose")
        return answer or await super()._handle(asked)


@pytest.mark.parametrize("by_key", [True, False], ids=["its own key", "the background"])
def test_another_amount_is_no_payment_also_where_it_is_heard_of_only_later(tmp_path: Path, by_key: bool) -> None:
    async def run() -> None:
        async with HalvingGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open(BURGERS)
            refused = await at.pay(check, key="half", status=422)
            assert refused["type"].endswith("authorisation_unknown")
            assert gateway.kept_minor > 0
            gateway.back = True
            if by_key:
                again = await at.pay(check, key="half", status=422)
                assert again["type"].endswith("tender_declined")
            await at.settled()
            view = await at.check(check)
            assert (view["state"], view["payments"]) == ("open", []), "half of a payment is none"
            assert gateway.kept_minor == 0

    asyncio.run(run())


class LateGateway(VirtualGateway):
    """Its queries fail until it is `back`; what it was sent first is still on its way."""

    back = False

    def _fault(self, kind: str) -> Fault:
        return "error_before" if kind == "get" and not self.back else super()._fault(kind)


def test_a_refusal_of_the_second_request_says_nothing_of_the_first(tmp_path: Path) -> None:
    async def run() -> None:
        async with LateGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open(BURGERS)
            due = (await at.check(check))["totals"]["due_minor"]
            gateway.order("lost_before", "busy", on="put")
            one = (await at.pay(check, key="late", status=422))["authorisation_id"]

            async def asked_twice() -> bool:
                return gateway.requests.count(f"get {one}") >= 2  # the background waits for longer now

            await at.until(asked_twice)
            gateway.back = True
            await at.pay(check, key="late", status=422)
            await at.settled()
            first = {"authorisation_id": one, "situation": "payment", "amount_minor": due}
            async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as proxy:
                late = await proxy.put(f"{gateway.url}/v1/authorisations/{one}", json=first)
            assert late.json()["state"] == "never_made"
            assert gateway.kept_minor == 0, "nobody would ever take it back"
            assert (await at.pay(check))["state"] == "closed"

    asyncio.run(run())


class OvertakenGateway(VirtualGateway):
    """The first request is still on its way when it is asked about, and the reversal that follows is on its way for longer."""

    reversals = 0

    async def was_told_to_reverse(self) -> bool:
        return self.reversals > 0

    def _fault(self, kind: str) -> Fault:
        if kind == "reverse":
            self.reversals += 1
        return "lost_before" if kind == "put" or (kind == "reverse" and self.reversals == 1) else super()._fault(kind)


def test_what_a_reversal_may_still_take_back_is_not_taken_for_paid(tmp_path: Path) -> None:
    async def run() -> None:
        async with OvertakenGateway(token=TOKEN) as gateway, shop(tmp_path, gateway) as at:
            check = await at.open(BURGERS)
            due = (await at.check(check))["totals"]["due_minor"]
            one = (await at.pay(check, key="late", status=422))["authorisation_id"]
            await at.until(gateway.was_told_to_reverse)
            first = {"authorisation_id": one, "situation": "payment", "amount_minor": due}
            async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as proxy:
                assert one not in gateway.entries
                gateway._fault = lambda kind: VirtualGateway._fault(gateway, kind)  # type: ignore[method-assign]
                assert (await proxy.put(f"{gateway.url}/v1/authorisations/{one}", json=first)).json()["state"] == "approved"
            await at.settled()
            view = await at.check(check)
            assert (view["state"], view["payments"]) == ("open", []), "the lost reversal may come yet"
            assert gateway.kept_minor == 0

    asyncio.run(run())
