"""What a host that nobody wants does on a LAN: answers for others' addresses, and turns broadcasts round like a loop of
cables."""

import contextlib
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from tests.lab.places import ROUTER_LAN, lan4, mac
from tests.lab.spaces import LabTrouble, inside, ip, settings
from tests.lab.topology import Lab

ETH_P_ALL, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 = 3, 0x0806, 0x0800, 0x86DD
REQUEST, REPLY = 1, 2
SPOOF_S = 0.5
LOOPED, BURST_S = 8, 0.004
"""A real loop runs at line rate; two cores are to survive this one."""
LOOP_PER_S = 5_000
LOOPING = b"looping\n"


def mac_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def arp_frame(operation: int, sender: tuple[str, str], target: tuple[str, str], to: str) -> bytes:
    """(MAC, IPv4 address) pairs, and the MAC that the frame goes to (RFC 826)."""
    body = struct.pack("!HHBBH", 1, ETH_P_IP, 6, 4, operation)
    for hardware, address in (sender, target):
        body += mac_bytes(hardware) + socket.inet_aton(address)
    return (mac_bytes(to) + mac_bytes(sender[0]) + struct.pack("!H", ETH_P_ARP) + body).ljust(60, b"\0")


def packet_socket(space: str, interface: str) -> socket.socket:
    with inside(space):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        made.bind((interface, ETH_P_ALL))
    return made


@contextlib.contextmanager
def in_thread(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """`work` runs until the event that it is given is set."""
    ending = threading.Event()
    thread = threading.Thread(target=work, args=(ending,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def announce(space: str, interface: str, hardware: str, address: str) -> None:
    """One gratuitous ARP (RFC 5227, 1.1: an announcement)."""
    with contextlib.closing(packet_socket(space, interface)) as made:
        made.send(arp_frame(REQUEST, (hardware, address), ("00:00:00:00:00:00", address), "ff:ff:ff:ff:ff:ff"))


@contextlib.contextmanager
def same_address(lab: Lab, register: str, *, loud: bool) -> Iterator[None]:
    """The stray host has the register's IPv4 address; `loud`: it says so when it comes."""
    space = lab.space("stray")
    ip(space, f"addr add {lan4(register)}/24 dev eth0")
    if loud:
        announce(space, "eth0", mac("stray"), lan4(register))
    try:
        yield
    finally:
        ip(space, f"addr del {lan4(register)}/24 dev eth0")
        # What the store's kernels have learned wrongly is put right as in the field: the rightful host talks on.
        announce(lab.space(register), "eth0", mac(register), lan4(register))


@contextlib.contextmanager
def posing_as_gateway(lab: Lab, victim: str) -> Iterator[None]:
    """Tells the victim twice a second that the gateway is here, answers its questions so, and passes its packets on."""
    space, gateway = lab.space("stray"), ROUTER_LAN["ipv4"]
    ip(space, f"addr add {lan4('stray')}/24 dev eth0", f"route add default via {gateway} dev eth0")
    ip(space, f"neigh replace {gateway} lladdr {lab.router_mac} nud permanent dev eth0")
    settings(space, {"ipv4/conf/all/send_redirects": 0, "ipv4/conf/eth0/send_redirects": 0, "ipv4/ip_forward": 1})
    lie = arp_frame(REPLY, (mac("stray"), gateway), (mac(victim), lan4(victim)), mac(victim))

    def work(ending: threading.Event) -> None:
        with contextlib.closing(packet_socket(space, "eth0")) as made:
            next_s = time.monotonic()
            while not ending.is_set():
                if time.monotonic() >= next_s:
                    made.send(lie)
                    next_s += SPOOF_S
                ready, _, _ = select.select([made], [], [], max(0.0, min(0.1, next_s - time.monotonic())))
                frame = made.recv(2048) if ready else b""
                asks = frame[12:14] == b"\x08\x06" and frame[21] == REQUEST and frame[38:42] == socket.inet_aton(gateway)
                if asks and frame[22:28] == mac_bytes(mac(victim)):
                    made.send(lie)

    try:
        with in_thread(work):
            yield
    finally:
        settings(space, {"ipv4/ip_forward": 0})
        ip(space, f"neigh del {gateway} dev eth0", "addr flush dev eth0 scope global")
        announce(lab.space("router"), "lan", lab.router_mac, gateway)


@contextlib.contextmanager
def loop(lab: Lab, chance: random.Random) -> Iterator[None]:
    """Broadcasts that arrive come back again and again, `LOOP_PER_S` a second in all, made by a process of its own: as a
    thread it would take the lab's servers their time."""
    arguments = (lab.space("stray"), f"192.168.1.{chance.randrange(200, 250)}")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        (sys.executable, "-m", "tests.lab.stray", *arguments), stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != LOOPING:
                raise LabTrouble("the loop did not begin")
            yield
        finally:
            process.kill()


def turn_round(space: str, nobody: str) -> None:
    """For ever. ARP is not among what comes back but for a question that nobody answers: the hosts' own kernels would answer
    each, and the policer would count what the prober did not send."""
    first = arp_frame(REQUEST, (mac("display"), lan4("display")), ("00:00:00:00:00:00", nobody), "ff:ff:ff:ff:ff:ff")
    held: deque[bytes] = deque([first], maxlen=LOOPED)
    turn, due = 0, time.monotonic()
    with contextlib.closing(packet_socket(space, "eth0")) as made:
        sys.stdout.buffer.write(LOOPING)
        sys.stdout.buffer.flush()
        while True:
            time.sleep(BURST_S)
            with contextlib.suppress(BlockingIOError):
                for _ in range(LOOPED):
                    frame, where = made.recvfrom(2048)
                    kind = int.from_bytes(frame[12:14], "big")
                    datagram = kind == ETH_P_IP or (kind == ETH_P_IPV6 and frame[20] == socket.IPPROTO_UDP)
                    if where[2] != socket.PACKET_OUTGOING and frame[0] & 1 and datagram and frame not in held:
                        held.append(frame)
            while due < time.monotonic():
                with contextlib.suppress(OSError):
                    made.send(held[turn % len(held)])
                turn, due = turn + 1, due + 1 / LOOP_PER_S


if __name__ == "__main__":
    turn_round(sys.argv[1], sys.argv[2])
