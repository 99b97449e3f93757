"""Ways into HQ that have a bound and are no batch: forms of its pages, bodies that do not come."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from tests.hq.people import Office
from tests.hq.world import STORE, Log, running, token

from tillkeeper.contract.http_parser import HEAD_BYTES, HEADERS, PARTS, PIECE_BYTES
from tillkeeper_hq import app, shield
from tillkeeper_hq.pages import site


def test_a_form_that_is_too_large_or_has_too_many_fields_is_refused(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        stranger = office.stranger()
        key = stranger.form_key("/login")
        large = {"form_key": key, "name": "mia", "password": "x" * site.MAX_FORM_BYTES}
        assert stranger.ask("/login", "POST", large).status_code == 413
        many = {"form_key": key} | {f"f{number}": "x" for number in range(60)}
        assert stranger.ask("/login", "POST", many).status_code == 400
        assert stranger.ask("/login", "POST", {"form_key": key, "name": "mia", "password": "x"}).status_code == 401


CHUNKED = b"POST /v1/events HTTP/1.1\r\nHost: hq\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD = {
    "no HTTP": b"NONSENSE\r\n\r\n",
    "a large head in one piece": b"GET /login HTTP/1.1\r\nHost: hq\r\nX: " + b"x" * (HEAD_BYTES + PIECE_BYTES) + b"\r\n\r\n",
    "a head of nothing but headers": b"GET /login HTTP/1.1\r\nHost: hq\r\n" + b"X:\r\n" * HEADERS + b"\r\n",
    "a body in as many parts as bytes": CHUNKED + b"1\r\n \r\n" * (PARTS + 1),
    "a body with headers behind it": CHUNKED + b"0\r\n" + b"X:\r\n" * (HEADERS + 1) + b"\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_http_gets_a_typed_answer_with_all_headers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    with running(tmp_path) as hq:
        where = urlsplit(hq.url)
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as stranger:
            stranger.sendall(BAD[name])
            said = b"".join(iter(lambda: stranger.recv(4096), b"")).decode()
        head, _, body = said.partition("\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert head.startswith("HTTP/1.1 400 ")
        assert shield.EVERY.items() <= lines.items()
        assert json.loads(body)["type"] == "urn:tillkeeper:hq:problem:bad_request"
    assert "Invalid" not in capfd.readouterr().err, "anybody could fill the log"


def test_a_large_batch_may_come_in_parts(tmp_path: Path) -> None:
    """As from a proxy that has no length to pass on."""
    log = Log()
    log.sale("c1", 1190)
    parts = [msgspec.json.encode(log.batch()), *[b" " * PIECE_BYTES] * (2 * PARTS)]
    headers = {"content-type": "application/json", "authorization": f"Bearer {token('till-1')}"}
    with running(tmp_path) as hq:
        answer = httpx.post(f"{hq.url}/v1/events", content=iter(parts), headers=headers, timeout=30)
        assert answer.json()["held_seq"] == 3


async def _drip() -> AsyncIterator[bytes]:
    yield b"name="
    await asyncio.Event().wait()


async def _answer(office: Office, path: str, kind: str) -> httpx.Response:
    async with office.clients() as client:
        headers = {"content-type": kind, "authorization": f"Bearer {token(f'{STORE}-till-1')}"}
        return await client().post(path, content=_drip(), headers=headers)


def test_what_never_ends_is_waited_for_no_longer_than_it_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app.BODY_TIMEOUT_S <= 20
    assert site.FORM_TIMEOUT_S <= 10
    monkeypatch.setattr(app, "BODY_TIMEOUT_S", 0.05)
    monkeypatch.setattr(site, "FORM_TIMEOUT_S", 0.05)
    with Office(tmp_path) as office:
        assert office.run(_answer(office, "/login", "application/x-www-form-urlencoded")).status_code == 408
        late = office.run(_answer(office, "/v1/events", "application/json"))
        assert (late.status_code, late.json()["type"]) == (408, "urn:tillkeeper:hq:problem:too_slow")
