"""A store's network as parts that are up, down, lossy or slow.

Parts, i being a register's index: nic{i} tx{i} rx{i} cable{i} port{i} power switch router_cable router modem access upstream
backup portal hq hq_path printer display management resolver anycast:{address} v6. `modes` are what is wrong without anything
being down. Losses and delays are of the round trip, so that 5 % means that 5 % of the questions stay without an answer.
"""

from tests.netsim import store as s

from tillkeeper.network.model import Family


class Parts:
    """Change it with the methods: they forget what was worked out for the state before."""

    def __init__(self, store: s.Store) -> None:
        self.store = store
        self.down: set[str] = set()
        self.loss: dict[str, float] = {}
        self.delay_ms: dict[str, float] = {}
        self.modes: set[str] = set()
        self.gateway_mac = s.GATEWAY_MAC
        self._heard: dict[tuple[int, int], float] = {}

    # --- changes ---

    def break_(self, *parts: str) -> None:
        self.down.update(parts)
        self.changed()

    def mend(self, *parts: str) -> None:
        self.down.difference_update(parts)
        self.changed()

    def lose(self, part: str, share: float) -> None:
        """0 ends it."""
        self.loss.pop(part, None)
        if share:
            self.loss[part] = share
        self.changed()

    def slow(self, part: str, by_ms: float) -> None:
        self.delay_ms.pop(part, None)
        if by_ms:
            self.delay_ms[part] = by_ms
        self.changed()

    def mode(self, name: str, on: bool = True) -> None:
        if on:
            self.modes.add(name)
        else:
            self.modes.discard(name)
        self.changed()

    def changed(self) -> None:
        self._heard.clear()

    # --- what is the case ---

    def carrier(self, index: int) -> bool:
        return not self.down & {"power", f"cable{index}", f"nic{index}", f"missing{index}"}

    def has_address(self, index: int, family: Family) -> bool:
        return not self.modes & {f"no_address{index}", f"no_address{index}:{family}"} and self.interface_up(index)

    def interface_up(self, index: int) -> bool:
        return not self.down & {f"nic{index}", f"missing{index}"}

    def own(self, index: int) -> tuple[str, ...]:
        return (f"nic{index}", f"missing{index}", f"asleep{index}", f"tx{index}", f"rx{index}", f"cable{index}", f"port{index}",
                "power", "switch")  # fmt: skip

    def heard(self, sender: int, listener: int) -> float:
        """How likely a broadcast of one register reaches another."""
        key = (sender, listener)
        known = self._heard.get(key)
        if known is None:
            parts = (
                f"nic{sender}", f"missing{sender}", f"asleep{sender}", f"tx{sender}", f"cable{sender}", f"port{sender}",
                "power", "switch", f"nic{listener}", f"missing{listener}", f"asleep{listener}", f"rx{listener}",
                f"cable{listener}", f"port{listener}",
            )  # fmt: skip
            known = self.through(parts)[0]
            if "isolated" in self.modes or f"no_address{sender}" in self.modes:
                known = 0.0
            self._heard[key] = known
        return known

    def through(self, parts: tuple[str, ...]) -> tuple[float, float]:
        """Survival and added milliseconds; (0, 0) where a part is down."""
        if not self.down.isdisjoint(parts):
            return 0.0, 0.0
        survives, added = 1.0, 0.0
        if self.loss or self.delay_ms:
            for part in parts:
                survives *= 1.0 - self.loss.get(part, 0.0)
                added += self.delay_ms.get(part, 0.0)
        return survives, added
