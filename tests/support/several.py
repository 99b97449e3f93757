"""A store of several registers: real agents as processes, real TLS between them, and lines that the test cuts.

    async with SeveralRig(tmp_path, "front", "side", "back") as store:
        await store["front"].order("cola")
        await store.cut("front", "side")

Every register has a `StoreRig` of its own (its devices, its API); HQ is one for all, and each reaches it over its own internet.
"""

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
from tests.support.keys import join_all
from tests.support.lines import Line
from tests.support.plain_http import NOBODY
from tests.support.ports import free_port
from tests.support.process import Process
from tests.support.store import ASK_S, START_S, STORE, StoreRig
from tests.support.toml import both

from tillkeeper.trust.keys import KeyPair

LETTERS = "BCDEFGHJKLMNPQRSUVWXYZ"


class SeveralRig:
    """`lines[a, b]`: over which a calls b. `internets[a]`: from a to HQ.

    Args:
        changes: as of `StoreRig`, for all registers.
        keys: their keys are on their disks; without them nobody believes anybody.
        screens: as of `StoreRig`.
        pinned: HQ's credentials say whose signatures count in the store.
    """

    def __init__(
        self,
        folder: Path,
        *names: str,
        changes: Mapping[str, Any] | None = None,
        keys: bool = True,
        hq: bool = True,
        pinned: bool = True,
        screens: bool = True,
    ) -> None:
        self.folder, self.names, self._changes, self._keys, self._with_hq = folder, names, changes or {}, keys, hq
        self._pinned, self._screens = pinned, screens
        self.authority = KeyPair.generate()
        """Of this store alone: registers of two tests that run at a time never take each other for members."""
        self.believed = self.authority.key
        """Whose signatures count at HQ, as of its next start."""
        self.rigs: dict[str, StoreRig] = {}
        self.lines: dict[tuple[str, str], Line] = {}
        self.internets: dict[str, Line] = {}
        self.tokens = {name: secrets.token_urlsafe(24) for name in names}
        self._reader = secrets.token_urlsafe(24)
        self.shop = secrets.token_urlsafe(24)
        self._hq: Process | None = None
        self._hq_address = ("127.0.0.1", free_port())
        self._stack = contextlib.AsyncExitStack()

    def __getitem__(self, name: str) -> StoreRig:
        return self.rigs[name]

    async def __aenter__(self) -> Self:
        try:
            await self._enter()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _enter(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.push_async_callback(self.kill_hq)
        if self._with_hq:
            await self.start_hq()
        self.hq = await self._stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{self._hq_address[1]}",
                headers={"Authorization": f"Bearer {self._reader}"},
                timeout=ASK_S,
                trust_env=False,
                verify=NOBODY,
            )
        )
        ports = {name: free_port() for name in self.names}
        for near in self.names:
            self.internets[near] = await self._stack.enter_async_context(Line(self._hq_address))
            for far in self.names:
                if near != far:
                    line = await self._stack.enter_async_context(Line(("127.0.0.1", ports[far])))
                    self.lines[near, far] = line
        folders = {name: self.folder / name for name in self.names}
        if self._keys:
            join_all(STORE, {name: folder / "data" for name, folder in folders.items()}, authority=self.authority)
        for name in self.names:
            changes = both(self._config(name, ports[name]), self._changes)
            self.rigs[name] = await self._stack.enter_async_context(
                StoreRig(folders[name], changes=changes, hq=False, agent=False, screens=self._screens)
            )
            await self.rigs[name].start_agent()

    def _config(self, name: str, port: int) -> dict[str, Any]:
        registers: dict[str, Any] = {}
        for letter, other in zip(LETTERS, self.names, strict=False):
            registers[other] = {"letter": letter, "receipt_printer": "receipt", "drawer": "drawer"}
            if other != name:
                registers[other]["address"] = "{}:{}".format(*self.lines[name, other].address)
        token = self.folder / f"hq-token-{name}"
        token.write_text(self.tokens[name] + "\n", "ascii")
        hq = {"url": "http://{}:{}".format(*self.internets[name].address), "token_file": str(token)} if self._with_hq else {}
        listen = {"listen": "127.0.0.1", "port": port}
        return {"this_register": name, "registers": registers, "replication": listen, "hq": hq, "network": {"watch": False}}

    # --- HQ ---

    async def start_hq(self) -> None:
        lines = [f'[[readers]]\nstore = "{STORE}"\ntoken = "{self._reader}"\n']
        if self._keys and self._pinned:
            lines.append(f'[[stores]]\nstore = "{STORE}"\nauthority = "{self.believed}"\n')
        lines.append(f'[[integrations]]\nstore = "{STORE}"\nname = "web shop"\ntoken = "{self.shop}"\n')
        lines += [f'[[registers]]\nstore = "{STORE}"\nregister = "{n}"\ntoken = "{t}"\n' for n, t in self.tokens.items()]
        credentials, ready = self.folder / "hq-credentials.toml", self.folder / "hq-ready.json"
        credentials.write_text("".join(lines), "ascii")
        listen = "{}:{}".format(*self._hq_address)
        arguments = ["run", "--data", str(self.folder / "hq"), "--listen", listen, "--credentials", str(credentials)]
        self._hq = Process("tillkeeper_hq", [*arguments, "--ready-file", str(ready)], ready=ready, log=self.folder / "hq.log")
        await self._hq.wait_ready(START_S)

    async def kill_hq(self) -> None:
        if self._hq is not None:
            await self._hq.kill()

    async def hq_get(self, path: str, **query: str) -> Any:
        answer = await self.hq.get(path, params={"store": STORE, **query})
        assert answer.is_success, f"GET {path} at HQ: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    async def hq_sales(self) -> int:
        """Checks that HQ's books count as closed, over all days. AssertionError where anything is quarantined."""
        days = (await self.hq_get("/v1/books"))["days"]
        assert not any(day["quarantined"] for day in days), days
        return sum(int(day["books"]["sales"]) for day in days)

    # --- lines ---

    async def cut(self, one: str, other: str) -> None:
        for pair in ((one, other), (other, one)):
            await self.lines[pair].cut()

    async def mend(self, one: str, other: str) -> None:
        for pair in ((one, other), (other, one)):
            await self.lines[pair].mend()

    def hole(self, one: str, other: str) -> None:
        for pair in ((one, other), (other, one)):
            self.lines[pair].hole()

    # --- asking ---

    async def wait_sinks(self, name: str, **wanted: int | None) -> Any:
        """The status of a register once each of the named ones (`HQ` too) is behind by so many; None: is not reachable."""

        async def there() -> Any:
            status = await self[name].get("/v1/status")
            sinks = {sink["name"]: sink for sink in status["sinks"]}
            seen = {name: sinks[name]["behind"] if sinks[name]["reachable"] else None for name in wanted}
            return status if seen == wanted else None

        return await self[name].wait_for(f"{name}: {wanted}", there)
