"""HQ is asked once more, by a way of its own, before it is believed to be away - and seen at once when it is back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.support.hq_access import access
from tests.support.lines import Line

from tillkeeper.config.model import Hq
from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.replication.http import HttpTransport
from tillkeeper.replication.model import LogId
from tillkeeper.replication.recheck import AGAIN_S, OVERDUE_S, Flight, Recheck
from tillkeeper.replication.trouble import SinkTrouble

OWN = LogId("front", "now")
MOST_S = 30.0


class Way:
    """A fresh connection to HQ, on which a test decides. Fails in any of its ways while `fails`, chosen by a seed."""

    def __init__(self) -> None:
        self.fails = False
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.asked: Callable[[], None] = lambda: None
        self.looks: list[tuple[HqBatch, float]] = []
        self._chance = random.Random(3)

    async def look(self, batch: HqBatch, within_s: float) -> HqAnswer:
        await asyncio.sleep(0)
        self.looks.append((batch, within_s))
        self.asked()
        await self.goes_on.wait()
        if self.fails:
            code = self._chance.choice(("timeout", "unreachable", "server_error", "redirected", "credentials_refused"))
            raise SinkTrouble(code, "hq", f"it is {code}")
        return HqAnswer(0)


class Scene:
    """A recheck beside a link of which the test says what it has seen."""

    def __init__(self) -> None:
        self.way, self.flight = Way(), Flight()
        self.ok_s: float | None = None
        self.failed_s: float | None = None
        self.told: list[tuple[bool, bool]] = []
        self._news = asyncio.Event()
        self.way.asked = self._news.set
        self.recheck = Recheck(
            self.way, self.flight, "store", lambda: OWN, lambda: (self.ok_s, self.failed_s), self._found, self.now_s,
            random.Random(1),
        )  # fmt: skip

    @staticmethod
    def now_s() -> float:
        return asyncio.get_running_loop().time()

    def _found(self, answers: bool, again: bool) -> None:
        self.told.append((answers, again))
        self._news.set()

    async def wait(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(MOST_S):
            while not holds():
                self._news.clear()
                await self._news.wait()


def play(scene: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        made = Scene()
        task = asyncio.create_task(made.recheck.run())
        try:
            await scene(made)
        finally:
            task.cancel()
            await asyncio.wait({task})

    asyncio.run(run())


def test_while_the_link_is_answered_in_time_nobody_asks_twice() -> None:
    async def scene(made: Scene) -> None:
        for _ in range(20):
            made.flight.begun(made.now_s())
            await asyncio.sleep(OVERDUE_S / 100)
            made.flight.ended(made.now_s(), answered=True)
            made.ok_s = made.now_s()
        assert made.way.looks == []

    play(scene)


def test_an_answer_that_is_overdue_is_asked_for_another_way_and_that_one_counts() -> None:
    async def scene(made: Scene) -> None:
        made.flight.begun(made.now_s())
        await made.wait(lambda: bool(made.told))
        (batch, within_s) = made.way.looks[0]
        assert (batch.store, batch.register, batch.incarnation, batch.events) == ("store", *OWN, ())
        assert within_s < 1.0
        assert made.told == [(True, False)]
        assert made.recheck.ok_s is not None
        assert made.recheck.denied_s is None

    play(scene)


def test_two_that_fail_are_an_outage_and_it_is_asked_until_it_is_over() -> None:
    async def scene(made: Scene) -> None:
        made.way.fails = True
        made.flight.begun(made.now_s())
        await made.wait(lambda: bool(made.told))
        assert made.recheck.denied_s is not None
        assert made.recheck.error
        first_s = made.recheck.denied_s
        await made.wait(lambda: len(made.told) == 2)
        assert made.now_s() - first_s > AGAIN_S / 2  # and not in a hot loop
        made.way.fails = False
        await made.wait(lambda: made.told[-1] == (True, True))
        assert made.recheck.ok_s is not None
        assert made.recheck.ok_s > made.recheck.denied_s

    play(scene)


def test_a_look_that_fails_after_the_link_had_its_answer_proves_nothing() -> None:
    """On a busy machine a fresh connection is later than the answer that was overdue: offline and online by turns, each time
    written down and sent, which made the next answer late."""

    async def scene(made: Scene) -> None:
        made.way.fails = True
        made.way.goes_on.clear()
        for looks in range(1, 4):
            made.flight.begun(made.now_s())
            await made.wait(lambda looks=looks: len(made.way.looks) == looks)
            made.ok_s = made.flight.since_s
            made.flight.ended(made.now_s(), answered=True)
            made.way.goes_on.set()
            await asyncio.sleep(0.01)
            made.way.goes_on.clear()
        assert made.recheck.denied_s is None
        assert made.told == []
        made.way.goes_on.set()
        made.flight.begun(made.now_s())  # and this one nobody answers
        await made.wait(lambda: made.told == [(False, False)])

    play(scene)


def test_a_failure_of_the_link_is_asked_about_at_once_and_by_itself_proves_nothing() -> None:
    async def scene(made: Scene) -> None:
        made.failed_s = made.now_s()
        made.flight.ended(made.now_s(), answered=False)
        await made.wait(lambda: bool(made.told))
        assert made.told == [(True, False)]
        assert made.recheck.denied_s is None

    play(scene)


@pytest.mark.parametrize("usual_s", [0.01, 0.2, 0.4])
def test_where_answers_usually_take_longer_it_waits_longer(usual_s: float) -> None:
    async def scene(made: Scene) -> None:
        for _ in range(100):
            made.flight.begun(0.0)
            made.flight.ended(usual_s, answered=True)
        began_s = made.now_s()
        made.flight.begun(began_s)
        await made.wait(lambda: bool(made.told))
        assert made.now_s() - began_s >= max(OVERDUE_S, 2.9 * usual_s)
        assert made.way.looks[0][1] >= 5.9 * usual_s

    play(scene)


def test_a_look_goes_over_a_connection_of_its_own_and_gives_up_in_its_time() -> None:
    """Over real sockets: HQ answers the first exchange, then its line swallows everything; then it is there again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with quiet():
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.read(65_536)
                body = b'{"held_seq":0}'
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(head + body)
                await writer.drain()
                asked.append(writer.get_extra_info("peername")[1])
        writer.close()

    async def scene() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server, Line(server.sockets[0].getsockname()[:2]) as line:
            host, port = line.address
            transport = HttpTransport(access(Hq(url=f"http://{host}:{port}", timeout_s=MOST_S)))
            batch = HqBatch("store", *OWN)
            try:
                for _ in range(2):
                    await transport.exchange(batch)
                    await transport.look(batch, MOST_S)
                assert len(set(asked)) == 3  # one connection for both exchanges, one for each look
                line.hole()
                with pytest.raises(SinkTrouble) as refused:
                    await transport.look(batch, 0.2)
                assert refused.value.code == "timeout"
                assert "0.2 s" in str(refused.value)
                await line.mend()
                await transport.look(batch, MOST_S)
            finally:
                await transport.aclose()

    asked: list[int] = []
    asyncio.run(scene())


@contextmanager
def quiet() -> Iterator[None]:
    try:
        yield
    except (OSError, asyncio.IncompleteReadError):
        return
