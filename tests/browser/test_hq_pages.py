"""HQ's pages as people see them: phone and desk, light and dark; no script, no other origin, nothing that axe calls grave."""

import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from playwright.async_api import Page, expect
from tests.browser.hq_books import DAYS, MARKUP, credentials, fill, staffed
from tests.hq.people import password_of
from tests.hq.world import STORE, Hq, running
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, picture, too_small, wider_than_screen

LOOKS = [(size, dark) for size in ("phone", "desktop") for dark in (False, True)]
SEEN = {
    "overview": "/",
    "store": f"/store?store={STORE}",
    "sales": f"/sales?day={DAYS[-1]}",
    "day": f"/day?store=harbour&day={DAYS[-1]}",
    "quarantine": "/quarantine",
    "rejected": "/aside?id=1",
    "checks": "/checks?q=A-001",
    "users": "/users",
    "user": "/user?name=ben",
    "journal": "/journal",
    "account": "/account",
}


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hq]:
    folder = tmp_path_factory.mktemp("hq")
    # Heard in ten minutes, so that nobody falls silent while the tests look on.
    fill(folder, time.time_ns() // 1_000_000 + 600_000)
    with running(folder, "--credentials", str(credentials(folder))) as hq:
        staffed(hq)
        yield hq


def browser(chromium: Chromium, hq: Hq, size: str = "desktop", *, dark: bool = False) -> AbstractAsyncContextManager[Page]:
    return chromium.page(hq.url + "/login", size=SIZES[size], dark=dark, touch=size == "phone")


async def sign_in(page: Page, name: str, password: str = "") -> None:
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(password or password_of(name))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def looks_right(page: Page, name: str) -> None:
    await picture(page, name)
    assert await grave_violations(page) == []
    assert await too_small(page, 24) == []
    assert await wider_than_screen(page) == 0


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_every_page_reads_well(chromium: Chromium, hq: Hq, size: str, dark: bool) -> None:
    how = f"{size}-{'dark' if dark else 'light'}"

    async def scene() -> None:
        async with browser(chromium, hq, size, dark=dark) as page:
            await looks_right(page, f"hq-login-{how}")
            await sign_in(page, "mia")
            for name, path in SEEN.items():
                await page.goto(hq.url + path)
                await looks_right(page, f"hq-{name}-{how}")

    chromium.run(scene())


def test_what_an_event_brings_along_stays_text(chromium: Chromium, hq: Hq) -> None:
    async def scene() -> None:
        async with browser(chromium, hq) as page:
            await sign_in(page, "mia")
            await page.goto(hq.url + "/quarantine?store=station")
            await page.get_by_role("link", name="check_voided").click()
            await expect(page.locator("pre")).to_contain_text(MARKUP)
            await expect(page).to_have_title("Rejected event - Tillkeeper HQ")
            assert await page.locator("script").count() == 0

    chromium.run(scene())


def test_a_manager_notes_what_was_found_and_an_owner_reads_it(chromium: Chromium, hq: Hq) -> None:
    async def scene() -> None:
        async with browser(chromium, hq) as page:
            await sign_in(page, "ben")
            await page.goto(hq.url + "/quarantine")
            await page.get_by_role("link", name="check_closed").click()
            await page.get_by_label("What was found").fill("The till was cloned on Tuesday.")
            await page.get_by_role("button", name="Note it as looked at").click()
            await expect(page.get_by_role("status")).to_have_text("Noted. The event stays here.")
            await expect(page.get_by_text("The till was cloned on Tuesday.")).to_be_visible()
            await page.get_by_role("button", name="Sign out").click()
            await sign_in(page, "mia")
            await page.goto(hq.url + "/journal")
            row = page.get_by_role("row").filter(has_text="quarantine looked at")
            await expect(row).to_contain_text("ben")
            await expect(row).to_contain_text("The till was cloned on Tuesday.")

    chromium.run(scene())


def test_a_new_user_chooses_a_password_before_anything_else(chromium: Chromium, hq: Hq) -> None:
    async def scene() -> None:
        async with browser(chromium, hq, "phone") as page:
            await sign_in(page, "mia")
            await page.goto(hq.url + "/users")
            await page.get_by_label("Name").fill("New Hand")
            await page.get_by_role("button", name="Add").click()
            first = await page.locator("code").text_content()
            assert first
            await page.goto(hq.url + "/account")
            await page.get_by_role("button", name="Sign out").click()
            await sign_in(page, "new hand", first)
            await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
            await page.goto(hq.url + "/sales")
            await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
            await page.get_by_label("Password now").fill(first)
            await page.get_by_label("New password", exact=False).first.fill("ein langer Satz hier")
            await page.get_by_label("New password once more").fill("ein langer Satz hier")
            await page.get_by_role("button", name="Change the password").click()
            await expect(page.get_by_role("link", name="Overview")).to_be_visible()

    chromium.run(scene())
