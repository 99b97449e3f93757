"""A register that systemd has booted, in the lab's store, with a real HQ in its cloud."""

import asyncio
import contextlib
import json
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.boot.installed import REGISTER, installed
from tests.boot.machine import Machine
from tests.lab.places import ANYCAST, CHECK_NAME, HQ, HQ_NAME, V4, lan4
from tests.lab.spaces import ETC
from tests.lab.topology import Lab, Shape, key_text, put
from tests.support.process import Process
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml

SPACE = "r1"
HQ_PORT = 8090
TOKEN = "a-token-of-the-boot-test"
SOCKET = "/run/tillkeeper/tillkeeper.sock"


@dataclass(frozen=True)
class Register:
    """The booted machine and the store that it stands in."""

    lab: Lab
    machine: Machine

    async def run(self, *command: str, user: str = "", check: bool = True) -> str:
        return await asyncio.to_thread(lambda: self.machine.run(*command, user=user, check=check))

    async def asks(self, *command: str) -> Any:
        """The JSON that a `tillkeeper` command prints in the machine."""
        return json.loads(await self.run("tillkeeper", *command, "--socket", SOCKET, "--json"))

    async def wait_for(self, what: str, *command: str, look: Any, deadline_s: float = 30.0) -> Any:
        """The JSON of a command once `look` says yes to it."""

        def answer() -> Any:
            said = json.loads(self.machine.run("tillkeeper", *command, "--socket", SOCKET, "--json"))
            return said if look(said) else None

        return await asyncio.to_thread(self.machine.wait_for, what, answer, deadline_s)


@contextlib.asynccontextmanager
async def register(folder: Path) -> AsyncIterator[Register]:
    """Booted, with both units started by systemd alone."""
    layers = await asyncio.to_thread(installed, REGISTER)
    with Lab(Shape(families=(V4,)), label="boot") as lab:
        async with lab.served(), hq(lab, folder) as token_file:
            etc = _etc(lab, folder, token_file)
            binds = {"/etc/resolv.conf": ETC / lab.space(SPACE) / "resolv.conf", "/etc/tillkeeper": etc}
            with Machine(f"tk{lab.space(SPACE)}", lab.space(SPACE), layers, folder / "machine", {}, binds) as machine:
                try:
                    await asyncio.to_thread(machine.boot)
                    yield Register(lab, machine)
                finally:
                    await asyncio.to_thread(machine.shut_down)  # the network's servers see it go


@contextlib.asynccontextmanager
async def hq(lab: Lab, folder: Path) -> AsyncIterator[Path]:
    """The file with the token that HQ knows this register by."""
    credentials = put(folder / "credentials.toml", f'[[registers]]\nstore = "store-1"\nregister = "front"\ntoken = "{TOKEN}"\n')
    arguments = ["run", "--data", str(folder / "hq"), "--listen", f"{HQ[V4]}:{HQ_PORT}", "--credentials", str(credentials)]
    ready = folder / "hq-ready.json"
    server = Process(
        "tillkeeper_hq",
        [*arguments, "--ready-file", str(ready)],
        ready=ready,
        log=folder / "hq.log",
        prefix=("ip", "netns", "exec", lab.space("cloud")),
    )
    try:
        await server.wait_ready(30.0)
        yield put(folder / "token", TOKEN + "\n")
    finally:
        await server.kill()


def _etc(lab: Lab, folder: Path, token_file: Path) -> Path:
    etc = folder / "etc"
    put(etc / "hq-token", token_file.read_text(), 0o644)
    put(etc / "beacon.key", key_text(), 0o644)
    own: dict[str, Any] = {
        "data_dir": "/var/lib/tillkeeper",
        "api": {"socket": SOCKET},
        "hq": {"url": f"http://{HQ_NAME}:{HQ_PORT}", "token_file": "hq-token"},
        "devices": {"receipt": {"address": f"{lan4('printer')}:9100"}},
        "network": {
            "socket": "/run/tillkeeper/probe/probe.sock",
            "key_file": "beacon.key",
            "anycast": list(ANYCAST[V4]),
            "portal_url": f"http://{CHECK_NAME}/generate_204",
            "families": ["ipv4"],
            "links": {"cables": {"front": {"where": "behind the till", "cable_colour": "blue"}}},
        },
    }
    put(etc / "tillkeeper.toml", dumps(merged(tomllib.loads(example_toml()), own)), 0o644)
    etc.chmod(0o755)
    return etc
