"""Other machines that lie, forge, flood or talk nonsense: refused with a word, nothing lost, and the log says who."""

import asyncio
import contextlib
import random
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.replication.registers import STORE, Corner, Counter, corner, until
from tests.support.keys import join_all

from tillkeeper.contract.chain import GENESIS, envelope_header, link
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.signing import sign_head
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.replication.peers import stream
from tillkeeper.replication.peers.stream import StreamConnection, dial
from tillkeeper.replication.peers.wire import HEADER, Answer, Beat, Hello, Message, Push, Refused, Roster, encode
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.trust.keys import KeyPair
from tillkeeper.trust.store_keys import StoreKeys


def play(folder: Path, scene: Callable[[Corner], Awaitable[None]], *names: str) -> None:
    async def run() -> None:
        async with corner(folder, *(names or ("a", "b"))) as store:
            await scene(store)

    asyncio.run(run())


class Liar:
    """A member's key in the wrong hands: register "b", while the real one is away."""

    def __init__(self, keys: StoreKeys, connection: StreamConnection, register: str = "b") -> None:
        self.keys, self.connection, self.register = keys, connection, register

    async def say(self, message: Message) -> None:
        await self.connection.send(encode(message))

    async def hear(self, kind: type[Message]) -> Message:
        while True:
            message = await self.connection.receive(10.0)
            if isinstance(message, kind):
                return message

    async def hello(self, **changes: object) -> Message:
        hello = Hello(STORE, self.register, "liars-log", "liars-session", "9", admission=self.keys.admission())
        await self.say(msgspec.structs.replace(hello, **changes))
        return await self.connection.receive(10.0)

    async def push(self, batch: HqBatch) -> Answer:
        await self.say(Push(batch))
        answer = await self.hear(Answer)
        assert isinstance(answer, Answer)
        return answer


@contextlib.asynccontextmanager
async def liar(store: Corner, victim: Counter, register: str = "b") -> AsyncIterator[Liar]:
    keys = StoreKeys.open(store.folders[register], STORE, register)
    assert keys is not None
    connection = await dial(keys, victim.register, "127.0.0.1", victim.port)
    try:
        yield Liar(keys, connection, register)
    finally:
        await connection.aclose()


def events(register: str, count: int, *, first: int = 1, previous: str = GENESIS, incarnation: str = "i") -> list[Envelope]:
    found = []
    for seq in range(first, first + count):
        bare = Envelope(STORE, register, incarnation, seq, "odd", 1, "2026-11-22", 0, f'{{"n":{seq}}}', previous, "")
        previous = link(previous, envelope_header(bare), bare.body.encode())
        found.append(msgspec.structs.replace(bare, hash=previous))
    return found


def batch(register: str, sent: list[Envelope], signer: KeyPair | None = None) -> HqBatch:
    last = sent[-1]
    head = sign_head(STORE, register, "i", last.seq, last.hash, signer.key, signer.sign) if signer is not None else None
    return HqBatch(STORE, register, last.incarnation, tuple(sent), head)


def test_a_register_that_claims_to_hold_more_of_anothers_log_is_not_believed(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await store.end("b")
        await a.sell(3)
        own = a.own
        async with liar(store, a) as b:
            by_b = sign_head(STORE, *own, 99, "ab" * 32, b.keys.signer.key, b.keys.signer.sign)
            await b.hello(marks=(Mark(*own, 99, "ab" * 32), Mark(*own, 99, "ab" * 32, by_b)))
            await b.say(Beat((Mark(*own, 1_000_000, "cd" * 32, by_b),)))
            await until(lambda: "1000000" in a.desk.states["b"].alarm)
            assert "not believed" in a.desk.status()[0].alarms[0]
        await a.sell(1)
        assert a.own == own
        assert not a.renewals.alarms

    play(tmp_path, scene)


def test_forged_relayed_and_foreign_events_are_refused_by_name(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await store.end("b")
        async with liar(store, a) as b:
            signer = b.keys.signer
            assert isinstance(signer, KeyPair)
            await b.hello()
            assert (await b.push(batch("b", events("b", 3)))).refused.startswith("unsigned")
            assert (await b.push(batch("b", events("b", 3), KeyPair(bytes(32))))).refused.startswith("bad_signature")
            assert (await b.push(batch("c", events("c", 3), signer))).refused, "another's log, signed by the relay"
            assert (await b.push(batch("a", events("a", 3), signer))).refused.startswith("bad_signature"), "own past, made up"
            assert LogId("a", "i") not in a.library.heads()
            assert (await b.push(HqBatch("elsewhere", "b", "i", (), None))).refused.startswith("other_store")
            good = events("b", 5)
            answer = await b.push(batch("b", good, signer))
            assert (answer.refused, answer.answer.held_seq) == ("", 5)
            again = await b.push(batch("b", good[2:4], signer))
            assert {one.verdict for one in again.answer.verdicts} == {"stored"}, "a replay changes nothing"
            gap = await b.push(batch("b", events("b", 2, first=9), signer))
            assert {one.verdict for one in gap.answer.verdicts} == {"retryable"}
            fork = await b.push(batch("b", events("b", 1, first=5, previous="ab" * 32), signer))
            assert [(one.verdict, one.reason) for one in fork.answer.verdicts] == [("rejected", "forked_log")]
            assert [event.hash for event in a.all_of(LogId("b", "i"))] == [event.hash for event in good]
        assert a.journal.last_seq == 1, "its own log is as it was"

    play(tmp_path, scene, "a", "b", "c")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"store": "elsewhere"}, "other_store"),
        ({"register": "c"}, "not_a_member"),
        ({"protocol": 7, "oldest": 7}, "protocol_unknown"),
    ],
)
def test_a_caller_with_the_wrong_words_is_told_why(tmp_path: Path, changes: dict[str, object], code: str) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await store.end("b")
        async with liar(store, a) as b:
            refused = await b.hello(**changes)
            assert isinstance(refused, Refused)
            assert refused.code == code
        assert a.desk.states["b"].called is None

    play(tmp_path, scene)


def test_one_of_its_own_name_is_told_to_a_person(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        async with liar(store, a, "a") as other:
            refused = await other.hello()
            assert isinstance(refused, Refused)
            assert refused.code == "two_sessions"
        assert "another machine says it is register a" in a.desk.rival

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", HEADER.pack(2**31, 0), HEADER.pack(20, 1) + b"x" * 20, HEADER.pack(9, 7) + b"x" * 9],
    ids=["http", "endless", "packed wrong", "flag"],
)
def test_nonsense_of_a_member_ends_its_line_and_nothing_else(tmp_path: Path, nonsense: bytes) -> None:
    async def scene(store: Corner) -> None:
        a, c = store["a"], store["c"]
        await store.end("b")
        async with liar(store, a) as b:
            await b.hello()
            await b.connection.send(nonsense)
            with pytest.raises(SinkTrouble):
                await b.hear(Answer)
        await c.sell(2)
        await until(lambda: a.holds(c.own) == 3)

    play(tmp_path, scene, "a", "b", "c")


def test_forged_statements_about_the_roster_change_nothing(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await store.end("b")
        before = a.keys.roster.digest
        other = tmp_path / "other"
        forged = join_all(STORE, {"a": other / "a"}, authority=KeyPair(bytes(32))).statements
        async with liar(store, a) as b:
            await b.hello()
            await b.say(Roster(forged))
            await b.say(Push(HqBatch(STORE, "b", "i")))
            await b.hear(Answer)
        assert a.keys.roster.digest == before

    play(tmp_path, scene)


def test_a_register_of_another_store_gets_no_further_than_the_handshake(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        other = tmp_path / "other"
        join_all(STORE, {"b": other}, authority=KeyPair(bytes(32)))
        keys = StoreKeys.open(other, STORE, "b")
        assert keys is not None
        with pytest.raises(SinkTrouble) as error:
            await dial(keys, "a", "127.0.0.1", a.port)
        assert error.value.code == "not_a_member"
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            await one_byte(a.port, trusting)

    play(tmp_path, scene)


async def one_byte(port: int, context: ssl.SSLContext) -> None:
    """Raises what a line ends with over which nothing comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        await reader.readexactly(1)
    finally:
        writer.transport.abort()


def test_strangers_take_no_places_from_members(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        await until(lambda: a.desk.states["b"].calling and b.desk.states["a"].calling)
        with contextlib.ExitStack() as flood:
            for _ in range(3 * stream.MAX_STRANGERS):
                silent = flood.enter_context(socket.socket())
                silent.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    silent.connect(("127.0.0.1", a.port))
            await b.sell(3)
            await until(lambda: a.holds(b.own) == 4)
        await store.end("b")
        b = await store.begin("b")  # as soon as the silent ones are thrown out
        await b.sell(1)
        await until(lambda: a.holds(b.own) == b.journal.last_seq)

    play(tmp_path, scene)


def test_names_without_end_are_neither_remembered_nor_said_back(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        await store["b"].stop()
        # Packed better than an answer would be: it comes in within the bounds of a frame, and would not go out within them.
        name = "".join(random.Random(1).choices("0123456789abcdef", k=1_830_000))
        packed = zlib.compress(msgspec.msgpack.encode(Push(HqBatch(STORE, "b", name))), 9)
        long_word = "x" * 1_000_000
        frames = [
            HEADER.pack(len(packed), 1) + packed,
            encode(Beat((Mark("b", long_word, 1, "h"),))),
            encode(Beat((Mark("b", "i", 1, long_word),))),
            encode(Beat(heard=(long_word,))),
            encode(Beat((Mark("b", "i", 1, "h"),) * 12_000)),  # a third of a second of the loop for 20 kB
        ]
        for frame in frames:
            async with liar(store, a) as one:
                await one.hello()
                await one.connection.send(frame)
                with pytest.raises(SinkTrouble):
                    await one.hear(Answer)
        async with liar(store, a) as one:
            with contextlib.suppress(SinkTrouble):
                await one.hello(version=long_word)
        assert sum(len(mark.incarnation) + len(mark.hash) for mark in a.desk.states["b"].marks.values()) < 10_000
        async with liar(store, a) as one:  # it goes on, for those who speak in turn
            assert isinstance(await one.hello(), (Hello, Roster))

    play(tmp_path, scene)
