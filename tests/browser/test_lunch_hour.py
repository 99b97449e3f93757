"""A lunch hour: two register places and a lane, one kitchen page, everything that a shift does, while the agent is killed three
times and HQ is cut twice. In the end journal, HQ, paper, kitchen page and drawers agree to the cent and the ticket.

LUNCHES=2 (any number) sends so many times as many guests, SEED=n repeats a run."""

import asyncio
import contextlib
import os
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.async_api import TimeoutError as NotInTime
from playwright.async_api import expect
from tests.browser.lunch import guests
from tests.browser.lunch.accounts import Seen, differences
from tests.browser.lunch.guests import Cashier, Guest
from tests.browser.lunch.told import Purse, Told
from tests.killloop.loop import CHANGES, collect
from tests.killloop.paper import Print, fold
from tests.support import shift_page as shift
from tests.support.browser import Chromium
from tests.support.kitchen_page import KitchenPage, kitchen_page
from tests.support.register_page import RegisterPage, register_page
from tests.support.staff import ANA, BEN, BOSS, FILE, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig
from tests.support.toml import merged

PATIENCE_MS = 60_000
LUNCHES = int(os.environ.get("LUNCHES", "1"))
CARS = 6 * LUNCHES
FLOAT = 200_00
KILLS, CUTS = 3, 2
PLAN: Mapping[Guest, int] = {
    guests.exact_cash: 3, guests.notes: 4, guests.courses: 2, guests.hold_and_fire: 2, guests.discounted: 2,
    guests.split_between_two: 2, guests.mixed_tenders: 2, guests.euros: 1, guests.changed_his_mind: 2, guests.too_late: 1,
    guests.walked_out: 1, guests.wants_money_back: 2, guests.comes_back_later: 1, guests.forgot_his_card: 1,
    guests.wants_copies: 1,
}  # fmt: skip
"""Guests at the counter; those who come back later let another one go first, so they are two checks."""
STORE: dict[str, Any] = {
    **STAFF_CONFIG,
    "registers": {"front": {"drawer": "drawer", "receipt_printer": "receipt"}},
    "devices": {
        "receipt2": {"kind": "escpos", "profile": "tm-t88vi", "confirm_timeout_s": 3.0},
        "drawer2": {"kind": "drawer", "printer": "receipt2", "pin": 2, "on_ms": 20},
    },
    # The cook sees on one page what the grill has on paper too; nothing is rerouted because a page is away for seconds.
    "stations": {
        "grill": {"devices": ["grill", "kitchen"], "reroute_after_s": 120.0},
        "cold": {"devices": ["kitchen"], "reroute_after_s": 120.0},
    },
    "terminals": {
        "counter": {"title": "Counter", "view": "counter", "drawer": "drawer", "receipt_printer": "receipt"},
        "lane": {"title": "Lane", "view": "lane", "order_type": "drive_through"},
        "window": {
            "title": "Window", "view": "window", "order_type": "drive_through",
            "drawer": "drawer2", "receipt_printer": "receipt2",
        },
    },
}  # fmt: skip


class Progress:
    """How many checks have come to their end, and a wait for it."""

    def __init__(self) -> None:
        self.count = 0
        self._more = asyncio.Condition()

    async def add(self) -> None:
        async with self._more:
            self.count += 1
            self._more.notify_all()

    async def reached(self, count: int) -> None:
        async with self._more:
            await self._more.wait_for(lambda: self.count >= count)


class Lunch:
    """One run; `told` is what everybody knows."""

    def __init__(self, rig: StoreRig, chance: random.Random) -> None:
        self.rig, self.chance = rig, chance
        self.told = Told(purses={"drawer": Purse("drawer"), "drawer2": Purse("drawer2")})
        self.progress = Progress()
        self.over = asyncio.Event()
        self.cars: asyncio.Queue[str] = asyncio.Queue()

    def cashier(self, till: RegisterPage, drawer: str) -> Cashier:
        return Cashier(till, self.told, self.told.purses[drawer], random.Random(self.chance.random()), BOSS.pin)

    # --- the counter ---

    async def counter(self, at: Cashier) -> None:
        line = [guest for guest, count in PLAN.items() for _ in range(count * LUNCHES)]
        self.chance.shuffle(line)
        between: dict[int, Callable[[Cashier], Awaitable[None]]] = {
            3: self.cash_moves, 7: self.practice, 11: self.sold_out, 15: self.swap, 20: self.rest,
        }  # fmt: skip
        for number, guest in enumerate(line):
            if number in between:
                await between[number](at)
            await guest(at)
            await self.progress.add()
        await at.order("still-water")
        code = await at.till.send()  # a guest whose card is still to come when the shift ends
        at.rung(code, {"still-water": 1})
        await at.till.recall(code)
        await at.till.await_card()

    async def cash_moves(self, at: Cashier) -> None:
        for kind, minor in (("paid-in", 30_00), ("paid-out", 12_50), ("safe-drop", 50_00)):
            await shift.move_cash(at.till, kind, minor, at.approver)
            self.told.moved[kind.replace("-", "_")] += minor
            (at.purse.put if kind == "paid-in" else at.purse.take)(minor)
        await shift.no_sale(at.till, at.approver)
        self.told.no_sales += 1

    async def practice(self, at: Cashier) -> None:
        """Nothing of it counts, and no drawer opens."""
        await shift.training(at.till, on=True)
        check = await guests.exact_cash(at)
        assert check.code.startswith("T-")
        await shift.training(at.till, on=False)

    async def sold_out(self, at: Cashier) -> None:
        """A countdown to its end, a thing that is out, and both back again."""
        await shift.set_available(at.till, "apple-strudel", "counting", 2)
        await shift.set_available(at.till, "sashimi", "sold_out")
        await at.till.new()
        await at.till.ring("apple-strudel")
        await at.till.ring("apple-strudel")
        code, due = await at.till.to_payment()
        check = at.rung(code, {"apple-strudel": 2})
        check.total_minor, check.state = due, "closed"
        await at.cash(check, due)
        await at.till.new()
        for item, category in (("apple-strudel", "desserts"), ("sashimi", "sushi")):
            await at.till.page.locator(f"[data-category={category}]").click()
            await expect(at.till.page.locator(f".tiles [data-item={item}]")).to_be_disabled()
        for item in ("apple-strudel", "sashimi"):
            await shift.set_available(at.till, item, "available")
        self.told.sold_out += [
            ("apple-strudel", "counting"), ("sashimi", "sold_out"), ("apple-strudel", "available"), ("sashimi", "available"),
        ]  # fmt: skip

    async def swap(self, at: Cashier) -> None:
        """The drawer is counted and goes to the office; another float goes in before its Z."""
        await self.count(at)
        await shift.open_drawer(at.till, FLOAT)
        at.purse.put(FLOAT)

    async def count(self, at: Cashier) -> None:
        lies = {currency: at.purse.cash[currency] for currency in ("USD", "EUR")}
        shown = await shift.count_drawer(at.till, lies)
        assert not any(shown.values()), f"{at.purse.drawer}: the page says {shown} for {lies}"
        at.purse.counted.append(lies)
        at.purse.cash.clear()

    async def rest(self, at: Cashier) -> None:
        for kind in ("break_start", "break_end"):
            await shift.clock(at.till, kind.replace("_", "-"))
            self.told.clocked.append((ANA.employee, kind))  # type: ignore[arg-type]

    # --- the drive-through ---

    async def lane(self, at: Cashier) -> None:
        for _ in range(CARS):
            pieces = await at.order()
            code = await at.till.send()
            at.rung(code, pieces)
            self.cars.put_nowait(code)
            await self.progress.reached(min(self.progress.count + 1, sum(PLAN.values()) * LUNCHES))

    async def window(self, at: Cashier) -> None:
        """Cars in their order, each paid where it stands."""
        for number in range(1, CARS + 1):
            code = await self.cars.get()
            await at.till.go("window")
            car = at.till.page.locator(f".window-car[data-code={code}][data-car='{number}']")
            await car.wait_for(timeout=PATIENCE_MS)
            check = self.told.check(code)
            check.total_minor = int(await car.locator("[data-total]").get_attribute("data-total") or "-1")
            if at.chance.random() < 0.5:
                assert await at.till.quick(check.total_minor) == 0
                at.purse.put(check.total_minor)
                at.paid(check, "cash", check.total_minor)
            else:
                await car.locator("[data-action=pay]").click()
                await at.till.in_view("pay")
                await at.cash(check, await at.till.due(), exact=False)
            check.state = "closed"
            await self.progress.add()

    # --- the kitchen, and what goes wrong ---

    async def cook(self, page: KitchenPage) -> None:
        stop, bump = (page.page.locator(f"[data-testid={name}]:enabled").first for name in ("stop-seen", "bump"))
        while not self.over.is_set():
            with contextlib.suppress(NotInTime):  # the card changed under the finger
                if await stop.count():
                    await stop.click(timeout=1_000)
                elif await page.open_count() > 3:
                    await bump.click(timeout=1_000)
                    if self.chance.random() < 0.1:
                        await page.recall_last()
            await asyncio.sleep(0.15)

    async def trouble(self) -> None:
        """Deaths of the agent and cuts of the internet, each between two moments of the hour and in the middle of something."""
        total = sum(PLAN.values()) * LUNCHES + CARS
        steps = [total * part // (KILLS + CUTS + 1) for part in range(1, KILLS + CUTS + 1)]
        kinds = ["kill"] * KILLS + ["cut"] * CUTS
        self.chance.shuffle(kinds)
        for at, kind in zip(steps, kinds, strict=True):
            await self.progress.reached(at - self.chance.randrange(4))
            await asyncio.sleep(self.chance.uniform(0, 2))
            if kind == "kill":
                await self.rig.kill_agent()
                await asyncio.sleep(self.chance.uniform(0, 1.5))
                await self.rig.start_agent()
            else:
                await self.rig.internet.cut()
                await asyncio.sleep(self.chance.uniform(2, 5))
                await self.rig.internet.restore()

    # --- before and after ---

    async def begin(self, at: Cashier, employee: str) -> None:
        await shift.clock(at.till, "clock-in")
        self.told.clocked.append((employee, "clock_in"))
        await shift.open_drawer(at.till, FLOAT)
        at.purse.put(FLOAT)

    async def end(self, at: Cashier, employee: str) -> None:
        await self.count(at)
        for _ in at.purse.counted:
            await shift.close_drawer(at.till, at.approver)
        await shift.declare_tips(at.till, 7_50)
        self.told.tips[employee] = 7_50
        await shift.clock(at.till, "clock-out")
        self.told.clocked.append((employee, "clock_out"))
        await at.till.idle()

    async def come_to_an_end(self) -> None:
        """A person lets go what is held; everything prints, and HQ gets it."""

        async def settled() -> bool:
            jobs = (await self.rig.get("/v1/jobs?limit=500"))["jobs"]
            for job in jobs:
                if job["state"] == "held":
                    await self.rig.post(f"/v1/jobs/{job['job_id']}/release", {"by": BOSS.employee})
            return not jobs

        await self.rig.wait_for("every document is settled", settled)
        await self.rig.wait_synced()
        await self.rig.check_books()


def seen_papers(read: list[tuple[str, str, list[str]]], titles: Mapping[str, str]) -> list[Print]:
    """What stood on the kitchen page, as the documents that they are."""
    counted = [(code, station, [re.sub(r"^(\d+)\s", r"\1 x ", line) for line in lines]) for code, station, lines in read]
    return [Print("kitchen", "ticket", code, (), titles[station], fold(" ".join(lines))) for code, station, lines in counted]


async def hour(chromium: Chromium, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    later = time.gmtime(time.time() + 12 * 3600)  # the business day does not change meanwhile
    changes = merged(merged(CHANGES, STORE), {"store": {"day_cutoff": f"{later.tm_hour:02d}:00"}})
    options: dict[str, Any] = {"patience_ms": PATIENCE_MS, "outages": True}
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        rig = await enter(StoreRig(folder, changes=changes, agent=False, screens=False, seed=seed))
        write_roster(folder / FILE, rig.data)
        await rig.start_agent()
        await rig.wait_mode("online")
        lunch = Lunch(rig, chance)
        counter, lane, window = [
            await enter(register_page(chromium, rig, place, **options)) for place in ("counter", "lane", "window")
        ]
        kitchen = await enter(kitchen_page(chromium, rig, **options))
        places = {counter: ANA, lane: BOSS, window: BEN}
        for till, person in places.items():
            await till.sign_in(person.pin)
        front, far = lunch.cashier(counter, "drawer"), lunch.cashier(window, "drawer2")
        for at, person in ((front, ANA), (far, BEN)):
            await lunch.begin(at, person.employee)
        async with asyncio.TaskGroup() as tasks:
            cook = tasks.create_task(lunch.cook(kitchen))
            async with asyncio.TaskGroup() as selling:
                selling.create_task(lunch.counter(front))
                selling.create_task(lunch.lane(lunch.cashier(lane, "drawer2")))
                selling.create_task(lunch.window(far))
                selling.create_task(lunch.trouble())
            for at, person in ((front, ANA), (far, BEN)):
                await lunch.end(at, person.employee)
            await lunch.come_to_an_end()
            lunch.over.set()
            await cook
        await kitchen.all_told()
        seen = Seen(await kitchen.ever(), await kitchen.open_jobs())
        read = await kitchen.ever_read()
        left = await collect(rig, {}, ())
        prints = [*left.prints, *seen_papers(read, left.titles)]
        left = replace(left, prints=prints, pulses=rig.pulses("receipt") + rig.pulses("receipt2"))
        found = differences(lunch.told, left, seen, "kitchen")
        assert not found, "\n".join(found)
        assert len(lunch.told.checks) > 32 * LUNCHES


@pytest.mark.timeout(400)
def test_a_lunch_hour_adds_up(chromium: Chromium, tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"SEED={seed}")
    began = time.monotonic()
    chromium.run(hour(chromium, tmp_path, seed))
    print(f"{time.monotonic() - began:.0f} s")
