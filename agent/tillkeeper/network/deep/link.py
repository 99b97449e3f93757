"""The interface itself: speed, duplex, errors, how often the cable went. Of psutil and /sys/class/net."""

from pathlib import Path

import psutil

from tillkeeper.network.deep.check import Check, Found, Outcome, Skip
from tillkeeper.network.deep.values import clean

WATCH_S = 5.0
DUPLEX = {int(psutil.NIC_DUPLEX_FULL): "full", int(psutil.NIC_DUPLEX_HALF): "half"}
SYS = Path("/sys/class/net")


class LinkFound(Found, frozen=True):
    """`..._errors`, `..._drops`: since the machine started; `new_errors`: while this diagnosis watched. `carrier_changes`:
    how often the cable went or came."""

    up: bool
    speed_mbit: int
    duplex: str
    mtu: int
    driver: str
    rx_errors: int
    tx_errors: int
    rx_drops: int
    tx_drops: int
    crc_errors: int | None
    collisions: int | None
    carrier_changes: int | None
    new_errors: int
    wireless: bool


def is_wireless(interface: str) -> bool:
    folder = _folder(interface)
    return folder is not None and ((folder / "wireless").exists() or (folder / "phy80211").exists())


def _folder(interface: str) -> Path | None:
    """Its place in sysfs. A container may see the sysfs of another network than its own: the MAC tells."""
    own = [each.address for each in psutil.net_if_addrs().get(interface, ()) if each.family == psutil.AF_LINK]
    try:
        same = (SYS / interface / "address").read_text().strip() in own
    except OSError:
        return None
    return SYS / interface if same else None


class Link(Check):
    name = "link"

    def __init__(self, interface: str) -> None:
        self.doing = f"Reading the state of {interface} ..."
        self._interface = interface
        self._end_s = 0.0
        self._errors = 0

    def begin(self, now_s: float) -> None:
        counted = psutil.net_io_counters(pernic=True, nowrap=False).get(self._interface)
        if counted is None:
            raise Skip(f"there is no interface {self._interface}")
        self._end_s = now_s + WATCH_S
        self._errors = counted.errin + counted.errout

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        if not last and now_s < self._end_s:
            return None
        stats = psutil.net_if_stats().get(self._interface)
        counted = psutil.net_io_counters(pernic=True, nowrap=False).get(self._interface)
        if stats is None or counted is None:
            return Outcome(state="failed", words=f"The interface {self._interface} went away meanwhile")
        folder = _folder(self._interface)
        found = LinkFound(
            up=stats.isup,
            speed_mbit=stats.speed,
            duplex=DUPLEX.get(stats.duplex, "unknown"),
            mtu=stats.mtu,
            driver=_driver(folder),
            rx_errors=counted.errin,
            tx_errors=counted.errout,
            rx_drops=counted.dropin,
            tx_drops=counted.dropout,
            crc_errors=_number(folder, "statistics/rx_crc_errors"),
            collisions=_number(folder, "statistics/collisions"),
            carrier_changes=_number(folder, "carrier_changes"),
            new_errors=counted.errin + counted.errout - self._errors,
            wireless=is_wireless(self._interface),
        )
        return Outcome(state="done", words=_words(self._interface, found), found=found)


def _words(interface: str, found: LinkFound) -> str:
    if not found.up:
        return f"{interface} has no carrier"
    speed = f"{found.speed_mbit} Mb/s" if found.speed_mbit > 0 else "speed unknown"
    duplex = f"{found.duplex} duplex" if found.duplex != "unknown" else "duplex unknown"
    said = [f"{interface}: {speed}, {duplex}"]
    if found.duplex == "half" and not found.wireless:
        said.append("half duplex: one end may be set by hand and the other not")
    if found.new_errors:
        said.append(f"{found.new_errors} errors while it was watched: a bad cable or connector")
    elif found.rx_errors + found.tx_errors:
        said.append(f"{found.rx_errors + found.tx_errors} errors since the start, none now")
    else:
        said.append("no errors")
    return "; ".join(said)


def _number(folder: Path | None, name: str) -> int | None:
    try:
        return int((folder / name).read_text()) if folder else None
    except (OSError, ValueError):
        return None


def _driver(folder: Path | None) -> str:
    try:
        return clean((folder / "device" / "driver").resolve(strict=True).name) if folder else ""
    except OSError:
        return ""
