"""What a gateway's answers are taken for. What can not be understood is unknown, never yes and never no."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tillkeeper.cards.gateway import Asked as Wanted
from tillkeeper.cards.gateway import Said, harmless
from tillkeeper.cards.gateway_http import HttpGateway
from tillkeeper.config.model import Gateway
from tillkeeper_drivers.httpd import Answer, Asked, serving

ID = "2R6M3T4V5W6X7Y8Z9A0B1C2D3E"
ASK = Wanted(
    authorisation_id=ID, situation="payment", kind="card", tender="card", amount_minor=1250, currency="EUR",
    store="s", register="r",
)  # fmt: skip
PROBLEM = "application/problem+json"


def _hear(act: Callable[[HttpGateway], Awaitable[Said]], *answers: Answer, token: str = "") -> tuple[Said, list[Asked]]:
    seen: list[Asked] = []

    async def handle(asked: Asked) -> Answer:
        seen.append(asked)
        return answers[min(len(seen), len(answers)) - 1]

    async def run() -> Said:
        async with serving("127.0.0.1", 0, handle) as port:
            gateway = HttpGateway(Gateway(url=f"http://127.0.0.1:{port}/", timeout_s=2.0), lambda: token)
            try:
                return await act(gateway)
            finally:
                await gateway.aclose()

    return asyncio.run(run()), seen


def _json(status: int = 200, media: str = "application/json", **body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), media=media)


def _ok(state: str, **more: Any) -> Answer:
    return _json(**({"authorisation_id": ID, "state": state, "amount_minor": 1250} | more))


CASES = [
    (_ok("approved", reference="R1", label="VISA ****1"), "approved"),
    (_ok("approved", amount_minor=600), "partial"),
    (_ok("declined", reason="no funds"), "declined"),
    (_ok("pending"), "pending"),
    (_ok("reversed"), "reversed"),
    (_ok("approved", authorisation_id="another"), "no_answer"),
    (_ok("perhaps"), "no_answer"),
    (Answer(200, b"<html>hotel wifi</html>"), "no_answer"),
    (Answer(200, b'{"authorisation_id"'), "no_answer"),
    (Answer(200, b"x" * 40_000), "no_answer"),
    (Answer(200, b"[" * 9_000), "no_answer"),
    (Answer(500, b""), "no_answer"),
    (Answer(403, b"<html>proxy</html>"), "no_answer"),
    (Answer(302, b""), "no_answer"),
    (_json(403, PROBLEM, type="x:refused", title="who are you"), "not_begun"),
    (_json(503, PROBLEM, type="x:busy"), "not_begun"),
    (_json(500, PROBLEM, type="x:broken"), "no_answer"),
    (_json(409, PROBLEM, type="x:other_content"), "declined"),
    (_json(404, PROBLEM, type="x:unknown_authorisation"), "no_answer"),
]


@pytest.mark.parametrize(("answer", "heard"), CASES, ids=[f"{at}-{heard}" for at, (_, heard) in enumerate(CASES)])
def test_what_an_answer_to_an_authorisation_is_taken_for(answer: Answer, heard: str) -> None:
    said, _ = _hear(lambda gateway: gateway.authorise(ASK), answer)
    assert said.heard == heard


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (_json(404, PROBLEM, type="x:unknown_authorisation"), "unknown_here"),
        (_json(404, PROBLEM, type="x:no_such_page"), "no_answer"),
        (Answer(404, b"not found"), "no_answer"),
        (_json(403, PROBLEM, type="x:refused"), "no_answer"),
        (_ok("approved"), "approved"),
        (_ok("approved", amount_minor=600), "partial"),
    ],
)
def test_what_an_answer_to_a_query_is_taken_for(answer: Answer, heard: str) -> None:
    assert _hear(lambda gateway: gateway.query(ID, 1250), answer)[0].heard == heard


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (_ok("reversed"), "reversed"),
        (_ok("never_made"), "never_made"),
        (_ok("approved"), "no_answer"),
        (Answer(200), "no_answer"),
    ],
)
def test_a_reversal_is_final_only_where_the_gateway_says_so(answer: Answer, heard: str) -> None:
    assert _hear(lambda gateway: gateway.reverse(ID), answer)[0].heard == heard


def test_the_secret_goes_into_its_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said, seen = _hear(lambda gateway: gateway.authorise(ASK), Answer(500), token="t0psecret")
    assert seen[0].authorization == "Bearer t0psecret"
    assert "t0psecret" not in seen[0].path + seen[0].body.decode() + said.reason + caplog.text


def test_where_no_connection_comes_about_nothing_was_sent() -> None:
    async def run() -> Said:
        async with serving("127.0.0.1", 0, lambda _asked: asyncio.sleep(0, Answer(200))) as port:
            pass
        gateway = HttpGateway(Gateway(url=f"http://127.0.0.1:{port}", timeout_s=2.0), str)
        try:
            return await gateway.authorise(ASK)
        finally:
            await gateway.aclose()

    said = asyncio.run(run())
    assert said.heard == "not_reached"
    assert said.reason == "it can not be reached"  # a clerk reads it: no name of an exception


def test_a_clerk_reads_of_a_broken_connection_in_words() -> None:
    async def run() -> Said:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"}")
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            gateway = HttpGateway(Gateway(url=f"http://127.0.0.1:{port}", timeout_s=2.0), str)
            try:
                return await gateway.authorise(ASK)
            finally:
                await gateway.aclose()

    said = asyncio.run(run())
    assert (said.heard, said.reason) == ("no_answer", "the connection broke before its answer was there")


@pytest.mark.parametrize("location", [b"mailto:a@b", b"http://[::bad", b"//", b"\xff", b"http://127.0.0.1:1/"])
def test_a_redirect_says_nothing_wherever_it_leads(location: bytes) -> None:
    """It may come after the money has moved."""

    async def run() -> Said:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"}")
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            gateway = HttpGateway(Gateway(url=f"http://127.0.0.1:{port}", timeout_s=2.0), str)
            try:
                return await gateway.authorise(ASK)
            finally:
                await gateway.aclose()

    assert asyncio.run(run()).heard == "no_answer"


def test_a_gateway_that_is_silent_is_waited_for_no_longer_than_it_may_be() -> None:
    async def run() -> Said:
        async def handle(_asked: Asked) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError("never")

        async with serving("127.0.0.1", 0, handle) as port:
            gateway = HttpGateway(Gateway(url=f"http://127.0.0.1:{port}", timeout_s=0.5), str)
            try:
                return await gateway.authorise(ASK)
            finally:
                await gateway.aclose()

    said = asyncio.run(run())
    assert said.heard == "no_answer"
    assert "0.5 s" in said.reason


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("VISA ****4242", "VISA ****4242"),
        ("4111 1111 1111 1111", "*1111"),
        ("a\x1b[31m\nb", "a [31m b"),
        (7, ""),
        ("x" * 500, "x" * 80),
    ],
)
def test_what_is_kept_of_a_gateways_words(said: object, kept: str) -> None:
    assert harmless(said, 80) == kept
