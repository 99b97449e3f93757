"""HQ in memory: places by the contract, gives numbers, keeps books; and the line to it, which loses questions and answers."""

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

import msgspec
from tests.simulation.disk import Held
from tests.simulation.loops import MachineLoop, Time
from tests.simulation.net import Net
from tests.simulation.online import Orders
from tests.simulation.shop import STORE

from tillkeeper.contract.ed25519 import verify
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.online import OnlineOrdersTaken, TakeOnlineOrders
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.roles import Epoch, RolesAssigned, WitnessAsked, WitnessSaid
from tillkeeper.contract.roster import Roster
from tillkeeper.contract.signing import HeadRefused, check_head
from tillkeeper.contract.together import CheckForked, CheckTaken
from tillkeeper.contract.witness import judge
from tillkeeper.errors import Refused
from tillkeeper.replication.trouble import SinkTrouble

TIMEOUT_S = 3.0
NAME = "hq"
T = TypeVar("T")
_BEGIN = frozenset({"check_opened", "check_taken", "check_forked"})
_encode, _decode = msgspec.json.Encoder(), msgspec.json.Decoder(HqBatch)


class Shelf(Held):
    """What HQ holds; the numbers are given in the transaction that stores. `roles`: the newest assignment in any log.
    `agreed`: the highest epoch that HQ has agreed to as a witness."""

    def __init__(self, store: str) -> None:
        super().__init__(store)
        self.numbers: dict[str, int] = {}
        self.roles: RolesAssigned | None = None
        self.agreed = Epoch()

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        answer = await super().take(batch, now_ms, last_accepted)
        stored = {verdict.seq for verdict in answer.verdicts if verdict.verdict == "stored"}
        for event in batch.events:
            if event.type == "roles_assigned" and event.seq in stored and isinstance(said := read_event(event), RolesAssigned):
                self.roles = max(self.roles or said, said, key=lambda one: one.epoch)
        opened = [read_event(event) for event in batch.events if event.type in _BEGIN and event.seq in stored]
        given = []
        for event in opened:
            if isinstance(event, CheckOpened | CheckTaken | CheckForked):
                number = self.numbers.setdefault(event.check_id, len(self.numbers) + 1)
                given.append(NumberAssigned(event.check_id, number))
        return msgspec.structs.replace(answer, numbers=tuple(given))

    def good(self) -> list[Envelope]:
        """In the books."""
        return [envelope for log in self._logs.values() for envelope, reason in log.rows if not reason]

    def aside(self) -> list[Envelope]:
        """On the quarantine page."""
        return [one.envelope for one in self._asides]


class Hq:
    """`shelf` survives; the process does not. `lost_answers`, `late`: shares of exchanges whose answer is lost, or whose
    question arrives when nobody waits any more. `asked`: how often somebody sent it events."""

    def __init__(self, time: Time, net: Net, seed: int, roster: Callable[[], Roster]) -> None:
        self._time, self._net, self._roster = time, net, roster
        self.chance = random.Random(f"{seed} hq")
        self.shelf = Shelf(STORE)
        self.shelf.sync = self._sync
        self.orders = Orders(time)
        self.loop = MachineLoop(time, NAME)
        self.up = True
        self.full = False
        self.lost_answers = self.late = 0.0
        self.asked = 0
        self._started_s = 0.0
        self._heard_s: dict[str, float] = {}
        self.promised: Callable[[str, Held, HqBatch, HqAnswer], None] = lambda *_args: None

    def kill(self) -> None:
        self.up = False
        self.loop.kill()

    def start(self) -> None:
        if not self.up:
            self.up = True
            self.loop = MachineLoop(self._time, NAME)
            self._started_s, self._heard_s = self._time.now_s, {}

    async def _sync(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.001, 0.02))

    def question(self, sender: str, raw: bytes, answered: "Callable[[HqAnswer | SinkTrouble], None]") -> None:
        """One request has arrived."""
        if self.up:
            self.loop.create_task(self._serve(sender, raw, answered))

    def witness(self, asked: WitnessAsked, answered: "Callable[[WitnessSaid | SinkTrouble], None]") -> None:
        """Whether a register is away, as far as HQ can tell."""
        if not self.up:
            return
        if self.full:
            answered(SinkTrouble("server_error", "HQ", "503"))
            return
        roles = self.shelf.roles
        known = roles.epoch if roles is not None else Epoch()
        age_s = self._time.now_s - self._heard_s.get(asked.away, self._started_s)
        says, epoch = judge(asked, NAME, known, self.shelf.agreed, age_s)
        if says == "agrees" and asked.binding:
            self.shelf.agreed = max(self.shelf.agreed, asked.epoch)
        answered(WitnessSaid(says=says, epoch=epoch, record=roles if known > asked.base else None))

    def take_orders(self, asked: TakeOnlineOrders, answered: "Callable[[OnlineOrdersTaken | SinkTrouble], None]") -> None:
        """A register asks for orders of the web shop."""
        if self.up:
            full = SinkTrouble("server_error", "HQ", "503")
            answered(full if self.full else self.orders.take(asked, self._started_s))

    async def _serve(self, sender: str, raw: bytes, answered: "Callable[[HqAnswer | SinkTrouble], None]") -> None:
        batch = _decode.decode(raw)
        self._heard_s[sender] = self._time.now_s
        if self.full:
            answered(SinkTrouble("server_error", "HQ", "503"))
            return
        try:
            keys = self._roster().keys(batch.register)
            batch = check_head(batch, keys, verify, relayed=batch.register != sender)
            answer = await self.shelf.take(batch, int(self._time.now_s * 1000))
            self.promised(NAME, self.shelf, batch, answer)
            answered(answer)
        except HeadRefused as error:
            answered(SinkTrouble("batch_refused", "HQ", f"{error.code}: {error.cause}"))
        except Refused as error:
            answered(SinkTrouble("batch_refused", "HQ", str(error)))


class HqLine:
    """See `hq.HqTransport`: of one register's process."""

    hq_minus_boot_s: float | None = None

    def __init__(self, hq: Hq, net: Net, name: str, register: str, loop: MachineLoop) -> None:
        self._hq, self._net, self._name, self._register, self._loop = hq, net, name, register, loop
        self._chance = net.chance()

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        self._hq.asked += bool(batch.events)
        raw = _encode.encode(batch)
        return await self._asked(lambda answered: self._hq.question(self._register, raw, answered))

    async def witness(self, asked: WitnessAsked) -> WitnessSaid | None:
        return await self._asked(lambda answered: self._hq.witness(asked, answered))

    async def take_orders(self, asked: TakeOnlineOrders) -> OnlineOrdersTaken | None:
        return await self._asked(lambda answered: self._hq.take_orders(asked, answered))

    async def _asked(self, question: "Callable[[Callable[[T | SinkTrouble], None]], None]") -> T:
        chance, nature = self._chance, self._net.nature
        there, back = self._net.path(self._name, NAME), self._net.path(NAME, self._name)
        future: asyncio.Future[T | SinkTrouble] = asyncio.get_running_loop().create_future()

        def arrived(answer: T | SinkTrouble) -> None:
            if self._loop.alive and not future.done():
                future.set_result(answer)

        def answered(answer: T | SinkTrouble) -> None:
            if not back.shut and chance.random() >= self._hq.lost_answers:
                nature.call_later(0.01 + back.delay_s(chance), arrived, answer)

        delay_s = 0.01 + there.delay_s(chance)
        if chance.random() < self._hq.late:
            delay_s += chance.uniform(TIMEOUT_S, 60.0)
        if not there.shut:
            nature.call_later(delay_s, question, answered)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await future
        except TimeoutError:
            raise SinkTrouble("timeout", "HQ", f"no answer within {TIMEOUT_S:g} s") from None
        if isinstance(answer, SinkTrouble):
            raise SinkTrouble(answer.code, answer.subject, answer.cause)
        return answer

    async def aclose(self) -> None:
        return
