"""Three registers and HQ as booted machines on the lab's network, the printers of the store, and what was sold in it."""

import asyncio
import contextlib
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.boot import installed
from tests.boot.headquarters import Headquarters
from tests.boot.machine import Machine
from tests.boot.register import CONFIG, KITCHEN, NAMES, RECEIPT, Till, until
from tests.killloop.paper import Print
from tests.lab.places import V4
from tests.lab.topology import Lab, Shape, key_text
from tests.storelab.cashier import Cashier, Ledger
from tests.storelab.evidence import Sold
from tests.storelab.machine import Printers

SEED = 8
SETTLE_S = 180.0
SERVED_S = 6.0
"""Longer than the lab's servers wait for a client that is gone."""
KEY = re.compile(r"zq\d+qz")


@dataclass
class Shop:
    """`ledger`: every sale that a register has answered. `tell`: progress, for a person who watches."""

    lab: Lab
    hq: Headquarters
    tills: dict[str, Till]
    printers: dict[str, Printers]
    ledger: Ledger
    tell: Callable[[str], None]
    folder: Path
    number: int = 0
    measured: dict[str, list[float]] = field(default_factory=dict)
    """Seconds, by what was measured."""

    def __getitem__(self, name: str) -> Till:
        return self.tills[name]

    # --- selling ---

    def key(self) -> str:
        """Of a new sale; it is found again on paper."""
        self.number += 1
        return f"zq9{self.number:06d}qz"

    async def sell(self, name: str) -> float:
        """One sale, asked again until it is answered; the seconds until then."""
        key, began_s = self.key(), time.monotonic()

        async def answered() -> bool:
            try:
                said = await self.tills[name].order(key)
            except httpx.TransportError:
                return False
            self.note(key, name, said["check_id"], said["totals"]["gross_minor"])
            return True

        await until(f"an answer of {name}", answered, look_s=0.02)
        return time.monotonic() - began_s

    def note(self, key: str, name: str, check_id: str, amount_minor: int) -> None:
        self.ledger.note(Sold(key, name, check_id, amount_minor, (0, 0), time.monotonic()))

    @contextlib.asynccontextmanager
    async def selling(self, *names: str) -> AsyncIterator[None]:
        """Cashiers sell at these registers meanwhile, and have their answers in the end."""
        self.number += len(names)
        cashiers = [Cashier(self.tills[name], self.ledger, 100 + self.number + at, SEED) for at, name in enumerate(names)]  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as tasks:
            for cashier in cashiers:
                tasks.create_task(cashier.run())
            yield
            for cashier in cashiers:
                cashier.closing.set()

    # --- what came of it ---

    async def settled(self) -> None:
        """Everything sold so far is at HQ once, to the cent, and on paper once without a mark. AssertionError."""
        sold = self.ledger.sold
        wanted = (len(sold), sum(one.amount_minor for one in sold))
        assert not self.ledger.refused, self.ledger.refused

        async def at_hq() -> bool:
            return await asyncio.to_thread(self.hq.answers) and (await asyncio.to_thread(self.hq.books))[0] >= wanted[0]

        await until("every sale is at HQ", at_hq, SETTLE_S, 0.25)
        assert await asyncio.to_thread(self.hq.books) == wanted, "the books of HQ"

        async def on_paper() -> bool:
            return not self.unprinted()

        try:
            await until("every ticket is printed", on_paper, SETTLE_S, 0.25)
        except AssertionError as error:
            raise AssertionError(f"{error}: {sorted(self.unprinted())}") from None
        plain = Counter(key for one in self.tickets() if not one.marked_repeat for key in self.keys_of(one))
        assert not [key for key, count in plain.items() if count > 1], f"tickets twice without a mark: {plain}"

    def tickets(self) -> list[Print]:
        return [one for printers in self.printers.values() for one in printers.printed() if one.kind == "ticket"]

    def keys_of(self, one: Print) -> set[str]:
        return set(KEY.findall(one.text))

    def unprinted(self) -> set[str]:
        return {one.key for one in self.ledger.sold} - {key for one in self.tickets() for key in self.keys_of(one)}


@contextlib.asynccontextmanager
async def opened(
    folder: Path, tell: Callable[[str], None], headquarters: type[Headquarters] = Headquarters
) -> AsyncIterator[Shop]:  # fmt: skip
    """A store of three that trust each other, all heard at HQ."""
    layers = await asyncio.to_thread(lambda: (installed.installed(installed.REGISTER), headquarters.layers()))
    tell("packages are ready")
    async with contextlib.AsyncExitStack() as stack:
        lab = stack.enter_context(Lab(Shape(families=(V4,)), label="b"))
        stack.push_async_callback(_answered)
        await stack.enter_async_context(lab.served())
        hq = headquarters(lab, layers[1], folder / "hq", NAMES)
        tills = {name: Till(lab, name, layers[0], folder / name) for name in NAMES}
        for machine in (hq.machine, *(till.machine for till in tills.values())):
            for disk in machine.disks.values():
                stack.enter_context(disk)
            stack.enter_context(machine)
        stack.push_async_callback(_switched_off, hq.machine, *(till.machine for till in tills.values()))
        for till in tills.values():
            stack.push_async_callback(till.close)
        printers = {name: stack.enter_context(Printers(lab.space(name), SEED, [RECEIPT])) for name in NAMES}
        printers["kitchen"] = stack.enter_context(Printers(lab.space("printer"), SEED, [KITCHEN]))
        shop = Shop(lab, hq, tills, printers, Ledger(folder / "ledger.jsonl"), tell, folder)
        await _founded(shop)
        yield shop


async def _switched_off(*machines: Machine) -> None:
    """All at once, and the network's servers see them go."""
    await asyncio.gather(*(asyncio.to_thread(machine.shut_down) for machine in machines if machine.is_on))


async def _answered() -> None:
    """Who served a machine that is off now has noticed."""
    serving = asyncio.all_tasks() - {asyncio.current_task()}
    if serving:
        await asyncio.wait(serving, timeout=SERVED_S)


async def _founded(shop: Shop) -> None:
    """As a technician would: HQ, the first register, then each other one let in by it."""
    hq, key = shop.hq, key_text()
    hq.configure()
    for name, till in shop.tills.items():
        till.configure(hq.tokens[name], key)
    await asyncio.gather(asyncio.to_thread(hq.boot), *(till.boot() for till in shop.tills.values()))
    await asyncio.gather(*(till.serves() for till in shop.tills.values()))
    shop.tell("four machines are booted")
    first, *others = shop.tills.values()
    made = await first.command("store", "create", "--config", CONFIG)
    hq.configure(made["authority"])
    await asyncio.gather(hq.restart(), first.systemctl("restart", "tillkeeper.service"))
    await first.serves()
    for till in others:
        code = (await first.asks("store", "code", till.name, "--may-admit"))["code"]
        await till.command("store", "join", code, "--config", CONFIG)
        await till.systemctl("restart", "tillkeeper.service")
    for till in shop.tills.values():
        await till.until("the other registers and HQ", lambda said: said["mode"] == "online" and not said["only_here"])
    await shop.tills["r1"].until(
        "the primary's role", lambda said: said["now"]["holds"] and said["now"]["backup"] == "r2", "/v1/roles"
    )
    shop.tell("three registers belong to a store")
