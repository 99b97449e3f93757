"""The GET of the 204 check and heads of answers, against the standard library's server and dates, and against garbage."""

import email.utils
import http.server
import socket
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.network.hostile import PROPERTY, lines_of, mangled, peak_bytes

from tillkeeper.network.http import MAX_HEAD, Head, date_ms_of, get_request, parse_head, wants_more

SEEN: list[tuple[str, str, str | None]] = []


class NoContent(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        SEEN.append((self.path, self.headers["Host"], self.headers["Connection"]))
        self.send_response(204 if self.path == "/generate_204" else 302)
        self.send_header("Location", "http://portal.example/login?a=b")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_a_real_server_understands_and_is_understood() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), NoContent) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = [_asked(server.server_port, path) for path in ("/generate_204", "/elsewhere")]
        finally:
            server.shutdown()
            thread.join(10)
    assert [head.status for head in found] == [204, 302]
    assert found[1].location == "http://portal.example/login?a=b"
    assert all(abs((head.date_ms or 0) / 1000 - datetime.now(UTC).timestamp()) < 60 for head in found)
    assert [
        ("/generate_204", f"check.example:{server.server_port}", "close"),
        ("/elsewhere", f"check.example:{server.server_port}", "close"),
    ] == SEEN


def _asked(port: int, path: str) -> Head:
    data = b""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(get_request("check.example", path, port))
        while wants_more(data):
            piece = connection.recv(7)
            assert piece, "the head ended before it was whole"
            data += piece
    head = parse_head(data)
    assert head is not None
    return head


def test_the_request_is_as_expected() -> None:
    lines = get_request("check.example", "/generate_204").split(b"\r\n")
    assert lines[:2] == [b"GET /generate_204 HTTP/1.1", b"Host: check.example"]
    assert lines[-2:] == [b"", b""]
    assert b"\r\nHost: [fd00::1]:8080\r\n" in get_request("fd00::1", "/", 8080)
    assert get_request("check.example", "").startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("host", "path"),
    [("a\r\nX: y", "/"), ("a", "/\r\nX: y"), ("a b", "/"), ("a\n", "/"), ("a", "/\t"), ("", "/"), ("a", "x"), ("ä", "/")],
)
def test_no_configuration_can_break_the_lines(host: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"host|path"):
        get_request(host, path)


@pytest.mark.parametrize(
    ("data", "head"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", Head(204)),
        (b"HTTP/1.0 204\r\n\r\n", Head(204)),
        (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", Head(200, length=5)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", Head(200, length=5)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", Head(200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Head(200)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n", Head(200)),
        (b"HTTP/1.1 302 Found\r\nlOCATION:  http://a/b \r\nLocation: http://c\r\n\r\n", Head(302, "http://a/b")),
        (b"HTTP/1.1 302 Found\r\nLocation: a\0b\r\n\r\n", Head(302)),
        (b"HTTP/1.1 302 Found\r\nLocation: " + b"x" * 6000 + b"\r\n\r\n", Head(302, "x" * 512)),
        (b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", Head(200, date_ms=784_111_777_000)),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n: empty\r\n\r\n", Head(200)),
        (b"HTTP/1.1 103 Early Hints\r\nLocation: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", Head(204)),
    ],
)
def test_heads_are_read(data: bytes, head: Head) -> None:
    assert parse_head(data) == head
    assert not wants_more(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/2 204\r\n\r\n",
        b"HTTP/1.1 2\xb24 x\r\n\r\n",
        b"HTTP/1.1  204\r\n\r\n",
        b"HTTP/1.1 2040 x\r\n\r\n",
        b"HTTP/1.1 099 x\r\n\r\n",
        b"<html>\r\n\r\n",
        b"\x16\x03\x01\0\x05",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n",
        b"\r\n\r\n",
    ],
)
def test_what_is_no_whole_head_is_nothing(data: bytes) -> None:
    assert parse_head(data) is None


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (b"", True), (b"HT", True), (b"HTTP/1.1 2", True), (b"HTTP/1.1 204 x\r\nA: b\r\n", True), (b"<htm", False),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * MAX_HEAD, False),
    ],
)  # fmt: skip
def test_reading_on_ends(data: bytes, more: bool) -> None:
    assert wants_more(data) is more


@PROPERTY
@given(st.datetimes(datetime(1970, 1, 1), datetime(2069, 12, 31)))
def test_dates_are_read_in_all_three_forms(when: datetime) -> None:
    when = when.replace(microsecond=0, tzinfo=UTC)
    forms = (
        email.utils.format_datetime(when, usegmt=True),
        when.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
        when.strftime("%a %b %e %H:%M:%S %Y"),
    )
    assert [date_ms_of(text) for text in forms] == [when.timestamp() * 1000] * 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "Sun, 31 Feb 2026 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov \xb2\xb2\xb2\xb2 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
    ],
)
def test_what_is_no_date_is_nothing(text: str) -> None:
    assert date_ms_of(text) is None


WHOLE = b"HTTP/1.1 302 Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: http://portal/\r\nContent-Length: 0\r\n\r\n"


@PROPERTY
@given(
    st.binary(max_size=300)
    | mangled(WHOLE)
    | st.binary(max_size=100).map(lambda data: b"HTTP/1.1 200 OK\r\nDate: " + data + b"\r\n\r\n")
)
def test_no_bytes_make_it_raise(data: bytes) -> None:
    parse_head(data)
    wants_more(data)


def test_the_worst_head_costs_a_bounded_amount() -> None:
    for data in (
        b"HTTP/1.1 100 x\n\n" * 100_000,
        b"HTTP/1.1 200 x\n" + b"a:\n" * 500_000,
        b"HTTP/1.1 200 x\n" + b"date:\n" * 1300 + b"\n",
    ):
        assert lines_of(lambda data=data: parse_head(data)) < 60_000  # type: ignore[misc]
        assert peak_bytes(lambda data=data: parse_head(data)) < 1_000_000  # type: ignore[misc]
