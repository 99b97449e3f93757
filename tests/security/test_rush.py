"""What a page asks of the register in a rush, beside what `api/pace.py` lets one page ask."""

import time
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Request, Response
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.store import StoreRig

from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.pace import cost_of
from tillkeeper.api.rate import Rates

SALES = 5
RELOADS = 3
LIMITS = ApiLimits()


def most_ahead(asked: list[tuple[float, float]]) -> float:
    """The most units that the page was ahead of the lasting rate, of `pace_burst` that it may be."""
    rates, most = Rates(LIMITS.pace_per_s, 1e9), 0.0
    for at_s, cost in asked:
        rates.take("page", at_s, cost)
        most = max(most, (rates._ahead["page"] - at_s) * LIMITS.pace_per_s)
    return most


async def sell(till: RegisterPage) -> None:
    await till.new()
    await till.ring("cola")
    await till.ring("espresso")
    await till.to_payment()
    await till.pay("cash", 50_00)


def test_a_cashier_in_a_rush_stays_far_below_what_a_page_may_ask(tmp_path: Path) -> None:
    asked: list[tuple[float, float]] = []
    statuses: set[int] = set()

    def on_request(request: Request) -> None:
        asked.append((time.monotonic(), cost_of(urlsplit(request.url).path)))

    def on_response(response: Response) -> None:
        statuses.add(response.status)

    async def scene(chromium: Chromium) -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            till.page.on("request", on_request)
            till.page.on("response", on_response)
            for _ in range(SALES):
                await sell(till)
            for _ in range(RELOADS):
                await till.reload()
            await till.go("store")
            await till.in_view("store")

    with Chromium() as chromium:
        chromium.run(scene(chromium))
    assert len(asked) > 3 * SALES
    assert 429 not in statuses
    most = most_ahead(asked)
    took_s = asked[-1][0] - asked[0][0]
    print(f"{len(asked)} requests in {took_s:.1f} s, at most {most:.0f} of {LIMITS.pace_burst:.0f} units ahead")
    assert most < LIMITS.pace_burst / 2
