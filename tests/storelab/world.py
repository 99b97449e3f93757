"""A run: the store is built, sells while it breaks, is mended, converges, and everything that is left is gathered."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from tests.lab.places import HQ, V4
from tests.lab.spaces import LabTrouble, answers, ip
from tests.lab.topology import Lab, Shape
from tests.storelab import lan
from tests.storelab.cashier import Cashier, Ledger
from tests.storelab.drills import Drilled, drill
from tests.storelab.evidence import AtHq, Evidence, Slip
from tests.storelab.faults import Faults
from tests.storelab.hq import Hq
from tests.storelab.lan import TWIN
from tests.storelab.machine import Machine, Printers, joined
from tests.storelab.manager import Manager
from tests.storelab.oracle import Verdict, judge
from tests.storelab.plan import Planned
from tests.storelab.rest import Rest
from tests.storelab.role_faults import RoleFaults
from tests.storelab.verify import chains, conflicts
from tests.storelab.window import Tables, Window
from tests.storelab.witness import Witness, disks
from tests.support import postgres

UP_S, JOINED_S, ANSWERED_S = 30.0, 90.0, 180.0
CONVERGE_S = 300.0
LOOK_S = 0.5
SAY_S = 10.0


class Run(msgspec.Struct, frozen=True):
    """`converge_s`: from the moment when everything was mended. `unconverged`: what was still to come at the deadline.
    `faults`: how many of each kind."""

    verdict: Verdict
    evidence: Evidence
    converge_s: float
    unconverged: str
    faults: dict[str, int]
    asked: int
    repeated: int
    alarms: int
    drilled: Drilled
    refusals: dict[str, int]


class StoreLab:
    """`async with StoreLab(folder, seed, tell) as store`, then `run`. `machines`: by name, the clone too once there is one.
    `registers`: 2 to 6."""

    def __init__(self, folder: Path, seed: int, tell: Callable[[str], None], label: str = "s", registers: int = 3) -> None:
        self.folder, self.seed, self._tell = folder, seed, tell
        self.lab = Lab(Shape(families=(V4,), registers=min(registers, 3)), label)
        self.registers = lan.names(registers)
        self.machines: dict[str, Machine] = {}
        self.hq: Hq
        self.end_s = 0.0
        self.witness = Witness(self.machines, lambda: self.hq)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._tokens = {name: secrets.token_urlsafe(24) for name in self.registers}
        self._printers: dict[str, Printers] = {}
        self._cashiers: dict[str, Cashier] = {}
        self._windows: dict[str, Window] = {}
        self._tables = Tables()
        self.manager = Manager(self.machines, self.tell, seed)
        self._rest = Rest(self.machines, lambda: self.hq, self.manager, self.registers)
        self._selling: asyncio.TaskGroup
        self._stack = contextlib.AsyncExitStack()
        self._began_s = time.monotonic()
        self._drilled = Drilled()

    def tell(self, words: str) -> None:
        self._tell(f"{time.monotonic() - self._began_s:7.1f}  {words}")

    # --- building ---

    async def __aenter__(self) -> "StoreLab":
        try:
            await self._enter()
        except BaseException:  # a cancellation too: nothing may be left behind
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _enter(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(self.lab)
        self._stack.enter_context(lan.more(self.lab, self.registers))
        server = await asyncio.to_thread(self._stack.enter_context, postgres.running())
        self.hq = Hq(self.lab, self.folder / "hq", server, self._tokens, secrets.token_urlsafe(24))
        self._stack.push_async_callback(self.hq.close)
        for name in self.registers:
            self._add(name, name)
        await asyncio.gather(*(asyncio.to_thread(self._reaches_hq, name) for name in self.registers))
        first, *others = self.machines.values()
        made = await first.command("store", "create", "--config", str(first.config))
        await self.hq.open(made["authority"])
        await first.start()
        for machine in others:
            said = await joined(machine, [first], replace=False)
            assert not said, said
            await machine.start()
        await self._until("all registers hear each other and HQ", self._rest.in_step, JOINED_S)

    def _add(self, host: str, register: str) -> Machine:
        machine = Machine(self.lab, host, register, self.folder / host, self._tokens[register], self.registers)
        self._stack.push_async_callback(machine.close)
        self._printers[machine.name] = self._stack.enter_context(Printers(machine.space, self.seed))
        self.machines[machine.name] = machine
        self._cashiers[machine.name] = Cashier(machine, self.ledger, len(self.machines), self.seed)
        self._windows[machine.name] = Window(machine, self._tables, self.ledger, len(self.machines), self.seed)
        return machine

    def _reaches_hq(self, host: str) -> None:
        till = time.monotonic() + UP_S
        while not answers(self.lab.space(host), HQ[V4], wait_s=0.1):
            if time.monotonic() > till:
                raise LabTrouble(f"{host} does not reach HQ's host in its own lab")

    async def clone(self, original: Machine) -> None:
        """A second machine with a copy of the disk: the same keys and name, another address; it sells beside the first."""
        await asyncio.to_thread(ip, self.lab.space(TWIN), *self.lab.addressing(TWIN))
        machine = Machine(
            self.lab, TWIN, original.register, self.folder / TWIN, self._tokens[original.register], self.registers
        )
        self._stack.push_async_callback(machine.close)
        await original.copy(machine.data)
        await self.witness.disk_copied(machine.data)
        self._printers[machine.name] = self._stack.enter_context(Printers(machine.space, self.seed))
        await machine.start()
        self.machines[machine.name] = machine
        self._cashiers[machine.name] = Cashier(machine, self.ledger, len(self.machines), self.seed)
        self._selling.create_task(self._cashiers[machine.name].run())

    # --- the run ---

    async def drill(self, kills: int, sleeps_s: float) -> None:
        self._drilled = await drill(self, RoleFaults(self, self.seed), kills, sleeps_s)

    async def run(self, planned: tuple[Planned, ...], seconds: float) -> Run:
        """Raises AssertionError or TimeoutError where the store does not come back at all."""
        faults = Faults(self, planned, self.seed)
        self._began_s = began_s = time.monotonic()
        self.end_s = began_s + seconds + ANSWERED_S
        self.tell(f"selling for {seconds:.0f} s, {len(planned)} faults, seed {self.seed}")
        async with asyncio.timeout(seconds + 2 * ANSWERED_S), asyncio.TaskGroup() as self._selling:
            watch = self._selling.create_task(self._watch())
            managing = self._selling.create_task(self.manager.run())
            for person in (*self._cashiers.values(), *self._windows.values()):
                self._selling.create_task(person.run())
            await faults.run(began_s)
            await asyncio.sleep(max(0.0, began_s + seconds - time.monotonic()))
            healed_s = time.monotonic()
            self.tell("everything is mended; the clients get their last answers")
            managing.cancel()
            for person in (*self._cashiers.values(), *self._windows.values()):
                person.closing.set()
            await self._until("the clients are answered", self._unanswered, ANSWERED_S)
            watch.cancel()
        unconverged = await self._converge()
        converge_s = time.monotonic() - healed_s
        alarms = await self._alarms()
        evidence = await self._gather()
        ledger = self.ledger
        refusals = dict(self._tables.refused + self.manager.said)
        return Run(
            judge(evidence), evidence, converge_s, unconverged, faults.done, ledger.asked, ledger.repeated, alarms,
            self._drilled, refusals,
        )  # fmt: skip

    async def _converge(self) -> str:
        """The clone is switched off once HQ has what it sold; what was still to come at the deadline."""
        try:
            if twin := next((one for one in self.machines.values() if one.host == TWIN), None):
                await self._until("HQ has what the clone sold", lambda: self._rest.drained(twin), CONVERGE_S)
                await twin.stop()
            await self._until("everybody has everything", self._rest.in_step, CONVERGE_S)
            await self._until("primary and backup are the same for all", self._rest.roles_lacking, CONVERGE_S)
            await self._until("the last day is closed", self._rest.last_day, CONVERGE_S)
            await self._until("every check has one owner", self._rest.owners_lacking, CONVERGE_S)
            await self._until("everybody has everything", self._rest.in_step, CONVERGE_S)
            await self._until("HQ has everything", self._rest.lacking, CONVERGE_S)
        except TimeoutError as error:
            return str(error)
        return ""

    async def _unanswered(self) -> str:
        people = (*self._cashiers.values(), *self._windows.values())
        return ", ".join(person.waits_for for person in people if person.waits_for)

    async def _watch(self) -> None:
        """As systemd does: an agent that ended by itself is started again. It is a broken promise all the same."""
        while True:
            await asyncio.sleep(LOOK_S)
            for machine in tuple(self.machines.values()):
                if machine.turn.locked():
                    continue
                async with machine.turn:
                    if words := machine.look():
                        self.tell(words)
                        await machine.start()

    async def _until(self, what: str, lacking: Callable[[], Awaitable[str]], deadline_s: float) -> None:
        """Until `lacking` says nothing any more. Raises TimeoutError with what it said last."""
        began_s = said_s = time.monotonic()
        while words := await lacking():
            now_s = time.monotonic()
            if now_s - said_s >= SAY_S:
                self.tell(f"waiting until {what}: {words}")
                said_s = now_s
            if now_s - began_s > deadline_s:
                self.tell(f"NOT within {deadline_s:.0f} s: {what}: {words}")
                raise TimeoutError(f"not within {deadline_s:.0f} s: {what}: {words}")
            await asyncio.sleep(LOOK_S)

    # --- what is left ---

    async def _alarms(self) -> int:
        found = 0
        for machine in self.machines.values():
            status = await machine.get("/v1/status")
            for one in status["advisories"] if status else ():
                if one["code"] == "books_alarm":
                    self.tell(f"{machine.name} says: {one['text']}")
                    found += 1
        return found

    async def _gather(self) -> Evidence:
        hq = await self._at_hq()
        roles = await self._rest.roles()
        for machine in self.machines.values():
            await machine.stop()
        found = await asyncio.to_thread(disks, self.machines)
        broken = [words for machine in self.machines.values() for words in machine.unexpected]
        for machine in self.machines.values():
            broken += await asyncio.to_thread(chains, machine)
        return Evidence(
            sold=tuple(self.ledger.sold),
            own={name: disk.own for name, disk in found.items()},
            held={name: disk.held | disk.aside for name, disk in found.items()},
            gone=self.witness.gone,
            buried=self.witness.buried,
            hq=hq,
            slips=tuple(self._slips()),
            copied=frozenset(self.witness.copied),
            broken=tuple(broken),
            conflicts_held=frozenset(conflicts(found)),
            refused=(*self.ledger.refused, *self.manager.refused),
            paid=tuple(self.ledger.paid),
            closes=frozenset(self.manager.closed),
            checks=await asyncio.to_thread(self._rest.checks),
            roles=roles,
        )

    async def _at_hq(self) -> AtHq:
        assert await asyncio.to_thread(self.hq.answers), "HQ does not answer in the end"
        return await self.hq.content()

    def _slips(self) -> list[Slip]:
        """Kitchen tickets alone. A torn one counts for what can be read of it."""
        found = []
        for name, printers in self._printers.items():
            for one in printers.printed():
                at = one.text.find("zq")
                if one.kind == "ticket" and at >= 0:
                    found.append(Slip(name, one.text[at : at + 11], one.marked_repeat))
        return found
