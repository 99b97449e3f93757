"""Who may call: the port is reachable from any page in the register's browser, so each check is tried alone."""

import asyncio
import os
import stat
from pathlib import Path

import httpx
import pytest
import websockets
from tests.api.serving import LISTED, TOKEN, Running, problem, serving
from websockets.typing import Origin, Subprotocol

from tillkeeper.api.limits import ApiLimits
from tillkeeper.errors import ConfigInvalid
from tillkeeper.token_files import load_or_create_token

BEARER = {"authorization": f"Bearer {TOKEN}"}


async def call(running: Running, path: str = "/v1/status", **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as stranger:
        return await stranger.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN]
)
def test_the_port_wants_the_token(authorization: str | None) -> None:
    async def scenario() -> None:
        async with serving() as running:
            headers = {} if authorization is None else {"authorization": authorization}
            answer = await call(running, **headers)
            members = problem(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert TOKEN not in str(members)
            problem(await call(running, "/openapi.json", **headers), 401, "unauthorized")
            problem(await call(running, "/v1/nowhere", **headers), 401, "unauthorized")
            assert (await call(running, "/v1/health", **headers)).json() == {"running": True}

    asyncio.run(scenario())


def test_the_token_opens_the_port() -> None:
    async def scenario() -> None:
        async with serving() as running:
            assert (await call(running, **BEARER)).status_code == 200
            assert (await call(running, authorization=f"bearer {TOKEN}")).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "a.example:{port}", "[::1]:{port}"])
def test_a_rebound_name_is_refused(host: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            name = host.format(port=running.port)
            problem(await call(running, host=name, **BEARER), 403, "host_refused")
            problem(await call(running, "/v1/health", host=name), 403, "host_refused")

    asyncio.run(scenario())


def test_both_own_names_are_accepted() -> None:
    async def scenario() -> None:
        async with serving() as running:
            assert (await call(running, host=f"localhost:{running.port}", **BEARER)).status_code == 200

    asyncio.run(scenario())


HOSTILE = [
    "",
    "null",
    "file://",
    "http://evil.example",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:1",
    "http://127.0.0.1:{port}.evil.example",
    LISTED + ".evil.example",
]


@pytest.mark.parametrize("origin", HOSTILE)
def test_a_page_of_another_origin_is_refused_even_with_the_token(origin: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            name = origin.format(port=running.port)
            answer = await call(running, origin=name, **BEARER)
            problem(answer, 403, "origin_refused")
            assert "access-control-allow-origin" not in answer.headers
            problem(await call(running, "/v1/health", origin=name), 403, "origin_refused")
            preflight = await running.http.options(
                "/v1/orders", headers={"origin": name, "access-control-request-method": "POST"}
            )
            problem(preflight, 403, "origin_refused")
            assert "access-control-allow-origin" not in preflight.headers

    asyncio.run(scenario())


def test_a_hostile_page_can_not_sell() -> None:
    """What a form or a `no-cors` fetch can send without a preflight: no header of its own, a simple content type."""

    async def scenario() -> None:
        async with serving() as running, httpx.AsyncClient(base_url=running.bound.url, trust_env=False) as page:
            order = '{"order_type":"dine_in","lines":[{"item_id":"a"}]}'
            for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
                headers = {"origin": "http://evil.example", "content-type": kind, "idempotency-key": "k"}
                problem(await page.post("/v1/orders", content=order, headers=headers), 403, "origin_refused")
            assert not running.till.executed

    asyncio.run(scenario())


def test_own_and_listed_pages_may_call() -> None:
    async def scenario() -> None:
        async with serving() as running:
            own = await call(running, origin=running.bound.url, **BEARER)
            assert own.status_code == 200
            listed = await call(running, origin=LISTED, **BEARER)
            assert listed.status_code == 200
            assert listed.headers["access-control-allow-origin"] == LISTED
            problem(await call(running, origin=LISTED), 401, "unauthorized")
            preflight = await running.http.options(
                "/v1/orders", headers={"origin": LISTED, "access-control-request-method": "POST"}
            )
            assert preflight.status_code == 204
            assert preflight.headers["access-control-allow-origin"] == LISTED
            assert "idempotency-key" in preflight.headers["access-control-allow-headers"]

    asyncio.run(scenario())


def test_doubled_headers_are_refused() -> None:
    async def scenario() -> None:
        async with serving() as running:
            own = running.bound.url.encode()
            head = b"GET /v1/status HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n" % (own[7:], TOKEN.encode())
            both = await running.raw(head + b"Origin: %s\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n" % own)
            assert b"origin_refused" in both
            twice = await running.raw(head + b"Authorization: Bearer x\r\nConnection: close\r\n\r\n")
            assert b"urn:tillkeeper:problem:unauthorized" in twice

    asyncio.run(scenario())


def test_the_socket_needs_no_token_and_no_host() -> None:
    async def scenario() -> None:
        async with serving() as running:
            assert (await running.unix.get("/v1/status", headers={"host": "whatever"})).status_code == 200

    asyncio.run(scenario())


async def handshake(running: Running, path: str, **options: object) -> int:
    """The HTTP status with which the handshake is answered (101 where it is accepted)."""
    try:
        async with websockets.connect(running.ws_url + path, proxy=None, **options):  # type: ignore[arg-type]
            return 101
    except websockets.InvalidStatus as error:
        typed = error.response.headers["content-type"] == "application/problem+json"
        return error.response.status_code if typed else -1


@pytest.mark.parametrize("path", ["/v1/live", "/v1/kitchen/pass"])
def test_websockets_are_guarded_in_the_same_way(path: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            by_protocol = [Subprotocol("tillkeeper.v1"), Subprotocol(f"bearer.{TOKEN}")]
            assert await handshake(running, path) == 401
            assert await handshake(running, path, additional_headers={"authorization": "Bearer wrong"}) == 401
            assert await handshake(running, path, subprotocols=[Subprotocol("bearer.wrong")]) == 401
            assert await handshake(running, path + f"?token={TOKEN}") == 401
            assert await handshake(running, path, subprotocols=by_protocol, origin=Origin("http://evil.example")) == 403
            assert await handshake(running, path, additional_headers=BEARER, origin=Origin("null")) == 403
            assert await handshake(running, path, additional_headers=BEARER) == 101
            assert await handshake(running, path, subprotocols=by_protocol, origin=Origin(running.bound.url)) == 101
            assert await handshake(running, path, subprotocols=by_protocol, origin=Origin(LISTED)) == 101

    asyncio.run(scenario())


def test_the_token_is_not_echoed_where_it_need_not() -> None:
    async def scenario() -> None:
        async with serving() as running:
            offered = [Subprotocol(f"bearer.{TOKEN}"), Subprotocol("tillkeeper.v1")]
            async with websockets.connect(running.ws_url + "/v1/live", subprotocols=offered, proxy=None) as socket:
                assert socket.subprotocol == "tillkeeper.v1"

    asyncio.run(scenario())


def test_the_token_is_never_logged(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level("DEBUG")
    token = load_or_create_token(tmp_path / "token")

    async def scenario() -> None:
        async with serving() as running:
            await call(running, **BEARER)
            await call(running, authorization=f"Bearer {TOKEN}x")
            await handshake(running, "/v1/live", subprotocols=[Subprotocol(f"bearer.{TOKEN}")])
            await handshake(running, "/v1/live", subprotocols=[Subprotocol(f"bearer.{TOKEN}x")])

    asyncio.run(scenario())
    ours = [record for record in caplog.records if not record.name.startswith(("websockets", "httpcore", "httpx"))]
    assert ours
    assert not [record for record in ours if TOKEN in record.getMessage() or token in record.getMessage()]


def test_a_token_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    token = load_or_create_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_token(path) == token
    assert [entry.name for entry in tmp_path.iterdir()] == ["api.token"]


def test_a_token_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    path.write_text("somebody-wrote-this-one-by-hand\nand more\n")
    path.chmod(0o644)
    assert load_or_create_token(path) == "somebody-wrote-this-one-by-hand"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "\n", "short", "has spaces in it, this one", "ünïcödé-tøken-of-length"])
def test_a_token_file_without_a_usable_token_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        load_or_create_token(path)
    assert not text.strip() or text not in str(caught.value)


def test_a_token_file_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid):
        load_or_create_token(tmp_path / "nowhere" / "token")


def test_a_pipe_in_the_place_of_a_token_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "api.token"
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigInvalid, match="not a file"):
        load_or_create_token(path)


@pytest.mark.parametrize(("site", "mode", "kind"), [("cross-site", "no-cors", "image"), ("same-site", "no-cors", "script"),
                                                    ("cross-site", "navigate", "iframe")])  # fmt: skip
def test_what_the_page_of_another_site_is_made_of_is_refused_and_uses_nothing_up(site: str, mode: str, kind: str) -> None:
    async def scenario() -> None:
        part = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": kind}
        async with serving(ApiLimits(pace_burst=2.0, pace_per_s=0.001)) as running:
            for path in ("/v1/health", "/shared/icon.svg", "/register/", "/sw.js"):
                problem(await call(running, path, **part), 403, "origin_refused")
            for own in (
                {},
                part | {"sec_fetch_site": "same-origin"},
                part | {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
            ):
                assert (await call(running, "/shared/icon.svg", **own)).status_code == 200

    asyncio.run(scenario())
