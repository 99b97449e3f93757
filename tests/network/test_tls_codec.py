"""The beginning of a TLS handshake, as a server of OpenSSL's answers it, and mangled in every way."""

import ssl
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.hostile import mangled
from tests.support.prerequisites import need

from tillkeeper.network import tls

HOST = "hq.small.example"
WHOLE: list[bytes] = []


@pytest.fixture(scope="module", autouse=True)
def answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What OpenSSL says to our hello, up to where it waits for us."""
    need("openssl", root=False)
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
         f"subjectAltName=DNS:{HOST},DNS:*.wild.example,IP:203.0.113.1", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    WHOLE[:] = [flight(chain, key, tls.client_hello(HOST, bytes(range(32))))]
    return WHOLE[0]


def flight(chain: Path, key: Path, hello: bytes) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(coming, going, server_side=True)
    coming.write(hello)
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    return going.read()


def test_a_whole_answer_shows_the_certificate(answer: bytes) -> None:
    seen = tls.parse(answer)
    assert seen is not None
    assert seen.names == (HOST, "*.wild.example")
    assert seen.addresses == (bytes((203, 0, 113, 1)),)
    assert seen.begins_s is not None
    assert seen.ends_s is not None
    assert seen.ends_s - seen.begins_s == 2 * 86_400


def test_every_beginning_wants_more_and_none_shows_another(answer: bytes) -> None:
    whole = tls.parse(answer)
    assert {tls.parse(answer[:size]) for size in range(len(answer))} <= {None, whole}
    assert tls.parse(answer[:500]) is None


def test_records_may_cut_messages_anywhere(answer: bytes) -> None:
    messages, at = b"", 0
    while at < len(answer):
        size = int.from_bytes(answer[at + 3 : at + 5], "big")
        messages += answer[at + 5 : at + 5 + size]
        at += 5 + size
    cut = b"".join(b"\x16\3\3\0\x07" + messages[start : start + 7] for start in range(0, len(messages) - 6, 7))
    assert tls.parse(cut) == tls.parse(answer)


@settings(max_examples=300)
@given(st.data())
def test_no_answer_breaks_it(data: st.DataObject) -> None:
    seen = tls.parse(data.draw(mangled(WHOLE[0])))
    if seen is not None:
        said, why = tls.meaning(seen, HOST, 2e9)
        assert said in ("reply", "wrong")
        assert len(seen.names) <= tls.MOST_NAMES
        assert (said == "reply") == (why == "")


@given(st.binary(max_size=2000), st.booleans())
def test_chance_bytes_are_no_certificate(data: bytes, like_tls: bool) -> None:
    seen = tls.parse(b"\x16\3\3" + data if like_tls else data)
    assert seen is None or not seen.certificate or not seen.names
