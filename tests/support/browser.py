"""A real Chromium with real pages, for tests that look at the register as a cashier does.

    def test_a_coffee_is_sold(chromium, tmp_path):           # the fixture of tests/browser/conftest.py
        async def scene() -> None:
            async with StoreRig(tmp_path) as rig, chromium.page(rig.url("register/")) as page:
                ...
        chromium.run(scene())

One Chromium serves a whole test worker; each page has a context (storage, cache) of its own. A page is watched while it is
open: an error in its console, an exception nobody caught, a request to anywhere else, a missing asset and whatever its content
security policy stopped are faults, and a page that had one fails its test.
"""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    Response,
    async_playwright,
    expect,
)

WHOLE = ("chromium",)
SHELL = ("chromium-headless-shell", *WHOLE)
"""The first that is there. The shell has the engine without what a desktop's browser has around it: windows that nobody sees,
an error page that tries again by itself. It takes a third to a half less of the processor."""
OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=user-gesture-required",
)
STEP_MS = 30_000
"""How long a page may take for one step, or to show what is expected of it, before the test fails; a loaded machine takes over
ten seconds for the first."""
expect.set_options(timeout=STEP_MS)
FAILED = Path(__file__).resolve().parents[2] / "build" / "screenshots" / "failed"
PLAIN = {"data", "blob", "about"}
"""Addresses that leave the browser on no wire."""

T = TypeVar("T")

_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")
_GONE = re.compile(
    r"^WebSocket connection to '\S+' failed"
    r"|net::ERR_(CONNECTION|EMPTY_RESPONSE|CONTENT_LENGTH|SOCKET|ABORTED|INCOMPLETE|SOCKS|PROXY|TUNNEL|TIMED_OUT|NETWORK)"
)
"""What Chromium notes of an agent that went away, in the middle of an answer too."""
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP stopped ${event.effectiveDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def require(programs: Sequence[str] = SHELL) -> str:
    """Where the first of them is. A machine without it skips the test with the reason; CI fails it."""
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"there is no {' or '.join(programs)} on this machine: apt-get install $(cat requirements/apt.txt)"
        )
    return found


class Watch:
    """What went wrong in a context's pages, in words, oldest first.

    Args:
        origins: where requests may go, as "http://127.0.0.1:8400".
        outages: the test takes the agent away: calls and sockets that fail for that are no fault.
    """

    def __init__(self, context: BrowserContext, origins: Sequence[str], *, outages: bool) -> None:
        self.faults: list[str] = []
        self.said: list[str] = []
        self._origins, self._outages = set(origins), outages
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("requestfailed", lambda request: self.said.append(f"{request.failure}: {request.method} {request.url}"))
        context.on("console", self._on_console)
        context.on("page", lambda page: page.on("websocket", lambda sock: self._judge(sock.url, sock.url)))
        context.on("weberror", lambda error: self.faults.append(f"an exception nobody caught: {error.error}"))

    def _on_request(self, request: Request) -> None:
        self._judge(request.url, f"{request.method} {request.url}")

    def _judge(self, url: str, words: str) -> None:
        where = urlsplit(url)
        if where.scheme not in PLAIN and f"{where.scheme.replace('ws', 'http')}://{where.netloc}" not in self._origins:
            self.faults.append(f"a request to somewhere else: {words}")

    def _on_response(self, response: Response) -> None:
        is_asset = response.request.resource_type not in ("fetch", "xhr")
        if response.status >= 500 or (is_asset and response.status >= 400):
            self.faults.append(f"{response.status} for {response.request.method} {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        line = f"{message.type}: {message.text} ({message.location.get('url', '')}:{message.location.get('lineNumber', '')})"
        self.said.append(line)
        if message.type != "error":
            return
        if _STATUS.search(message.text):
            return  # Chromium notes each refusal of the API here; `_on_response` has judged it
        if self._outages and _GONE.search(message.text):
            return
        self.faults.append(line)


class Chromium:
    """One running browser and the event loop that its tests run in. `with` starts and ends both."""

    def __init__(self, programs: Sequence[str] = SHELL) -> None:
        self._programs = programs
        self._runner = asyncio.Runner()
        self._playwright: Playwright
        self._browser: Browser

    def __enter__(self) -> Self:
        program = require(self._programs)
        self._runner.__enter__()
        try:
            self._runner.run(self._start(program))
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._stop())
        finally:
            self._runner.close()

    async def _start(self, program: str) -> None:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=program, args=OPTIONS, chromium_sandbox=os.geteuid() != 0
        )

    async def _stop(self) -> None:
        await self._browser.close()
        await self._playwright.stop()

    def run(self, scene: Coroutine[Any, Any, T]) -> T:
        """Run a test's scene in the browser's loop."""
        return self._runner.run(scene)

    @contextlib.asynccontextmanager
    async def context(
        self,
        origin: str,
        *,
        others: Sequence[str] = (),
        size: tuple[int, int] = (1024, 768),
        dark: bool = False,
        touch: bool = False,
        outages: bool = False,
        careless: bool = False,
        proxy: str = "",
        **options: Any,
    ) -> AsyncIterator[BrowserContext]:
        """A browser profile of its own, as one tablet has it; what its pages did wrong is raised at the end.

        Args:
            origin: where its pages live; `others`: further origins that they may call.
            size: width and height in CSS pixels.
            outages: as in `Watch`.
            careless: its user taps through the browser's warnings; what it complains of is no fault.
            proxy: the address of a `Wire`, or empty.
        """
        width, height = size
        if proxy:
            options["proxy"] = {"server": proxy}
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            has_touch=touch,
            locale="en-US",
            timezone_id="America/New_York",
            ignore_https_errors=careless,
            **options,
        )
        context.set_default_timeout(STEP_MS)
        await context.add_init_script(_TELL_VIOLATIONS)
        watch = Watch(context, (origin, *others), outages=outages)
        try:
            yield context
        except BaseException:
            await _keep_evidence(context, watch)
            raise
        finally:
            await context.close()
        assert careless or not watch.faults, "the page did wrong:\n" + "\n".join(watch.faults)

    @contextlib.asynccontextmanager
    async def page(self, url: str, **options: Any) -> AsyncIterator[Page]:
        """One page in a context of its own; options as of `context`."""
        where = urlsplit(url)
        async with self.context(f"{where.scheme}://{where.netloc}", **options) as context:
            page = await context.new_page()
            await page.goto(url)
            yield page


async def _keep_evidence(context: BrowserContext, watch: Watch) -> None:
    """What the pages of a failed test showed and said."""
    test = re.sub(r"\W+", "-", os.environ.get("PYTEST_CURRENT_TEST", "scene").rpartition("::")[2].partition(" ")[0])
    FAILED.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(context.pages):
        name = f"{test}-{id(context) % 10_000}-{number}"
        with contextlib.suppress(Error):  # a page may have crashed or be closed
            await page.screenshot(path=FAILED / f"{name}.png", timeout=3_000)
            (FAILED / f"{name}.txt").write_text("\n".join([page.url, *watch.faults, *watch.said]) + "\n", "utf-8")
