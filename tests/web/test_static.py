"""The pages' files as a browser gets them: from a real server, without a token, under a strict policy."""

import asyncio
import gzip
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from tests.api.serving import problem, serving

from tillkeeper.api.web import Pages, is_page, sources, static_folder
from tillkeeper.errors import ConfigInvalid

STATIC = static_folder()
LIMIT = 320_000
WIRE_LIMIT = 190_000
PAGES = ("register", "kitchen", "diagnostics", "preview", "pair", "devices")


def get(path: str, **headers: str) -> httpx.Response:
    async def scene() -> httpx.Response:
        async with serving() as running, httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as stranger:
            return await stranger.get(path, headers=headers)

    return asyncio.run(scene())


def test_the_register_page_needs_no_token_and_may_load_nothing_from_elsewhere() -> None:
    answer = get("/register/?terminal=front")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert f"{rule};" in f"{policy};"
    assert "unsafe" not in policy
    assert re.search(r"connect-src 'self' ws://127\.0\.0\.1:\d+ ws://localhost:\d+;", policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


def test_a_rebound_name_or_a_foreign_page_gets_no_file() -> None:
    problem(get("/register/app.js", host="evil.example"), 403, "host_refused")
    problem(get("/register/app.js", origin="http://evil.example"), 403, "origin_refused")


def test_the_root_leads_to_the_register_page_and_keeps_what_was_asked() -> None:
    assert get("/").headers["location"] == "/register/"
    assert get("/kitchen?device=grill").headers["location"] == "/kitchen/?device=grill"


def test_a_file_is_sent_once_and_then_only_when_it_changed() -> None:
    async def scene() -> None:
        async with serving() as running, httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as browser:
            first = await browser.get("/shared/outbox.js")
            assert first.headers["cache-control"] == "no-cache"
            assert first.headers["content-type"].startswith("text/javascript")
            assert first.headers["content-encoding"] == "gzip"
            assert first.text == (STATIC / "shared/outbox.js").read_text("utf-8")
            again = await browser.get("/shared/outbox.js", headers={"if-none-match": f'"other", {first.headers["etag"]}'})
            assert (again.status_code, again.content) == (304, b"")
            head = await browser.head("/shared/outbox.js", headers={"accept-encoding": "identity"})
            assert head.status_code == 200
            assert int(head.headers["content-length"]) == (STATIC / "shared/outbox.js").stat().st_size
            assert (await browser.post("/shared/outbox.js")).status_code == 405

    asyncio.run(scene())


@pytest.mark.parametrize(
    "path",
    ["/register/../../config/example.toml", "/register/%2e%2e/%2e%2e/config/example.toml", "/shared/..%2f..%2fpackage.json",
     "/shared/", "/vendor//etc/passwd", "/shared/%00outbox.js", "/register/app.js/", "/kitchen/no-such.js"],
)  # fmt: skip
def test_no_path_leads_to_another_file(path: str) -> None:
    async def scene() -> None:
        async with serving() as running:
            sent = f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{running.port}\r\nconnection: close\r\n\r\n"
            answer = await running.raw(sent.encode())
            status = answer.split(b" ", 2)[1]
            assert status in (b"404", b"401", b"400"), answer[:200]
            assert b"this_register" not in answer
            assert b"devDependencies" not in answer

    asyncio.run(scene())


def lone(folder: Path, registers: tuple[str, ...] = ()) -> httpx.AsyncClient:
    app = Starlette(routes=Pages(folder, registers).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:80")


def test_without_the_vendored_file_the_page_says_what_to_do_and_recovers(tmp_path: Path) -> None:
    (tmp_path / "register").mkdir()
    (tmp_path / "register/index.html").write_text("<p>the page</p>")

    async def scene() -> None:
        async with lone(tmp_path) as browser:
            missing = await browser.get("/register/")
            assert missing.status_code == 503
            assert "make env" in missing.text
            (tmp_path / "vendor").mkdir()
            (tmp_path / "vendor/preact.js").write_text("export {}")
            assert (await browser.get("/register/")).text == "<p>the page</p>"
            (tmp_path / "register/index.html").write_text("<p>another page</p>")
            assert (await browser.get("/register/")).text == "<p>another page</p>"

    asyncio.run(scene())


def test_other_registers_may_be_called_where_the_config_names_them(tmp_path: Path) -> None:
    for folder, name in (("kitchen", "index.html"), ("vendor", "preact.js")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("x")

    async def scene() -> None:
        async with lone(tmp_path, ("http://10.0.0.7:8400/",)) as browser:
            policy = (await browser.get("/kitchen/")).headers["content-security-policy"]
            assert "http://10.0.0.7:8400 ws://10.0.0.7:8400;" in policy

    asyncio.run(scene())


NO_ADDRESSES = ["", "10.0.0.7", "ftp://a:1", "http://a:1/x", "http://a b:1", "http://a;script-src *", "http://a:99999", "http://u:p@a"]


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_never_reaches_the_policy(address: str) -> None:
    with pytest.raises(ConfigInvalid):
        sources(address)


def test_only_paths_of_pages_are_open() -> None:
    assert is_page("/register/")
    assert is_page("/")
    assert not is_page("/v1/status")
    assert not is_page("/registers")


def sizes(*folders: str) -> dict[str, tuple[int, int]]:
    """File -> (bytes, bytes on the wire)."""
    files = [path for folder in folders for path in sorted((STATIC / folder).rglob("*")) if path.is_file()]
    return {str(p.relative_to(STATIC)): (p.stat().st_size, len(gzip.compress(p.read_bytes(), mtime=0))) for p in files}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_with_all_it_uses_stays_small(page: str) -> None:
    whole = sum(plain for plain, _ in sizes(page, "shared", "vendor").values())
    assert whole <= LIMIT, f"{page}: {whole} bytes"


def test_all_pages_together_stay_small_on_the_wire() -> None:
    every = sizes(*PAGES, "shared", "vendor")
    assert every["vendor/preact.js"]
    assert sum(packed for _, packed in every.values()) <= WIRE_LIMIT


@pytest.mark.parametrize("page", PAGES)
def test_a_page_first_asks_for_what_loads_it_anew(page: str) -> None:
    asked = re.findall(r'(?:src|href)="([^"]+)"', (STATIC / page / "index.html").read_text("utf-8"))
    assert asked[0] == "../shared/anew.js"


def test_pages_hold_no_inline_code_and_name_nobody_else() -> None:
    found = []
    for path in STATIC.rglob("*"):
        if path.suffix not in (".html", ".js", ".css") or path.name == "preact.js":
            continue
        text = path.read_text("utf-8")
        name = str(path.relative_to(STATIC))
        if path.suffix == ".html" and re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text):
            found.append(f"{name}: inline code or style")
        if re.search(r"https?://(?!www\.w3\.org/)", text):
            found.append(f"{name}: an address")
        if path.suffix != ".css" and re.search(r"\beval\(|new Function|innerHTML|dangerouslySetInnerHTML", text):
            found.append(f"{name}: text as code")
        if text.count("\n") > 300:
            found.append(f"{name}: over 300 lines")
    assert not found, "\n".join(found)
