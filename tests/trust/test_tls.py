"""Real TLS handshakes: whatever the date is, and whoever comes."""

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.wall_clock import WallClock
from tests.trust.world import STORE, founded, pair, site

from tillkeeper.trust import der, tls
from tillkeeper.trust.acts import join_store
from tillkeeper.trust.certificates import authority_certificate, pem, register_certificate
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.store_keys import StoreKeys

AUTHORITY, OTHER, FRONT, BAR = (pair(number) for number in (1, 2, 3, 4))
CA = pem(authority_certificate(AUTHORITY, STORE))
NEVER = b"99991231235959Z"


def dated(certificate: bytes, begin: bytes, end: bytes) -> bytes:
    """The same with other dates, signed anew."""
    ((_, whole),) = der.parts(certificate)
    (_, content), (_, algorithm), _ = der.parts(whole)
    tbs = der.sequence(content.replace(b"700101000000Z", begin).replace(NEVER, end))
    signature = bytes.fromhex(AUTHORITY.sign(tbs))
    return der.sequence(tbs, der.sequence(algorithm), der.value(der.BITS, b"\x00" + signature))


def files(folder: Path, name: str, key: KeyPair, certificate: bytes) -> tuple[Path, Path]:
    (folder / f"{name}.crt").write_text(pem(certificate))
    (folder / f"{name}.key").write_bytes(key.pem())
    return folder / f"{name}.crt", folder / f"{name}.key"


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends of a handshake in memory. Raises `ssl.SSLError` as whichever end does."""
    bios = [ssl.MemoryBIO() for _ in range(4)]
    to_server, from_server, to_client, from_client = bios
    ends = (
        server.wrap_bio(to_server, from_server, server_side=True),
        client.wrap_bio(to_client, from_client),
    )
    for _ in range(6):
        done = 0
        for end in ends:
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
            to_client.write(from_server.read())
            to_server.write(from_client.read())
        if done == 2:
            return ends
    raise AssertionError("the handshake does not end")


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    return tls.server_context(*files(tmp_path, "front", FRONT, register_certificate(AUTHORITY, STORE, "front", FRONT.key)), CA)


def client(folder: Path, certificate: bytes, key: KeyPair = BAR, authority: str = CA) -> ssl.SSLContext:
    return tls.client_context(*files(folder, "bar", key, certificate), authority)


def test_both_ends_know_each_others_key(server: ssl.SSLContext, tmp_path: Path) -> None:
    at_server, at_client = shake(server, client(tmp_path, register_certificate(AUTHORITY, STORE, "bar", BAR.key)))
    assert tls.peer_key(at_server) == BAR.key
    assert tls.peer_key(at_client) == FRONT.key
    assert at_server.version() == "TLSv1.3"
    assert not tls.is_for_desk(at_server)


@pytest.mark.parametrize(("begin", "end"), [(b"700101000000Z", b"19700102000000Z"), (b"491231235959Z", NEVER)])
def test_dates_are_ignored_on_both_sides(begin: bytes, end: bytes, server: ssl.SSLContext, tmp_path: Path) -> None:
    """One that ended in 1970, and one that begins in 2049."""
    odd = dated(register_certificate(AUTHORITY, STORE, "bar", BAR.key), begin, end)
    assert tls.peer_key(shake(server, client(tmp_path, odd))[0]) == BAR.key
    odd_server = tls.server_context(*files(tmp_path, "odd", BAR, odd), CA)
    plain = tls.joining_context(CA)
    tls.welcome_strangers(odd_server, welcome=True)
    assert tls.peer_key(shake(odd_server, plain)[1]) == BAR.key
    plain.verify_flags &= ~ssl.VerifyFlags(tls.NO_CHECK_TIME)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"expired|not yet valid"):  # so it is the flag that does it
        shake(odd_server, plain)


def test_certificates_of_others_are_refused(server: ssl.SSLContext, tmp_path: Path) -> None:
    theirs = register_certificate(OTHER, STORE, "bar", BAR.key)
    with pytest.raises(ssl.SSLError):
        shake(server, client(tmp_path, theirs))
    for welcome in (True, False):
        tls.welcome_strangers(server, welcome=welcome)
        with pytest.raises(ssl.SSLCertVerificationError):
            shake(server, client(tmp_path, theirs))
    own_ca = pem(authority_certificate(OTHER, STORE))
    with pytest.raises(ssl.SSLCertVerificationError):  # and the client does not take ours
        shake(server, client(tmp_path, theirs, authority=own_ca))


def test_who_shows_no_certificate_is_refused_but_while_a_code_is_open(server: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        shake(server, tls.joining_context(CA))
    tls.welcome_strangers(server, welcome=True)
    at_server, _ = shake(server, tls.joining_context(CA))
    assert tls.peer_key(at_server) == ""
    assert tls.is_for_desk(at_server)
    tls.welcome_strangers(server, welcome=False)
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        shake(server, tls.joining_context(CA))


def test_nothing_older_than_tls_1_3_is_spoken(server: ssl.SSLContext, tmp_path: Path) -> None:
    old = client(tmp_path, register_certificate(AUTHORITY, STORE, "bar", BAR.key))
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        shake(server, old)


def test_no_ticket_lets_a_register_in_without_its_certificate(server: ssl.SSLContext, tmp_path: Path) -> None:
    at_server, at_client = shake(server, client(tmp_path, register_certificate(AUTHORITY, STORE, "bar", BAR.key)))
    with pytest.raises(ssl.SSLWantReadError):
        at_client.read(1)
    assert at_client.session is None or not at_client.session.has_ticket
    assert not at_server.session_reused


def test_a_key_that_wants_a_password_is_an_error_and_no_question(server: ssl.SSLContext, tmp_path: Path) -> None:
    certificate, key = files(tmp_path, "front", FRONT, register_certificate(AUTHORITY, STORE, "front", FRONT.key))
    closed = subprocess.run(
        ["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:secret"], capture_output=True, check=True
    ).stdout
    key.write_bytes(closed)
    with pytest.raises(ssl.SSLError):
        tls.server_context(certificate, key, CA)


BOOTED = """
import asyncio, json, sys, time
from pathlib import Path
from tillkeeper.trust.asking import join
from tillkeeper.trust.codes import read_join_code
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.trust.tls import peer_key

async def shaken(folder, port):
    keys = StoreKeys.open(Path(folder), "store-1", "bar")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=keys.client)
    writer.write(b"a line from 1970\\n")
    answer = await reader.readline()
    key = peer_key(writer.get_extra_info("ssl_object"))
    writer.transport.abort()
    return {"year": time.gmtime().tm_year, "key": key, "answer": answer.decode()}

async def joined(code):
    admission = await join(read_join_code(code), KeyPair(bytes(32)), "store-1", "lane")
    return {"year": time.gmtime().tm_year, "at": admission.at}

what, *rest = sys.argv[1:]
print(json.dumps(asyncio.run(joined(rest[0]) if what == "join" else shaken(rest[0], int(rest[1])))))
"""


def test_a_register_that_boots_in_1970_joins_and_is_talked_to(tmp_path: Path) -> None:
    """The others are in the present. The other way round as well: a register of 2099."""
    wall = WallClock(tmp_path / "wall")

    async def scene() -> None:
        front, _ = founded(tmp_path)

        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert front.keys.roster.admits(tls.peer_key(writer.get_extra_info("ssl_object"))) == "bar"
            writer.write(await reader.readline())
            await writer.drain()
            await reader.read()

        async with front.listening(echo) as port:
            bar = site(tmp_path, "bar")
            await asyncio.to_thread(join_store, bar, await front.invited("bar"), "ana")
            for ahead, years in (("-20440d", {1970, 1971}), ("+26600d", {2098, 2099, 2100})):
                wall.set_ahead(ahead)
                told = await run(wall, "shake", str(bar.data_dir), str(port))
                assert told["year"] in years
                assert told["answer"] == "a line from 1970\n"
                assert told["key"] == front.keys.signer.key
                told = await run(wall, "join", await front.code("lane", replace=True))
                assert told["year"] in years
                assert told["at"] == "front"
            assert front.keys.roster.members["lane"].key == KeyPair(bytes(32)).key

    asyncio.run(scene())


async def run(wall: WallClock, *arguments: str) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        *wall.prefix, sys.executable, "-c", BOOTED, *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    told: dict[str, object] = json.loads(out)
    return told


def test_keys_open_only_where_they_belong_together(tmp_path: Path) -> None:
    front, _ = founded(tmp_path)
    shelf = front.keys.shelf
    shelf.path("register.key").write_bytes(BAR.pem())
    with pytest.raises(Exception, match="KEY_VALUES_MISMATCH") as error:
        StoreKeys.open(tmp_path / "front", STORE, "front")
    assert getattr(error.value, "code", "") == "broken_keys"
