"""One fault in one lab: probers started anew, broken at a random phase, healed, scored."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.lab.faults import R1, Fault
from tests.lab.register import Watched
from tests.lab.scoring import Moments, Outcome, judge
from tests.lab.spaces import now_s
from tests.lab.topology import Lab, key_text, put

from tillkeeper.network.model import Report

SETTLE_S, PHASE_S = 60.0, 2.0
"""How long all may take to learn what answers; then so much chance."""
RECOVER_S, WATCH_AFTER_S = 20.0, 2.0
CORRECT_S = 12.0
LOOK_S, LATE_S = 0.02, 0.2
"""A trial in which the lab itself was later than that shows the lab's trouble and no prober's: it is done again."""
AGAIN = 6
T = TypeVar("T")


class Lateness:
    """How late this process was: its servers answer the probers, so a lab that is late makes faults of its own. `async with
    Lateness() as late`, then `late.worst_s`."""

    def __init__(self) -> None:
        self.worst_s = 0.0

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._looking

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.worst_s = max(self.worst_s, loop.time() - due_s)


class NotSettled(Exception):
    """The probers do not call a sound network fine; nothing can be tried."""


async def again(scene: Callable[[], Awaitable[T]], well: Callable[[T], bool]) -> T:
    """What `scene` brought. While that is not `well`, or the probers did not settle, and the lab itself was late meanwhile, it
    is played again, `AGAIN` times in all: a machine that is late makes faults of its own, and hides none that is there."""
    for attempt in range(AGAIN):
        async with Lateness() as late:
            try:
                found = await scene()
            except NotSettled:
                if late.worst_s <= LATE_S or attempt == AGAIN - 1:
                    raise
                continue
        if well(found) or late.worst_s <= LATE_S:
            break
    return found


@dataclass(frozen=True)
class Trial:
    """`alone`: no other register's prober runs."""

    fault: Fault
    seed: int
    alone: bool = False


@contextlib.asynccontextmanager
async def watched(lab: Lab, names: Sequence[str]) -> AsyncIterator[list[Watched]]:
    """Probers of these registers, settled. Raises `NotSettled`."""
    # Not beside the repository: `ip netns exec` and units read it, and it is gone with the trial.
    with tempfile.TemporaryDirectory(prefix="tillkeeper-lab-") as folder:
        put(Path(folder) / "beacon.key", key_text())
        async with contextlib.AsyncExitStack() as stack:
            registers = [await stack.enter_async_context(Watched(lab, name, Path(folder))) for name in names]
            fine = await asyncio.gather(*(register.wait_fine(SETTLE_S) for register in registers))
            if not all(fine):
                raise NotSettled("\n".join(why(register) for register, well in zip(registers, fine, strict=True) if not well))
            yield registers


def why(register: Watched) -> str:
    """In short, what a register's prober says."""
    if register.last is None:
        return f"{register.name}: nothing was reported; {register.said()[-300:].strip()}"
    columns = " ".join(f"{name}={column.state}" for name, column in register.last.evidence.columns.items())
    silent = [target.name for target in register.last.targets if target.works != "yes"]
    return f"{register.name}: {register.last.verdict} {columns} unanswered={silent}"


@dataclass(frozen=True)
class Tried:
    """`registers`: stopped, with their reports. `late_s`: how late the lab was at worst."""

    outcome: Outcome
    registers: list[Watched]
    late_s: float


async def run(lab: Lab, trial: Trial) -> Tried:
    """Raises `NotSettled`."""
    async with Lateness() as late:
        outcome, registers = await _run(lab, trial)
    return Tried(outcome, registers, late.worst_s)


async def _run(lab: Lab, trial: Trial) -> tuple[Outcome, list[Watched]]:
    chance, fault = random.Random(trial.seed), trial.fault
    names = [R1] if trial.alone else list(lab.shape.names)
    async with watched(lab, names) as registers:
        subject = registers[0]
        await asyncio.sleep(chance.random() * PHASE_S)
        breaking = fault.breaking(lab, chance)
        broke_s = now_s()
        await asyncio.to_thread(breaking.__enter__)
        try:
            await _look_on(subject, fault)
        finally:
            await asyncio.to_thread(breaking.__exit__, None, None, None)
        healed_s = now_s()
        if not fault.stays:
            await subject.until(lambda report: report.at_s > healed_s and report.verdict.phase == "fine", RECOVER_S)
        corrected = await _correction(subject, fault) if fault.corrected and not trial.alone else None
        await asyncio.sleep(WATCH_AFTER_S)
        at = Moments(broke_s, healed_s, now_s())
    heard = [list(register.reports) for register in registers]
    return judge(fault, heard[0], heard[1:], at, alone=trial.alone, corrected=corrected), registers


async def _look_on(subject: Watched, fault: Fault) -> None:
    """Until it is named or the deadline, and some time more, for it might change its mind."""

    def named(report: Report) -> bool:
        if fault.also:
            return fault.also in report.verdict.also
        return report.verdict.phase == "confirmed" and bool(fault.truth & set(report.verdict.faults))

    await subject.until(named, fault.deadline_s)
    await asyncio.sleep(fault.hold_s)


async def _correction(subject: Watched, fault: Fault) -> tuple[str, ...]:
    """What the timeline says of its last trouble once the peers have told."""
    loop = asyncio.get_running_loop()
    till_s = loop.time() + CORRECT_S
    while loop.time() < till_s:
        entry = subject.entry()
        if entry is not None and fault.corrected & set(entry.corrected_faults):
            break
        await subject.until(lambda report, last=subject.last: report is not last, 1.0)  # type: ignore[misc]
    entry = subject.entry()
    return entry.corrected_faults if entry is not None else ()
