"""A printer dies in service: the person at the counter replaces it by five taps, in less than a minute."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, expect
from tests.devices.counter import Counter, counter
from tests.devices.lan import lan
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, picture, too_small, wider_than_screen
from tests.support.register_page import BOUNCE_S, RegisterPage

MOST_TAPS, MOST_S = 5, 60.0


@asynccontextmanager
async def door(listening: socket.socket, port: int) -> AsyncIterator[None]:
    """From the browser's namespace to the register's own loopback port."""
    open_now: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        open_now.update((writer, outer))
        with suppress(OSError):
            await asyncio.gather(pump(reader, outer), pump(inner, writer))
        for one in (writer, outer):
            one.transport.abort()
        open_now.difference_update((writer, outer))

    async with await asyncio.start_server(serve, sock=listening):
        try:
            yield
        finally:
            for one in tuple(open_now):
                one.transport.abort()


@contextmanager
def threads_of_here() -> Iterator[None]:
    """A thread stays in the namespace in which it was made, and the browser's loop outlives a test's."""
    with ThreadPoolExecutor(4) as executor:
        asyncio.get_running_loop().set_default_executor(executor)
        try:
            yield
        finally:
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))


class Finger:
    """Counts its taps."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    async def tap(self, selector: str) -> None:
        await self.page.locator(selector).first.click()
        self.taps += 1


async def look(page: Page, what: str, wrong: list[str]) -> None:
    await picture(page, what)
    wrong += [f"{what}: {one}" for one in await grave_violations(page)]
    wrong += [f"{what}: too small for a finger: {one}" for one in await too_small(page)]
    if (wide := await wider_than_screen(page)) > 0:
        wrong.append(f"{what}: {wide} px wider than the screen")


@asynccontextmanager
async def at_the_page(chromium: Chromium, shop: Counter, size: str, *, dark: bool) -> AsyncIterator[RegisterPage]:
    token = (Path(shop.config.data_dir) / "page-token").read_text("ascii").split("\n", 1)[0]
    origin = f"http://{shop.config.api.listen}"
    width, height = SIZES[size]
    async with chromium.context(origin) as context:
        page = await context.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        await page.emulate_media(color_scheme="dark" if dark else "light")
        await page.goto(f"{origin}/register/?{urlencode({'terminal': shop.config.this_register})}#token={token}")
        till = RegisterPage(page)
        await till.ready()
        yield till


@pytest.mark.root
@pytest.mark.parametrize(("size", "dark"), [("tablet", False), ("5-inch", True), ("phone", False)])
def test_another_printer_takes_its_place_by_five_taps(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    wrong: list[str] = []
    name = f"{size}-{'dark' if dark else 'light'}"

    async def scene(listening: socket.socket) -> None:
        port = listening.getsockname()[1]
        with threads_of_here():
            await told(port, listening)

    async def told(port: int, listening: socket.socket) -> None:
        async with (
            counter(there, tmp_path, listen=f"127.0.0.1:{port}") as shop,
            shop.open(),
            door(listening, port),
            at_the_page(chromium, shop, size, dark=dark) as till,
        ):
            shop.old.off()
            orders = [await shop.order("cheeseburger") for _ in range(3)]
            await expect(till.page.locator("[data-action=status] .count, a[href='#/status']").first).to_be_visible()
            began, finger = time.monotonic(), Finger(till.page)
            await finger.tap("nav a[href='#/status']")
            await till.page.locator("[data-advisory=device_trouble] [data-action=replace]").wait_for()
            await look(till.page, f"replace-advice-{name}", wrong)
            await finger.tap("[data-advisory=device_trouble] [data-action=replace]")
            await till.page.locator(f"[data-found='{shop.new.identity}']").wait_for()
            await look(till.page, f"replace-list-{name}", wrong)
            await finger.tap(f"[data-found='{shop.new.identity}']")
            asked = till.page.locator("[data-slip]")
            await asked.wait_for(timeout=30_000)
            assert [await asked.get_attribute("data-slip")] == [
                line.strip() for line in shop.new.slips[0].splitlines() if line.strip().isdecimal()
            ]
            await look(till.page, f"replace-slip-{name}", wrong)
            await finger.tap("[data-testid=replace] [data-action=confirm]")
            await till.said("3 tickets follow")
            while len(shop.new.slips) < 4:
                assert time.monotonic() - began < MOST_S, "the tickets did not follow"
                await asyncio.sleep(0.05)
            took_s = time.monotonic() - began
            codes = [order["ticket_code"] for order in orders]
            assert [next(code for code in codes if code in text) for text in shop.new.slips[1:]] == codes
            assert finger.taps <= MOST_TAPS
            assert took_s < MOST_S
            await till.page.locator("[data-replaced=grill]").wait_for()
            await expect(till.page.locator("[data-advisory=device_trouble]")).to_have_count(0)
            await look(till.page, f"replace-done-{name}", wrong)
            await finger.tap("[data-action=undo-replacement]")
            await finger.tap("[data-testid=confirm] [data-action=confirm]")
            await till.said("is what it was before")

    with socket.create_server(("127.0.0.1", 0)) as listening, lan("old", "new") as there:
        chromium.run(scene(listening))
    assert not wrong, "\n".join(wrong)


@pytest.mark.root
def test_one_that_vanishes_before_the_slip_is_said_and_another_can_be_taken(chromium: Chromium, tmp_path: Path) -> None:
    async def scene(listening: socket.socket) -> None:
        port = listening.getsockname()[1]
        with threads_of_here():
            await told(port, listening)

    async def told(port: int, listening: socket.socket) -> None:
        async with (
            counter(there, tmp_path, listen=f"127.0.0.1:{port}") as shop,
            shop.open(),
            door(listening, port),
            at_the_page(chromium, shop, "tablet", dark=False) as till,
        ):
            shop.old.off()
            await shop.order("cheeseburger")
            finger = Finger(till.page)
            await finger.tap("nav a[href='#/status']")
            await finger.tap("[data-advisory=device_trouble] [data-action=replace]")
            await till.page.locator(f"[data-found='{shop.new.identity}']").wait_for()
            shop.new.off()
            await finger.tap(f"[data-found='{shop.new.identity}']")
            trouble = till.page.locator("[data-testid=replace-trouble]")
            await expect(trouble).to_contain_text("printed nothing", timeout=60_000)
            shop.new.silent = False
            there.move("new", there.address("new"))
            await asyncio.sleep(BOUNCE_S)
            await finger.tap(f"[data-found='{shop.new.identity}']")
            await till.page.locator("[data-slip]").wait_for(timeout=30_000)
            await finger.tap("[data-testid=replace] [data-action=another]")
            await expect(till.page.locator(f"[data-found='{shop.new.identity}']")).to_be_visible()

    with socket.create_server(("127.0.0.1", 0)) as listening, lan("old", "new") as there:
        chromium.run(scene(listening))


@pytest.mark.root
@pytest.mark.parametrize(("size", "dark"), [("tablet", False), ("phone", True)])
def test_one_that_does_not_say_its_model_is_given_one_on_the_page(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    """A clone prints as the model before it; the person sees that the slip is too wide and says what it is."""
    wrong: list[str] = []
    name = f"{size}-{'dark' if dark else 'light'}"

    async def scene(listening: socket.socket) -> None:
        port = listening.getsockname()[1]
        with threads_of_here():
            await told(port, listening)

    async def told(port: int, listening: socket.socket) -> None:
        async with (
            counter(there, tmp_path, listen=f"127.0.0.1:{port}", new="generic-58") as shop,
            shop.open(),
            door(listening, port),
            at_the_page(chromium, shop, size, dark=dark) as till,
        ):
            shop.old.off()
            await shop.order("cheeseburger")
            finger = Finger(till.page)
            await finger.tap("nav a[href='#/status']")
            await finger.tap("[data-advisory=device_trouble] [data-action=replace]")
            await finger.tap(f"[data-found='{shop.new.identity}']")
            model = till.page.locator("[data-testid=model]")
            await expect(model).to_contain_text("has printed as: Epson TM-T88VI", timeout=30_000)
            first, received = await till.page.locator("[data-slip]").get_attribute("data-slip"), shop.new.received
            await look(till.page, f"replace-model-{name}", wrong)
            assert finger.taps + 1 <= MOST_TAPS, "with Yes, where the slip looks right"
            await model.locator("select").select_option("generic-58")
            trouble = till.page.locator("[data-testid=replace-trouble]")
            printed = model.get_by_text("It has printed as: 58 mm thermal printer")
            await expect(printed.or_(trouble)).to_be_visible(timeout=30_000)
            assert await trouble.count() == 0, await trouble.inner_text()
            assert await till.page.locator("[data-slip]").get_attribute("data-slip") != first
            assert shop.new.received > received, "it has printed nothing as the other model"
            await look(till.page, f"replace-model-chosen-{name}", wrong)
            await finger.tap("[data-testid=replace] [data-action=confirm]")
            await till.page.locator("[data-replaced=grill]").wait_for()
            assert (await shop.device())["profile"] == "generic-58"

    with socket.create_server(("127.0.0.1", 0)) as listening, lan("old", "new") as there:
        chromium.run(scene(listening))
    assert not wrong, "\n".join(wrong)
