"""A whole store of real processes and real sockets, for tests, the kill loop and the bench.

    async with StoreRig(tmp_path) as rig:           # HQ, the internet, the devices and one agent are up
        order = await rig.ok("POST", "/v1/orders", body)
        await rig.kill_agent()
        await rig.start_agent()
        await rig.wait_all_settled()

HQ and the agent are processes; the internet between them and the virtual devices live in the rig's own process, so that what
is on paper outlives any death of the agent.
"""

import asyncio
import contextlib
import math
import secrets
import sqlite3
import tomllib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from tests.support.plain_http import NOBODY
from tests.support.ports import free_port
from tests.support.process import Process
from tests.support.toml import dumps, merged

from tillkeeper.cli.internet import Internet
from tillkeeper.config.embedded import example_toml
from tillkeeper.journal.verify import LogReport, verify_file
from tillkeeper_drivers.simulator.board import Card, Cards
from tillkeeper_drivers.simulator.display import VirtualDisplay
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.simulator.shop import DisplaySpec, PrinterSpec, VirtualShop

STORE, REGISTER = "store-1", "front"
START_S, WAIT_S, ASK_S = 60.0, 60.0, 15.0
LOOK_S = 0.02
"""How often another process is asked for what a test waits for, at first. Each look costs the processor that is waited for."""
_LONGEST_PAUSE_S = 0.1
_LONGEST_LOOK_S = 0.25


class RememberedCards(Cards):
    """Cards of a display that forgets none: `ever` has all that were shown, oldest first."""

    def __init__(self) -> None:
        super().__init__(None)
        self.ever: list[Card] = []

    def show(self, card: Card) -> None:
        self.ever.append(card)
        super().show(card)


class StoreRig:
    """See the module.

    Args:
        folder: everything is written here (`data/` is the agent's).
        changes: laid over the example configuration, table by table (`{"fire": "on_tender", "stations": {"cold": {"backup":
            None}}}`); None removes a key. Addresses, token files and `data_dir` are filled in by the rig.
        hq: with an HQ and an internet to it.
        agent: start the agent with the rig.
        speed_mm_s: paper speed of all printers; 0 prints at once, None is the models' own.
        keep: slips and drawer events kept in memory per printer.
        screens: virtual displays stand for the configured ones; False leaves those to kitchen pages.
        seed: of all virtual faults.
    """

    def __init__(
        self,
        folder: Path,
        *,
        changes: Mapping[str, Any] | None = None,
        hq: bool = True,
        agent: bool = True,
        speed_mm_s: float | None = 0.0,
        keep: int = 100_000,
        screens: bool = True,
        seed: int = 0,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.socket = folder / "till.sock"
        self.config_file = folder / "store.toml"
        self.hq_database_folder = folder / "hq"
        self.agent_prefix: Sequence[str] = ()
        """A command to start the agent in, as `("prlimit", "--as=...")`."""
        self._changes, self._with_hq, self._with_agent = changes or {}, hq, agent
        self._speed, self._keep, self._screens, self._seed = speed_mm_s, keep, screens, seed
        self._stack = contextlib.AsyncExitStack()
        self._agent: Process | None = None
        self._hq: Process | None = None
        self._hq_address = ("127.0.0.1", free_port())
        self._hq_token, self.api_token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.internet: Internet
        self.shop: VirtualShop
        self.api_port = 0
        """The agent's TCP port on loopback, the same over restarts."""

    # --- life ---

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _enter(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.api_port = free_port()
        config = merged(tomllib.loads(example_toml()), self._changes)
        self._stack.push_async_callback(self._end_all)
        if self._with_hq:
            await self.start_hq()
            self.internet = await self._stack.enter_async_context(Internet(self._hq_address))
        self.shop = await self._stack.enter_async_context(VirtualShop(self._devices(config["devices"]), seed=self._seed))
        for name, screen in self.shop.displays.items():
            screen.cards = RememberedCards()
            screen.name = name
        self._write_config(config)
        self.till = await self._client(httpx.AsyncHTTPTransport(uds=str(self.socket), verify=NOBODY), "http://till")
        self.hq = await self._client(None, f"http://{self._hq_listen}", self._hq_token)
        if self._with_agent:
            await self.start_agent()

    @property
    def _hq_listen(self) -> str:
        return ":".join(map(str, self._hq_address))

    async def _client(self, transport: httpx.AsyncHTTPTransport | None, url: str, token: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=url, transport=transport, headers=headers, timeout=ASK_S, trust_env=False, verify=NOBODY)
        )

    def _devices(self, devices: Mapping[str, Any]) -> list[PrinterSpec | DisplaySpec]:
        drawers = {device["printer"]: device.get("pin", 2) for device in devices.values() if device["kind"] == "drawer"}
        specs: list[PrinterSpec | DisplaySpec] = []
        for name, device in devices.items():
            if device["kind"] == "display":
                if not self._screens:
                    continue
                url = f"ws://127.0.0.1:{self.api_port}/v1/kitchen/{name}"
                specs.append(DisplaySpec(name, url, {"Authorization": f"Bearer {self.api_token}"}))
            elif device["kind"] != "drawer":
                model = device.get("profile") or "tm-t88vi"
                drawer = drawers.get(name)
                specs.append(PrinterSpec(name, model, speed_mm_s=self._speed, drawer_pin=drawer, keep=self._keep))
        return specs

    def _write_config(self, config: dict[str, Any]) -> None:
        for name, printer in self.shop.printers.items():
            config["devices"][name]["address"] = f"127.0.0.1:{printer.port}"
        token_file = self.folder / "api-token"
        token_file.write_text(self.api_token + "\n", "ascii")
        token_file.chmod(0o600)
        api = {
            "listen": f"127.0.0.1:{self.api_port}",
            "socket": str(self.socket),
            "token_file": str(token_file),
        }
        own: dict[str, Any] = {"data_dir": str(self.data), "api": api}
        if self._with_hq:
            host, port = self.internet.address
            own["hq"] = {"url": f"http://{host}:{port}", "token_file": str(self.folder / "hq-token")}
        self.config_file.write_text(dumps(merged(config, own)), "utf-8")

    async def _end_all(self) -> None:
        for process in (self._agent, self._hq):
            if process is not None:
                await process.kill()

    # --- pages ---

    def page_url(self, path: str, **query: str) -> str:
        """The link that opens a page on a tablet, as `tillkeeper pages` prints it: `page_url("register", terminal="front")`."""
        token = (self.data / "page-token").read_text("ascii").split("\n", 1)[0]
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.origin}/{path}/{asked}#token={token}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    # --- the agent ---

    def launch_agent(self) -> Process:
        """Start the agent's process and do not wait for it."""
        arguments = ["run", "--config", str(self.config_file), "--ready-file", str(self.folder / "agent-ready.json")]
        self._agent = Process(
            "tillkeeper",
            arguments,
            ready=self.folder / "agent-ready.json",
            log=self.folder / "agent.log",
            prefix=self.agent_prefix,
        )
        return self._agent

    async def start_agent(self) -> dict[str, Any]:
        """Start the agent and wait until it takes orders. Raises `process.NotReady`."""
        return await self.launch_agent().wait_ready(START_S)

    @property
    def agent(self) -> Process:
        """The running (or last) agent."""
        assert self._agent is not None, "no agent was started"
        return self._agent

    async def kill_agent(self) -> None:
        """SIGKILL; returns when it is gone."""
        await self.agent.kill()

    async def stop_agent(self) -> int:
        """SIGTERM; the exit code."""
        return await self.agent.stop()

    # --- HQ ---

    async def start_hq(self) -> None:
        """Start HQ, again on the port of the first time."""
        (self.folder / "hq-token").write_text(self._hq_token + "\n", "ascii")
        credentials = self.folder / "hq-credentials.toml"
        registers = f'[[registers]]\nstore = "{STORE}"\nregister = "{REGISTER}"\ntoken = "{self._hq_token}"\n'
        credentials.write_text(registers, "ascii")
        ready = self.folder / "hq-ready.json"
        arguments = ["run", "--data", str(self.hq_database_folder), "--listen", self._hq_listen]
        arguments += ["--credentials", str(credentials), "--ready-file", str(ready)]
        self._hq = Process("tillkeeper_hq", arguments, ready=ready, log=self.folder / "hq.log")
        await self._hq.wait_ready(START_S)

    async def kill_hq(self) -> None:
        """SIGKILL; returns when it is gone."""
        assert self._hq is not None, "no HQ was started"
        await self._hq.kill()

    # --- devices ---

    def printer(self, name: str) -> VirtualPrinter:
        return self.shop.printers[name]

    def display(self, name: str = "kitchen") -> VirtualDisplay:
        return self.shop.displays[name]

    def slips(self, name: str) -> list[str]:
        """The text of every slip that a printer has cut."""
        return [slip.text for slip in self.printer(name).printed]

    def cards(self, name: str = "kitchen") -> list[Card]:
        """Every card that a display has ever shown."""
        cards = self.display(name).cards
        assert isinstance(cards, RememberedCards)
        return list(cards.ever)

    def pulses(self, name: str = "receipt") -> int:
        """How often the drawer connector of a printer got a pulse."""
        return sum(event.kind == "pulsed" for event in self.printer(name).store.drawer)

    # --- asking ---

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        """A command to the agent over its unix socket, with a key of its own where none is given."""
        return await self.till.post(path, json=body or {}, headers={"Idempotency-Key": key or f"rig-{uuid.uuid4()}"})

    async def ok(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        """The JSON of a good answer; an AssertionError with the problem for any other."""
        answer = await self.till.get(path) if method == "GET" else await self.post(path, body, key=key)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    async def get(self, path: str) -> Any:
        return await self.ok("GET", path)

    async def order(self, *items: str, key: str | None = None, **fields: Any) -> Any:
        """Place an order of one piece each, paid in cash unless `tenders` says otherwise; the answer's JSON."""
        body = {"order_type": "takeout", "lines": [{"item_id": item} for item in items], "tenders": [{"tender": "cash"}]}
        return await self.ok("POST", "/v1/orders", body | fields, key=key)

    # --- waiting ---

    async def wait_for(self, what: str, look: Callable[[], Awaitable[Any]], deadline_s: float = WAIT_S) -> Any:
        """What `look` finds as soon as it finds something true. AssertionError at the deadline."""
        till, pause_s = asyncio.get_running_loop().time() + deadline_s, LOOK_S
        while not (found := await look()):
            assert asyncio.get_running_loop().time() < till, f"not within {deadline_s:g} s: {what}\n{self.agent.said()}"
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_PAUSE_S, 1.2 * pause_s)
        return found

    async def wait_settled(self, job_id: str, deadline_s: float = WAIT_S) -> Any:
        """The job once it is settled or held."""

        async def ended() -> Any:
            job = await self.get(f"/v1/jobs/{job_id}")
            return None if job["state"] in ("queued", "sending") else job

        return await self.wait_for(f"job {job_id} is settled", ended, deadline_s)

    async def wait_all_settled(self, deadline_s: float = WAIT_S) -> None:
        """Until no job waits; held ones count as waiting. AssertionError where for `deadline_s` there were not fewer: how long
        a day's queue takes depends on the machine, that it moves does not."""
        clock = asyncio.get_running_loop().time
        fewest, till, pause_s = math.inf, clock() + deadline_s, LOOK_S
        while (await self.get("/v1/jobs?limit=1"))["jobs"]:
            devices = (await self.get("/v1/devices"))["devices"]
            waiting = sum(device["queued"] + device["held"] for device in devices)
            if waiting < fewest:
                fewest, till = waiting, clock() + deadline_s
            if clock() >= till:
                oldest = (await self.get("/v1/jobs?limit=5"))["jobs"]
                said = "\n".join(map(str, (*(one for one in devices if one["queued"] + one["held"]), *oldest)))
                raise AssertionError(f"for {deadline_s:g} s none of {waiting} jobs was settled\n{said}\n{self.agent.said()}")
            await asyncio.sleep(pause_s)
            pause_s = min(_LONGEST_LOOK_S, 1.5 * pause_s)  # each look costs the agent that is waited for

    async def wait_mode(self, mode: str, deadline_s: float = WAIT_S) -> Any:
        """The status once the register is in this mode."""

        async def there() -> Any:
            status = await self.get("/v1/status")
            return status if status["mode"] == mode else None

        return await self.wait_for(f"the register is {mode}", there, deadline_s)

    async def wait_synced(self, deadline_s: float = WAIT_S) -> None:
        """Until HQ holds every event of the register."""

        async def synced() -> bool:
            status = await self.get("/v1/status")
            return bool(status["mode"] == "online" and status["only_here"] == 0)

        await self.wait_for("HQ holds everything", synced, deadline_s)

    # --- the truth of each side ---

    async def own_books(self, day: str = "") -> Any:
        """The register's books of a business day, of today where it is empty."""
        return await self.get(f"/v1/books?day={day}" if day else "/v1/books")

    async def hq_get(self, path: str, **query: str) -> Any:
        answer = await self.hq.get(path, params={"store": STORE, **query})
        assert answer.is_success, f"GET {path} at HQ: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    async def hq_books(self) -> list[dict[str, Any]]:
        """HQ's books: one `DayBooks` a business day, oldest first. AssertionError where anything is quarantined."""
        days = (await self.hq_get("/v1/books"))["days"]
        assert not any(day["quarantined"] for day in days), days
        return [day["books"] for day in days]

    async def check_books(self) -> dict[str, int]:
        """Assert that HQ's books equal the register's, day by day, and give the sums over all days."""
        sums = dict.fromkeys(("sales", "gross_minor", "net_minor", "tax_minor", "discount_minor", "rounding_minor"), 0)
        for theirs in await self.hq_books():
            own = await self.own_books(theirs["business_day"])
            for name in sums:
                mine = own["checks_closed"] if name == "sales" else own[name]
                assert theirs[name] == mine, f"{theirs['business_day']} {name}: HQ {theirs[name]}, register {mine}"
                sums[name] += mine
            taken = {tender["tender"]: tender["taken_minor"] for tender in own["tenders"]}
            assert {name: tender["taken_minor"] for name, tender in theirs["tenders"].items()} == taken
        return sums

    def event_types(self) -> set[str]:
        """The types of all events in the journal. Also while the agent runs."""
        journal = sqlite3.connect(f"file:{self.data / 'journal.db'}?mode=ro", uri=True)
        with contextlib.closing(journal):
            return {kind for (kind,) in journal.execute("SELECT DISTINCT type FROM events")}

    def verify_chain(self) -> list[LogReport]:
        """Check every hash of the journal; AssertionError where one does not fit. Also while the agent runs."""
        reports = verify_file(self.data / "journal.db")
        assert reports, "no log"
        assert not any(report.problem for report in reports), reports
        return reports


def in_store(folder: Path, scene: Callable[[StoreRig], Awaitable[None]], **options: Any) -> None:
    """Run a scene in a store of its own; `options` as `StoreRig` takes them."""

    async def run() -> None:
        async with StoreRig(folder, **options) as rig:
            await scene(rig)

    asyncio.run(run())
