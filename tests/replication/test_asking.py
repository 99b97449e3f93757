"""Questions between rooms of two registers, over the line that stands between them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.replication.registers import Corner, corner, until
from tests.simulation.loops import MachineLoop, Time

from tillkeeper.errors import Refused
from tillkeeper.replication.peers import asking
from tillkeeper.replication.peers.asking import Asking, AskRefused
from tillkeeper.replication.peers.session import Session
from tillkeeper.replication.peers.state import PeerState, PeerStatus
from tillkeeper.replication.peers.wire import Hello, Message
from tillkeeper.replication.trouble import SinkTrouble


def play(folder: Path, scene: Callable[[Corner], Awaitable[None]], *names: str) -> None:
    async def run() -> None:
        async with corner(folder, *(names or ("a", "b"))) as store:
            await until(lambda: store["a"].desk.states["b"].calling and store["b"].desk.states["a"].calling)
            await scene(store)

    asyncio.run(run())


def test_each_question_gets_its_own_answer_in_whatever_order_they_come(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        gates = {name: asyncio.Event() for name in (b"one", b"two")}

        async def later(register: str, body: bytes) -> bytes:
            await gates[body].wait()
            return register.encode() + b" " + body

        b.desk.answers["room.later"] = later
        one, two = (asyncio.create_task(a.desk.ask("b", "room.later", body, 10.0)) for body in gates)
        await asyncio.sleep(0)
        gates[b"two"].set()
        assert await two == b"a two"
        assert not one.done()
        gates[b"one"].set()
        assert await one == b"a one"

    play(tmp_path, scene)


def test_no_is_said_with_its_code_and_words_and_a_mistake_ends_nobody(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]

        async def no(_register: str, _body: bytes) -> bytes:
            raise Refused("owner_busy", "take", "check 1", "it is being paid", "ask again")

        async def strict(_register: str, body: bytes) -> bytes:
            return msgspec.json.encode(msgspec.json.decode(body, type=dict[str, int]))

        async def broken(_register: str, _body: bytes) -> bytes:
            raise ZeroDivisionError

        b.desk.answers |= {"room.no": no, "room.strict": strict, "room.broken": broken}
        with pytest.raises(AskRefused) as refused:
            await a.desk.ask("b", "room.no", b"", 10.0)
        assert (refused.value.code, refused.value.cause, refused.value.hint) == ("owner_busy", "it is being paid", "ask again")
        codes = {"room.strict": "malformed", "room.broken": "internal", "room.unknown": "unknown_topic"}
        for topic, code in codes.items():
            with pytest.raises(AskRefused) as refused:
                await a.desk.ask("b", topic, b"no map", 10.0)
            assert refused.value.code == code
        assert await a.desk.ask("b", "room.strict", b'{"n":1}', 10.0) == b'{"n":1}'

    play(tmp_path, scene)


def test_who_asks_is_told_at_once_that_the_line_has_ended_and_what_was_begun_is_finished(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow(_register: str, _body: bytes) -> bytes:
            begun.set()
            await go_on.wait()
            done.set()
            return b""

        b.desk.answers["room.slow"] = slow
        asked = asyncio.create_task(a.desk.ask("b", "room.slow", b"", 3600.0))
        await begun.wait()
        await store.cut("a", "b")
        with pytest.raises(SinkTrouble) as trouble:
            await asked
        assert trouble.value.code == "unreachable"
        go_on.set()
        await until(done.is_set)
        with pytest.raises(SinkTrouble):
            await a.desk.ask("b", "room.slow", b"", 1.0)
        with pytest.raises(SinkTrouble):
            await a.desk.ask("nobody", "room.slow", b"", 1.0)

    play(tmp_path, scene)


def test_no_answer_in_time_and_too_many_questions_are_said(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        begun = 0

        async def never(_register: str, _body: bytes) -> bytes:
            nonlocal begun
            begun += 1
            await asyncio.Event().wait()
            return b""

        b.desk.answers["room.never"] = never
        with pytest.raises(SinkTrouble) as trouble:
            await a.desk.ask("b", "room.never", b"", 0.05)
        assert trouble.value.code == "timeout"
        asked = [asyncio.create_task(a.desk.ask("b", "room.never", b"", 3600.0)) for _ in range(asking.MAX_ASKED)]
        await until(lambda: begun == asking.MAX_ANSWERING and sum(one.done() for one in asked) > 0)
        with pytest.raises(SinkTrouble) as trouble:
            await a.desk.ask("b", "room.never", b"x" * (asking.MAX_BODY + 1), 1.0)
        assert trouble.value.code == "busy"
        for one in asked:
            one.cancel()
        ended = await asyncio.gather(*asked, return_exceptions=True)
        assert {one.code for one in ended if isinstance(one, AskRefused)} == {"busy"}

    play(tmp_path, scene)


def test_a_register_that_is_no_sink_is_called_to_be_asked(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        c, d = store["c"], store["d"]

        async def echo(register: str, body: bytes) -> bytes:
            return register.encode() + body

        d.desk.answers["room.echo"] = echo
        assert set(c.desk.lines.wanted) == {"a", "b"}
        with pytest.raises(SinkTrouble):
            await c.desk.ask("d", "room.echo", b"", 10.0)
        assert await c.desk.ask("d", "room.echo", b"!", 10.0, call=True) == b"c!"
        await store.end("d")
        with pytest.raises(SinkTrouble):
            await c.desk.ask("d", "room.echo", b"", 0.2, call=True)

    play(tmp_path, scene, *"abcd")


class Silent:
    """A line over which nothing comes."""

    register = key = address = "b"

    async def send(self, frame: bytes) -> None:
        pass

    def post(self, frame: bytes) -> None:
        pass

    async def receive(self, within_s: float) -> Message:
        raise SinkTrouble("timeout", "register b", f"silent for {within_s:g} s")

    def abort(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


def test_the_time_for_an_answer_begins_with_the_call() -> None:
    time, state = Time(lambda _who, words: pytest.fail(words)), PeerState("b")
    loop = MachineLoop(time, "a")

    def comes() -> None:
        hello = Hello("s", "b", "log", "session", "1")
        state.calling = Session(Silent(), hello, dialled=True, now_s=loop.time)
        asked.came()

    def call(_register: str) -> None:
        loop.call_later(0.7, comes)

    asked = Asking({"b": state}, call)
    task = loop.create_task(asked.ask("b", "check.take", b"", 1.5, call=True))
    time.run(1.4)
    assert state.calling is not None
    assert not task.done()
    time.run(1.51)
    assert task.done()
    error = task.exception()
    assert isinstance(error, SinkTrouble)
    assert error.code == "timeout"


def test_a_register_without_a_line_is_as_well_as_those_say_who_hear_it(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        c = store["c"]

        def told() -> PeerStatus:
            return next(one for one in c.desk.status() if one.register == "d")

        await until(lambda: told().reachable and not c.desk.asking.there("d"))
        assert (told().sink, told().trouble) == (False, "")
        assert await c.desk.asking.reach("d", 10.0)
        assert c.desk.asking.there("d")
        assert not await c.desk.asking.reach("nobody", 0.1)
        await store.end("d")
        await until(lambda: not told().reachable and not c.desk.is_heard("d"))

    play(tmp_path, scene, *"abcd")
