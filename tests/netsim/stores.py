"""The stores in which faults are played."""

from tests.netsim.store import Store

DUAL = ("ipv4", "ipv6")
STORES: dict[str, Store] = {
    "1 register": Store(),
    "3 registers": Store(registers=3),
    "3 registers, managed switch": Store(registers=3, managed=True),
    "1 register, managed switch": Store(managed=True),
    "1 register, IPv6 only": Store(families=("ipv6",)),
    "1 register, dual stack": Store(families=DUAL),
    "3 registers, dual stack": Store(registers=3, families=DUAL),
    "8 registers": Store(registers=8),
    "1 register, router silent to echo": Store(gateway_echoes=False),
    "1 register, router tells, modem without address": Store(router_tells=True, modem_has_address=False),
    "1 register, provider's resolver, no uplink": Store(resolver="isp", uplink=False),
    "1 register, Wi-Fi": Store(wireless=True),
    "1 register, backup line": Store(backup=True),
}
SHARE = {"8 registers": 0.1, "3 registers, dual stack": 0.2, "3 registers, managed switch": 0.4}
"""How many of the seeds are played there, where not all: they cost more time. Stores that show one thing get a fifth."""
FEW = 0.2
MAIN = ("1 register", "3 registers")


def seeds_for(name: str, seeds: int) -> int:
    share = 1.0 if name in MAIN else SHARE.get(name, FEW)
    return max(1, round(seeds * share))
