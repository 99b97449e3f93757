"""HQ of the booted store: a machine in the internet, with a disk for its database; and what it shows to a reader."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from tests.boot import installed
from tests.boot.disk import Disk
from tests.boot.installed import Layers
from tests.boot.machine import Machine
from tests.boot.register import HQ_PORT, until
from tests.lab.places import HQ, V4
from tests.lab.spaces import inside
from tests.lab.topology import Lab, put
from tests.support.store import STORE
from tests.support.toml import dumps

UNIT = "tillkeeper-hq.service"
ETC_PLACE, DATA = "etc/tillkeeper-hq", "/var/lib/tillkeeper-hq"
ASK_S = 20.0


class Headquarters:
    """`tokens`: of the registers, by name."""

    database: Mapping[str, str] = {"data": DATA}
    """Where its books are, in hq.toml."""

    def __init__(self, lab: Lab, layers: Layers, folder: Path, registers: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        self.tokens = {name: secrets.token_urlsafe(24) for name in registers}
        self._reader = secrets.token_urlsafe(24)
        self._space = lab.space("cloud")
        self.machine = Machine(f"tk{self._space}", self._space, layers, folder / "machine", self._disks(folder), {})

    @classmethod
    def layers(cls) -> Layers:
        """Of its machine. Raises RuntimeError where they can not be made."""
        return installed.installed(installed.HQ)

    def _disks(self, folder: Path) -> dict[str, Disk]:
        return {DATA: Disk(folder, "hq")}

    def boot(self) -> None:
        """For the first time."""
        self.machine.boot()

    def configure(self, authority: str = "") -> None:
        """`authority`: the store's public key, once there is one. HQ reads it at its next start."""
        etc = self.machine.root / ETC_PLACE
        etc.mkdir(parents=True, exist_ok=True)
        lines = [f'[[readers]]\nstore = "{STORE}"\ntoken = "{self._reader}"\n']
        lines += [f'[[registers]]\nstore = "{STORE}"\nregister = "{n}"\ntoken = "{t}"\n' for n, t in self.tokens.items()]
        if authority:
            lines.append(f'[[stores]]\nstore = "{STORE}"\nauthority = "{authority}"\n')
        put(etc / "credentials.toml", "".join(lines), 0o600)
        settings = {"listen": f"{HQ[V4]}:{HQ_PORT}", "credentials": "credential:credentials.toml", **self.database}
        put(etc / "hq.toml", dumps(settings), 0o644)
        etc.chmod(0o755)

    async def restart(self) -> None:
        await asyncio.to_thread(self.machine.run, "systemctl", "restart", UNIT)

    async def serves(self) -> None:
        await until("HQ answers", lambda: asyncio.to_thread(self.answers))

    def answers(self) -> bool:
        try:
            return self._get("/healthz").is_success
        except httpx.TransportError:
            return False

    def _get(self, path: str, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._reader}"}
        with inside(self._space), httpx.Client(headers=headers, timeout=ASK_S, trust_env=False) as client:
            return client.get(f"http://{HQ[V4]}:{HQ_PORT}{path}", params={"store": STORE, **query})

    def books(self) -> tuple[int, int]:
        """Sales and what they come to, over all days. AssertionError where anything is in quarantine, or HQ does not say."""
        answer = self._get("/v1/books")
        assert answer.is_success, f"HQ: {answer.status_code} {answer.text}"
        days: list[dict[str, Any]] = answer.json()["days"]
        assert not any(day["quarantined"] for day in days), days
        return sum(day["books"]["sales"] for day in days), sum(day["books"]["gross_minor"] for day in days)

    def kill(self) -> None:
        """SIGKILL of its process."""
        self.machine.run("kill", "-9", str(self.machine.main_pid(UNIT)))
