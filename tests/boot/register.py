"""A register of the booted store: a machine on the LAN with a disk for its books, a receipt printer on its own cable, and the
API as a POS on it would use it."""

import asyncio
import json
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
from tests.boot.disk import Disk
from tests.boot.installed import Layers
from tests.boot.machine import Machine
from tests.lab.places import ANYCAST, CHECK_NAME, HQ_NAME, V4, lan4
from tests.lab.spaces import ETC
from tests.lab.topology import Lab, put
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml
from tillkeeper_drivers.simulator.shop import PrinterSpec

AGENT, PROBER, SOCKET_UNIT = "tillkeeper.service", "tillkeeper-probe.service", "tillkeeper.socket"
SOCKET = "/run/tillkeeper/tillkeeper.sock"
ETC_PLACE, DATA = "/etc/tillkeeper", "/var/lib/tillkeeper"
CONFIG = f"{ETC_PLACE}/tillkeeper.toml"
NAMES = ("r1", "r2", "r3")
LETTERS = {"r1": "B", "r2": "C", "r3": "D"}
HQ_PORT = 8090
KITCHEN_PORT = 9110
ADDRESS = "12 Harbour Street"
ASK_S, LOOK_S, DEADLINE_S = 5.0, 0.05, 90.0
SPEED_MM_S = 4_000.0
"""As in the store lab: many kills come while something prints."""
RECEIPT = PrinterSpec("receipt", "tm-t88vi", port=9100, speed_mm_s=SPEED_MM_S, keep=100_000)
KITCHEN = PrinterSpec("grill", "tm-m30", host=lan4("printer"), port=KITCHEN_PORT, speed_mm_s=SPEED_MM_S, keep=100_000)
ORDER: dict[str, Any] = {
    "order_type": "takeout", "lines": [{"item_id": "soup-of-the-day", "quantity": 1}], "tenders": [{"tender": "cash"}],
}  # fmt: skip


class Till:
    """`name`: of the register and of its host. `life` is what the store lab's cashiers ask for: disks are not replaced here."""

    life = 0

    def __init__(self, lab: Lab, name: str, layers: Layers, folder: Path) -> None:
        self.lab, self.name, self.folder = lab, name, folder
        folder.mkdir(parents=True)
        self.disk = Disk(folder, name)
        binds = {"/etc/resolv.conf": ETC / lab.space(name) / "resolv.conf"}
        self.machine = Machine(f"tk{lab.space(name)}", lab.space(name), layers, folder / "machine", {DATA: self.disk}, binds)
        self._socket = folder / "till.sock"
        self.client = httpx.AsyncClient(
            base_url="http://till", transport=httpx.AsyncHTTPTransport(uds=str(self._socket)), timeout=ASK_S, trust_env=False
        )

    # --- the machine ---

    def configure(self, hq_token: str, beacon_key: str) -> None:
        """Before it boots: what a technician would put into its /etc."""
        etc = self.machine.root / ETC_PLACE.lstrip("/")
        etc.mkdir(parents=True, exist_ok=True)
        etc.chmod(0o755)
        put(etc / "hq-token", hq_token + "\n", 0o644)
        put(etc / "beacon.key", beacon_key, 0o644)
        put(etc / "tillkeeper.toml", dumps(config(self.name)), 0o644)

    async def boot(self) -> None:
        """Switched on; whoever calls the API from now on gets through to this life of the machine."""
        await asyncio.to_thread(self.machine.switch_on)
        await self.began()

    async def began(self) -> None:
        """Its init runs."""
        leader = await asyncio.to_thread(self.machine.wait_for, "its init", lambda: self.machine.leader)
        fresh = self._socket.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(f"/proc/{leader}/root{SOCKET}")
        fresh.rename(self._socket)

    async def power_off(self) -> None:
        await asyncio.to_thread(self.machine.power_off)

    async def reboot(self) -> None:
        await asyncio.to_thread(self.machine.reboot)
        await self.began()

    async def run(self, *command: str, check: bool = True, user: str = "", said: str | None = None) -> str:
        return await asyncio.to_thread(lambda: self.machine.run(*command, check=check, user=user, said=said))

    async def systemctl(self, *arguments: str) -> str:
        return await self.run("systemctl", *arguments)

    async def close(self) -> None:
        await self.client.aclose()

    # --- asking ---

    async def command(self, *arguments: str) -> Any:
        """The JSON of a `tillkeeper` command there, as the agent's user."""
        return json.loads(await self.run("tillkeeper", *arguments, "--json", user="tillkeeper"))

    async def asks(self, *arguments: str) -> Any:
        """The JSON of a `tillkeeper` command there that asks the agent."""
        return await self.command(*arguments, "--socket", SOCKET)

    async def get(self, path: str) -> Any:
        """The JSON of an answer, None where there is none."""
        try:
            answer = await self.client.get(path)
        except (httpx.TransportError, OSError):
            return None
        return answer.json() if answer.is_success else None

    async def status(self) -> dict[str, Any]:
        """AssertionError where it does not answer."""
        said: dict[str, Any] | None = await self.get("/v1/status")
        assert said is not None, f"{self.name} does not answer"
        return said

    async def order(self, key: str, *, patience_s: float = ASK_S) -> dict[str, Any]:
        """Sells, as a POS that waits so long for one answer. Raises httpx.TransportError; AssertionError where it refuses."""
        body = {**ORDER, "lines": [{**ORDER["lines"][0], "note": key}]}
        answer = await self.client.post("/v1/orders", json=body, headers={"Idempotency-Key": key}, timeout=patience_s)
        assert answer.is_success, f"{self.name}: {answer.status_code} {answer.text}"
        said: dict[str, Any] = answer.json()
        return said

    async def serves(self, deadline_s: float = DEADLINE_S) -> None:
        """Once it answers what its status is."""
        await self.until("an answer", lambda said: True, deadline_s=deadline_s)

    async def until(
        self, what: str, look: Callable[[Any], Any], path: str = "/v1/status", deadline_s: float = DEADLINE_S
    ) -> Any:
        """What `path` says once `look` says yes to it. AssertionError, with the machine's journal."""
        said: Any = None

        async def seen() -> bool:
            nonlocal said
            said = await self.get(path)
            return said is not None and bool(look(said))

        try:
            await until(what, seen, deadline_s)
        except AssertionError as error:
            told = await asyncio.to_thread(self.machine.told)
            raise AssertionError(f"{self.name}: {error}\n{json.dumps(said)[:4000]}\n{told}") from None
        return said


async def is_so(look: Callable[[], bool]) -> bool:
    """For `until`: something that is seen without waiting."""
    return look()


async def until(what: str, look: Callable[[], Any], deadline_s: float = DEADLINE_S, look_s: float = LOOK_S) -> None:
    """Awaits `look()` until it is true. Raises AssertionError after `deadline_s`."""
    till_s = time.monotonic() + deadline_s
    while not await look():
        if time.monotonic() > till_s:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        await asyncio.sleep(look_s)


def config(name: str, names: Sequence[str] = NAMES) -> dict[str, Any]:
    """What stands in the configuration of register `name`."""
    later = time.gmtime(time.time() + 12 * 3600)  # the business day does not change meanwhile
    printers = {"receipt_printer": "receipt", "drawer": None}
    changes: dict[str, Any] = {
        "this_register": name,
        "data_dir": DATA,
        "store": {"timezone": "UTC", "day_cutoff": f"{later.tm_hour:02d}:00", "receipt_header": [ADDRESS]},
        "registers": {
            "front": None, **{one: {"letter": LETTERS[one], "address": lan4(one), **printers} for one in names},
        },
        "devices": {
            "receipt": {"address": f"127.0.0.1:{RECEIPT.port}", "confirm_timeout_s": 3.0},
            "grill": {"address": f"{KITCHEN.host}:{KITCHEN.port}", "confirm_timeout_s": 3.0},
            "bar": None, "kitchen": None, "drawer": None,
        },
        "stations": {"cold": None, "bar": None, "grill": {"backup": "receipt", "reroute_after_s": 3}},
        "routing": {"categories": None, "items": None},
        "api": {"socket": SOCKET},
        "hq": {"url": f"http://{HQ_NAME}:{HQ_PORT}", "token_file": "hq-token"},
        "network": {
            "socket": "/run/tillkeeper/probe/probe.sock",
            "key_file": "beacon.key",
            "anycast": list(ANYCAST[V4]),
            "portal_url": f"http://{CHECK_NAME}/generate_204",
            "families": ["ipv4"],
        },
    }  # fmt: skip
    if len(names) > 1:
        changes |= {"roles": {"primary": names[0], "backup": names[1]}, "replication": {"listen": "0.0.0.0"}}
    return merged(tomllib.loads(example_toml()), changes)
