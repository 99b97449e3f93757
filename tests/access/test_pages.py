"""Tablets in a whole Chromium at the other end of a cable: pairing, the certificate, and pages while the register is away."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.access.world import Lan, browser_of, certificate_of, cli, lan, trust
from tests.network.wires import cable
from tests.support.browser import Chromium
from tests.support.looks import grave_violations, too_small, wider_than_screen
from tests.support.staff import BOSS, STAFF_CONFIG, write_roster

pytestmark = pytest.mark.root

PICTURES = Path(__file__).resolve().parents[2] / "build/screenshots/access"
TABLET = (820, 1180)
SALAD = {"order_type": "dine_in", "lines": [{"item_id": "caesar-salad"}], "tenders": []}


async def picture(page: Page, name: str) -> None:
    """In light and dark, for people to look at; what axe, fingers and narrow screens have against it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await page.screenshot(path=PICTURES / f"{name}-{scheme}.png", full_page=True)
        assert not await grave_violations(page), name
    assert not await too_small(page), name
    assert await wider_than_screen(page) <= 0, name


def play(folder: Path, scene: Callable[[Lan, Chromium], Awaitable[None]], *, trusted: bool = True, **options: object) -> None:
    """A scene with a tablet whose browser has the store's certificate installed, or not."""

    home = folder / "tablet-home"
    home.mkdir(parents=True)
    certificate = certificate_of(folder)
    if trusted:
        trust(home, certificate)

    with cable() as ends, browser_of(home, ends[1]) as chromium:

        async def run() -> None:
            async with lan(folder, ends=ends, screens=False, **options) as found:  # type: ignore[arg-type]
                await scene(found, chromium)

        chromium.run(run())


ACTIVATED = """navigator.serviceWorker.ready.then(({ active }) => new Promise((done) => {
  const look = () => active.state === "activated" && done(true);
  active.addEventListener("statechange", look);
  look();
}))"""
"""`wait_for_function` is no good here: its second look is an `eval`, which the pages' policy forbids."""


@contextlib.asynccontextmanager
async def tablet(found: Lan, chromium: Chromium, path: str, **options: object) -> AsyncIterator[Page]:
    url = path if "://" in path else found.url + path
    async with chromium.page(url, outages=True, touch=True, **options) as page:
        yield page


KEPT = """caches.keys().then((names) => caches.open(names[0])).then((cache) => cache.keys())
  .then((requests) => requests.map((one) => new URL(one.url).pathname))"""


async def kept(page: Page) -> None:
    """Until the browser has the page for itself: from then on the service worker answers."""
    await page.evaluate(ACTIVATED)


async def pair(page: Page) -> None:
    await page.locator("[data-action=pair]").click()
    await page.locator("[data-testid=paired]").wait_for()


def test_a_kitchen_tablet_is_paired_and_outlives_the_register(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("kitchen", "grill-tablet")
        async with tablet(found, chromium, opened["url"]) as page:
            await page.locator("body[data-trust=yes]").wait_for()
            assert "code" not in page.url, "it is out of the address at once"
            await picture(page, "pair")
            await pair(page)
            await page.locator("[data-action=go]").click()
            await page.locator("[data-testid=tickets]").wait_for()
            await found.rig.ok("POST", "/v1/orders", SALAD)
            card = page.locator("[data-testid=card]")
            await expect(card).to_have_count(1)
            await kept(page)
            assert [name[:9] for name in await page.evaluate("caches.keys()")] == ["tk-pages-"]

            await found.rig.kill_agent()
            lost = page.locator("[data-sign=lost]")
            await expect(lost).to_contain_text("since")
            since = (await lost.inner_text()).split("since")[1][:6]
            await page.reload()
            await expect(lost).to_contain_text(f"since{since}")
            await expect(card).to_have_count(1)
            await picture(page, "kitchen-agent-down")
            assert await page.evaluate("caches.keys().then((names) => names.length)") == 1
            paths = await page.evaluate(KEPT)
            assert not [path for path in paths if path.startswith("/v1/")], "nothing of the API is kept"
            await card.locator("[data-testid=bump]").click()
            await expect(card).to_have_count(0)

            await found.rig.start_agent()
            await expect(lost).to_have_count(0)
            bumped = await _waits(found, "ticket_bumped")
            assert bumped

            # Ended at the register: it says so and shows nothing new.
            assert cli(found.rig, "unpair", "grill-tablet", "--by", "ana").returncode == 0
            await expect(page.locator("[data-sign=unpaired]")).to_be_visible(timeout=30_000)

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("scope", "begun", "said"),
    [("kitchen", "[data-connected=yes]", "[data-sign=unpaired]"), ("register", "body[data-ready]", "main.stage")],
)
def test_a_tablet_that_is_ended_while_it_hears_nothing_says_so(tmp_path: Path, scope: str, begun: str, said: str) -> None:
    """The connection for news is away when it ends, and stays away: only an answer to it tells the page."""

    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code(scope, "tablet")
        async with tablet(found, chromium, opened["url"]) as page:
            await page.locator("body[data-trust=yes]").wait_for()
            await pair(page)
            await page.route_web_socket("**/v1/live", lambda socket: socket.close())
            await page.locator("[data-action=go]").click()
            await page.locator(begun).wait_for()
            assert cli(found.rig, "unpair", "tablet", "--by", "ana").returncode == 0
            await expect(page.locator(said)).to_contain_text("not paired")

    play(tmp_path, scene)


async def _waits(found: Lan, kind: str) -> bool:
    async def there() -> bool:
        return kind in found.rig.event_types()

    return bool(await found.rig.wait_for(kind, there))


def test_a_register_tablet_sells_after_a_reload_with_the_register_away(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("register", "front-tablet")
        async with tablet(found, chromium, opened["url"]) as page:
            await page.locator("body[data-trust=yes]").wait_for()
            await pair(page)
            await page.locator("[data-action=go]").click()
            await page.locator("body[data-ready]").wait_for()
            await kept(page)
            await found.rig.kill_agent()
            await page.reload()
            await expect(page.locator("[data-testid=heard-at]")).to_contain_text("heard last at")
            await found.rig.start_agent()
            await page.locator("body[data-ready]").wait_for(timeout=30_000)
            await page.goto(f"{found.url}/devices/")
            await expect(page.locator(".starting")).to_contain_text("paired as register")

    play(tmp_path, scene)


def test_a_tablet_without_the_certificate_is_told_what_to_do(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("kitchen", "grill-tablet")
        with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
            async with tablet(found, chromium, opened["url"]):
                pass
        # Somebody tapped through the warning.
        async with chromium.page(opened["url"], careless=True, size=TABLET) as page:
            await page.locator("body[data-trust=no]").wait_for()
            await picture(page, "pair-untrusted")
            assert await page.locator("[data-action=pair]").is_disabled()
            assert await page.locator("details[open]").get_attribute("data-guide") == "linux"
            async with page.expect_download() as begun:
                await page.locator("[data-action=certificate]").click()
            file = await (await begun.value).path()
            assert file.read_bytes() == (await found.rig.till.get("/v1/authority.crt")).content
            assert await page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
            await page.locator("[name=anyway]").check()
            await pair(page)

    play(tmp_path, scene, trusted=False)


def test_wrong_and_ended_codes_and_wrong_scopes_are_said_in_words(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        async with tablet(found, chromium, "/pair/#code=AAAA-BBBB-CCCC") as page:
            await page.locator("body[data-trust=yes]").wait_for()
            await page.locator("[data-action=pair]").click()
            await expect(page.locator("[data-testid=refused]")).to_contain_text("code is open here")
            opened = await found.open_code("technician", "service-phone")
            await page.locator("[data-action=pair]").click()
            await expect(page.locator("[data-testid=refused]")).to_contain_text("The code is wrong")
            await page.locator("[name=code]").fill(opened["code"].lower().replace("-", " "))
            await pair(page)
            await page.goto(f"{found.url}/kitchen/")
            await expect(page.locator("[data-sign=unpaired]")).to_contain_text("paired as technician")
            await page.goto(f"{found.url}/register/")
            await expect(page.locator("main.stage")).to_contain_text("does not sell")
            await page.goto(f"{found.url}/devices/")
            await page.locator("[data-action=papers]").click()
            await expect(page.locator("select[name=document]")).to_be_visible()
        async with tablet(found, chromium, "/kitchen/") as page:
            await expect(page.locator("[data-testid=starting]")).to_contain_text("tillkeeper pair")

    play(tmp_path, scene)


def test_a_manager_pairs_and_ends_devices_on_a_page(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("manager", "boss-phone")
        async with tablet(found, chromium, opened["url"]) as page:
            await page.locator("body[data-trust=yes]").wait_for()
            await pair(page)
            await page.goto(f"{found.url}/devices/")
            fingerprint = (await found.ready())["fingerprint"]
            await expect(page.locator("[data-testid=fingerprint]")).to_have_text(fingerprint)
            await page.locator("[data-action=pair]").click()
            await page.locator("[data-testid=scope] [data-value=kitchen]").click()
            await page.locator("[data-testid=pairing] [name=name]").fill("grill-tablet")
            await page.locator("[data-action=show-code]").click()
            # Somebody has to sign in first: at a place of this device's own, so that nobody is signed out at a counter.
            await page.locator("[name=pin]").fill(BOSS.pin)
            await page.locator("[data-action=pin]").click()
            code = await page.locator("[data-testid=code]").inner_text()
            await expect(page.locator("[data-testid=qr]")).to_be_visible()
            await picture(page, "devices-code")
            async with found.device() as device:
                answer = await device.post("/v1/pair", json={"code": code, "token": "k" * 43})
                assert answer.status_code == 200, answer.text
            await expect(page.locator("[data-testid=used]")).to_be_visible()
            await page.locator("[data-testid=opened] footer button").click()
            await expect(page.locator("[data-device=grill-tablet]")).to_contain_text("mia")
            await picture(page, "devices")
            await page.locator("[data-device=grill-tablet] [data-action=end]").click()
            await page.locator("[data-action=end-sure]").click()
            await expect(page.locator("[data-device=grill-tablet]")).to_have_count(0)
            words = cli(found.rig, "pairings").stdout
            assert "boss-phone" in words
            assert fingerprint in words

    write_roster(tmp_path / STAFF_CONFIG["staff"]["file"], tmp_path / "data")
    play(tmp_path, scene, changes=STAFF_CONFIG)


def test_without_https_the_page_says_that_it_does_not_survive(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("kitchen", "grill-tablet")
        async with chromium.page(opened["url"], careless=True, size=TABLET) as page:
            await expect(page.locator("[data-testid=insecure]")).to_contain_text("Anybody on the network can listen")
            await pair(page)
            await page.locator("[data-action=go]").click()
            await expect(page.locator("[data-sign=unkept]")).to_contain_text("WILL NOT SURVIVE A RELOAD")
            await picture(page, "kitchen-insecure")

    play(tmp_path, scene, insecure=True)
