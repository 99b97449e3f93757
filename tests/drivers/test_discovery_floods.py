"""Hosts that answer a search by the thousand, with huge names, names made of commands, or from where nobody was asked."""

import asyncio
import os
import random
import socket
import struct
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper_drivers.discovery import enpc, fresh, mdns, network
from tillkeeper_drivers.discovery.netlink import Own
from tillkeeper_drivers.discovery.network import Heard, Search

RAW = b"\x0f_pdl-datastream\x04_tcp\x05local\x00"
HEADER = struct.pack(">HHHHHH", 0, 0x8400, 0, 256, 0, 0)
ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2028<script>alert(1)</script>\r\n\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 0x8001, 10, len(data)) + data


def basic(name: bytes) -> bytes:
    body = b"\0\0\0\0\0" + name
    return b"EPSON" + struct.pack(">cBBHHH", b"q", 3, 0, enpc.BASIC, 0, len(body)) + body


def chains(labels: int, size: int) -> bytes:
    """A message that says one long name again and again, by pointers to its beginning."""
    chain = (bytes([size]) + b"a" * size) * labels + b"\0"
    first = record(RAW, 12, chain)
    pointer = struct.pack(">H", 0xC000 | (12 + len(RAW) + 10))
    again = record(b"\xc0\x0c", 12, pointer)
    return (HEADER + first + again * 700)[: mdns.MAX_ANSWER]


@pytest.mark.parametrize("message", [chains(60, 63), chains(120, 1), chains(3, 63), HEADER + b"\xc0\x0c" * 4000])
def test_a_small_message_does_not_make_much_work(message: bytes) -> None:
    """Counted in characters, not in time: what is read of it can not be much larger than itself."""
    services = mdns.parse(message)
    assert sum(len(service.name) for service in services) <= 4096 * 64
    assert all(len(service.name) <= 255 for service in services)


def test_a_name_as_long_as_names_may_be_is_read_and_a_longer_one_is_not() -> None:
    fits = mdns.parse(struct.pack(">HHHHHH", 0, 0x8400, 0, 1, 0, 0) + record(RAW, 12, (b"\x3d" + b"b" * 61) * 4 + b"\0"))
    assert [len(service.name) for service in fits] == [61 * 4 + 3]
    assert mdns.parse(struct.pack(">HHHHHH", 0, 0x8400, 0, 1, 0, 0) + record(RAW, 12, (b"\x3f" + b"b" * 63) * 4 + b"\0")) == ()


def test_a_port_of_none_is_the_usual_one() -> None:
    instance = b"\x03Bar\xc0\x0c"
    message = struct.pack(">HHHHHH", 0, 0x8400, 0, 2, 0, 0)
    message += record(RAW, 12, instance) + record(b"\x03Bar" + RAW, 33, struct.pack(">HHH", 0, 0, 0) + b"\0")
    assert [service.port for service in mdns.parse(message)] == [9100]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.integers(0, 2))
def test_no_name_steers_a_terminal_or_fills_a_page(text: str, which: int) -> None:
    name = (text + ESCAPES + text).encode()
    told: list[str] = []
    if which == 0:
        told = [word for one in network.read(basic(name), "192.0.2.9", enpc.PORT) for word in (one.title, one.model)]
    elif which == 1:
        labels = b"".join(bytes([len(name[at : at + 60])]) + name[at : at + 60] for at in range(0, min(len(name), 180), 60))
        message = struct.pack(">HHHHHH", 0, 0x8400, 0, 1, 0, 0) + record(RAW, 12, labels + b"\0")
        told = [one.title for one in network.read(message, "192.0.2.9", mdns.PORT)]
    else:
        screen = fresh.parse(
            b"FreshKDS".ljust(12, b"\0") + b"1".ljust(18, b"\0") + name[:20].ljust(20, b"x") + name[:52].ljust(52, b"y")
        )
        told = [screen.identifier, screen.name] if screen is not None else []
    for word in told:
        assert word.isprintable() or not word
        assert len(word) <= 80


class Crowd:
    """Hosts on loopback that answer ENPC; each at an address of its own, told apart by the process."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.net = f"127.{100 + os.getpid() % 100}.{os.getpid() // 100 % 250}"
        self.own = Own(f"{self.net}.1", 24, f"{self.net}.2", 1)

    def host(self, address: str) -> socket.socket:
        sock = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind((address, enpc.PORT))
        sock.setblocking(False)
        return sock


async def asked(host: socket.socket) -> tuple[str, int]:
    """Who asks."""
    loop = asyncio.get_running_loop()
    _question, who = await loop.sock_recvfrom(host, 2048)
    return str(who[0]), int(who[1])


def test_a_flood_of_one_host_does_not_hide_the_others_nor_a_stranger_pass_for_one_of_them() -> None:
    chance = random.Random(3)

    async def run(stack: ExitStack) -> tuple[Heard, ...]:
        crowd = Crowd(stack)
        loud, quiet = crowd.host(f"{crowd.net}.2"), crowd.host(f"{crowd.net}.3")
        far = crowd.host("127.99.99.2")
        searching = asyncio.create_task(Search((crowd.own,)).run(1.5))
        who = await asked(loud)
        for n in range(2000):
            loud.sendto(basic(b"TM-%d " % n + chance.randbytes(100)), who)
            if n % 4 == 0:  # as fast as it is read: what a full buffer of the kernel drops is asked for again
                await asyncio.sleep(0)
        far.sendto(basic(b"TM-FAR"), who)
        quiet.sendto(basic(b"TM-T88V"), who)
        return await searching

    with ExitStack() as stack:
        heard = asyncio.run(run(stack))
    assert "TM-T88V" in [one.title for one in heard]
    assert "TM-FAR" not in [one.title for one in heard]
    assert len(heard) <= 20


def test_a_flood_is_not_read_to_its_end() -> None:
    async def run(stack: ExitStack) -> int:
        crowd = Crowd(stack)
        loud = crowd.host(f"{crowd.net}.2")
        searching = asyncio.create_task(Search((crowd.own,)).run(1.5))
        who = await asked(loud)
        sent = turns = 0
        while not searching.done():
            for n in range(50):
                loud.sendto(basic(b"TM-%d" % n), who)
                sent += 1
            await asyncio.sleep(0)
            turns += 1
        await searching
        assert turns > 10, "others had their turn meanwhile"
        return sent

    with ExitStack() as stack:
        assert asyncio.run(run(stack)) > 4096
