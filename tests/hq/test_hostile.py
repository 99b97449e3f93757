"""Bad bodies, wrong secrets, other people's logs, bad files: a typed refusal, and HQ goes on."""

import gzip
import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from tests.hq.world import DATABASE, READER, Hq, Log, credentials, running, token

from tillkeeper.contract.envelope import HqBatch


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[Hq]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DATABASE, new_database())
        with running(tmp_path_factory.mktemp("hostile")) as hq:
            yield hq


def problem(response: object) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    body = response.json()  # type: ignore[attr-defined]
    assert body["status"] == response.status_code  # type: ignore[attr-defined]
    return body["status"], body["type"].rpartition(":")[2]


def goes_on(hq: Hq, register: str) -> None:
    log = Log(register)
    log.sale(f"after-{register}", 1190)
    assert hq.send(log.batch()).held_seq == 3


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"store":"corner"}',
    b"\xff\xfe\x00",
    b'{"store":"corner","register":"till-1","incarnation":"i","events":[{}]}',
    b'{"store":"corner","register":"till-1","incarnation":5}',
    b'{"store":"corner","register":"till-1","incarnation":"\\ud800"}',
    b"[" * 100_000,
    b'{"store":"corner","register":"till-1","incarnation":"i","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_what_is_no_batch_is_refused(hq: Hq, body: bytes) -> None:
    assert problem(hq.post(body)) == (400, "bad_request")


def wire_to(hq: Hq) -> socket.socket:
    parts = urlsplit(hq.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def head(*lines: str) -> bytes:
    first = ("POST /v1/events HTTP/1.1", "Host: hq", f"Authorization: Bearer {token('till-1')}")
    return "\r\n".join((*first, *lines, "", "")).encode()


def test_a_huge_body_is_refused_before_it_comes(hq: Hq) -> None:
    with wire_to(hq) as wire:
        wire.sendall(head(f"Content-Length: {50 * 1024 * 1024}"))
        assert wire.recv(4096).startswith(b"HTTP/1.1 413")
    goes_on(hq, "till-8")


def test_a_huge_body_of_unknown_length_is_cut_off(hq: Hq) -> None:
    piece = b"x" * 1024 * 1024
    with wire_to(hq) as wire:
        wire.sendall(head("Transfer-Encoding: chunked"))
        sent = 0
        try:
            for _ in range(50):
                wire.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
                sent += 1
            assert wire.recv(4096).startswith(b"HTTP/1.1 413")
        except ConnectionError:
            assert sent >= 8  # cut off after the bound, which is as good
    goes_on(hq, "till-2")


def test_a_gzip_bomb_is_not_unpacked(hq: Hq) -> None:
    assert problem(hq.post(gzip.compress(b" " * 60 * 1024 * 1024), Content_Encoding="gzip")) == (413, "too_large")
    assert problem(hq.post(b"no gzip", Content_Encoding="gzip")) == (400, "bad_request")
    assert problem(hq.post(b"x", Content_Encoding="br")) == (415, "unknown_encoding")


def test_gzip_is_welcome(hq: Hq) -> None:
    log = Log("till-3")
    log.sale("zipped", 1190)
    response = hq.post(gzip.compress(msgspec.json.encode(log.batch())), token("till-3"), Content_Encoding="gzip")
    assert response.json()["held_seq"] == 3


def test_too_many_events_are_refused_as_a_whole(hq: Hq) -> None:
    log = Log("till-4")
    for n in range(2001):
        log.raw("odd", str(n))
    assert problem(hq.post(msgspec.json.encode(log.batch()), token("till-4"))) == (413, "too_large")
    assert hq.send(log.batch(last=2000)).held_seq == 2000


@pytest.mark.parametrize("secret", ["wrong", token("till-1") + "x", token("till-1")[:-1]])
def test_a_wrong_token_opens_nothing(hq: Hq, secret: str) -> None:
    for response in (hq.post(msgspec.json.encode(Log().batch()), secret), hq.ask("/v1/books", secret)):
        assert problem(response) == (401, "unauthorised")
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert token("till-1") not in response.text


@pytest.mark.parametrize("header", [b"", b"Bearer", b"Bearer \xc3\xa9", b"Basic dXNlcjpwYXNz", b"Bearer a b c"])
def test_odd_authorization_headers_open_nothing(hq: Hq, header: bytes) -> None:
    response = httpx.get(hq.url + "/v1/books", headers={b"Authorization": header}, trust_env=False)
    assert problem(response) == (401, "unauthorised")


@pytest.mark.parametrize(
    ("store", "register", "code"), [("corner", "till-2", "no_authority"), ("harbour", "till-1", "not_your_register")]
)
def test_a_register_cannot_write_for_another(hq: Hq, store: str, register: str, code: str) -> None:
    """Not for one of its own store either, unless HQ can check signatures (test_relays)."""
    log = Log(register, store=store)
    log.sale("theirs", 100)
    assert problem(hq.post(msgspec.json.encode(log.batch()))) == (403, code)
    assert problem(hq.post(msgspec.json.encode(log.batch(last=0)))) == (403, code)


def test_an_event_of_another_log_is_not_smuggled_in(hq: Hq) -> None:
    log = Log("till-2")
    log.sale("theirs", 100)
    smuggled = HqBatch("corner", "till-1", "inc-1", log.batch().events)
    assert problem(hq.post(msgspec.json.encode(smuggled))) == (422, "bad_identity")


def test_readers_read_their_store_and_write_nothing(hq: Hq) -> None:
    assert problem(hq.post(msgspec.json.encode(Log().batch()), READER)) == (403, "forbidden")
    assert problem(hq.ask("/v1/books", store="harbour")) == (403, "not_your_store")
    assert problem(hq.ask("/v1/events", store="harbour")) == (403, "not_your_store")
    assert problem(hq.ask("/v1/events", limit="many")) == (400, "bad_request")


def test_seqs_out_of_range_do_no_harm(hq: Hq) -> None:
    log = Log("till-5")
    event = log.raw("odd", "{}")
    for seq, status in ((2**63, 422), (-(2**60), 422), (0, 200), (-5, 200), (2**53, 200)):
        batch = HqBatch("corner", "till-5", "inc-1", (msgspec.structs.replace(event, seq=seq),))
        response = hq.post(msgspec.json.encode(batch), token("till-5"))
        assert response.status_code == status
        if status == 200:
            assert response.json()["verdicts"][0]["verdict"] == ("retryable" if seq > 0 else "rejected")
    for field in ("version", "at_ms"):
        other = Log("till-5", f"inc-{field}")
        wild = msgspec.structs.replace(other.raw("odd", "{}"), **{field: 10**18})
        answer = hq.send(HqBatch("corner", "till-5", other.incarnation, (wild,)))
        assert (answer.verdicts[0].verdict, answer.held_seq) == ("rejected", 1)


def test_names_with_quotes_and_zeros_stay_names(hq: Hq) -> None:
    odd = "x'); DROP TABLE events; --\x00"
    log = Log("till-6")
    log.open(odd)
    log.sale("cash\x00", 100, tender=odd)
    assert hq.send(log.batch()).held_seq == 4
    assert hq.books().tenders[odd].taken_minor == 100


def test_a_client_that_hangs_up_in_the_middle_does_no_harm(hq: Hq) -> None:
    for _ in range(20):
        with wire_to(hq) as wire:
            wire.sendall(head("Content-Length: 1000") + b'{"store":')
    goes_on(hq, "till-7")


@pytest.mark.parametrize(
    "text",
    [
        "[[registers]]\nstore = 5",
        "not toml at all [",
        '[[registers]]\nstore = "s"\nregister = "r"\ntoken = "short"',
        '[[registers]]\nstore = "s"\nregister = "r"',
        '[[registers]]\nstore = "s"\nregister = "r"\ntoken = "0123456789abcdef"\nunknown = 1',
        '[[registers]]\nstore = "s"\ntoken = "0123456789abcdef"',
        '[[readers]]\nstore = "s"\nregister = "r"\ntoken = "0123456789abcdef"',
        '{"registers": [{"store": "s", "register": "a", "token": "0123456789abcdef"},'
        ' {"store": "s", "register": "b", "token": "0123456789abcdef"}]}',
        '[[stores]]\nstore = "s"\nauthority = "0123456789abcdef"',
    ],
)
def test_bad_credentials_stop_the_start_and_are_not_repeated(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    done = start("--data", str(tmp_path / "d"), "--credentials", str(path))
    assert done.returncode == 2
    assert "credentials" in done.stderr
    assert "0123456789abcdef" not in done.stderr


def start(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillkeeper_hq", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **env})


def test_a_start_that_cannot_work_says_why(tmp_path: Path, hq: Hq) -> None:
    path = credentials(tmp_path)
    assert "--credentials" in start("--data", str(tmp_path / "d")).stderr
    taken = start("--data", str(tmp_path / "d"), "--credentials", str(path), "--listen", urlsplit(hq.url).netloc)
    assert (taken.returncode, "in use" in taken.stderr) == (2, True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "hq.sqlite3").write_text("this is no database, and long enough to be looked at" * 100)
    assert start("--data", str(tmp_path / "other"), "--credentials", str(path)).returncode == 2


def test_credentials_from_the_environment_and_by_digest(tmp_path: Path) -> None:
    digest = hashlib.sha256(token("till-1").encode()).hexdigest()
    entry = {"store": "corner", "register": "till-1", "token_sha256": digest}
    program = [sys.executable, "-m", "tillkeeper_hq", "run"]
    command = [*program, "--data", str(tmp_path / "d"), "--ready-file", str(tmp_path / "up")]
    env = {**os.environ, "TILLKEEPER_HQ_CREDENTIALS": json.dumps({"registers": [entry]})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert (tmp_path / "up").read_text() == line
        goes_on(Hq.at(json.loads(line)["url"]), "till-1")
        process.terminate()
    assert process.returncode == 0
