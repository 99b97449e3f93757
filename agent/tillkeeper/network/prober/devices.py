"""Which printers and displays are asked: those of the configuration file, each where it is now by the agent's word.

The agent may say where a device is that the file names, and nothing else: no other name, no host name that the file has not at
that device, one change a second for all of them together. Which addresses are hosts of the own network decides `targets`.
"""

from collections.abc import Callable, Mapping

import msgspec

from tillkeeper.config import address as where
from tillkeeper.network import dns, http
from tillkeeper.network.model import DevicesSeen, Fact, Family, Role, Target
from tillkeeper.network.prober.resolv import literal

PRINTERS = ("escpos", "star")
DISPLAYS = ("escpos_display", "epson_kds", "fresh_kds", "logic_controls")


class Filed(msgspec.Struct, frozen=True):
    """A device as the file has it."""

    kind: str = ""
    address: str = ""


def targets_of(devices: Mapping[str, Filed]) -> list[Target]:
    """Printers and displays with an address on the network; those of this machine itself say nothing about the network."""
    found: dict[str, Target] = {}
    for name, device in devices.items():
        role: Role = "display" if device.kind in DISPLAYS else "printer"
        if device.kind not in (*PRINTERS, *DISPLAYS) or not device.address or where.kind(device.address) != "tcp":
            continue
        if where.problem(device.address):
            continue  # `config check` says it
        host, port = where.host_port(device.address)
        address = literal(host)
        if host == "localhost" or address.startswith("127.") or address == "::1" or not is_askable(host):
            continue
        family: Family = "ipv6" if ":" in address else "ipv4"
        found.setdefault(
            host,
            Target(
                name=f"{role}:{name}", role=role, family=family, address=address, ways=("echo", "arp"), port=port,
                host="" if address else host,
            ),
        )  # fmt: skip
    return [with_nd(target) for target in found.values()]


def with_nd(target: Target) -> Target:
    return target if target.family == "ipv4" else msgspec.structs.replace(target, ways=("echo", "nd"))


def is_askable(host: str, path: str = "/") -> bool:
    """Whether resolvers and servers can be told of it: what they can not would end the prober when it is first asked."""
    try:
        return bool(http.get_request(host, path) and (literal(host) or dns.query(0, host)))
    except ValueError:
        return False


def present(filed: Mapping[str, Filed], said: Mapping[str, str]) -> dict[str, Filed]:
    """The devices of the file where the agent says that they are. What it may not say is passed over: the file counts there."""
    return {name: msgspec.structs.replace(device, address=_told(device, said.get(name))) for name, device in filed.items()}


def _told(device: Filed, said: str | None) -> str:
    if said is None or said == device.address or where.problem(said):
        return device.address
    if where.kind(said) == "tcp" and not literal(where.host_port(said)[0]):
        return device.address  # a name that nobody has asked a resolver for
    return said


class Devices:
    """Forgets with its process: until the agent speaks the file counts."""

    def __init__(self, filed: Mapping[str, Filed], tell: Callable[[Fact], None]) -> None:
        self._filed, self._tell = filed, tell
        self._said: Mapping[str, str] | None = None
        self._told = targets_of(filed)

    def hear(self, said: Mapping[str, str]) -> None:
        """The agent's newest word; the engine is told at the next `tick`."""
        self._said = said

    def tick(self, now_s: float) -> None:
        """Once a second."""
        if self._said is None:
            return
        targets, self._said = targets_of(present(self._filed, self._said)), None
        if targets != self._told:
            self._told = targets
            self._tell(DevicesSeen(at_s=now_s, targets=tuple(targets)))
