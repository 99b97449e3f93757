"""Addresses between their usual text and the bytes of the wire. Pure."""

import ipaddress
from functools import lru_cache

Packet = bytes | bytearray | memoryview
"""What a parser takes: a datagram, or a piece of a receive buffer."""

ZERO_IPV4 = "0.0.0.0"  # noqa: S104


@lru_cache(maxsize=512)
def ipv4_bytes(text: str) -> bytes:
    """Raises ValueError for what is no dotted quad."""
    return ipaddress.IPv4Address(text).packed


@lru_cache(maxsize=512)
def _ipv4_text(data: bytes) -> str:
    first, second, third, fourth = data
    return f"{first}.{second}.{third}.{fourth}"


def ipv4_text(data: Packet) -> str:
    """Of exactly four bytes."""
    return _ipv4_text(bytes(data))


@lru_cache(maxsize=512)
def ipv6_bytes(text: str) -> bytes:
    """Raises ValueError for what is no IPv6 address, or one with a zone."""
    if "%" in text:
        raise ValueError(f"an IPv6 address without a zone is wanted: {text!r}")
    return ipaddress.IPv6Address(text).packed


@lru_cache(maxsize=512)
def _ipv6_text(data: bytes) -> str:
    return ipaddress.IPv6Address(data).compressed


def ipv6_text(data: Packet) -> str:
    """Of exactly sixteen bytes, in the form of RFC 5952."""
    return _ipv6_text(bytes(data))


@lru_cache(maxsize=512)
def mac_bytes(text: str) -> bytes:
    """Of "aa:bb:cc:dd:ee:ff"; raises ValueError for anything else."""
    data = bytes.fromhex(text.replace(":", ""))
    if len(data) != 6 or len(text) != 17:
        raise ValueError(f"not a MAC address: {text!r}")
    return data


def mac_text(data: Packet) -> str:
    return data.hex(":")
