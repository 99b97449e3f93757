"""HQ over https: whose certificates a register believes, and what it says where it believes one not."""

import asyncio
import ssl
from pathlib import Path

import pytest
from tests.replication.test_http import BEAT, response, serving
from tests.support.authority import DAY, NOW, Authority
from tests.support.hq_access import access

from tillkeeper import authorities
from tillkeeper.config.model import Hq
from tillkeeper.replication.http import HttpTransport
from tillkeeper.replication.trouble import SinkTrouble

ANSWER = response("200 OK", b'{"held_seq":7}')


def held(tls: ssl.SSLContext, ca_file: str | Path = "") -> int:
    """What HQ says that it holds. Raises SinkTrouble."""

    async def scene() -> int:
        async with serving(ANSWER, tls=tls) as server:
            transport = HttpTransport(access(Hq(url=server.url, ca_file=str(ca_file), timeout_s=10.0)))
            try:
                return (await transport.exchange(BEAT)).held_seq
            finally:
                await transport.aclose()
                said.extend(server.requests)

    said: list[bytes] = []
    try:
        return asyncio.run(scene())
    except SinkTrouble:
        assert not said, "nothing is sent to whom is not believed"
        raise


def refused(tls: ssl.SSLContext, ca_file: str | Path = "") -> SinkTrouble:
    with pytest.raises(SinkTrouble) as caught:
        held(tls, ca_file)
    assert caught.value.code == "untrusted"
    return caught.value


@pytest.fixture
def own(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "own")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """That this machine believes, alone."""
    found = Authority(tmp_path, "machine")
    monkeypatch.setenv("SSL_CERT_FILE", str(found.file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return found


def test_the_authorities_of_the_machine_are_believed(machine: Authority, own: Authority) -> None:
    assert held(machine.server()) == 7
    said = refused(own.server())
    assert "of an authority that is not believed here (unable to get local issuer certificate)" in said.cause
    assert f"the authorities of this machine ({machine.file}) are believed" in said.hint
    assert "hq.ca_file" in said.hint


def test_with_a_file_its_authorities_alone_are_believed(machine: Authority, own: Authority) -> None:
    assert held(own.server(), own.file) == 7
    said = refused(machine.server(), own.file)
    assert f"only the authorities in {own.file} (hq.ca_file) are believed" in said.hint


def test_a_machine_without_authorities_believes_those_of_the_package(
    own: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    assert authorities.context().cert_store_stats()["x509_ca"] > 50
    assert "the package, for this machine has none" in refused(own.server()).hint


def test_another_name_and_another_time_are_said_so(own: Authority) -> None:
    said = refused(own.server("127.0.0.9"), own.file)
    assert "127.0.0.1" in said.cause
    assert said.hint == "the address has to be one that the certificate names"
    said = refused(own.server(until=NOW - DAY), own.file)
    assert "certificate has expired" in said.cause
    assert "clock of this register" in said.hint


def test_a_certificate_that_may_vouch_for_nobody_is_not_called_unknown(tmp_path: Path) -> None:
    lesser = Authority(tmp_path, "lesser", may_sign=False)
    said = refused(lesser.server(), lesser.file)
    assert said.cause == "its certificate is not believed: invalid CA certificate"
    assert "made anew" in said.hint


def test_a_handshake_that_fails_is_said_in_words(own: Authority) -> None:
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # it has no certificate at all
    with pytest.raises(SinkTrouble) as caught:
        held(other, own.file)
    assert caught.value.code == "unreachable"
    assert "ConnectError" not in caught.value.cause


def test_authorities_that_are_lost_while_an_agent_runs_are_still_believed_by_it(own: Authority) -> None:
    """The second connection is made when HQ is silent for the first time: by then the file may be anything."""

    async def scene() -> int:
        async with serving(ANSWER, tls=own.server()) as server:
            transport = HttpTransport(access(Hq(url=server.url, ca_file=str(own.file))))
            own.file.write_bytes(b"")
            try:
                return (await transport.look(BEAT, 10.0)).held_seq
            finally:
                await transport.aclose()

    assert asyncio.run(scene()) == 7
