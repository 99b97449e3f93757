"""The guests of a lunch hour: what each orders and how he pays, as the hands of a cashier do it on a real page.

Each guest is a coroutine that takes a `Cashier`; what the page shows goes into what the people know (`told`).
"""

import random
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from tests.browser.lunch.told import Purse, Told, ToldCheck
from tests.support.register_page import RegisterPage

DISHES: Mapping[str, tuple[str, ...]] = {
    "cheeseburger": ("bacon", "no-onion"), "croque": (), "fish-tacos": (), "caesar-salad": ("grilled-chicken",),
    "greek-salad": (), "borscht": (), "cola": ("no-ice",), "espresso": (), "bruschetta": (), "baklava": (), "fries": (),
    "burger": ("rare", "with-fries"), "still-water": (),
}  # fmt: skip
"""Item -> modifiers it may be rung with."""
EURO_RATE = 1.08
NOTE = 500
"""Guests give whole five-dollar notes, or five-euro ones."""


class Cashier(msgspec.Struct):
    """One person at one place. `approver`: the manager's PIN."""

    till: RegisterPage
    told: Told
    purse: Purse
    chance: random.Random
    approver: str

    async def order(self, *dishes: str, kind: str = "") -> dict[str, int]:
        """A fresh order of these dishes, or of one to three by chance; the pieces."""
        await self.till.new()
        if kind:
            await self.till.order_type(kind)
        pieces: dict[str, int] = {}
        for dish in dishes or self.chance.sample(sorted(DISHES), self.chance.randint(1, 3)):
            modifiers = DISHES[dish] if self.chance.random() < 0.7 or dish == "burger" else ()
            await self.till.ring(dish, *modifiers)
            pieces[dish] = pieces.get(dish, 0) + 1
        return pieces

    def rung(self, code: str, pieces: Mapping[str, int]) -> ToldCheck:
        check = self.told.check(code)
        check.pieces.update(pieces)
        return check

    async def cash(self, check: ToldCheck, due: int, *, exact: bool = True) -> None:
        """The last payment of a check."""
        given = due if exact else -(-due // NOTE) * NOTE
        change = await self.till.pay("cash", given)
        assert change == given - due, f"{check.code}: {given} for {due}, and the page says change {change}"
        self.paid(check, "cash", due)
        if not check.training:
            self.purse.put(given)
            self.purse.take(change)

    def paid(self, check: ToldCheck, tender: str, minor: int) -> None:
        check.paid[tender] += minor

    async def settle(self, check: ToldCheck, *, exact: bool = True) -> None:
        """Ask for the money and take it in cash, all at once."""
        code, due = await self.till.to_payment()
        assert code == check.code
        check.total_minor = due
        await self.cash(check, due, exact=exact)
        check.state = "closed"


Guest = Callable[[Cashier], Awaitable[object]]


async def exact_cash(at: Cashier, *, exact: bool = True) -> ToldCheck:
    pieces = await at.order(kind=at.chance.choice(["dine_in", "takeout"]))
    code, due = await at.till.to_payment()
    check = at.rung(code, pieces)
    check.total_minor = due
    await at.cash(check, due, exact=exact)
    check.state = "closed"
    return check


async def notes(at: Cashier) -> ToldCheck:
    return await exact_cash(at, exact=False)


async def courses(at: Cashier) -> None:
    """Two courses; the second is fired when the first is eaten."""
    pieces = await at.order("bruschetta", kind="dine_in")
    await at.till.course(2)
    await at.till.ring("croque")
    code = await at.till.send()
    check = at.rung(code, {**pieces, "croque": 1})
    await at.till.recall(code)
    await at.till.fire(2)
    await at.settle(check, exact=False)


async def hold_and_fire(at: Cashier) -> None:
    pieces = await at.order("borscht", kind="dine_in")
    await at.till.ring("fish-tacos", held=True)
    code = await at.till.send()
    check = at.rung(code, {**pieces, "fish-tacos": 1})
    await at.till.recall(code)
    await at.till.fire_line("fish-tacos")
    await at.settle(check)


async def discounted(at: Cashier) -> None:
    """One off the whole check, or one off a line, or the open one of a complaint."""
    pieces = await at.order("cheeseburger", "fries")
    code = await at.till.send()
    check = at.rung(code, pieces)
    await at.till.recall(code)
    before = await at.till.due()
    how = at.chance.randrange(3)
    if how == 0:
        await at.till.discount("lunch-deal", approver=at.approver)
    elif how == 1:
        await at.till.discount("happy-hour", item="cheeseburger", approver=at.approver)
    else:
        await at.till.discount("complaint", amount_minor=150, reason=True, approver=at.approver)
    await at.settle(check, exact=False)
    assert check.total_minor < before


async def split_between_two(at: Cashier) -> None:
    pieces = await at.order("cheeseburger", "caesar-salad")
    code, due = await at.till.to_payment()
    check = at.rung(code, pieces)
    check.total_minor = due
    await at.till.split()
    assert await at.till.pay("cash") is None
    left = await at.till.due()
    at.paid(check, "cash", due - left)
    at.purse.put(due - left)
    await at.cash(check, left, exact=False)
    check.state = "closed"


async def mixed_tenders(at: Cashier) -> None:
    """A voucher, something on the house account, the rest in cash."""
    pieces = await at.order("burger", "fries")
    code, due = await at.till.to_payment()
    check = at.rung(code, pieces)
    check.total_minor = due
    for tender, minor in (("voucher", 500), ("house", 300)):
        assert await at.till.pay(tender, minor) is None
        at.paid(check, tender, minor)
    await at.cash(check, await at.till.due())
    check.state = "closed"


async def euros(at: Cashier) -> None:
    pieces = await at.order("greek-salad", "espresso")
    code, due = await at.till.to_payment()
    check = at.rung(code, pieces)
    check.total_minor = due
    given = -(-int(due / EURO_RATE + 1) // NOTE) * NOTE
    change = await at.till.pay("euro", given, foreign=True)
    assert change is not None
    at.paid(check, "euro", due)
    at.purse.put(given, "EUR")
    at.purse.take(change)
    check.state = "closed"


async def changed_his_mind(at: Cashier) -> None:
    """A line is void before the kitchen has it."""
    pieces = await at.order("croque", "cola")
    code = await at.till.park()
    check = at.rung(code, {**pieces, "croque": 0})
    await at.till.recall(code)
    await at.till.void_line("croque")
    await at.settle(check)


async def too_late(at: Cashier) -> None:
    """A line is void after the kitchen got it: a STOP there, and the manager's PIN here."""
    pieces = await at.order("cheeseburger", "baklava")
    code = await at.till.send()
    check = at.rung(code, {**pieces, "baklava": 0})
    await at.till.recall(code)
    await at.till.void_line("baklava", at.approver)
    await at.settle(check)


async def walked_out(at: Cashier) -> None:
    pieces = await at.order("fries", "cola")
    code = await at.till.send()
    check = at.rung(code, pieces)
    await at.till.recall(code)
    await at.till.void_check(at.approver)
    check.state = "voided"


async def wants_money_back(at: Cashier) -> None:
    pieces = await at.order("greek-salad", "cola")
    code, due = await at.till.to_payment()
    check = at.rung(code, pieces)
    check.total_minor = due
    await at.cash(check, due)
    check.state = "closed"
    back = at.chance.choice([0, 200])
    given = await at.till.refund(code, *(() if back else ("greek-salad",)), amount_minor=back, approver=at.approver)
    assert 0 < given <= due
    check.refunded_minor = given
    at.purse.take(given)


async def comes_back_later(at: Cashier) -> None:
    """Parked, another guest in between, then recalled by its code."""
    pieces = await at.order("fish-tacos", kind="takeout")
    code = await at.till.park()
    check = at.rung(code, pieces)
    await notes(at)
    await at.till.recall(code)
    await at.settle(check)


async def forgot_his_card(at: Cashier) -> None:
    """Awaiting card, then he comes back with cash."""
    pieces = await at.order("borscht")
    code = await at.till.send()
    check = at.rung(code, pieces)
    await at.till.recall(code)
    await at.till.await_card()
    await at.till.recall(code)
    await at.settle(check)


async def wants_copies(at: Cashier) -> None:
    check = await notes(at)
    await at.till.tap("reprint-receipt")
    await at.till.said("marked as a copy")
    await at.till.close_messages()
    box = await at.till.detail(check.code)
    await at.till.tap("reprint-ticket", box)
    await at.till.said("prints again")
    await at.till.close_messages()
