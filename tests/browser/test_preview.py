"""The preview page, with a real register that encodes and a child of it that draws."""

from pathlib import Path

from playwright.async_api import Page, expect
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, picture, too_small, wider_than_screen
from tests.support.store import StoreRig

DRAWN_MS = 30_000
"""A child starts and draws: slow on a busy machine."""


async def drawn(page: Page, words: str) -> int:
    """Waits for the picture that these words describe; its width in pixels."""
    shown = page.get_by_role("img", name=words, exact=True)
    await expect(shown).to_be_visible(timeout=DRAWN_MS)
    width: int = await shown.evaluate("(img) => img.decode().then(() => img.naturalWidth)")
    return width


def test_papers_are_shown_as_they_would_be_printed(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig, chromium.page(rig.page_url("preview")) as page:
            assert await drawn(page, "Receipt, English") == 512 + 48
            before = len(rig.slips("receipt"))
            await page.get_by_role("combobox", name="Document").select_option("kitchen_ticket")
            await page.get_by_role("combobox", name="Station").select_option(label="Grill")
            await page.get_by_role("combobox", name="Language").select_option("de")
            await page.get_by_role("combobox", name="Paper").select_option("32")
            assert await drawn(page, "Kitchen ticket, Grill, German, 58 mm, 32 characters") == 384 + 48
            await page.get_by_label("Training mode").check()
            await drawn(page, "Kitchen ticket, Grill, German, 58 mm, 32 characters, training")
            assert "document=kitchen_ticket" in page.url
            assert "token" not in page.url
            assert len(rig.slips("receipt")) == before, "nothing is printed"
            await page.reload()
            await drawn(page, "Kitchen ticket, Grill, German, 58 mm, 32 characters, training")

    chromium.run(scene())


def test_the_preview_page_fits_and_can_be_used_by_everybody(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig:
            for name, size in SIZES.items():
                for dark in (False, True):
                    url = rig.page_url("preview")
                    async with chromium.page(url, size=size, dark=dark) as page:
                        await drawn(page, "Receipt, English")
                        assert await grave_violations(page) == []
                        assert await too_small(page) == []
                        assert await wider_than_screen(page) <= 0
                        await picture(page, f"preview-{name}-{'dark' if dark else 'light'}")

    chromium.run(scene())


def test_a_page_that_is_not_paired_says_so(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig, chromium.page(f"{rig.origin}/preview/", outages=True) as page:
            await expect(page.get_by_role("alert")).to_contain_text("not paired with the register")

    chromium.run(scene())
