"""How a register's network looks to ordinary tools: the columns of the table in docs/network.md, asked once with ping, arping
and sockets."""

import contextlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.lab.places import ANYCAST, CHECK, CHECK_PORT, HQ, HQ_NAME, HQ_PORT, MODEM, ROUTER_LAN, V4, V6, lan4, lan6
from tests.lab.spaces import answers, arp_answers, carrier, inside, shown
from tests.lab.topology import Lab

WAIT_S = 0.4
AGAIN_S = 0.3
"""Each look asks for MACs: without a pause the looking itself would shut the port."""
ISP = {V4: "100.64.1.1", V6: "2001:db8:f1::1"}


def asked(lab: Lab, register: str, resolver: str, family: str) -> str:
    """What a resolver says of HQ's name: "answer", "error" (a code other than NOERROR), "refused" or "silence"."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in HQ_NAME.split("."))
    with inside(lab.space(register)), contextlib.closing(socket.socket(_family(family), socket.SOCK_DGRAM)) as made:
        made.settimeout(WAIT_S)
        try:
            made.connect((resolver, 53))
            made.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1")
            data = made.recv(512)
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "silence"
    return "answer" if data[3] & 0x0F == 0 else "error"


def fetched(lab: Lab, register: str, address: str, port: int, family: str) -> str:
    """The status of an HTTP answer, or "refused", "unreachable", "silence"."""
    with inside(lab.space(register)), contextlib.closing(socket.socket(_family(family), socket.SOCK_STREAM)) as made:
        made.settimeout(WAIT_S)
        try:
            made.connect((address, port))
            made.send(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
            return made.recv(64).split(b" ")[1].decode()
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silence"
        except (OSError, IndexError):
            return "unreachable"


def _family(family: str) -> int:
    return socket.AF_INET if family == V4 else socket.AF_INET6


def look(lab: Lab, register: str = "r1", family: str = V4) -> dict[str, str]:
    """Column -> "yes", "no" or what was said instead. Nothing is asked without carrier."""
    space = lab.space(register)
    if not there(space) or not carrier(space):
        return {"carrier": "no"}
    peer, lan = next(name for name in lab.shape.names if name != register), lan4 if family == V4 else lan6

    def echo(address: str) -> Callable[[], str]:
        return lambda: "yes" if answers(space, address, wait_s=WAIT_S) else "no"

    questions: dict[str, Callable[[], str]] = {
        "gateway": echo(ROUTER_LAN[family]), "peer": echo(lan(peer)), "printer": echo(lan("printer")),
        "hop2": echo(ISP[family]), "anycast": echo(ANYCAST[family][0]), "hq_host": echo(HQ[family]),
        "resolver": lambda: asked(lab, register, ROUTER_LAN[family], family),
        "other_resolver": lambda: asked(lab, register, ANYCAST[family][0], family),
        "check": lambda: fetched(lab, register, CHECK[family], CHECK_PORT, family),
        "hq": lambda: fetched(lab, register, HQ[family], HQ_PORT, family),
    }  # fmt: skip
    if family == V4:
        questions["gateway_arp"] = lambda: "yes" if arp_answers(space, ROUTER_LAN[V4]) else "no"
        questions["modem"] = echo(MODEM)
    with ThreadPoolExecutor(len(questions)) as threads:
        running = {name: threads.submit(question) for name, question in questions.items()}
        return {"carrier": "yes"} | {name: asking.result() for name, asking in running.items()}


def there(space: str, interface: str = "eth0") -> bool:
    return f" {interface}@" in shown(space, "-o", "link", "show")


def looks_well(seen: dict[str, str]) -> bool:
    well = {"resolver": "answer", "other_resolver": "answer", "check": "204", "hq": "200"}
    return len(seen) > 1 and all(said == well.get(name, "yes") for name, said in seen.items())


def wait_well(lab: Lab, register: str = "r1", family: str = V4, deadline_s: float = 8.0) -> dict[str, str]:
    """The last look, well or not after the deadline."""
    till_s = time.monotonic() + deadline_s
    while True:
        time.sleep(AGAIN_S)
        seen = look(lab, register, family)
        if looks_well(seen) or time.monotonic() > till_s:
            return seen
