"""Joining by a code, and everybody who tries to without."""

import asyncio
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.trust.world import BEACON, SECRET, STORE, Register, founded, pair, site

from tillkeeper.contract.caller import INTEGRATION
from tillkeeper.contract.trust import JoinCodeOpened, JoinRefused, LeaveBody, RegisterAdmitted, RegisterLeft
from tillkeeper.errors import Refused, StorageRefused
from tillkeeper.trust import tls, wire
from tillkeeper.trust.acts import join_store
from tillkeeper.trust.admitting import AT_A_TIME
from tillkeeper.trust.asking import Admission, join, tell
from tillkeeper.trust.certificates import authority_certificate, pem, public_key, register_certificate
from tillkeeper.trust.codes import JoinCode
from tillkeeper.trust.invitation import AGAIN_S, CODE_S, TRIES
from tillkeeper.trust.keys import KeyPair, authority_pair
from tillkeeper.trust.proof import Transcript, prove
from tillkeeper.trust.trouble import TrustTrouble

BAR, THIEF = pair(5), pair(6)


async def refusal(code: JoinCode, key: KeyPair = BAR, store: str = STORE, register: str = "bar") -> TrustTrouble:
    """Why joining came to nothing."""
    with pytest.raises(TrustTrouble) as error:
        await join(code, key, store, register)
    trouble = error.value
    assert all((trouble.operation, trouble.subject, trouble.cause, trouble.hint))
    return trouble


def test_a_register_joins_and_brings_home_what_it_needs(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            admission = await join(await front.invited(), BAR, STORE, "bar")
        check(front, admission)
        assert admission.done.authority_secret == b""
        opened, accepted = front.journal
        assert isinstance(opened, JoinCodeOpened)
        assert isinstance(accepted, RegisterAdmitted)
        assert (opened.by, accepted.by, accepted.address) == ("ana", "ana", "127.0.0.1")
        assert (accepted.register, accepted.key, accepted.term) == ("bar", BAR.key, 1)

    asyncio.run(scene())


def check(front: Register, admission: Admission) -> None:
    done = admission.done
    assert public_key(done.certificate) == BAR.key
    assert admission.roster.admits(BAR.key) == front.keys.roster.admits(BAR.key) == "bar"
    assert admission.at == "front"
    assert (done.store_secret, done.beacon_key) == (SECRET, BEACON)


def test_one_that_may_admit_gets_the_authority_too(tmp_path: Path) -> None:
    async def scene() -> None:
        front, outcome = founded(tmp_path)
        async with front.listening():
            admission = await join(await front.invited(may_admit=True), BAR, STORE, "bar")
        assert authority_pair(admission.done.authority_secret).key == outcome.roster.authority
        assert admission.roster.members["bar"].may_admit

    asyncio.run(scene())


def test_an_answer_that_was_lost_is_given_again_to_the_same_key_only(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()
            check(front, await join(code, BAR, STORE, "bar"))
            check(front, await join(code, BAR, STORE, "bar"))
            assert len(front.journaled(RegisterAdmitted)) == 1
            assert (await refusal(code, THIEF)).code == "wrong_code"
            front.now_s += AGAIN_S
            trouble = await refusal(code)
            assert trouble.code == "no_code_open"
            assert front.keys.server.verify_mode is ssl.CERT_REQUIRED
        assert set(front.keys.roster.members) == {"front", "bar"}

    asyncio.run(scene())


def test_a_wrong_code_says_how_many_tries_are_left_and_the_fifth_ends_it(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()
            for left in reversed(range(TRIES)):
                trouble = await refusal(replace(code, secret=bytes([left]) * 6), THIEF)
                assert trouble.extra["tries_left"] == left
                assert trouble.code == ("wrong_code" if left else "code_used_up")
                assert not trouble.retry_safe
            assert (await refusal(code)).code == "no_code_open", "the right code is void too"
            assert front.desk.view().code is None
            refused = front.journaled(JoinRefused)
            assert [event.tries_left for event in refused if isinstance(event, JoinRefused)] == [4, 3, 2, 1, 0]
            check(front, await join(await front.invited(), BAR, STORE, "bar"))

    asyncio.run(scene())


def test_guessing_at_once_makes_no_more_tries(tmp_path: Path) -> None:
    """Twenty at a time: not one more than five is judged."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()
            guesses = [refusal(replace(code, secret=bytes([number]) * 6), THIEF) for number in range(20)]
            troubles = await asyncio.gather(*guesses)
        judged = [one for one in troubles if one.code in ("wrong_code", "code_used_up")]
        assert len(judged) == len(front.journaled(JoinRefused)) == TRIES
        assert {one.code for one in troubles} <= {"wrong_code", "code_used_up", "no_code_open", "peer_busy"}
        assert set(front.keys.roster.members) == {"front"}

    asyncio.run(scene())


def test_a_code_lasts_ten_minutes_of_the_boot_clock(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()
            front.now_s += CODE_S - 0.1
            check(front, await join(code, BAR, STORE, "bar"))
            code = await front.invited("lane")
            front.now_s += CODE_S
            trouble = await refusal(code, register="lane")
            assert trouble.code == "no_code_open"
            assert "ten minutes" in f"{trouble.cause} {trouble.hint}"
            assert front.keys.server.verify_mode is ssl.CERT_REQUIRED

    asyncio.run(scene())


def test_a_code_survives_neither_a_restart_nor_the_next_one(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            old = await front.invited()
            new = await front.invited()
            assert (await refusal(old)).code == "wrong_code"
            port = front.port
        again = Register(front.site)
        async with again.listening():
            assert (await refusal(replace(new, port=again.port))).code == "no_code_open"
        assert (await refusal(replace(new, port=port))).code == "peer_unreachable"

    asyncio.run(scene())


def test_a_code_is_for_one_register_of_one_store(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path / "a")
        neighbour, _ = founded(tmp_path / "b")
        async with front.listening(), neighbour.listening():
            code = await front.invited()
            trouble = await refusal(code, register="lane")
            assert trouble.code == "other_register"
            assert "'bar'" in trouble.cause
            trouble = await refusal(code, store="store-2")
            assert trouble.code == "other_store"
            assert STORE in trouble.cause
            # The same address, but there is another store behind it.
            trouble = await refusal(replace(code, port=neighbour.port))
            assert trouble.code == "no_code_open"
            await neighbour.code()
            assert (await refusal(replace(code, port=neighbour.port))).code == "wrong_authority"
            assert neighbour.journaled(JoinRefused) == [], "nothing of the code was told to it"
            check(front, await join(code, BAR, STORE, "bar"))

    asyncio.run(scene())


def test_a_disk_that_refuses_admits_nobody_and_the_same_code_works_afterwards(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()
            front.refuses = StorageRefused("append", "journal", "the disk is full")
            with pytest.raises(Exception, match="disk is full"):
                await join(code, BAR, STORE, "bar")
            assert set(front.keys.roster.members) == {"front"}
            front.refuses = None
            check(front, await join(code, BAR, STORE, "bar"))

    asyncio.run(scene())


# --- attacks ---


@contextlib.asynccontextmanager
async def impostor(
    authority: KeyPair, key: KeyPair, target: int, heard: list[bytes], show: bytes | None = None
) -> AsyncIterator[int]:
    """A man in the middle: ends TLS with `key` and a certificate by `authority`, talks to the real one as a joiner does and
    passes on what either says, but for the authority's certificate where `show` is another."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target, ssl=tls.joining_context())
        try:
            welcome = await wire.receive(far_reader, wire.MAX_SENT)
            assert isinstance(welcome, wire.Welcome)
            writer.write(wire.encode(welcome if show is None else replace(welcome, authority=show)))
            asked = await reader.read(65_536)
            heard.append(asked)
            far_writer.write(asked)
            writer.write(await far_reader.read(65_536))
            await writer.drain()
        except (OSError, wire.Garbled):
            pass
        finally:
            far_writer.transport.abort()
            writer.transport.abort()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "c").write_text(pem(register_certificate(authority, STORE, "front", key.key)))
        (folder / "k").write_bytes(key.pem())
        context.load_cert_chain(folder / "c", folder / "k")
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def test_a_man_in_the_middle_with_an_authority_of_his_own_hears_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            code = await front.invited()
            own = pair(66)
            for show in (None, authority_certificate(own, STORE)):  # the real authority's certificate, or his own
                heard: list[bytes] = []
                async with impostor(own, THIEF, port, heard, show) as middle:
                    assert (await refusal(replace(code, port=middle))).code == "wrong_authority"
                assert b"".join(heard) == b""
            assert front.journaled(JoinRefused) == []
            check(front, await join(code, BAR, STORE, "bar"))

    asyncio.run(scene())


def test_another_member_in_the_middle_gets_nothing_out_of_what_he_hears(tmp_path: Path) -> None:
    """He has a certificate by the authority, so TLS lets him be; what he passes on was said to his key, not to the other's."""

    async def scene() -> None:
        front, outcome = founded(tmp_path)
        secret = front.keys.shelf.authority_secret()
        assert secret is not None
        async with front.listening() as port:
            code = await front.invited()
            heard: list[bytes] = []
            async with impostor(authority_pair(secret), THIEF, port, heard) as middle:
                trouble = await refusal(replace(code, port=middle))
            assert trouble.code == "wrong_code"
            assert any(heard)
            assert code.secret not in b"".join(heard)
            assert set(front.keys.roster.members) == {"front"}
        assert outcome.recovery

    asyncio.run(scene())


async def stranger(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, wire.Welcome]:
    """A connection without a certificate, up to the welcome."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls.joining_context())
    welcome = await wire.receive(reader, wire.MAX_SENT)
    assert isinstance(welcome, wire.Welcome)
    return reader, writer, welcome


def test_what_was_heard_once_does_not_work_again(tmp_path: Path) -> None:
    """The whole of a good conversation, said again to the same register and to one with the same code."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            code = await front.invited()
            reader, writer, welcome = await stranger(port)
            transcript = Transcript(
                store=STORE, register="bar", authority=front.keys.roster.authority, admitting=front.keys.signer.key,
                joining=BAR.key, said=welcome.nonce, answered=b"n" * 16,
            )  # fmt: skip
            proof = prove(code.secret, "joining", transcript)
            ask = wire.encode(wire.Ask(STORE, "bar", BAR.key, b"n" * 16, proof, BAR.sign(proof)))
            writer.write(ask)
            assert isinstance(await wire.receive(reader, wire.MAX_SENT), wire.Done)
            writer.transport.abort()
            reader, writer, again = await stranger(port)
            assert again.nonce != welcome.nonce
            writer.write(ask)
            refused = await wire.receive(reader, wire.MAX_SENT)
            assert isinstance(refused, wire.Refusal)
            assert refused.code == "wrong_code"
            writer.transport.abort()

    asyncio.run(scene())


def test_whoever_asks_must_have_the_key_that_he_asks_for(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            code = await front.invited()
            reader, writer, welcome = await stranger(port)
            transcript = Transcript(
                store=STORE, register="bar", authority=front.keys.roster.authority, admitting=front.keys.signer.key,
                joining=BAR.key, said=welcome.nonce, answered=b"n" * 16,
            )  # fmt: skip
            proof = prove(code.secret, "joining", transcript)
            writer.write(wire.encode(wire.Ask(STORE, "bar", BAR.key, b"n" * 16, proof, THIEF.sign(proof))))
            assert isinstance(await wire.receive(reader, wire.MAX_SENT), wire.Refusal)
            writer.transport.abort()
        assert set(front.keys.roster.members) == {"front"}

    asyncio.run(scene())


def member_context(front: Register, folder: Path, register: str, key: KeyPair, protocol: str = tls.PEERS) -> ssl.SSLContext:
    """As the register `register` with a certificate by the store's authority."""
    secret = front.keys.shelf.authority_secret()
    assert secret is not None
    (folder / "m.crt").write_text(pem(register_certificate(authority_pair(secret), STORE, register, key.key)))
    (folder / "m.key").write_bytes(key.pem())
    return tls.client_context(
        folder / "m.crt", folder / "m.key", pem(front.keys.shelf.authority_certificate(front.keys.roster.authority)), protocol
    )


def test_a_register_that_left_gets_in_nowhere(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path, finals={"bar": {"log": 12}})
        others: list[str] = []

        async def peers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            others.append(front.keys.roster.admits(tls.peer_key(writer.get_extra_info("ssl_object"))))

        async with front.listening(peers) as port:
            await join(await front.invited(), BAR, STORE, "bar")
            for member in ("bar", ""):
                context = member_context(front, tmp_path, "bar", BAR)
                reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
                await reader.read()
                writer.transport.abort()
                assert others.pop() == member
                view = await front.desk.leave(LeaveBody(register="bar", by="ana"), INTEGRATION)
            (gone,) = view.left
            assert (gone.register, gone.key, gone.finals) == ("bar", BAR.key, {"log": 12})
            (event,) = front.journaled(RegisterLeft)
            assert isinstance(event, RegisterLeft)
            assert (event.keys, event.finals, event.by) == ((BAR.key,), {"log": 12}, "ana")
            desk = member_context(front, tmp_path, "bar", BAR, tls.DESK)
            with pytest.raises(TrustTrouble) as error:
                await tell(("127.0.0.1", port), desk, front.keys.roster, "bar")
            assert error.value.code == "revoked"
            # Its key is over for ever, with whatever code; the register itself may come back with another.
            with pytest.raises(TrustTrouble):
                await join(await front.invited(), BAR, STORE, "bar")
            check_new = await join(await front.invited(), THIEF, STORE, "bar")
            assert check_new.roster.admits(THIEF.key) == "bar"

    asyncio.run(scene())


def test_secrets_are_told_to_members_only(tmp_path: Path) -> None:
    """A certificate by the authority alone, as of a register that was never announced, gets the roster and no more."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            context = member_context(front, tmp_path, "lane", THIEF, tls.DESK)
            told = await tell(("127.0.0.1", port), context, front.keys.roster, "lane")
            assert told.statements == front.keys.roster.statements
            assert told.store_secret == told.beacon_key == ""

    asyncio.run(scene())


FRAME = wire.HEADER
HOSTILE = (
    b"",
    b"\x00",
    b"\xff" * 64,
    FRAME.pack(0, 0),
    FRAME.pack(2**32 - 1, 0),
    FRAME.pack(wire.MAX_ASKED + 1, 0) + b"x" * 100,
    FRAME.pack(4, 1) + b"abcd",
    FRAME.pack(4, 0) + b"\xc1\xc1\xc1\xc1",
    FRAME.pack(50_000, 0) + b"\x91" * 50_000,
    wire.encode(wire.Refusal("wrong_code")),
    wire.encode(wire.Fetch("bar")),
    wire.encode(wire.Announce((), "bar")),
    wire.encode(wire.Ask("a\nb", "bar", "00" * 32, b"n" * 16, b"p" * 32, "00" * 64)),
    wire.encode(wire.Ask(STORE, "bar", "zz", b"n" * 16, b"p" * 32, "00" * 64)),
    wire.encode(wire.Ask(STORE, "bar", "00" * 32, b"short", b"p" * 32, "00" * 64)),
)


def test_garbage_costs_no_try_and_stops_nobody(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            code = await front.invited()
            for data in HOSTILE:
                reader, writer, _welcome = await stranger(port)
                writer.write(data)
                if data == b"" or len(data) < FRAME.size:
                    writer.close()  # half a frame, and gone
                with contextlib.suppress(OSError):
                    await asyncio.wait_for(reader.read(), 5)
                writer.transport.abort()
            invitation = front.admitting.invitation
            assert invitation is not None
            assert invitation.tries_left == TRIES
            check(front, await join(code, BAR, STORE, "bar"))

    asyncio.run(scene())


def test_handshakes_that_are_cut_short_stop_nobody(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening() as port:
            code = await front.invited()
            bio_in, bio_out = ssl.MemoryBIO(), ssl.MemoryBIO()
            with pytest.raises(ssl.SSLWantReadError):
                tls.joining_context().wrap_bio(bio_in, bio_out).do_handshake()
            hello = bio_out.read()
            kept = []
            for cut in (0, 1, 5, 60, len(hello) - 1, len(hello)):
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(hello[:cut])
                await writer.drain()
                if cut % 2:
                    writer.transport.abort()
                else:
                    kept.append(writer)
            check(front, await join(code, BAR, STORE, "bar"))
            for writer in kept:
                writer.transport.abort()

    asyncio.run(scene())


def test_who_says_nothing_is_left_after_a_while_and_holds_nobody_up(tmp_path: Path) -> None:
    """As many as there is room for, silent or a byte at a time: the next one is told to come back, and then gets in."""

    async def scene() -> None:
        front, _ = founded(tmp_path, within_s=1.0)
        async with front.listening() as port:
            code = await front.invited()
            slow = [await stranger(port) for _ in range(AT_A_TIME)]
            for _, writer, _ in slow[::2]:
                writer.write(b"\x00")
            assert (await refusal(code)).code == "peer_busy"
            for reader, writer, _ in slow:
                with contextlib.suppress(OSError):
                    await asyncio.wait_for(reader.read(), 10)
                writer.transport.abort()
            check(front, await join(code, BAR, STORE, "bar"))

    asyncio.run(scene())


def test_who_stands_at_the_address_is_told_apart_from_nobody(tmp_path: Path) -> None:
    """No TLS at all, or TLS of something else."""

    async def scene() -> None:
        front, _ = founded(tmp_path)
        async with front.listening():
            code = await front.invited()

        async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        trouble = await refusal(replace(code, port=server.sockets[0].getsockname()[1]))
        assert trouble.code == "garbled"
        assert trouble.retry_safe
        server.close()
        await server.wait_closed()

    asyncio.run(scene())


def test_no_secret_is_in_the_journal_or_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def scene() -> None:
        front, outcome = founded(tmp_path)
        text = ""
        async with front.listening():
            text = await front.code()
            code = await front.invited()
            await refusal(replace(code, secret=b"wrong!"))
            await asyncio.to_thread(join_store, site(tmp_path, "bar"), code, "ana")
        secret = front.keys.shelf.authority_secret()
        assert secret is not None
        shown = caplog.text + repr(front.journal) + repr(front.desk.view()) + repr(front.keys) + repr(front.keys.signer)
        for hidden in (text, code.secret.hex(), SECRET, BEACON, secret.hex(), outcome.recovery):
            assert hidden not in shown
        pem_lines = front.keys.shelf.path("register.key").read_text().splitlines()
        assert pem_lines[1] not in shown

    asyncio.run(scene())


async def answers(front: Register, *sent: bytes) -> TrustTrouble:
    """What a joining register says of somebody with the real register's certificate who answers with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for data in sent:
            writer.write(data)
            if data is not sent[-1]:
                await reader.read(65_536)
        writer.close()

    tls.welcome_strangers(front.keys.server, welcome=True)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=front.keys.server)
    try:
        front.port = server.sockets[0].getsockname()[1]
        code = await front.invited()
        with contextlib.suppress(OSError):
            return await refusal(code)
    finally:
        server.close()
        await server.wait_closed()
    raise AssertionError("it has joined something")


def test_whatever_answers_is_said_in_words(tmp_path: Path) -> None:
    async def scene() -> None:
        front, _ = founded(tmp_path)
        keys = front.keys
        authority = keys.shelf.authority_certificate(keys.roster.authority)
        welcome = wire.encode(wire.Welcome(STORE, "front", authority, b"n" * 16))
        done = wire.Done(b"p" * 32, authority, keys.roster.statements, SECRET)
        cases: list[tuple[str, tuple[bytes, ...]]] = [
            ("garbled", (b"\xff" * 100,)),
            ("garbled", (FRAME.pack(3, 0) + b"abc",)),
            ("garbled", (wire.encode(done),)),
            ("no_code_open", (b"",)),
            ("wrong_authority", (wire.encode(wire.Welcome(STORE, "front", b"no certificate", b"n" * 16)),)),
            ("garbled", (welcome, b"")),
            ("garbled", (welcome, FRAME.pack(wire.MAX_SENT + 1, 0))),
            ("garbled", (welcome, FRAME.pack(4, 0) + b"\x91\x91\x91\x91")),
            ("wrong_authority", (welcome, welcome)),
            ("wrong_authority", (welcome, wire.encode(done))),
            ("revoked", (welcome, wire.encode(wire.Refusal("revoked", "its key has left", "join again")))),
        ]
        for code, sent in cases:
            assert (await answers(front, *sent)).code == code, sent
        with pytest.raises(Refused, match="something new"):
            await answers(front, welcome, wire.encode(wire.Refusal("a_code_of_next_year", "something new")))

    asyncio.run(scene())
