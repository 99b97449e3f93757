"""Which switch, which port? Listens for LLDP and CDP; sends nothing."""

from tillkeeper.network.deep.check import Check, Found, Line, Outcome, Skip
from tillkeeper.network.deep.values import Heard, SwitchPort

MORE_S = 1.5
"""After the first one: a switch that speaks both tells them together, and a telephone in between tells its own."""
MAX_HEARD = 8


class SwitchPortFound(Found, frozen=True):
    """Of the first one heard. `heard`: a line for each; more than one: an unmanaged switch passes on what others say."""

    protocol: str = ""
    switch: str = ""
    description: str = ""
    port: str = ""
    port_description: str = ""
    vlan: int | None = None
    management: str = ""
    mac: str = ""
    heard: tuple[str, ...] = ()


class SwitchPortCheck(Check):
    """`wireless`: there is no port then. `listen_s`: at most."""

    name = "switch_port"
    doing = "Listening for the switch to say which port this is (LLDP, CDP; up to 30 s) ..."

    def __init__(self, line: Line, *, wireless: bool) -> None:
        self._line = line
        self._wireless = wireless
        self._heard: dict[tuple[str, str, str], SwitchPort] = {}
        self._began_s = 0.0
        self._first_s: float | None = None

    def begin(self, now_s: float) -> None:
        if self._wireless:
            raise Skip("Wi-Fi has no switch port")
        if not self._line.mac:
            raise Skip("the interface is no Ethernet: it has no switch port")
        self._began_s = now_s

    def take(self, heard: Heard, now_s: float) -> None:
        if isinstance(heard, SwitchPort) and heard.mac != self._line.mac and len(self._heard) < MAX_HEARD:
            self._heard.setdefault((heard.protocol, heard.switch, heard.port), heard)
            if self._first_s is None:
                self._first_s = now_s

    def poll(self, now_s: float, *, last: bool) -> Outcome | None:
        enough = self._first_s is not None and now_s >= self._first_s + MORE_S
        if not enough and not last:
            return None
        ports = list(self._heard.values())
        if not ports:
            waited = round(now_s - self._began_s)
            words = f"Nothing heard for {waited} s: the switch is unmanaged, or tells its name on other ports only"
            return Outcome(state="done", words=words, found=SwitchPortFound())
        first = ports[0]
        vlan = f", VLAN {first.vlan}" if first.vlan is not None else ""
        about = f" ({first.description})" if first.description else ""
        return Outcome(
            state="done",
            words=f"Port {first.port} of {first.switch}{about}{vlan}",
            found=SwitchPortFound(
                protocol=first.protocol,
                switch=first.switch,
                description=first.description,
                port=first.port,
                port_description=first.port_description,
                vlan=first.vlan,
                management=first.management,
                mac=first.mac,
                heard=tuple(f"{port.protocol}: port {port.port} of {port.switch} ({port.mac})" for port in ports),
            ),
        )
