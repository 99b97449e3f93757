"""What a packet costs: our struct codecs against scapy, build and parse, and the memory of either. Ratios; both are measured
in turn within each round."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import rows
from tests.bench.world import ROOT

ROUNDS = 9
OURS_TURNS, SCAPY_TURNS = 4000, 80
GOAL = 0.05
"""Of scapy's time: so that 1,000 probes a second leave room in 5 % of a core (design: 67 % with scapy)."""
ME, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"

_MEMORY = """
import sys
sys.path[:0] = {path!r}
{code}
for line in open("/proc/self/status"):
    if line.startswith("VmRSS:"):
        print(int(line.split()[1]))
"""
_OURS = "from tillkeeper.network import beacon, bpf, dns, frames, http, icmp, nd, netlink; beacon.head(b'k' * 32)"
_PROGRAMS = {
    "bare interpreter": "",
    "all struct codecs and keyed BLAKE2b": _OURS,
    "the same with HMAC-SHA256 of the standard library": _OURS + "; import hmac; hmac.digest(b'k' * 32, b'x', 'sha256')",
    "scapy's ARP, IP and DNS layers": "import scapy.layers.l2, scapy.layers.inet, scapy.layers.inet6, scapy.layers.dns",
}


def measure(folder: Path) -> list[rows.Row]:
    """`folder` is not used: nothing here touches a disk."""
    return [*_speed(), *_memory()]


def _speed() -> list[rows.Row]:
    from scapy.layers.dns import DNS, DNSQR, DNSRR
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
    from scapy.layers.l2 import ARP, Ether

    from tillkeeper.network import dns, frames, icmp, nd

    arp = bytes(Ether(src=OTHER, dst=ME) / ARP(op=2, hwsrc=OTHER, psrc="10.0.0.2", hwdst=ME, pdst="10.0.0.1"))
    reply = bytes(IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=0, id=7, seq=9) / bytes(16))
    asked = IP(src="10.0.0.1", dst="192.0.2.9") / ICMP(type=8, id=7, seq=9) / bytes(16)
    error = bytes(IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=11) / asked)
    told = ICMPv6ND_NA(tgt="fe80::2") / ICMPv6NDOptDstLLAddr(lladdr=OTHER)
    advertisement = bytes(Ether(src=OTHER, dst=ME) / IPv6(src="fe80::2", dst="fe80::1", hlim=255) / told)
    name = "hq.example.net"
    answer = bytes(DNS(id=7, qr=1, qd=[DNSQR(qname=name)], an=[DNSRR(rrname=name, rdata="192.0.2.7")]))

    def scapy_dissects_dns() -> object:
        found = DNS(answer)
        return found.id, found.qd[0].qname, found.an[0].rdata

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "ARP request built": (
            lambda: frames.arp_request(ME, "10.0.0.1", "10.0.0.2", OTHER),
            lambda: bytes(Ether(src=ME, dst=OTHER) / ARP(hwsrc=ME, psrc="10.0.0.1", pdst="10.0.0.2")),
        ),
        "ARP reply parsed": (lambda: frames.parse_arp(arp), lambda: Ether(arp)[ARP].psrc),
        "echo request built": (lambda: icmp.echo_request(7, 9, bytes(16)), lambda: bytes(ICMP(id=7, seq=9) / bytes(16))),
        "echo reply parsed": (lambda: icmp.parse(reply), lambda: IP(reply)[ICMP].seq),
        "ICMP error parsed": (lambda: icmp.parse(error), lambda: IP(error)[ICMP].payload.getlayer(ICMP)),
        "neighbour advertisement parsed": (
            lambda: nd.parse_frame(advertisement),
            lambda: Ether(advertisement)[ICMPv6ND_NA].tgt,
        ),
        "DNS answer parsed": (lambda: dns.parse(answer, 7, name, "A"), scapy_dissects_dns),
    }
    return [_compared(what, ours, theirs) for what, (ours, theirs) in pairs.items()]


def _compared(what: str, ours: Callable[[], object], theirs: Callable[[], object]) -> rows.Row:
    ours(), theirs()
    times = [(_us(ours, OURS_TURNS), _us(theirs, SCAPY_TURNS)) for _ in range(ROUNDS)]
    ratios = [own / other for own, other in times]
    own, other = (rows.p50([pair[which] for pair in times]) for which in (0, 1))
    note = f"{own:.3g} us to {other:.3g} us; {rows.spread(ratios, 'x')}"
    return rows.figure(f"{what}, struct codec to scapy", rows.p50(ratios), "x", GOAL, note)


def _us(call: Callable[[], object], turns: int) -> float:
    began_ns = time.perf_counter_ns()
    for _ in range(turns):
        call()
    return (time.perf_counter_ns() - began_ns) / turns / 1000


def _memory() -> list[rows.Row]:
    found = []
    for what, code in _PROGRAMS.items():
        program = _MEMORY.format(path=[str(ROOT), str(ROOT / "agent")], code=code)
        mib = [
            int(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout) / 1024
            for _ in range(3)
        ]
        found.append(rows.figure(f"resident memory, {what}", rows.p50(mib), "MiB", note=rows.spread(mib, "MiB")))
    return found
