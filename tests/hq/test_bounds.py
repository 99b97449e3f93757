"""Ways into HQ that have a bound and are no batch: forms of its pages, bodies that do not come."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.hq.people import Office
from tests.hq.world import STORE, running, token

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


def test_what_is_no_http_gets_a_typed_answer_with_all_headers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running(tmp_path) as hq:
        where = urlsplit(hq.url)
        with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as stranger:
            stranger.sendall(b"NONSENSE\r\n\r\n")
            said = b"".join(iter(lambda: stranger.recv(4096), b"")).decode()
        head, _, body = said.partition("\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
        assert head.startswith("HTTP/1.1 400 ")
        assert shield.EVERY.items() <= lines.items()
        assert json.loads(body)["type"] == "urn:tillkeeper:hq:problem:bad_request"
    assert "Invalid" not in capfd.readouterr().err, "anybody could fill the log"


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
