"""The rig itself: a page that does wrong fails its test, and a page that does nothing wrong does not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from tests.support.browser import Chromium
from tests.support.wire import Wire

CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src *"
GOOD = "<!doctype html><link rel=icon href='data:,'><title>good</title><p>good"
SHOUTS = "addEventListener('load', () => document.title = 'loaded')"


@contextlib.asynccontextmanager
async def site(pages: dict[str, tuple[str, str]]) -> AsyncIterator[str]:
    """A web server of a few pages: path -> content type and body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            kind, body = pages.get(head.split()[1].decode(), ("", ""))
            line = "200 OK" if kind else "404 Not Found"
            headers = f"content-type: {kind}\r\ncontent-length: {len(body.encode())}\r\nconnection: close"
            policy = f"content-security-policy: {CSP}; img-src data:"
            writer.write(f"HTTP/1.1 {line}\r\n{headers}\r\n{policy}\r\n\r\n{body}".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def look(chromium: Chromium, body: str, script: str = "") -> None:
    async def scene() -> None:
        pages = {"/": ("text/html", GOOD + body), "/a.js": ("text/javascript", script)}
        async with site(pages) as origin, chromium.page(f"{origin}/") as page:
            await page.wait_for_load_state("networkidle")
            assert await page.title()

    chromium.run(scene())


def test_a_good_page_has_no_faults(chromium: Chromium) -> None:
    look(chromium, "<script src=/a.js></script>", SHOUTS)


@pytest.mark.parametrize(
    ("body", "script", "fault"),
    [
        ("<script>1</script>", "", "CSP stopped script-src"),
        ("<p style='color: red'>", "", "CSP stopped style-src"),
        ("<script src=/missing.js></script>", "", "404 for GET"),
        ("<script src=/a.js></script>", "console.error('oh dear')", "oh dear"),
        ("<script src=/a.js></script>", "setTimeout(() => { throw new Error('lost') }, 0)", "nobody caught: lost"),
        ("<script src=/a.js></script>", "fetch('http://127.0.0.2:9/x').catch(() => 0)", "somewhere else: GET http://127.0.0.2"),
        ("<script src=/a.js></script>", "new WebSocket('ws://127.0.0.2:9/x')", "somewhere else: ws://127.0.0.2"),
    ],
)
def test_a_page_that_does_wrong_fails_its_test(chromium: Chromium, body: str, script: str, fault: str) -> None:
    with pytest.raises(AssertionError, match=fault):
        look(chromium, body, script)


def test_a_stalled_wire_holds_the_bytes_and_lets_them_go(chromium: Chromium) -> None:
    async def scene() -> None:
        async with (
            site({"/": ("text/html", GOOD), "/word": ("text/plain", "hello")}) as origin,
            Wire() as wire,
            chromium.page(f"{origin}/", proxy=wire.url) as page,
        ):
            wire.stall()
            asked = asyncio.ensure_future(page.evaluate("fetch('/word').then((answer) => answer.text())"))
            done, _ = await asyncio.wait([asked], timeout=0.5)
            assert not done
            wire.flow()
            assert await asked == "hello"

    chromium.run(scene())
