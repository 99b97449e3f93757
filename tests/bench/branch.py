"""A store of several real agents with keys, HQ and cables between them: what the rows of the books are measured on."""

import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from tests.bench.cables import Cables
from tests.bench.world import PRINTERS, ROOT, Agent, sinks, three_printers
from tests.support import postgres
from tests.support.keys import AUTHORITY, join_all
from tests.support.several import LETTERS
from tests.support.store import STORE, free_port

from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import HELD_FILE, JOURNAL_FILE

HQ = "HQ"
READER = "bench-token-of-a-reader-of-books"
LOOK_S = 0.1
START_AT_ONCE = 4
_SEQ = (1 << 40) - 1
Behind = dict[str, int | None]
"""What each sink is still to get, None where it does not answer."""


class Branch:
    """All of it runs once it is entered.

    Args:
        names: of the registers, in the order of the config.
        data: the data folder of a register before it starts, by its name.
        alone: the register whose cables are cut at first; all others are whole.
        changes: tables of all configurations, laid over what it writes itself.
        hq_processes: of HQ; the first register speaks to the first, the next one to the next, and so on around. More than one
            work on PostgreSQL.
    """

    def __init__(
        self, folder: Path, *names: str, data: Mapping[str, Path] | None = None, alone: str = "",
        changes: Mapping[str, Any] | None = None, hq_processes: int = 1,
    ) -> None:  # fmt: skip
        self.folder, self.names, self._data, self._alone = folder, names, data or {}, alone
        self._changes = changes or {}
        self.agents: dict[str, Agent] = {}
        self._stack = ExitStack()
        self._places: dict[tuple[str, str], int] = {}
        """(who calls, whom) -> the number of the cable."""
        self._hq_ports = [free_port() for _ in range(hq_processes)]

    def __getitem__(self, name: str) -> Agent:
        return self.agents[name]

    def __enter__(self) -> Self:
        with self._stack:  # whatever fails on the way: what was started ends
            self._enter()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _enter(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        folders = {name: self._data.get(name, self.folder / name / "data") for name in self.names}
        join_all(STORE, folders)
        self._hq_credentials()
        where = self._hq_database()
        for port in self._hq_ports:
            self._stack.enter_context(self._hq(port, where))
        printers = self._stack.enter_context(sinks(len(PRINTERS)))
        ports = {name: free_port() for name in self.names}
        hqs = dict(zip(self.names, itertools.cycle(self._hq_ports), strict=False))
        pairs = [(near, far) for near in self.names for far in (*self.names, HQ) if near != far]
        self._places = {pair: at for at, pair in enumerate(pairs)}
        targets = [("127.0.0.1", hqs[near] if far == HQ else ports[far]) for near, far in pairs]
        self.cables = self._stack.enter_context(Cables(targets))
        if self._alone:
            self.cut(self._alone)
        for name in self.names:
            config = self._config(name, ports[name]) | three_printers(printers.ports, drawer=False) | self._changes
            self.agents[name] = Agent(self.folder / name, config, folders[name])
        for at in range(0, len(self.names), START_AT_ONCE):
            some = [self.agents[name] for name in self.names[at : at + START_AT_ONCE]]
            for agent in some:
                self._stack.callback(agent.stop)
                agent.launch()
            for agent in some:
                agent.wait_ready()

    def _config(self, name: str, port: int) -> dict[str, Any]:
        registers: dict[str, Any] = {}
        for letter, other in zip(LETTERS, self.names, strict=False):
            registers[other] = {"letter": letter, "receipt_printer": "receipt", "drawer": "drawer"}
            if other != name:
                registers[other]["address"] = f"127.0.0.1:{self._port(name, other)}"
        token = self.folder / f"hq-token-{name}"
        token.write_text(_token(name) + "\n", "ascii")
        return {
            "this_register": name,
            "registers": registers,
            "replication": {"listen": "127.0.0.1", "port": port},
            "hq": {"url": f"http://127.0.0.1:{self._port(name, HQ)}", "token_file": str(token)},
            "network": {"watch": False},
        }

    def _port(self, near: str, far: str) -> int:
        return self.cables.ports[self._places[near, far]]

    def _hq_database(self) -> list[str]:
        if len(self._hq_ports) == 1:
            return ["--data", str(self.folder / "hq")]
        return ["--database", self._stack.enter_context(postgres.running()).fresh()]

    def _hq_credentials(self) -> None:
        lines = [f'[[readers]]\nstore = "{STORE}"\ntoken = "{READER}"\n']
        lines += [f'[[stores]]\nstore = "{STORE}"\nauthority = "{AUTHORITY.key}"\n']
        registers = (f'[[registers]]\nstore = "{STORE}"\nregister = "{n}"\ntoken = "{_token(n)}"\n' for n in self.names)
        (self.folder / "hq-credentials.toml").write_text("".join((*lines, *registers)), "ascii")

    @contextmanager
    def _hq(self, port: int, where: list[str]) -> Iterator[None]:
        command = [sys.executable, "-m", "tillkeeper_hq", "run", *where]
        command += ["--listen", f"127.0.0.1:{port}", "--credentials", str(self.folder / "hq-credentials.toml")]
        with (
            (self.folder / "hq.log").open("ab") as said,
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=said) as process,
        ):
            assert process.stdout is not None
            try:
                assert process.stdout.readline(), (self.folder / "hq.log").read_text()[-2000:]
                yield
            finally:
                process.terminate()

    # --- cables ---

    def cut(self, name: str, *others: str) -> None:
        """A register is alone (without the named ones: HQ, registers)."""
        self.cables.cut(self._between(name, others))

    def hole(self, name: str, *others: str) -> None:
        """As `cut`, but nobody is told: everything that is sent is lost."""
        self.cables.hole(self._between(name, others))

    def mend(self, name: str, *others: str) -> None:
        self.cables.mend(self._between(name, others))

    def _between(self, name: str, others: Iterable[str]) -> list[int]:
        wanted = set(others) or {*self.names, HQ}
        return [at for pair, at in self._places.items() if name in pair and set(pair) - {name} <= wanted]

    def carried(self) -> tuple[int, int]:
        """Bytes so far, both ways: between registers, and to HQ."""
        found = self.cables.carried()
        to_hq = sum(found[at] for (_, far), at in self._places.items() if far == HQ)
        return sum(found) - to_hq, to_hq

    # --- asking ---

    def behind(self, name: str) -> Behind:
        with self.agents[name].local() as client:
            found = client.get("/v1/status")["sinks"]
        return {sink["name"]: sink["behind"] if sink["reachable"] else None for sink in found if sink["sends"]}

    def wait(self, name: str, what: Callable[[Behind], bool], deadline_s: float) -> float:
        """CLOCK_MONOTONIC in seconds once this holds. AssertionError at the deadline."""
        end_s = time.monotonic() + deadline_s
        while not what(found := self.behind(name)):
            assert time.monotonic() < end_s, f"not within {deadline_s:g} s: {found}"
            time.sleep(LOOK_S)
        return time.monotonic()

    def wait_equal(self, name: str, deadline_s: float) -> float:
        """Until every sink of a register has all that it is to get."""
        return self.wait(name, lambda found: bool(found) and all(one == 0 for one in found.values()), deadline_s)

    def own_seq(self, name: str) -> int:
        """The last event that is in its journal."""
        return int(self._ask(name, JOURNAL_FILE, "SELECT max(id) FROM events")) & _SEQ

    def held(self, holder: str, register: str) -> int:
        """How far one register's disk holds the log of another."""
        return int(self._ask(holder, HELD_FILE, f"SELECT max(held_seq) FROM logs WHERE register = '{register}'"))

    def held_by_hq(self, register: str) -> int:
        found = self._hq_get("/v1/registers")["registers"]
        return max((int(row["held_seq"]) for row in found if row["register"] == register), default=0)

    def days_at_hq(self) -> dict[str, int]:
        """Checks that HQ's books count as closed, by business day. AssertionError where anything is in quarantine."""
        days = self._hq_get("/v1/books")["days"]
        assert not any(day["quarantined"] for day in days), days
        return {day["books"]["business_day"]: int(day["books"]["sales"]) for day in days}

    def sales_at_hq(self) -> int:
        """Over all days; as `days_at_hq`."""
        return sum(self.days_at_hq().values())

    def _ask(self, name: str, file: str, sql: str) -> Any:
        reading = connect_reader(self.agents[name].data / file)
        try:
            return reading.execute(sql).get
        finally:
            reading.close()

    def _hq_get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {READER}"}
        url = f"http://127.0.0.1:{self._hq_ports[0]}{path}"
        answer = httpx.get(url, params={"store": STORE}, headers=headers, trust_env=False, timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return answer.json()


def _token(name: str) -> str:
    return f"bench-token-of-the-register-{name}"
