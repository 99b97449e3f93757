"""The register page as a cashier uses it: verbs of the counter, by taps and keys on a real page.

    async with register_page(chromium, rig, terminal="counter") as till:
        await till.sign_in("482913")
        await till.ring("cheeseburger", "bacon")
        code, total = await till.to_payment()
        change = await till.pay("cash", 20_00)

Elements are found by the data attributes that the page has for that (docs/pages.md); words are read where they are the point.
Every verb returns once the page shows that it is done, however long the agent is away, up to `patience_ms`.
"""

import asyncio
import contextlib
import re
import tomllib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from playwright.async_api import Error, Locator, Page, expect
from playwright.async_api import TimeoutError as NotInTime
from tests.support.browser import STEP_MS, Chromium
from tests.support.store import StoreRig

from tillkeeper.config.load import builtin_menu

AGAIN_MS = 5_000
BOUNCE_S = 0.7
"""A second tap within 0.6 s is taken for a bounce of the first, and a person is slower than a test."""

_CODE = re.compile(r"\b([A-Z]-\d{3,})\b")


@cache
def categories() -> dict[str, str]:
    """Item id -> category, of the built-in menu."""
    return {item["id"]: item["category"] for item in tomllib.loads(builtin_menu().read_text("utf-8"))["items"]}


@contextlib.asynccontextmanager
async def register_page(
    chromium: Chromium, rig: StoreRig, terminal: str = "", *, patience_ms: float = STEP_MS, **options: Any
) -> AsyncIterator["RegisterPage"]:
    """A register page of a rig, loaded and ready; options as of `Chromium.context`."""
    query = {"terminal": terminal} if terminal else {}
    async with chromium.page(rig.page_url("register", **query), **options) as page:
        till = RegisterPage(page, patience_ms)
        await till.ready()
        yield till


class RegisterPage:
    """See the module. `page` is the Playwright page, for what has no verb."""

    def __init__(self, page: Page, patience_ms: float = STEP_MS) -> None:
        self.page = page
        self.patience_ms = patience_ms
        page.set_default_timeout(patience_ms)

    # --- the page itself ---

    async def ready(self) -> None:
        """Until it has its settings and shows a view."""
        await expect(self.page.locator("body[data-ready]")).to_be_attached(timeout=self.patience_ms)

    async def reload(self) -> None:
        await self.page.reload()
        await self.ready()

    async def reload_lost(self) -> None:
        """Reload while no agent serves the page: the browser shows its own error page, or what a worker kept."""
        with contextlib.suppress(Error):
            await self.page.reload()

    async def idle(self) -> None:
        """Until nothing waits in its outbox."""
        await expect(self.page.locator("body:not([data-busy])")).to_be_attached(timeout=self.patience_ms)

    async def view(self) -> str:
        return await self.page.locator("body").get_attribute("data-view") or ""

    async def in_view(self, name: str) -> None:
        await expect(self.page.locator(f"body[data-view={name}]")).to_be_attached(timeout=self.patience_ms)

    async def go(self, action: str) -> None:
        """By its tab: menu, window, checks, status, drawer, ..."""
        await self.close_messages()  # they lie over the tabs
        await self.page.locator(f"nav [data-action={action}]").click()

    def on(self, action: str) -> Locator:
        """The button that does this, outside dialogs."""
        return self.page.locator(f".view [data-action={action}]").first

    def dialog(self, name: str) -> Locator:
        return self.page.locator(f"dialog[data-testid={name}]")

    async def tap(self, action: str, within: Locator | None = None) -> None:
        await (within.locator(f"[data-action={action}]").first if within else self.on(action)).click()

    async def said(self, words: str | re.Pattern[str]) -> str:
        """A message that says this; its whole text."""
        toast = self.page.locator("[data-testid=toast]:not([data-seen])").filter(has_text=words).last
        shown = await toast.element_handle(timeout=self.patience_ms)
        return await shown.inner_text()  # also where it has gone by itself since

    async def banners(self) -> list[str]:
        """Kinds of what stands above the view: training, lost, storage, waiting, refused, done, update."""
        found: list[str] = await self.page.locator("[data-banner]").evaluate_all(
            "(all) => all.map((one) => one.dataset.banner)"
        )
        return found

    # --- people ---

    async def sign_in(self, pin: str, *, training: bool = False) -> None:
        await self.in_view("signin")
        if training:
            await self.page.locator("[data-field=training]").check()
        await self.enter_pin(pin)
        await expect(self.page.locator("body:not([data-view=signin])")).to_be_attached(timeout=self.patience_ms)

    async def enter_pin(self, pin: str) -> None:
        """Digits by keys; the last one enters where the PIN has the usual length."""
        pad = self.page.locator("[data-testid=pin]").last
        await pad.wait_for()
        await self.page.keyboard.type(pin)
        enter = pad.locator("[data-key=enter]")
        with contextlib.suppress(Error):  # gone, because the last digit entered it
            if await enter.is_enabled(timeout=200):
                await self.page.keyboard.press("Enter")

    async def approve(self, pin: str) -> None:
        """Somebody else's PIN in the dialog that asks for it."""
        box = self.dialog("approval")
        await box.wait_for()
        unheard = box.locator("[role=alert]", has_text="does not answer")
        async with asyncio.timeout(self.patience_ms / 1000):
            while await box.count():
                await self.enter_pin(pin)
                await unheard.or_(self.page.locator("body:not(:has(dialog[data-testid=approval]))")).first.wait_for()

    async def sign_out(self) -> None:
        await self.page.locator("header [data-action=sign-out]").click()
        await self.in_view("signin")

    # --- ringing ---

    async def side(self, name: str) -> None:
        """On a phone menu and order are shown by turns: `menu` or `pane`."""
        other = self.page.locator(f".order:not(.side-{name}) .sides button[aria-pressed=false]")
        if await other.is_visible():
            await other.click()

    async def new(self) -> None:
        """A fresh order in the order view."""
        if await self.view() != "order":
            await self.go("menu")
        await self.in_view("order")
        await self.side("pane")
        if await self.on("new").is_enabled():
            await self.tap("new")

    async def order_type(self, kind: str) -> None:
        await self.side("pane")
        button = self.page.locator(f".pane [data-testid=order-type] button[data-value={kind}]")
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true", timeout=self.patience_ms)

    async def called(self, name: str, field: str = "name") -> None:
        """Give the order a name, table or note."""
        await self.tap(field)
        box = self.dialog("text")
        await box.locator(f"[data-field={field}]").fill(name)
        await self.tap("confirm", box)
        await box.wait_for(state="detached")

    async def course(self, number: int) -> None:
        """Of what is rung next."""
        await self.side("pane")
        await self.page.locator(f".pane [data-course='{number}']").click()

    async def ring(self, item: str, *modifiers: str, held: bool = False) -> None:
        """One piece of an item; modifiers are those of its dialog or of its line."""
        await self.side("menu")
        await self.page.locator(f"[data-category={categories()[item]}]").click()
        await self.page.locator(f".tiles [data-item={item}]").click()
        box = self.dialog("modifiers")
        if not modifiers and not held:
            return
        line = self.page.locator(f".pane [data-draft-line][data-item-line={item}]").last
        await box.or_(line).first.wait_for(state="attached")
        if not await box.is_visible():
            await self.side("pane")
            await line.click()
        for modifier in modifiers:
            await box.locator(f"[data-modifier={modifier}]").click()
        if held:
            await box.locator("[data-field=held]").check()
        await self.tap("add", box)
        await box.wait_for(state="detached")

    async def send(self) -> str:
        """To the kitchen; the ticket code."""
        await self.side("pane")
        await self.close_messages()
        await self.tap("send")
        return await self._code("is with the kitchen")

    async def park(self) -> str:
        """Kept for later, the kitchen hears nothing; the ticket code."""
        await self.side("pane")
        await self.close_messages()
        await self.tap("park")
        return await self._code("is parked")

    async def _code(self, words: str) -> str:
        found = _CODE.search(await self.said(words))
        assert found, words
        await self.close_messages()
        return found[1]

    async def close_messages(self) -> None:
        """Close what can be closed, and take nothing that is shown now for the next message."""
        toasts = self.page.locator("[data-testid=toast]")
        await toasts.evaluate_all("(all) => all.forEach((one) => { one.dataset.seen = 'yes'; })")
        for _ in range(await toasts.locator("button").count()):
            with contextlib.suppress(Error):  # gone by itself in the meantime
                await toasts.locator("button").first.click(timeout=500)

    async def recall(self, code: str) -> None:
        """Bring a check back into the order view by its ticket code."""
        await self.go("checks")
        field = self.page.locator("[data-field=code]")
        await field.fill(code)
        for _ in range(max(1, int(self.patience_ms / AGAIN_MS))):
            await field.press("Enter")
            with contextlib.suppress(NotInTime):  # the register was away: a person tries again
                await self.page.locator(f".pane[data-code={code}]").wait_for(timeout=AGAIN_MS)
                return
        raise AssertionError(f"{code} could not be recalled")

    async def detail(self, code: str, listed: str = "closed") -> Locator:
        """One check in full, found in the list of open, closed or awaiting ones."""
        await self.go("checks")
        await self.page.locator(f"[data-testid=filters] button[data-value={listed}]").click()
        await self.page.locator("[data-field=code]").fill(code)
        await self.page.locator(f"[data-check={code}]").click()
        box = self.page.locator(f".detail[data-code={code}]")
        await box.wait_for(timeout=self.patience_ms)
        return box

    async def due(self) -> int:
        """Minor units that the page says are due."""
        return int(await self.page.locator(".view [data-total]").first.get_attribute("data-total") or "-1")

    # --- a check that the register has ---

    def line(self, item: str) -> Locator:
        return self.page.locator(f".pane [data-line][data-item-line={item}]").first

    async def void_line(self, item: str, approver: str = "") -> None:
        """One line of the check, all pieces."""
        await self.line(item).click()
        await self.tap("void-line", self.dialog("line"))
        await self.reason(approver)
        await expect(self.line(item)).to_have_attribute("data-state", "voided", timeout=self.patience_ms)

    async def reason(self, approver: str = "") -> None:
        """The first reason offered, and an approval where `approver` is a PIN."""
        box = self.dialog("reason")
        await box.locator("[data-reason]").first.click()
        await box.wait_for(state="detached")
        if approver:
            await self.approve(approver)

    async def more(self, action: str) -> None:
        """Something from the menu of the check."""
        await self.side("pane")
        await self.tap("more")
        await self.tap(action, self.dialog("check-menu"))

    async def void_check(self, approver: str = "") -> None:
        await self.more("void-check")
        await self.reason(approver)
        await self.said("is void")
        await self.close_messages()

    async def discount(
        self, code: str, *, amount_minor: int = 0, item: str = "", reason: bool = False, approver: str = ""
    ) -> None:
        """On the check, or on the line of `item`; the page shows the new total."""
        before = await self.due()
        if item:
            await self.line(item).click()
            await self.tap("discount", self.dialog("line"))
        else:
            await self.more("discount")
        await self.dialog("discounts").locator(f"[data-value={code}]").click()
        if amount_minor:
            await self.amount(amount_minor)
        if approver and not reason:
            await self.approve(approver)
        if reason:
            await self.reason(approver)
        await self.said("given")
        total = self.page.locator(".view [data-total]").first  # the page reads the check again when it hears of the change
        await expect(total).not_to_have_attribute("data-total", str(before), timeout=self.patience_ms)
        await self.close_messages()

    async def amount(self, minor: int) -> None:
        """Type an amount into the dialog that asks for one."""
        box = self.dialog("amount")
        await self.keys(minor, box)
        await self.tap("confirm", box)
        await box.wait_for(state="detached")

    async def keys(self, minor: int, within: Locator) -> None:
        """An amount by taps on the keypad."""
        for digit in str(minor):
            await within.locator(f".keypad button[aria-label='{digit}']").click()

    async def fire(self, course: int) -> None:
        await self.page.locator(f".pane [data-fire-course='{course}']").click()
        await self.said("Fired")
        await self.close_messages()

    async def fire_line(self, item: str) -> None:
        """A line that is held goes to the kitchen now."""
        await self.line(item).click()
        await self.tap("fire", self.dialog("line"))
        await expect(self.line(item)).to_have_attribute("data-state", "fired", timeout=self.patience_ms)
        await self.close_messages()

    async def await_card(self) -> None:
        """The guest is gone; the check waits for its card payment."""
        await self.more("await")
        await self.said("waits for its card payment")
        await self.close_messages()

    # --- money ---

    async def to_payment(self) -> tuple[str, int]:
        """Send what is new and ask for money: ticket code and what is due."""
        await self.side("pane")
        await self.tap("pay")
        await self.in_view("pay")
        taking = self.page.locator(".pay[data-code]")
        await taking.wait_for(timeout=self.patience_ms)
        return await taking.get_attribute("data-code") or "", await self.due()

    async def split(self) -> None:
        """The next payment is one of two equal parts."""
        await self.tap("split")
        await self.tap("use-split", self.dialog("split"))

    async def pay(self, tender: str, given_minor: int | None = None, *, foreign: bool = False) -> int | None:
        """Take a payment: this amount, or exactly what is due (or the part of a split). The change as shown where the check is
        paid, else None. `foreign`: the amount is in the tender's own currency."""
        code = await self.page.locator(".view [data-code]").first.get_attribute("data-code")
        due = await self.due()
        button = self.page.locator(f".tenders [data-tender={tender}]")
        if foreign:
            await button.click()
            await expect(self.page.locator(".tenders [data-tender=cash]")).to_have_count(0)
        if given_minor is not None:
            await self.page.keyboard.type(str(given_minor))
        await button.click()
        paid = self.page.locator(f".paid[data-code={code}] [data-change]")
        less = self.page.locator(f".pay[data-code={code}] .totals:not([data-total='{due}'])")
        await paid.or_(less).first.wait_for(timeout=self.patience_ms)
        if not await paid.count():
            await asyncio.sleep(BOUNCE_S)
            return None
        return int(await paid.get_attribute("data-change") or "-1")

    async def quick(self, amount_minor: int) -> int:
        """One of the amounts offered for cash; the change."""
        await self.page.locator(f".quick [data-amount='{amount_minor}']").click()
        paid = self.page.locator(".paid [data-change]")
        await paid.wait_for(timeout=self.patience_ms)
        return int(await paid.get_attribute("data-change") or "-1")

    async def done(self) -> None:
        """On to the next guest."""
        await self.tap("done")

    async def sell(self, *items: str, given_minor: int | None = None) -> tuple[str, int, int]:
        """A whole sale for cash: code, total, change."""
        await self.new()
        for item in items:
            await self.ring(item)
        code, total = await self.to_payment()
        change = await self.pay("cash", given_minor)
        assert change is not None
        await self.done()
        return code, total, change

    async def refund(self, code: str, *items: str, amount_minor: int = 0, tender: str = "cash", approver: str = "") -> int:
        """Of a closed check: pieces, an amount, or all; what to give back as shown."""
        box = await self.detail(code)
        before = await box.locator("[data-refund]").count()
        for item in items:
            await box.locator(f"[data-item-line={item}]").click()
        await self.tap("refund-amount" if amount_minor else "refund", box)
        if amount_minor:
            await self.amount(amount_minor)
        await self.dialog("refund-tender").locator(f"[data-value={tender}]").click()
        await self.reason(approver)
        await expect(box.locator("[data-refund]")).to_have_count(before + 1, timeout=self.patience_ms)
        return int(await box.locator("[data-refund]").last.get_attribute("data-refund") or "-1")

    async def settle_down(self, seconds: float) -> None:
        """Time in which a second tap or a late answer would do its harm; then nothing waits."""
        await asyncio.sleep(seconds)
        await self.idle()
