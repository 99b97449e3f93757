"""Socket filters in classic BPF, as data: what is not for us is dropped by the kernel and never wakes Python. Pure.

Encoding of linux/filter.h and linux/bpf_common.h. A filter sees what the socket would read: whole frames on AF_PACKET
(SOCK_RAW), the IPv4 header on a raw ICMP socket, the ICMPv6 header on a raw ICMPv6 socket, the UDP header on a UDP socket. A
load beyond the end drops the packet.
"""

import struct
from typing import NamedTuple

from tillkeeper.network.addresses import ipv4_bytes
from tillkeeper.network.beacon import MAX_BYTES, head
from tillkeeper.network.frames import ARP, IPV6
from tillkeeper.network.nd import ADVERTISEMENT

MOST_ADDRESSES = 64
MOST_IDENTIFIERS = 8
_TAKE, _DROP = 0x4_0000, 0
"""How many bytes of the packet are kept: all, none."""

_WORD, _HALF, _BYTE = 0x20, 0x28, 0x30
"""BPF_LD | BPF_ABS of four, two and one bytes."""
_HALF_AT_X, _BYTE_AT_X = 0x48, 0x50
"""BPF_LD | BPF_IND: at X + k."""
_LENGTH = 0x80
_HEADER_SIZE_TO_X = 0xB1
"""BPF_LDX | BPF_MSH: four times the lower half of a byte, an IPv4 header's size."""
_EQUAL, _GREATER = 0x15, 0x25
_AND, _SHIFT_LEFT, _ADD_X, _A_TO_X = 0x54, 0x64, 0x0C, 0x07
_RETURN = 0x06
_PACKET_TYPE, _OUTGOING = 0xFFFF_F004, 4
"""SKF_AD_OFF + SKF_AD_PKTTYPE; PACKET_OUTGOING: what this machine sent itself."""


class Instruction(NamedTuple):
    """`jt`, `jf`: how many instructions to skip where a test holds, or does not."""

    code: int
    jt: int
    jf: int
    k: int


Program = tuple[Instruction, ...]
_Step = tuple[int, int] | tuple[int, int, str, str] | str
"""An instruction without or with the labels that it jumps to ("" goes on); or a label."""


def packed(program: Program) -> bytes:
    """An array of struct sock_filter, for the `filter` of a struct sock_fprog (SO_ATTACH_FILTER)."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def arp(addresses: tuple[str, ...] = ()) -> Program:
    """For AF_PACKET: ARP of IPv4 over Ethernet that others sent, requests and replies (RFC 826). With `addresses`, only that
    whose sender claims one of them: own, gateway's, those that are asked. Raises ValueError for more than 64 or a bad one."""
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(f"at most {MOST_ADDRESSES} addresses: {len(addresses)}")
    numbers = [int.from_bytes(ipv4_bytes(address), "big") for address in addresses]
    steps: list[_Step] = [
        (_WORD, _PACKET_TYPE), (_EQUAL, _OUTGOING, "drop", ""),
        (_HALF, 12), (_EQUAL, ARP, "", "drop"),
        (_WORD, 14), (_EQUAL, 0x0001_0800, "", "drop"),
        (_HALF, 18), (_EQUAL, 0x0604, "", "drop"),
        (_HALF, 20), (_EQUAL, 1, "who", ""), (_EQUAL, 2, "who", "drop"),
        "who",
    ]  # fmt: skip
    if numbers:
        steps += [(_WORD, 28), *((_EQUAL, number, "take", "") for number in numbers), (_RETURN, _DROP)]
    return _assembled(steps)


def nd() -> Program:
    """For AF_PACKET: neighbour advertisements of others with hop limit 255 (RFC 4861)."""
    return _assembled([
        (_WORD, _PACKET_TYPE), (_EQUAL, _OUTGOING, "drop", ""),
        (_HALF, 12), (_EQUAL, IPV6, "", "drop"),
        (_BYTE, 20), (_EQUAL, 58, "", "drop"),
        (_BYTE, 21), (_EQUAL, 255, "", "drop"),
        (_BYTE, 54), (_EQUAL, ADVERTISEMENT, "", "drop"),
    ])  # fmt: skip


def diagnosis() -> Program:
    """For AF_PACKET, what others sent that the deep diagnosis reads: ARP, LLDP (IEEE 802.1AB), CDP, neighbour advertisements,
    and DHCP to a client, unless it is a later fragment."""
    return _assembled([
        (_WORD, _PACKET_TYPE), (_EQUAL, _OUTGOING, "drop", ""),
        (_HALF, 12), (_EQUAL, ARP, "take", ""), (_EQUAL, 0x88CC, "take", ""),
        (_EQUAL, IPV6, "ipv6", ""), (_EQUAL, 0x0800, "ipv4", ""), (_GREATER, 1500, "drop", ""),
        (_WORD, 0), (_EQUAL, 0x0100_0CCC, "", "drop"), (_HALF, 4), (_EQUAL, 0xCCCC, "take", "drop"),
        "ipv6",
        (_BYTE, 20), (_EQUAL, 58, "", "drop"), (_BYTE, 54), (_EQUAL, ADVERTISEMENT, "take", "drop"),
        "ipv4",
        (_BYTE, 23), (_EQUAL, 17, "", "drop"), (_HALF, 20), (_AND, 0x1FFF), (_EQUAL, 0, "", "drop"),
        (_HEADER_SIZE_TO_X, 14), (_HALF_AT_X, 16), (_EQUAL, 68, "", "drop"),
    ])  # fmt: skip


def icmp(identifiers: tuple[int, ...]) -> Program:
    """For a raw ICMP socket: echo replies to one of `identifiers`, and unreachable or time-exceeded that quote such an echo
    request (RFC 792). Raises ValueError for none, or more than 8. Errors about UDP and TCP are the business of their own
    sockets (IP_RECVERR), which the kernel finds."""
    return _assembled([
        (_HEADER_SIZE_TO_X, 0),
        (_BYTE_AT_X, 0), (_EQUAL, 0, "reply", ""), (_EQUAL, 3, "error", ""), (_EQUAL, 11, "error", "drop"),
        "error",
        (_BYTE_AT_X, 8 + 9), (_EQUAL, 1, "", "drop"),
        (_BYTE_AT_X, 8), (_AND, 0x0F), (_SHIFT_LEFT, 2), (_ADD_X, 0), (_A_TO_X, 0),
        (_BYTE_AT_X, 8), (_EQUAL, 8, "", "drop"),
        (_HALF_AT_X, 8 + 4), *_one_of(identifiers),
        "reply",
        (_HALF_AT_X, 4), *_one_of(identifiers),
    ])  # fmt: skip


def icmp6(identifiers: tuple[int, ...]) -> Program:
    """For a raw ICMPv6 socket, as `icmp` (RFC 4443): errors are types 1 to 4. A quote with extension headers is not ours."""
    return _assembled([
        (_BYTE, 0), (_EQUAL, 129, "reply", ""), (_EQUAL, 0, "drop", ""), (_GREATER, 4, "drop", ""),
        (_BYTE, 8 + 6), (_EQUAL, 58, "", "drop"),
        (_BYTE, 8 + 40), (_EQUAL, 128, "", "drop"),
        (_HALF, 8 + 40 + 4), *_one_of(identifiers),
        "reply",
        (_HALF, 4), *_one_of(identifiers),
    ])  # fmt: skip


def beacons(key: bytes) -> Program:
    """For the beacons' UDP socket: only what begins like a beacon of this store and is not longer than one may be. Raises
    ValueError for a key of the wrong length."""
    start = head(key)
    return _assembled([
        (_LENGTH, 0), (_GREATER, 8 + MAX_BYTES, "drop", ""),
        (_WORD, 8), (_EQUAL, int.from_bytes(start[:4], "big"), "", "drop"),
        (_WORD, 12), (_EQUAL, int.from_bytes(start[4:], "big"), "", "drop"),
    ])  # fmt: skip


def _one_of(identifiers: tuple[int, ...]) -> list[_Step]:
    if not 0 < len(identifiers) <= MOST_IDENTIFIERS or not all(0 <= number <= 0xFFFF for number in identifiers):
        raise ValueError(f"1 to {MOST_IDENTIFIERS} identifiers of 16 bits: {identifiers}")
    return [*((_EQUAL, number, "take", "") for number in identifiers), (_RETURN, _DROP)]


def _assembled(steps: list[_Step]) -> Program:
    """With "take" and "drop" at the end; going on after the last step takes."""
    every: list[_Step] = [*steps, "take", (_RETURN, _TAKE), "drop", (_RETURN, _DROP)]
    places: dict[str, int] = {}
    instructions: list[tuple[int, int] | tuple[int, int, str, str]] = []
    for step in every:
        if isinstance(step, str):
            places[step] = len(instructions)
        else:
            instructions.append(step)
    program = []
    for at, step in enumerate(instructions, 1):
        yes, no = (step[2], step[3]) if len(step) == 4 else ("", "")
        program.append(Instruction(step[0], places[yes] - at if yes else 0, places[no] - at if no else 0, step[1]))
    return tuple(program)
