"""A deep diagnosis as the agent asks the prober for one, while the router is taken away: it ends, the verdict goes on, and both
together stay far from what a switch shuts a port for."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from scapy.utils import rdpcap
from tests.lab.spaces import inside, ip
from tests.network.small_store import ANYCAST, REGISTER_MAC, ROUTER, Prober, Server, Store, config, small_store
from tests.network.test_deep_dissect import lldp_frame

from tillkeeper.network.wire import Diagnose, DiagnoseEnded, DiagnoseStep, FromProber, Reported

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]
ETH_P_ALL = 3
SHUT_AT_PER_S = 15
END_S = 40.0
SOURCE = bytes.fromhex(REGISTER_MAC.replace(":", ""))


class Port(threading.Thread):
    """The switch's end of the register's cable: tells its name, and notes when the register sent ARP."""

    def __init__(self, store: Store) -> None:
        super().__init__(name="switch port")
        self.arp_at_s: list[float] = []
        with inside(store.space("sw")):
            self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._tap.bind(("reg", ETH_P_ALL))
        self._tap.settimeout(0.1)
        self._over = threading.Event()

    def run(self) -> None:
        told_s = 0.0
        while not self._over.is_set():
            if time.monotonic() - told_s > 1.0:
                told_s = time.monotonic()
                self._tap.send(lldp_frame())
            with contextlib.suppress(TimeoutError):
                frame = self._tap.recv(2048)
                if frame[12:14] == b"\x08\x06" and frame[6:12] == SOURCE:
                    self.arp_at_s.append(time.monotonic())

    def most_in_a_second(self) -> int:
        return max((sum(1 for at_s in self.arp_at_s if from_s <= at_s < from_s + 1.0) for from_s in self.arp_at_s), default=0)

    def __enter__(self) -> "Port":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join(10)
        self._tap.close()


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[socket.socket]:
    """Where the prober comes in."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(folder / "probe.sock"))
        listener.listen()
        listener.settimeout(20.0)
        yield listener


def test_a_diagnosis_while_the_router_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    decode = msgspec.json.Decoder(FromProber).decode
    steps: list[DiagnoseStep] = []
    reported_s: list[float] = []
    ended: DiagnoseEnded | None = None
    file = config(tmp_path, {"hq": {"url": f"http://{ANYCAST[0]}"}})
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(small_store())
        stack.enter_context(Server(store))
        listener = stack.enter_context(agent(tmp_path))
        port = stack.enter_context(Port(store))
        prober = stack.enter_context(Prober(store, file, "--uplink", "agent"))
        prober.phase("fine")
        client = stack.enter_context(listener.accept()[0])
        client.settimeout(10.0)
        lines = stack.enter_context(client.makefile("rb"))
        client.sendall(msgspec.json.encode(Diagnose(request="R1", pcap=True)) + b"\n")
        end_s = time.monotonic() + END_S
        while ended is None:
            assert time.monotonic() < end_s, steps
            said = decode(lines.readline())
            if isinstance(said, DiagnoseStep):
                steps.append(said)
                if (said.check, said.state) == ("link", "done"):
                    ip(store.space("rt"), "link set eth0 down")
            elif isinstance(said, DiagnoseEnded):
                ended = said
            elif isinstance(said, Reported):
                reported_s.append(time.monotonic())
        prober.phase("confirmed", "router_dead")
    last = {step.check: step for step in steps}
    assert ended.trouble == "", ended
    assert last["route_hq"].result["reached"]
    assert last["switch_port"].result["switch"] == "sw-bar"
    assert last["duplicate_address"].result["duplicate"] is False
    assert str(last["gateway"].result["macs"]).startswith(f"['{ROUTER}: ")
    assert len(rdpcap(ended.pcap)) > 20
    gaps = [later - earlier for earlier, later in itertools.pairwise(reported_s)]
    assert max(gaps) < 3.0, "the agent would take the prober for dead"
    assert port.most_in_a_second() <= SHUT_AT_PER_S
    assert len(port.arp_at_s) > 10
