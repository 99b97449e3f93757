"""One register of the store lab: a host of the LAN with a disk, an agent and two printers."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from tests.killloop.paper import Print, prints_of
from tests.lab.places import HQ, V4
from tests.lab.spaces import inside
from tests.lab.topology import Lab
from tests.storelab.lan import address
from tests.support.process import NotReady, Process
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml
from tillkeeper_drivers.simulator.shop import PrinterSpec, VirtualShop
from tillkeeper_drivers.simulator.slips import Slip

START_S, COMMAND_S, ASK_S, UP_S = 90.0, 30.0, 4.0, 30.0
HQ_PORT = 8080
PORTS = {"receipt": 9100, "grill": 9101}
MODELS = {"receipt": "tm-t88vi", "grill": "tm-m30"}
LETTERS = {"r1": "B", "r2": "C", "r3": "D", "r4": "E", "r5": "F", "r6": "G"}
ADDRESS = "12 Harbour Street"
SPEED_MM_S = 4_000.0
"""Twenty times as fast as paper really runs: many kills come while something prints."""


class Printers:
    """Virtual printers in a namespace, on its loopback where `specs` say nothing else, in a thread that lives there: what came
    out of them outlives the agent."""

    def __init__(self, space: str, seed: int, specs: Sequence[PrinterSpec] = ()) -> None:
        own = [
            PrinterSpec(name, MODELS[name], port=port, speed_mm_s=SPEED_MM_S, keep=1_000_000) for name, port in PORTS.items()
        ]
        self._shop = VirtualShop(specs or own, seed=seed)
        self._space = space
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._up = threading.Event()
        self._trouble: list[OSError] = []
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Printers":
        self._thread.start()
        if not self._up.wait(UP_S) or self._trouble:
            raise self._trouble[0] if self._trouble else TimeoutError("the printers did not come up")
        return self

    def __exit__(self, *_: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()

    def _work(self) -> None:
        async def serve() -> None:
            async with self._shop:
                self._up.set()
                await self._ending.wait()

        try:
            with inside(self._space):
                self._loop.run_until_complete(serve())
        except OSError as error:
            self._trouble.append(error)
        finally:
            self._loop.close()
            self._up.set()

    def slips(self, name: str) -> list[Slip]:
        """What one of them has cut so far."""
        return list(self._shop.printers[name].printed)

    def printed(self) -> list[Print]:
        """Every document so far."""
        return [
            one
            for name, printer in self._shop.printers.items()
            for one in prints_of(name, [slip.text for slip in list(printer.printed)], ADDRESS)
        ]


class Machine:
    """`host`: which host of the LAN it is; `register`: which one it says it is. `life`: how often its disk was replaced;
    `joined`: how often it was let in anew. `unexpected`: words, where its agent ended by itself. `turn` is held by whoever
    does something to it. `store`: its registers; the first is primary, the second backup."""

    def __init__(self, lab: Lab, host: str, register: str, folder: Path, token: str, store: Sequence[str]) -> None:
        self.lab, self.host, self.register, self.folder, self.store = lab, host, register, folder, tuple(store)
        self.space = lab.space(host)
        self.data, self.socket, self.config = folder / "data", folder / "till.sock", folder / "store.toml"
        self.life = self.joined = 0
        self.up = False
        self.unexpected: list[str] = []
        self.turn = asyncio.Lock()
        self._process: Process | None = None
        folder.mkdir(parents=True)
        (folder / "hq-token").write_text(token + "\n", "ascii")
        self.config.write_text(dumps(self._config()), "utf-8")
        self.client = httpx.AsyncClient(
            base_url="http://till", transport=httpx.AsyncHTTPTransport(uds=str(self.socket)), timeout=ASK_S, trust_env=False
        )

    @property
    def name(self) -> str:
        return self.host if self.host == self.register else f"{self.register}-twin"

    def _config(self) -> dict[str, Any]:
        later = time.gmtime(time.time() + 12 * 3600)  # the business day does not change during the run
        registers = {
            name: {"letter": letter, "address": address(name), "receipt_printer": "receipt", "drawer": None}
            for name, letter in LETTERS.items()
            if name in self.store
        }
        devices = {name: {"address": f"127.0.0.1:{port}", "confirm_timeout_s": 3.0} for name, port in PORTS.items()}
        changes: dict[str, Any] = {
            "this_register": self.register,
            "data_dir": str(self.data),
            "store": {"timezone": "UTC", "day_cutoff": f"{later.tm_hour:02d}:00", "receipt_header": [ADDRESS]},
            "registers": {"front": None, **registers},
            "devices": {**devices, "bar": None, "kitchen": None, "drawer": None},
            "stations": {"cold": None, "bar": None, "grill": {"backup": None}},
            "routing": {"categories": None, "items": None},
            "roles": {"primary": self.store[0], "backup": self.store[1]},
            "replication": {"listen": "0.0.0.0"},
            "network": {"watch": False},
            "hq": {"url": f"http://{HQ[V4]}:{HQ_PORT}", "token_file": str(self.folder / "hq-token")},
            "api": {"socket": str(self.socket)},
        }
        return merged(tomllib.loads(example_toml()), changes)

    # --- the agent ---

    async def start(self) -> None:
        """Returns when it takes orders. Raises `NotReady`."""
        arguments = ["run", "--config", str(self.config), "--ready-file", str(self.folder / "ready.json")]
        self._process = Process(
            "tillkeeper", arguments, ready=self.folder / "ready.json", log=self.folder / "agent.log",
            prefix=("ip", "netns", "exec", self.space),
        )  # fmt: skip
        await self._process.wait_ready(START_S)
        self.up = True

    def look(self) -> str:
        """Words where the agent, which nobody has ended, runs no more."""
        if not self.up or self._process is None or self._process.returncode is None:
            return ""
        self.up = False
        self.unexpected.append(f"{self.name}: the agent ended by itself with {self._process.returncode}\n{self.said()}")
        return self.unexpected[-1]

    async def kill(self) -> None:
        self.look()
        self.up = False
        if self._process is not None:
            await self._process.kill()

    async def stop(self) -> None:
        """SIGTERM; how it ended, if not well, goes to `unexpected`."""
        self.look()
        was_up, self.up = self.up, False
        if self._process is None or not was_up:
            return
        try:
            code = await self._process.stop()
        except TimeoutError as error:
            self.unexpected.append(f"{self.name}: {error}")
        else:
            if code != 0:
                self.unexpected.append(f"{self.name}: SIGTERM, and it ended with {code}\n{self.said()}")

    def signal(self, number: signal.Signals) -> None:
        """To a running agent."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, number)

    def said(self) -> str:
        log = self.folder / "agent.log"
        return log.read_text("utf-8", "replace")[-3_000:] if log.exists() else ""

    async def close(self) -> None:
        self.signal(signal.SIGCONT)
        await self.kill()
        await self.client.aclose()

    # --- asking ---

    async def get(self, path: str) -> Any:
        """The JSON of an answer, None where there is none."""
        try:
            answer = await self.client.get(path)
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    async def post(self, path: str, body: dict[str, Any], key: str, within_s: float = ASK_S) -> httpx.Response | None:
        """None: nobody knows what became of it."""
        try:
            return await self.client.post(path, json=body, headers={"Idempotency-Key": key}, timeout=within_s)
        except httpx.TransportError:
            return None

    async def command(self, *arguments: str) -> dict[str, Any]:
        """`tillkeeper ARGUMENTS --json` on this host. Raises `NotReady` where it says anything but yes."""
        command = ["ip", "netns", "exec", self.space, sys.executable, "-m", "tillkeeper", *arguments, "--json"]

        def run() -> "subprocess.CompletedProcess[str]":
            return subprocess.run(command, input="", capture_output=True, text=True, check=False, timeout=COMMAND_S)

        try:
            done = await asyncio.to_thread(run)
        except subprocess.TimeoutExpired as error:
            raise NotReady(f"tillkeeper {' '.join(arguments)}: {error}") from error
        if done.returncode:
            raise NotReady(f"tillkeeper {' '.join(arguments)}: {done.returncode}\n{done.stderr}")
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    # --- the disk ---

    async def copy(self, target: Path) -> None:
        """The disk as it is at one moment, while the agent stands still: as an image or a snapshot takes it."""
        self.signal(signal.SIGSTOP)
        try:
            await asyncio.to_thread(_copy, self.data, target)
        finally:
            self.signal(signal.SIGCONT)

    async def put_back(self, source: Path) -> None:
        await asyncio.to_thread(_copy, source, self.data)

    async def drop_keys(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self.data / "trust")

    async def wipe(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self.data)
        self.life += 1


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


async def joined(machine: Machine, admitters: Sequence[Machine], *, replace: bool) -> str:
    """Lets `machine` join by the first of the others that can admit it; why it could not, or nothing."""
    said = "nobody is up"
    for admitter in admitters:
        if not admitter.up:
            continue
        more = ("--replace",) if replace else ()
        try:
            asked = ("store", "code", machine.register, "--may-admit", *more, "--socket", str(admitter.socket))
            code = (await admitter.command(*asked))["code"]
            await machine.command("store", "join", code, "--config", str(machine.config))
        except NotReady as error:
            said = str(error)
        else:
            return ""
    return said
