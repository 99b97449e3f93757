"""A hostile neighbour: sends frames at a register as fast as it can, until its standard input ends.

    python -m tests.network.flood KIND [SEED]
"""

import os
import random
import socket
import struct
import sys
from collections.abc import Callable

from tests.network.small_store import NEIGHBOUR_MAC, REGISTER, REGISTER_MAC, ROUTER, ROUTER_MAC

from tillkeeper.network import frames
from tillkeeper.network.addresses import ipv4_bytes, mac_bytes

Maker = Callable[[random.Random], bytes]


def claims(chance: random.Random) -> bytes:
    """An ARP request of a host that is not there."""
    host = f"10.77.0.{chance.randrange(4, 255)}"
    return frames.arp_request(f"02:00:66:{chance.randrange(256):02x}:00:{chance.randrange(256):02x}", host, REGISTER)


def udp(chance: random.Random, port: int, payload: bytes) -> bytes:
    datagram = struct.pack("!HHHH", chance.randrange(1024, 65_536), port, 8 + len(payload), 0) + payload
    return ipv4(17, datagram, "10.77.0.3", REGISTER)


def ipv4(protocol: int, payload: bytes, source: str, target: str) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + ipv4_bytes(source) + ipv4_bytes(target)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return mac_bytes(REGISTER_MAC) + mac_bytes(NEIGHBOUR_MAC) + b"\x08\x00" + head + payload


def checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echoes(chance: random.Random) -> bytes:
    """An echo reply of the router's that nobody asked for."""
    message = struct.pack("!BBHHH", 0, 0, 0, chance.randrange(65_536), chance.randrange(65_536)) + chance.randbytes(8)
    return ipv4(1, message[:2] + struct.pack("!H", checksum(message)) + message[4:], ROUTER, REGISTER)


def errors(chance: random.Random) -> bytes:
    """A time-exceeded or unreachable that quotes nonsense, cut anywhere."""
    quoted = b"\x45" + chance.randbytes(40)
    message = struct.pack("!BBHI", chance.choice((3, 11)), chance.randrange(16), 0, 0) + quoted[: chance.randrange(41)]
    return ipv4(1, message[:2] + struct.pack("!H", checksum(message)) + message[4:], ROUTER, REGISTER)


def beacons(chance: random.Random) -> bytes:
    """Forged, at the beacon's port."""
    return udp(chance, 7467, b"TKB\x01" + chance.randbytes(chance.randrange(200)))


def answers(_chance: random.Random) -> bytes:
    """What the router would answer, though nobody asked: it is true, and far too much of it."""
    asked = frames.arp_request(ROUTER_MAC, ROUTER, REGISTER, REGISTER_MAC)
    return asked[:20] + b"\0\2" + asked[22:32] + mac_bytes(REGISTER_MAC) + asked[38:]


def stumps(chance: random.Random) -> bytes:
    """Frames that end too early, or lie about what is in them."""
    whole = chance.choice((claims, echoes))(chance)
    return whole[: chance.randrange(14, len(whole))] + chance.randbytes(chance.randrange(3))


KINDS: dict[str, Maker] = {maker.__name__: maker for maker in (claims, answers, echoes, errors, beacons, stumps)}


def main() -> int:
    chance = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    made = [KINDS[sys.argv[1]](chance) for _ in range(2000)]
    os.set_blocking(0, False)
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.bind(("eth0", 0))
        while True:
            for frame in made:
                try:
                    out.send(frame)
                    sent += 1
                except OSError:  # the queue is full
                    continue
            try:
                if os.read(0, 1) == b"":
                    break
            except BlockingIOError:
                continue
    print(sent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
