"""HQ of the store lab: two processes on one PostgreSQL, behind a balancer of the kernel, on a host of the internet."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests.lab.spaces import inside, nft
from tests.lab.topology import Lab
from tests.storelab.disks import of_envelope
from tests.storelab.evidence import AtHq, Event
from tests.storelab.machine import HQ_PORT, START_S
from tests.support import postgres
from tests.support.process import Process
from tests.support.store import STORE

PROCESSES = (8081, 8082)
ASK_S, AGAIN_S = 20.0, 0.2
SUMS = ("sales", "gross_minor", "net_minor", "tax_minor")
BALANCER = """table ip balance {
  chain pre {
    type nat hook prerouting priority -100;
    tcp dport %d redirect to :numgen inc mod 2 map { 0 : %d, 1 : %d }
  }
}"""
_EVENTS = """SELECT register, incarnation, seq, type, body, hash, business_day, at_ms
  FROM events JOIN logs USING (log_id) WHERE events.rejected = ''"""

_CLOSED = "SELECT body FROM events WHERE type = 'check_closed' ORDER BY at_ms DESC LIMIT 20"


class Hq:
    """`number` is 0 or 1, which of the processes. `pauses`: processes that stand still."""

    def __init__(self, lab: Lab, folder: Path, server: postgres.Server, tokens: Mapping[str, str], reader: str) -> None:
        self._space, self._folder, self.server, self._reader = lab.space("cloud"), folder, server, reader
        self._tokens = tokens
        self._url = server.fresh()
        self._processes: list[Process | None] = [None, None]
        folder.mkdir(parents=True)
        (folder / "database").write_text(self._url + "\n", "ascii")
        nft(self._space, BALANCER % (HQ_PORT, *PROCESSES))

    async def open(self, authority: str) -> None:
        """Both processes; `authority`: the public key of the store's."""
        lines = [f'[[readers]]\nstore = "{STORE}"\ntoken = "{self._reader}"\n']
        lines.append(f'[[stores]]\nstore = "{STORE}"\nauthority = "{authority}"\n')
        lines += [f'[[registers]]\nstore = "{STORE}"\nregister = "{n}"\ntoken = "{t}"\n' for n, t in self._tokens.items()]
        (self._folder / "credentials.toml").write_text("".join(lines), "ascii")
        for number in range(len(PROCESSES)):
            await self.start(number)

    async def start(self, number: int) -> None:
        ready = self._folder / f"ready-{number}.json"
        arguments = ["run", "--database-file", str(self._folder / "database"), "--listen", f"0.0.0.0:{PROCESSES[number]}"]
        arguments += ["--credentials", str(self._folder / "credentials.toml"), "--ready-file", str(ready)]
        made = self._processes[number] = Process(
            "tillkeeper_hq", arguments, ready=ready, log=self._folder / f"hq-{number}.log",
            prefix=("ip", "netns", "exec", self._space),
        )  # fmt: skip
        await made.wait_ready(START_S)

    def process(self, number: int) -> Process:
        found = self._processes[number]
        assert found is not None, "HQ was not opened"
        return found

    async def close(self) -> None:
        for process in self._processes:
            if process is not None:
                await process.kill()

    def database(self, how: signal.Signals) -> contextlib.AbstractContextManager[None]:
        return _stopped(self.server, how)

    # --- what it has ---

    def hashes(self) -> set[str]:
        """Of all events in its books and in quarantine; by SQL, whether or not its processes run. Raises psycopg.Error."""
        rows = self.server.ask("SELECT hash FROM events WHERE rejected = ''", self._url)
        asides = self.server.ask("SELECT envelope FROM quarantine", self._url)
        return {name for (name,) in rows} | {json.loads(raw)["hash"] for (raw,) in asides}

    def has_closed(self, check_id: str) -> bool:
        """Whether it has the events of a check up to its close. Blocking; raises psycopg.Error."""
        return any(check_id in bytes(body).decode() for (body,) in self.server.ask(_CLOSED, self._url))

    async def content(self) -> AtHq:
        """What it shows and what it has."""
        return await asyncio.to_thread(self._content)

    def _content(self) -> AtHq:
        rows = self.server.ask(_EVENTS, self._url)
        good = [Event(*start, bytes(body).decode(), name, day, at_ms) for *start, body, name, day, at_ms in rows]
        aside = {}
        books: dict[str, int] = {}
        quarantined: dict[str, int] = {}
        with inside(self._space), self._client() as client:
            days = _get(client, "/v1/books")["days"]
            for one in _pages(client):
                event = of_envelope(one["envelope"])
                aside[event.hash] = (one["reason"], event)
        by_day: dict[str, dict[str, int]] = {}
        for day in days:
            _add(books, day["books"])
            _add(by_day.setdefault(day["books"]["business_day"], {}), day["books"])
            if day["quarantined"]:
                _add(quarantined, day["quarantined"])
        numbers = self.server.ask("SELECT check_id, number FROM checks", self._url)
        hashes = tuple(event.hash for event in good)
        return AtHq({event.hash: event for event in good}, aside, hashes, books, quarantined, dict(numbers), by_day)

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._reader}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{PROCESSES[0]}", headers=headers, timeout=ASK_S, trust_env=False)

    def answers(self) -> bool:
        """Whether both processes can store."""
        with inside(self._space), self._client() as client:
            try:
                return all(client.get(f"http://127.0.0.1:{port}/healthz").is_success for port in PROCESSES)
            except httpx.TransportError:
                return False


def _get(client: httpx.Client, path: str, **query: str) -> Any:
    """A 503 is asked again, as whoever reads from HQ does: its database was away, and it connects anew."""
    till = time.monotonic() + ASK_S
    while True:
        answer = client.get(path, params={"store": STORE, **query})
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > till:
            return answer.raise_for_status().json()
        time.sleep(AGAIN_S)


def _pages(client: httpx.Client) -> Iterator[dict[str, Any]]:
    after: int | None = 0
    while after is not None:
        page = _get(client, "/v1/quarantine", after=str(after))
        yield from page["events"]
        after = page.get("next_after") if page["events"] else None


def _add(sums: dict[str, int], day: dict[str, Any]) -> None:
    for name in SUMS:
        sums[name] = sums.get(name, 0) + day[name]
    sums["taken_minor"] = sums.get("taken_minor", 0) + sum(one["taken_minor"] for one in day["tenders"].values())


@contextlib.contextmanager
def _stopped(server: postgres.Server, how: signal.Signals) -> Iterator[None]:
    server.stop(how)
    try:
        yield
    finally:
        server.start()


DatabaseAway = psycopg.OperationalError
