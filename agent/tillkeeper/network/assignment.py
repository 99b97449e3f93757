"""What the prober gives to the child that diagnoses in depth: one JSON line on its standard input. Pure.

The child answers with `wire.DiagnoseStep` lines and, when it is through, one `wire.DiagnoseEnded`. It goes at once when its
standard input ends: a prober that died leaves nothing behind that sends.
"""

import msgspec

from tillkeeper.network.model import Address, Family

MAX_LINE = 16 * 1024
ARP_PER_S = 1.0
"""ARP and neighbour solicitations together: half of what the engine leaves of `setup.ARP_PER_S`, for a technician asks while
links come and go, and then the kernel's own questions nearly fill what a switch lets pass (15 a second)."""
LIMIT_S = 28.0
"""Of the child's own clock; a switch tells its name every 30 s (IEEE 802.1AB, 10.5.3), so most are heard."""
CAPTURE_BYTES = 5_000_000


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only what is named here is sent to, apart from the broadcasts and multicasts of ARP, ND and DHCP. `addresses`: the
    interface's own. `hq`, `anycast`: addresses, empty where there is none. `name`: what resolvers are asked for. `pcap`: path
    of a file that is not there yet, empty for none."""

    request: str
    interface: str
    addresses: tuple[Address, ...] = ()
    gateways: dict[Family, str] = {}
    hq: str = ""
    anycast: str = ""
    resolvers: tuple[str, ...] = ()
    other_resolvers: tuple[str, ...] = ()
    name: str = ""
    pcap: str = ""
    arp_per_s: float = ARP_PER_S
    limit_s: float = LIMIT_S
