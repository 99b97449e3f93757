"""Headers of every answer, from outside: each operation and page of agent and HQ, errors, refused WebSockets, and bytes that
are no HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from tests.api.serving import TOKEN, serving
from tests.fuzz.closed import operations
from tests.hq.people import Office
from tests.hq.world import Log

from tillkeeper.api.headers import DATA_POLICY, EVERY
from tillkeeper.api.web import STARTS, static_folder
from tillkeeper_hq import shield
from tillkeeper_hq.openapi import document as hq_document
from tillkeeper_hq.pages.site import PAGES

ALWAYS = ("x-content-type-options", "x-frame-options", "cross-origin-opener-policy", "cross-origin-resource-policy")
BEARER = {"authorization": f"Bearer {TOKEN}"}


def check(answer: httpx.Response, *, page: bool = False) -> None:
    """What every answer has. `page`: a file, which may be kept and loads others of its own origin."""
    said = answer.headers
    where = f"{answer.request.method} {answer.request.url}: {answer.status_code} {dict(said)}"
    for name in ALWAYS:
        assert said.get_list(name) == [EVERY[name]], f"{name} of {where}"
    assert said["referrer-policy"] in ("no-referrer", "same-origin"), where
    policy = said["content-security-policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert "'unsafe-inline'" not in policy, where
    assert "'unsafe-eval'" not in policy, where
    assert "server" not in said, where
    if page:
        assert said["cache-control"] in ("no-cache", "no-store", "max-age=300"), where
    else:
        assert said["cache-control"] == "no-store", where
        assert policy == DATA_POLICY == shield.EVERY["content-security-policy"], where


def filled(path: str) -> str:
    for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
        path = path.replace(f"{{{name}}}", "one")
    return path


def test_every_operation_of_a_register_with_and_without_a_token() -> None:
    async def scene() -> None:
        async with serving() as running:
            document = (await running.http.get("/openapi.json")).json()
            async with httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as client:
                for method, path, _ in operations(document):
                    key = {"idempotency-key": f"{method}{path}"[:128]}
                    for headers in (BEARER | key, key):
                        check(await client.request(method, filled(path), headers=headers))
            for path in ("/nowhere", "/v1/nowhere", "/register/nowhere.js"):
                check(await running.http.get(path))
            check(await running.http.put("/v1/status"))
            check(await running.http.get("/v1/status", headers={"host": "evil.example"}))
            check(await running.http.get("/v1/status", headers={"origin": "http://evil.example"}))
            check(await running.http.post("/v1/checks", content=b"x" * 70_000, headers={"idempotency-key": "k"}))
            check(await running.unix.get("/v1/status"))
            preflight = {"origin": "http://office.example", "access-control-request-method": "POST"}
            check(await running.http.options("/v1/orders", headers=preflight))

    asyncio.run(scene())


def test_every_file_of_the_pages() -> None:
    async def scene() -> None:
        async with serving() as running, httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as client:
            folder = static_folder()
            paths = [f"/{file.relative_to(folder)}" for file in folder.rglob("*") if file.is_file()]
            served = [path for path in paths if path.startswith(STARTS)]
            assert len(served) > 30
            for path in [*served, *STARTS, "/", "/register", "/kitchen"]:
                answer = await client.get(path)
                check(answer, page=True)
                if path.endswith(".html"):
                    assert "script-src 'self'" in answer.headers["content-security-policy"]

    asyncio.run(scene())


def test_a_refused_websocket_and_what_is_no_http() -> None:
    async def scene() -> None:
        async with serving() as running:
            for path, status in (("/v1/live", 401), ("/v1/kitchen/pass", 401), ("/v1/nowhere", 401)):
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await websockets.connect(running.ws_url + path, proxy=None)
                answer = refused.value.response
                assert answer.status_code == status
                assert EVERY.items() <= {name.lower(): value for name, value in answer.headers.raw_items()}.items()
            said = await running.raw(b"NONSENSE\r\n\r\n")
            head = dict(line.split(": ", 1) for line in said.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")[1:])
            assert EVERY.items() <= head.items()

    asyncio.run(scene())


def test_no_register_asks_for_https_for_ever() -> None:
    """HSTS would hold for other services of that machine, and for an address it is ignored (RFC 6797 section 8.1.1)."""
    assert "strict-transport-security" not in EVERY


def walk(office: Office, **headers: str) -> list[httpx.Response]:
    log = Log()
    log.sale("c1", 1190)
    office.take(log)
    office.add("olga", "owner")
    person = office.person("olga")
    found: list[httpx.Response] = []

    def ask(method: str, path: str, asker: Any = None) -> None:
        data = {"form_key": ""} if method == "POST" else None
        found.append((asker or person).ask(path, method, data, **headers))

    for page in PAGES:
        ask(page.method, page.path, office.stranger())
        if page.path != "/logout":
            ask(page.method, page.path)
    for path in ("/static/hq.css", "/static/icon.svg", "/static/nothing", "/nowhere"):
        ask("GET", path)
    ask("DELETE", "/sales")
    for method, path, _ in operations(hq_document()):
        ask(method, filled(path))
    ask("PUT", "/v1/events")
    ask("GET", "/v1/nowhere")
    return found


def test_every_page_and_operation_of_hq(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        answers = walk(office)
        assert len(answers) > 50
        for answer in answers:
            kind = answer.headers.get("content-type", "")
            check(answer, page=kind.startswith(("text/", "image/")))
            assert "strict-transport-security" not in answer.headers


def test_hq_asks_for_https_for_a_year_where_it_has_it_and_only_for_a_name(tmp_path: Path) -> None:
    with Office(tmp_path, https=True) as office:
        for answer in walk(office, host="hq.example"):
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        for host in ("127.0.0.1:8470", "[::1]:8470", "192.168.1.5", "localhost:8470"):
            assert "strict-transport-security" not in office.request("GET", "/login", headers={"host": host}).headers


def test_an_unexpected_error_at_hq_tells_an_id_and_nothing_else() -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise ZeroDivisionError("secret inside")

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(shield.Shield(broken, https=False))
        async with httpx.AsyncClient(transport=transport, base_url="http://hq.example") as client:
            return await client.get("/v1/books")

    answer = asyncio.run(asked())
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:tillkeeper:hq:problem:internal"
    assert "secret" not in answer.text
    assert shield.EVERY.items() <= answer.headers.items()
