"""A manager: closes days at whoever is primary, says that a dead register is away, signs gaps, parks what is out of use."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tests.storelab.evidence import RolesSaid
from tests.storelab.machine import Machine

EVERY_S, AGAIN_S, PATIENCE_S = 12.0, 1.0, 12.0
CLOSE_S = 20.0
EXPECTED = frozenset({
    "not_primary", "day_not_ready", "nothing_to_close", "epoch_too_low", "later_day_closed", "earlier_day_open", "day_ahead",
    "roles_changed", "register_is_heard", "register_silent", "no_gap", "not_the_other_side", "busy",
})  # fmt: skip


async def roles_of(machine: Machine) -> RolesSaid | None:
    said = await machine.get("/v1/roles")
    if said is None:
        return None
    now = said["now"]
    epoch = (now["epoch"].get("counter", 0), now["epoch"].get("register", ""))
    return RolesSaid(now["primary"], now["backup"], epoch, now["holds"])


async def primary_of(machines: Mapping[str, Machine]) -> Machine | None:
    """Who holds the primary's role; else who has it in the highest record that anybody tells of."""
    said = [one for one in await asyncio.gather(*(roles_of(m) for m in machines.values() if m.host == m.register)) if one]
    best = max(said, key=lambda one: one.epoch, default=None)
    return machines.get(best.primary) if best is not None else None


class Manager:
    """`closed`: days that were answered as closed, with their Z. `said`: how often which code was the answer."""

    def __init__(self, machines: Mapping[str, Machine], tell: Callable[[str], None], seed: int) -> None:
        self._machines, self._tell = machines, tell
        self._chance = random.Random(f"{seed} manager")
        self._numbers = itertools.count(1)
        self._parked: set[str] = set()
        self.closed: set[tuple[str, int]] = set()
        self.said: Counter[str] = Counter()
        self.refused: list[str] = []
        self.confirmed = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * EVERY_S)
            await self.close_day(PATIENCE_S, gaps=self._chance.random() < 0.5)

    async def close_day(self, patience_s: float, *, gaps: bool) -> str:
        """Tries for so long; then, with `gaps`, signs what is missing and tries once more. Empty where a day was closed, else
        why not."""
        began_s = time.monotonic()
        signed = False
        while True:
            answer, missing = await self._close()
            late = time.monotonic() - began_s > patience_s
            if answer in ("", "nothing_to_close") or (late and (signed or not gaps or not missing)):
                await self._take_back()
                return answer
            await self._confirm_the_dead()
            if late:
                await self._sign(missing)
                signed, began_s = True, time.monotonic()
            await asyncio.sleep(AGAIN_S)

    async def ask_to_close(self, machine: Machine) -> httpx.Response | None:
        """Wherever it is, whoever has the role."""
        return await machine.post("/v1/day/close", {"print_report": False}, f"close-{next(self._numbers)}", CLOSE_S)

    async def _close(self) -> tuple[str, list[dict[str, Any]]]:
        machine = await primary_of(self._machines)
        answer = await self.ask_to_close(machine) if machine is not None else None
        return await self.took(machine, answer) if machine is not None and answer is not None else ("no answer", [])

    async def took(self, machine: Machine, answer: httpx.Response) -> tuple[str, list[dict[str, Any]]]:
        """What a register said to `ask_to_close`: empty where the day is closed, else the code and what is missing."""
        said = json.loads(answer.content)
        if answer.is_success:
            report = await machine.get(f"/v1/days/{said['entity_id']}")
            if report is not None and report["closed"]:
                self.closed.add((said["entity_id"], report["closed"]["z"]))
            self.said["closed"] += 1
            return "", []
        code = str(said.get("type", answer.status_code)).rpartition(":")[2]
        self.said[code] += 1
        if code not in EXPECTED and answer.status_code not in (503, 504):
            self.refused.append(f"close at {machine.name}: {answer.status_code} {answer.text[:500]}")
        return code, [one for one in said.get("missing", ()) if one.get("blocks")]

    async def _sign(self, missing: list[dict[str, Any]]) -> None:
        machine = await primary_of(self._machines)
        if machine is None:
            return
        for one in missing:
            register = one["register"]
            self._tell(f"       the manager signs: {register} {one['state']}, {one.get('words', '')}")
            if register == machine.register and one["state"] != "lost":
                # What it wrote went with its disk, and comes back from the others.
                self.said["own log not back yet"] += 1
            elif one["state"] == "silent" and self._chance.random() < 0.3:
                self._parked.add(register)
                await self._do(machine, f"/v1/registers/{register}/park", {"reason": "switched off"})
            else:
                await self._do(machine, "/v1/day/gaps", {"register": register, "reason": "not to be had"})

    async def _take_back(self) -> None:
        machine = await primary_of(self._machines)
        for register in tuple(self._parked):
            if machine is not None and await self._do(machine, f"/v1/registers/{register}/unpark", {"reason": "it is back"}):
                self._parked.discard(register)

    async def _do(self, machine: Machine, path: str, body: dict[str, Any]) -> bool:
        answer = await machine.post(path, body, f"manager-{next(self._numbers)}")
        if answer is not None and answer.is_client_error:
            code = str(json.loads(answer.content).get("type", "")).rpartition(":")[2]
            self.said[code] += 1
            if code not in EXPECTED:
                self.refused.append(f"{path} at {machine.name}: {answer.status_code} {answer.text[:500]}")
        return answer is not None and answer.is_success

    async def _confirm_the_dead(self) -> None:
        """As a manager who has looked: only of a register that is really off, and stays so while it is said."""
        for machine in tuple(self._machines.values()):
            said = await machine.get("/v1/roles") if machine.host == machine.register else None
            for away in said["confirm"] if said is not None else ():
                dead = self._machines.get(away)
                if dead is not None and dead.turn.locked() and not dead.up:
                    done = await self._do(machine, "/v1/roles/confirm-away", {"register": away})
                    self.confirmed += done
                    self._tell(f"       the manager says at {machine.name} that {away} is away: {done}")
