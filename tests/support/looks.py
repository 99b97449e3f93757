"""What a page looks like: accessibility (axe) and pictures."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from playwright.async_api import Page

PICTURES = Path(__file__).resolve().parents[2] / "build" / "screenshots"
GRAVE = ("serious", "critical")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
SIZES = {"5-inch": (800, 480), "tablet": (1024, 768), "desktop": (1440, 900), "phone": (390, 844)}
"""Name of a picture's size -> CSS pixels."""


async def grave_violations(page: Page, *, apart_from: Sequence[str] = ()) -> list[str]:
    """What axe calls serious or critical on the page as it stands, one line each: rule, help, and where.

    Args:
        apart_from: CSS selectors of what is left out.
    """
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    asked = {"runOnly": {"type": "tag", "values": list(RULES)}, "resultTypes": ["violations"]}
    call = f"axe.run({json.dumps({'exclude': [[one] for one in apart_from]})}, {json.dumps(asked)})"
    found: dict[str, Any] = await page.evaluate(call if apart_from else f"axe.run(document, {json.dumps(asked)})")
    return [
        f"{one['impact']} {one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:4]}"
        + f" {one['nodes'][0].get('failureSummary', '')}"
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]


async def too_small(page: Page, least: int = 44) -> list[str]:
    """Buttons and fields that a finger misses: visible, enabled and under `least` CSS pixels in one direction."""
    found: list[str] = await page.evaluate(
        """(least) => [...document.querySelectorAll("button, input, select, [role=button], a[href]")]
            .filter((one) => one.checkVisibility() && !one.disabled && !one.closest("label"))
            .map((one) => [one, one.getBoundingClientRect()])
            .filter(([, box]) => box.width > 0 && (box.width < least - 0.5 || box.height < least - 0.5))
            .map(([one, box]) => `${one.tagName} ${(one.ariaLabel || one.textContent || one.name || "").trim().slice(0, 40)} `
                + `${Math.round(box.width)}x${Math.round(box.height)}`)""",
        least,
    )
    return found


async def wider_than_screen(page: Page) -> int:
    """By how many CSS pixels the page has to be scrolled sideways."""
    beyond: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return beyond


async def out_of_sight(page: Page) -> list[str]:
    """What a person does not get to see: a line of text that is cut through, views beside the edge of the top bar."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((one) => one.checkVisibility()).flatMap((one) => {
            const style = getComputedStyle(one);
            const height = one.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
            const lines = height / parseFloat(style.lineHeight);
            const cut = style.webkitLineClamp !== "none" && Math.abs(lines - Math.round(lines)) > 0.15;
            const beside = one.matches(".top nav") && one.scrollWidth > one.clientWidth;
            return cut || beside ? [`${one.className || one.tagName} ${one.textContent.trim().slice(0, 40)}`] : [];
        })"""
    )
    return found


async def picture(page: Page, name: str) -> Path:
    """Write what the screen shows to build/screenshots."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    await page.screenshot(path=path)
    return path
