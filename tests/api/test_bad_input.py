"""What clients send by mistake or on purpose: always a typed problem, never a 5xx, never half a change."""

import asyncio
import json
import socket
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.serving import DEADLINE_S, Running, problem, serving

KEY = {"idempotency-key": "k", "content-type": "application/json"}
GOOD = b'{"order_type":"dine_in","lines":[{"item_id":"a"}]}'


def order(**line: Any) -> bytes:
    return json.dumps({"order_type": "dine_in", "lines": [{"item_id": "a"} | line]}).encode()


MALFORMED = {
    "nothing but a brace": b"{",
    "not JSON": b"order one burger",
    "NaN": b'{"order_type":"dine_in","lines":[{"item_id":"a","quantity":NaN}]}',
    "not UTF-8": b'{"order_type":"dine_in","lines":[{"item_id":"\xff"}]}',
    "half a surrogate pair": rb'{"order_type":"dine_in","note":"\ud800","lines":[{"item_id":"a"}]}',
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "two values": GOOD + GOOD,
    "a comment": b"{/* */}",
    "a bare control byte": b'{"order_type":"dine_in","note":"\x1b@","lines":[{"item_id":"a"}]}',
}
INVALID = {
    "an array": b"[]",
    "deep nesting": b"[" * 60_000,
    "deep nesting inside": b'{"order_type":"dine_in","lines":[{"item_id":' + b"[" * 60_000,
    "a field nobody knows": order(price_minor=1),
    "no lines": b'{"order_type":"dine_in","lines":[]}',
    "nothing at all": b"",
    "an unknown order type": b'{"order_type":"drone","lines":[{"item_id":"a"}]}',
    "no pieces": order(quantity=0),
    "minus one piece": order(quantity=-1),
    "too many pieces": order(quantity=10**6),
    "an absurd number": order(quantity=10**400),
    "infinity": b'{"order_type":"dine_in","lines":[{"item_id":"a","quantity":1e999}]}',
    "half a piece": order(quantity=0.5),
    "a text for a number": order(quantity="2"),
    "an id with a line feed": order(item_id="a\n"),
    "an id with a path": order(item_id="../a"),
    "a note too long": order(note="x" * 501),
    "too many lines": json.dumps({"order_type": "dine_in", "lines": [{"item_id": "a"}] * 501}).encode(),
    "a tag of another command": b'{"type":"void_check","order_type":"dine_in","lines":[{"item_id":"a"}]}',
    "a path field in the body": b'{"check_id":"x","order_type":"dine_in","lines":[{"item_id":"a"}]}',
}


async def untouched(running: Running) -> None:
    """Nothing came of it, and the server still serves."""
    assert not running.till.executed
    assert (await running.http.get("/v1/health")).status_code == 200


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=MALFORMED[name], headers=KEY)
            assert problem(answer, 400, "bad_request")["subject"] == "body"
            await untouched(running)

    asyncio.run(scenario())


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=INVALID[name], headers=KEY)
            members = problem(answer, 422, "invalid_field")
            assert str(members["path"]).startswith("$")
            assert len(answer.content) < 4096
            await untouched(running)

    asyncio.run(scenario())


def test_the_path_to_the_field_is_told() -> None:
    async def scenario() -> None:
        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=order(modifiers=[{"modifier_id": "a"}, {}]), headers=KEY)
            members = problem(answer, 422, "invalid_field")
            assert members["path"] == "$.lines[0].modifiers[1]"
            assert "modifier_id" in str(members["cause"])

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": ""},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_only_plain_json_is_read(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=GOOD, headers={"idempotency-key": "k"} | headers)
            problem(answer, 415, "unsupported_media_type")
            await untouched(running)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1", 404, "not_found"),
        ("/v1/status/", 404, "not_found"),
        ("//v1/status", 404, "not_found"),
        ("/v1//status", 404, "not_found"),
        ("/v1/checks/..%2Fjobs", 404, "not_found"),
        ("/v1/checks/%00", 404, "not_found"),
        ("/v1/checks/%FF", 404, "not_found"),
        ("/v1/checks/a%0A", 404, "not_found"),
        ("/v1/checks/" + "x" * 65, 404, "not_found"),
        ("/v1/live", 404, "not_found"),
        ("/v1/orders", 405, "method_not_allowed"),
    ],
)
def test_paths_that_lead_nowhere(path: str, status: int, code: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            answer = await running.http.get(running.bound.url + path)
            problem(answer, status, code)
            if status == 405:
                assert answer.headers["allow"] == "POST"

    asyncio.run(scenario())


def test_refusals_of_the_register_come_through_whole() -> None:
    async def scenario() -> None:
        async with serving() as running:
            refused = await running.http.post("/v1/orders", content=order(item_id="card"), headers=KEY)
            members = problem(refused, 422, "tender_not_allowed")
            assert members["allowed"] == ["cash"]
            assert members["title"] == "Tender not allowed"
            assert members["hint"] == "take cash"
            full = await running.http.post("/v1/orders", content=order(item_id="full"), headers=KEY)
            assert problem(full, 507, "storage_refused")["retry_safe"] is True
            await untouched(running)

    asyncio.run(scenario())


def test_a_defect_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> dict[str, object]:
        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=order(item_id="boom"), headers=KEY)
            assert "secret" not in answer.text
            assert "ZeroDivision" not in answer.text
            await untouched(running)
            return problem(answer, 500, "internal")

    members = asyncio.run(scenario())
    told = [record for record in caplog.records if str(members["error_id"]) in record.getMessage()]
    assert len(told) == 1
    assert told[0].exc_info is not None


def test_a_megabyte_is_refused_and_the_answer_arrives() -> None:
    async def scenario() -> None:
        async with serving() as running:
            for client in (running.http, running.unix):
                answer = await client.post("/v1/orders", content=order(note="x" * 1_000_000), headers=KEY)
                assert problem(answer, 413, "body_too_large")["limit_bytes"] == 65_536
            await untouched(running)

    asyncio.run(scenario())


def test_a_client_that_reads_only_after_sending_gets_the_answer_too() -> None:
    """On a unix socket little fits into the kernel: a close in the middle of its sending would be a broken pipe, no answer."""

    def plain(path: str) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(DEADLINE_S)
            client.connect(path)
            head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 1000000\r\n\r\n"
            client.sendall(head + b" " * 1_000_000)
            return client.recv(65_536)

    async def scenario() -> None:
        async with serving() as running:
            answer = await asyncio.to_thread(plain, str(running.bound.socket))
            assert answer.startswith(b"HTTP/1.1 413")

    asyncio.run(scenario())


def test_a_body_without_a_length_is_refused_as_well() -> None:
    async def scenario() -> None:
        async def pieces() -> Any:
            for _ in range(20):
                yield b" " * 10_000

        async with serving() as running:
            answer = await running.http.post("/v1/orders", content=pieces(), headers=KEY)
            problem(answer, 413, "body_too_large")
            await untouched(running)

    asyncio.run(scenario())


def test_a_body_of_just_the_limit_is_read() -> None:
    async def scenario() -> None:
        async with serving() as running:
            fits = await running.http.post("/v1/orders", content=GOOD.ljust(65_536), headers=KEY)
            assert fits.status_code == 200
            problem(await running.http.post("/v1/orders", content=GOOD.ljust(65_537), headers=KEY), 413, "body_too_large")

    asyncio.run(scenario())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["order_type", "lines", "tenders", "note", "by", "reason", "quantity", "tender", "line_ids", "fire_at_ms", "item_id"]
almost = st.dictionaries(
    st.sampled_from(FIELDS), json_values | st.sampled_from(["dine_in", "cash", [{"item_id": "a"}], 1]), max_size=6
)
bodies = st.binary(max_size=200) | (json_values | almost).map(lambda value: json.dumps(value).encode())
paths = st.sampled_from(
    ["/v1/orders", "/v1/checks", "/v1/checks/A/tenders", "/v1/checks/A/refunds", "/v1/jobs/J1/release"]
) | st.binary(max_size=30).map(lambda raw: f"/v1/checks/{quote(raw, safe='/;=')}/fire")


def test_no_body_and_no_path_makes_it_fall() -> None:
    """Fuzzed over one real server: every answer is a success or a typed problem below 500."""

    async def ask(running: Running, body: bytes, path: str, number: int) -> None:
        headers = {"idempotency-key": str(number), "content-type": "application/json"}
        answer = await running.http.post(path, content=body, headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code != 200:
            assert answer.json()["type"].startswith("urn:tillkeeper:problem:")

    with asyncio.Runner() as runner:
        context = serving()
        running = runner.run(context.__aenter__())
        numbers = iter(range(10**9))

        @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
        @given(bodies, paths)
        def fuzz(body: bytes, path: str) -> None:
            runner.run(ask(running, body, path, next(numbers)))

        try:
            fuzz()
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.mark.parametrize("terminal", [b"\x1b@\x1dV0", b"front\x85", "caf\u00e9".encode(), b"x" * 65, b"a/../b", b"a b"])
def test_a_terminal_that_can_be_none(terminal: bytes) -> None:
    """The name would go into events and onto paper."""

    async def scenario() -> None:
        async with serving() as running:
            headers: list[tuple[bytes, bytes]] = [(key.encode(), value.encode()) for key, value in KEY.items()]
            headers.append((b"tillkeeper-terminal", terminal))
            answer = await running.http.post("/v1/orders", content=GOOD, headers=headers)
            assert problem(answer, 400, "bad_request")["subject"] == "Tillkeeper-Terminal"
            await untouched(running)

    asyncio.run(scenario())
