"""A run: the store is built, sells while it breaks, is mended, converges, and everything that is left is gathered."""

import asyncio
import contextlib
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from tests.lab.places import HQ, V4
from tests.lab.spaces import LabTrouble, answers, ip
from tests.lab.topology import Lab, Shape
from tests.storelab.cashier import Cashier, Ledger
from tests.storelab.evidence import AtHq, Event, Evidence, Slip
from tests.storelab.faults import Faults
from tests.storelab.hq import DatabaseAway, Hq
from tests.storelab.machine import Machine, Printers, joined
from tests.storelab.oracle import Verdict, judge
from tests.storelab.plan import REGISTERS, Planned
from tests.storelab.verify import chains, conflicts
from tests.storelab.witness import Witness, disks
from tests.support import postgres

UP_S, JOINED_S, ANSWERED_S = 30.0, 90.0, 180.0
CONVERGE_S = 300.0
LOOK_S = 0.5
SAY_S = 10.0
TWIN = "stray"


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


class StoreLab:
    """`async with StoreLab(folder, seed, tell) as store`, then `run`. `machines`: by name, the clone too once there is one."""

    def __init__(self, folder: Path, seed: int, tell: Callable[[str], None], label: str = "s") -> None:
        self.folder, self.seed, self._tell = folder, seed, tell
        self.lab = Lab(Shape(families=(V4,)), label)
        self.machines: dict[str, Machine] = {}
        self.hq: Hq
        self.end_s = 0.0
        self.witness = Witness(self.machines, lambda: self.hq)
        self.ledger = Ledger(folder / "ledger.jsonl")
        self._tokens = {name: secrets.token_urlsafe(24) for name in REGISTERS}
        self._printers: dict[str, Printers] = {}
        self._cashiers: dict[str, Cashier] = {}
        self._selling: asyncio.TaskGroup
        self._stack = contextlib.AsyncExitStack()
        self._began_s = time.monotonic()

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
        server = await asyncio.to_thread(self._stack.enter_context, postgres.running())
        self.hq = Hq(self.lab, self.folder / "hq", server, self._tokens, secrets.token_urlsafe(24))
        self._stack.push_async_callback(self.hq.close)
        for name in REGISTERS:
            self._add(name, name)
        await asyncio.gather(*(asyncio.to_thread(self._reaches_hq, name) for name in REGISTERS))
        first, *others = self.machines.values()
        made = await first.command("store", "create", "--config", str(first.config))
        await self.hq.open(made["authority"])
        await first.start()
        for machine in others:
            said = await joined(machine, [first], replace=False)
            assert not said, said
            await machine.start()
        await self._until("all registers hear each other and HQ", self._in_step, JOINED_S)

    def _add(self, host: str, register: str) -> Machine:
        machine = Machine(self.lab, host, register, self.folder / host, self._tokens[register])
        self._stack.push_async_callback(machine.close)
        self._printers[machine.name] = self._stack.enter_context(Printers(machine.space, self.seed))
        self.machines[machine.name] = machine
        self._cashiers[machine.name] = Cashier(machine, self.ledger, len(self.machines), self.seed)
        return machine

    def _reaches_hq(self, host: str) -> None:
        till = time.monotonic() + UP_S
        while not answers(self.lab.space(host), HQ[V4], wait_s=0.1):
            if time.monotonic() > till:
                raise LabTrouble(f"{host} does not reach HQ's host in its own lab")

    async def clone(self, original: Machine) -> None:
        """A second machine with a copy of the disk: the same keys and name, another address; it sells beside the first."""
        await asyncio.to_thread(ip, self.lab.space(TWIN), *self.lab.addressing(TWIN))
        machine = Machine(self.lab, TWIN, original.register, self.folder / TWIN, self._tokens[original.register])
        self._stack.push_async_callback(machine.close)
        await original.copy(machine.data)
        await self.witness.disk_copied(machine.data)
        self._printers[machine.name] = self._stack.enter_context(Printers(machine.space, self.seed))
        await machine.start()
        self.machines[machine.name] = machine
        self._cashiers[machine.name] = Cashier(machine, self.ledger, len(self.machines), self.seed)
        self._selling.create_task(self._cashiers[machine.name].run())

    # --- the run ---

    async def run(self, planned: tuple[Planned, ...], seconds: float) -> Run:
        """Raises AssertionError or TimeoutError where the store does not come back at all."""
        faults = Faults(self, planned, self.seed)
        self._began_s = began_s = time.monotonic()
        self.end_s = began_s + seconds + ANSWERED_S
        self.tell(f"selling for {seconds:.0f} s, {len(planned)} faults, seed {self.seed}")
        async with asyncio.timeout(seconds + 2 * ANSWERED_S), asyncio.TaskGroup() as self._selling:
            watch = self._selling.create_task(self._watch())
            for cashier in self._cashiers.values():
                self._selling.create_task(cashier.run())
            await faults.run(began_s)
            await asyncio.sleep(max(0.0, began_s + seconds - time.monotonic()))
            healed_s = time.monotonic()
            self.tell("everything is mended; the clients get their last answers")
            for cashier in self._cashiers.values():
                cashier.closing.set()
            await self._until("the clients are answered", self._unanswered, ANSWERED_S)
            watch.cancel()
        unconverged = await self._converge()
        converge_s = time.monotonic() - healed_s
        alarms = await self._alarms()
        evidence = await self._gather()
        ledger = self.ledger
        return Run(judge(evidence), evidence, converge_s, unconverged, faults.done, ledger.asked, ledger.repeated, alarms)

    async def _converge(self) -> str:
        """The clone is switched off once HQ has what it sold; what was still to come at the deadline."""
        try:
            if twin := next((one for one in self.machines.values() if one.host == TWIN), None):
                await self._until("HQ has what the clone sold", lambda: self._drained(twin), CONVERGE_S)
                await twin.stop()
            await self._until("everybody has everything", self._in_step, CONVERGE_S)
            await self._until("HQ has everything", self._lacking, CONVERGE_S)
        except TimeoutError as error:
            return str(error)
        return ""

    async def _unanswered(self) -> str:
        return ", ".join(cashier.waits_for for cashier in self._cashiers.values() if cashier.waits_for)

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

    async def _in_step(self) -> str:
        """Every register that is up reaches HQ and the others, has nothing that they lack, and nothing to print."""
        for machine in self.machines.values():
            if machine.host == TWIN:
                continue
            status = await machine.get("/v1/status")
            if status is None:
                return f"{machine.name} does not answer"
            for sink in status["sinks"]:
                if not sink["reachable"] or sink["behind"]:
                    return f"{machine.name}: {sink['name']} reachable {sink['reachable']}, behind {sink['behind']}"
            if len(status["sinks"]) < len(REGISTERS) or status["only_here"]:
                return f"{machine.name}: {len(status['sinks'])} sinks, {status['only_here']} only there"
            if words := await self._to_print(machine):
                return words
        return ""

    async def _to_print(self, machine: Machine) -> str:
        jobs = await machine.get("/v1/jobs?limit=500")
        if jobs is None:
            return f"{machine.name} does not answer"
        for job in jobs["jobs"]:
            if job["state"] == "held":
                release = f"/v1/jobs/{job['job_id']}/release"
                key = {"Idempotency-Key": f"release-{secrets.token_hex(8)}"}
                await machine.client.post(release, json={"by": "the lab"}, headers=key)
        return f"{machine.name} has {len(jobs['jobs'])} documents to print" if jobs["jobs"] else ""

    async def _drained(self, twin: Machine) -> str:
        absent = await asyncio.to_thread(self._absent, twin.name)
        return absent or await self._to_print(twin)

    async def _lacking(self) -> str:
        return await asyncio.to_thread(self._absent)

    def _absent(self, only: str = "") -> str:
        """What HQ lacks of what is on any disk, or on that of one machine's own logs."""
        try:
            there = self.hq.hashes()
        except DatabaseAway as error:
            return str(error)
        try:
            found = disks(self.machines)
        except sqlite3.Error as error:
            return f"a disk can not be read: {error}"
        absent: dict[str, Event] = {}
        for name, disk in found.items():
            if only in ("", name):
                absent |= {one: event for one, event in (disk.own if only else disk.all).items() if one not in there}
        if not absent:
            return ""
        first = min(absent.values(), key=lambda event: event.place)
        return f"HQ lacks {len(absent)} events, the first {first.register} {first.incarnation} {first.seq} {first.type}"

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
            refused=tuple(self.ledger.refused),
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
