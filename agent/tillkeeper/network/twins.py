"""Two devices that have one address: a laptop with the printer's. Pure; bounded.

A device is asked at its own MAC, so whoever else has its address is not heard. Now and then everybody is asked (RFC 826), and
what devices say of themselves is heard. Another MAC than before may be a new printer; two that speak in turns are two devices.
"""

from collections.abc import Iterator

from tillkeeper.network.model import Role, Target

EVERY_S = 30.0
"""How often everybody is asked for one device, and all devices together at most twice a second."""
APART_S = 0.5
AGAIN_S = 2.0
"""How soon everybody is asked again after a MAC that is new."""
HELD_TIMES = 2.5
"""So many of its checks without the second MAC, and it has gone."""
TURNS = 8
MOST = 64
ROLES: frozenset[Role] = frozenset({"printer", "display", "switch"})


class _Device:
    """`turns`: who spoke, each with the time it was last heard; a new one begins where another MAC speaks than before."""

    __slots__ = ("asked_s", "due_s", "name", "since_s", "turns")

    def __init__(self, name: str, due_s: float) -> None:
        self.name = name
        self.due_s = due_s
        self.asked_s = float("-inf")
        self.since_s: float | None = None
        self.turns: list[tuple[str, float]] = []

    def saw(self, mac: str, at_s: float) -> None:
        if self.turns and self.turns[-1][0] == mac:
            self.turns[-1] = (mac, at_s)
            return
        if self.turns and not any(mac == known for known, _ in self.turns):
            self.due_s = min(self.due_s, max(at_s, self.asked_s + AGAIN_S))
        self.turns = [*self.turns[1 - TURNS :], (mac, at_s)]

    def twins(self, now_s: float, held_s: float) -> list[str]:
        """The MACs, where one of them spoke again after another one; else none."""
        turns: list[str] = []
        for mac, at_s in self.turns:
            if now_s - at_s <= held_s and (not turns or turns[-1] != mac):
                turns.append(mac)
        return sorted(set(turns)) if len(turns) > len(set(turns)) else []


class Twins:
    """Of the configured devices of IPv4 that are asked at all."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}

    @property
    def _every_s(self) -> float:
        return max(EVERY_S, APART_S * len(self._devices))

    def due(self, target: Target, now_s: float) -> bool:
        """Whether everybody should be asked for `target` now; `asked` when that was done."""
        if target.role not in ROLES or target.family != "ipv4" or not target.address:
            return False
        device = self._devices.get(target.address)
        if device is None:
            if len(self._devices) >= MOST:
                return False
            device = self._devices[target.address] = _Device(target.name, now_s + EVERY_S / 3 + APART_S * len(self._devices))
        return now_s >= device.due_s

    def asked(self, target: Target, now_s: float) -> None:
        device = self._devices[target.address]
        device.asked_s, device.due_s = now_s, now_s + self._every_s

    def saw(self, address: str, mac: str, at_s: float) -> None:
        """`mac` has answered for `address`, or has said that it has it."""
        device = self._devices.get(address)
        if device is not None and mac and mac not in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"):
            device.saw(mac, at_s)

    def seen(self, now_s: float) -> Iterator[tuple[str, float, str]]:
        """(device, since when, the MACs) of each that is there twice."""
        for device in self._devices.values():
            macs = device.twins(now_s, HELD_TIMES * self._every_s)
            if not macs:
                device.since_s = None
                continue
            if device.since_s is None:
                device.since_s = now_s
            yield device.name.partition(":")[2] or device.name, device.since_s, ", ".join(macs[:3])
