"""The status view says where the books are: each sink, what is missing there, and what only this register holds."""

import json
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import WebSocketRoute, expect
from tests.browser.test_views import Looking
from tests.support.browser import Chromium
from tests.support.looks import SIZES
from tests.support.register_page import register_page
from tests.support.several import SeveralRig

SCREENS = [("5-inch", False), ("5-inch", True), ("phone", False), ("phone", True), ("tablet", False), ("tablet", True)]
SAID = [
    {"name": "HQ", "kind": "hq", "reachable": True, "behind": 4200, "words": "reachable, behind by 4200, about 12 s"},
    {"name": "side", "kind": "register", "reachable": True, "behind": 0, "words": "reachable, has everything"},
    {"name": "patio", "kind": "register", "reachable": False, "behind": 31, "words": "silent for 4 min, behind by 31"},
    {
        "name": "back",
        "kind": "register",
        "reachable": True,
        "behind": None,
        "words": "reachable, how much it holds is not known",
    },
    {
        "name": "van",
        "kind": "register",
        "reachable": False,
        "behind": None,
        "words": "never heard, how much it holds is not known",
    },
]
WAIT_MS = 30_000


def test_what_real_registers_say_of_each_other(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            SeveralRig(tmp_path, "front", "side", "back") as store,
            register_page(chromium, store["front"], outages=True) as till,
        ):
            page = till.page
            for name in ("HQ", "side", "back"):
                await store.wait_sinks("front", **{name: 0})
            await till.go("status")
            for name in ("HQ", "side", "back"):
                await expect(page.locator(f"[data-sink={name}]")).to_have_attribute("data-level", "good", timeout=WAIT_MS)
            await store.internets["front"].cut()
            await store["side"].kill_agent()
            await store["back"].kill_agent()
            for name in ("HQ", "side", "back"):
                await expect(page.locator(f"[data-sink={name}]")).to_have_attribute("data-level", "bad", timeout=WAIT_MS)
            await store["front"].order("cola")
            only_here = page.locator("[data-only-here]")
            await expect(only_here).not_to_have_attribute("data-only-here", "0", timeout=WAIT_MS)
            await expect(only_here).to_have_class("strong wrap")
            await store["side"].start_agent()
            await expect(page.locator("[data-sink=side]")).to_have_attribute("data-level", "good", timeout=WAIT_MS)
            await expect(only_here).to_have_attribute("data-only-here", "0", timeout=WAIT_MS)
            await store["front"].kill_agent()
            for name in ("HQ", "side", "back"):
                sink = page.locator(f"[data-sink={name}]")
                await expect(sink).to_have_attribute("data-level", "unknown", timeout=WAIT_MS)
                await expect(sink).to_contain_text("Not known now")

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS)
def test_it_can_be_read_on_every_screen(chromium: Chromium, tmp_path: Path, size: str, *, dark: bool) -> None:
    """What the register would say in the middle of a long catching up; nothing of it is real but the page."""

    async def scene() -> None:
        async with (
            SeveralRig(tmp_path, "front", keys=False, hq=False) as store,
            register_page(chromium, store["front"], size=SIZES[size], dark=dark) as till,
        ):
            page = till.page
            behind = [4200]
            await page.route_web_socket("**/v1/live**", partial(told_otherwise, behind=behind))
            await page.reload()
            await till.ready()
            await till.go("status")
            levels = [
                await page.locator(f"[data-sink={one['name']}]").get_attribute("data-level", timeout=WAIT_MS) for one in SAID
            ]
            assert levels == ["busy", "good", "bad", "unknown", "unknown"]
            assert await page.locator("[data-sink=HQ] progress").count() == 1
            assert await page.locator(".sink progress").count() == 1
            await expect(page.locator("progress[max='4200']")).to_be_visible(timeout=WAIT_MS)
            behind[0] = 1500  # once the view has seen how much it was
            await expect(page.locator("progress[value='2700'][max='4200']")).to_be_visible(timeout=WAIT_MS)
            await page.locator("[aria-label=Copies]").scroll_into_view_if_needed()
            looking = Looking(size, dark=dark)
            await looking.at(page, "copies")
            assert looking.wrong == []

    chromium.run(scene())


def told_otherwise(socket: WebSocketRoute, behind: list[int]) -> None:
    server = socket.connect_to_server()

    def heard(message: str | bytes) -> None:
        said = json.loads(message)
        if isinstance(said.get("status"), dict):
            still = behind[0]
            hq = SAID[0] | {"behind": still, "words": f"reachable, behind by {still}, about {still // 350} s"}
            said["status"] |= {"sinks": [{"version": "", "sends": True} | one for one in (hq, *SAID[1:])], "only_here": 17}
            said["status"]["only_here_words"] = "only on this register: 17"
        socket.send(json.dumps(said))

    server.on_message(heard)
