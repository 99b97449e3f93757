"""Between prober and agent: one JSON object a line over a unix stream socket, the agent listening. Pure.

The prober says `Hello`, then a `Reported` on every change and once a second; the agent says `Uplink` when the link to HQ has
news, `Devices` when one of them is elsewhere, and `Diagnose` when somebody asks. Lines over `MAX_LINE` end the connection; the
prober comes back after a second.
"""

from typing import Literal

import msgspec

from tillkeeper.network.model import Report, UplinkSeen

MAX_LINE = 256 * 1024
SILENT_S = 3.0
"""A prober that has said nothing for so long is taken for dead: what is known becomes "checking"."""


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello"):
    """The prober's first line. `raw`: it may send packets; else `trouble` says why not, with the remedy. `takes_devices`: it
    knows `Devices`; one of an older version would end the connection over it. `unkeyed`: why it has no key, and exchanges
    nothing with the probers of other registers."""

    version: str
    pid: int
    interface: str
    raw: bool
    trouble: str = ""
    takes_devices: bool = False
    unkeyed: str = ""


class Reported(msgspec.Struct, frozen=True, kw_only=True, tag="report"):
    report: Report


class DiagnoseStep(msgspec.Struct, frozen=True, kw_only=True, tag="diagnose_step"):
    """Progress of a deep diagnosis. `result`: what was found, in plain values; empty while `state` is "running"."""

    request: str
    check: str
    state: Literal["running", "done", "failed", "skipped"]
    words: str
    result: dict[str, str | int | float | bool | list[str] | None] = {}


class DiagnoseEnded(msgspec.Struct, frozen=True, kw_only=True, tag="diagnose_ended"):
    """`trouble`: why it ended early, or empty. `pcap`: path of the capture, where one was asked for."""

    request: str
    took_s: float
    trouble: str = ""
    pcap: str = ""


class Uplink(msgspec.Struct, frozen=True, kw_only=True, tag="uplink"):
    seen: UplinkSeen


class Devices(msgspec.Struct, frozen=True, kw_only=True, tag="devices"):
    """Where the devices of the configuration are now, by name, all of them: replaced by a person, or followed to another
    address. As `address` of the configuration has it; "usb:..." and the like are not on the network."""

    addresses: dict[str, str]


class Diagnose(msgspec.Struct, frozen=True, kw_only=True, tag="diagnose"):
    """`pcap`: also keep what was sent and heard. One at a time: a second one ends at once, with its
    trouble."""

    request: str
    pcap: bool = False


class Occupied(msgspec.Struct, frozen=True, kw_only=True, tag="occupied"):
    """The agent's last line to a prober that another one stands in the way of; `pid` of that one. It shall watch no more, and
    ask now and then whether the place is free: two together would ask the network twice as much as is polite."""

    pid: int


FromProber = Hello | Reported | DiagnoseStep | DiagnoseEnded
FromAgent = Uplink | Devices | Diagnose | Occupied
