"""rtnetlink: the same as `ip -j` says, in a namespace of the test's own; and messages whose lengths lie."""

import contextlib
import json
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.network.hostile import PROPERTY, lines_of, mangled
from tests.network.wires import End, cable

from tillkeeper.network import netlink
from tillkeeper.network.netlink import DefaultRoute, Done, Failed, Link, LinkAddress, Message, Neighbour, Overrun, parse

M = TypeVar("M", bound=Message)


@contextlib.contextmanager
def kernel(end: End, groups: int = 0) -> Iterator[socket.socket]:
    with end.inside():
        opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    with opened:
        opened.bind((0, groups))
        opened.settimeout(10)
        yield opened


def asked(end: End, request: Callable[[int], bytes]) -> list[Message]:
    found: list[Message] = []
    with kernel(end) as connection:
        connection.send(request(77))
        while not any(isinstance(message, Done) for message in found):
            found += parse(connection.recv(65_536))
    assert found.pop() == Done(77, False)
    return found


def heard(connection: socket.socket, kind: type[M], when: Callable[[M], bool]) -> M:
    """The first message of the kind for which it holds; fails after ten seconds."""
    until = time.monotonic() + 10
    while (left := until - time.monotonic()) > 0 and select.select([connection], [], [], left)[0]:
        for message in parse(connection.recv(65_536)):
            if isinstance(message, kind) and when(message):
                return message
    pytest.fail(f"no such {kind.__name__} was told")


def said(end: End, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(end.ip("-j", "-d", *arguments))
    return [entry for entry in found if entry]


@pytest.mark.root
def test_links_are_what_ip_says() -> None:
    with cable() as (left, _):
        left.ip("link", "add", "br0", "type", "bridge")
        expected = [
            Link(
                index=entry["ifindex"],
                name=entry["ifname"],
                mac=entry["address"],
                admin_up="UP" in entry["flags"],
                carrier="unknown" if "UP" not in entry["flags"] else "yes" if "LOWER_UP" in entry["flags"] else "no",
                operstate=entry["operstate"],
                loopback="LOOPBACK" in entry["flags"],
                kind=entry.get("linkinfo", {}).get("info_kind", ""),
                gone=False,
            )
            for entry in said(left, "link")
        ]
        assert asked(left, netlink.dump_links) == expected
        by_name = {link.name: link for link in expected}
    assert (by_name["lan0"].carrier, by_name["lan0"].operstate, by_name["lan0"].kind) == ("yes", "UP", "veth")
    assert (by_name["br0"].carrier, by_name["br0"].admin_up) == ("unknown", False)


@pytest.mark.root
def test_addresses_are_what_ip_says() -> None:
    with cable() as (left, _):
        left.ip("address", "add", "10.8.0.1", "peer", "10.8.0.2/32", "dev", "lan0")
        left.ip("address", "add", "169.254.7.7/16", "dev", "lan0", "scope", "link")
        expected = {
            (
                link["ifindex"],
                {"inet": "ipv4", "inet6": "ipv6"}[entry["family"]],
                entry["local"],
                entry["prefixlen"],
                entry["scope"],
            )
            for link in said(left, "address")
            for entry in link["addr_info"]
        }
        found = [entry for entry in asked(left, netlink.dump_addresses) if isinstance(entry, LinkAddress)]
    assert {(entry.index, entry.family, entry.address, entry.prefix, entry.scope) for entry in found} == expected
    assert {"10.7.0.1", "10.8.0.1", "169.254.7.7", "fd07::1", "127.0.0.1"} <= {entry.address for entry in found}
    assert not any(entry.gone or entry.duplicate for entry in found)


@pytest.mark.root
def test_default_routes_are_what_ip_says() -> None:
    with cable() as (left, _):
        for route in (
            "default via 10.7.0.2 dev lan0 metric 100",
            "default via 10.7.0.3 dev lan0 metric 50",
            "default via inet6 fd07::2 dev lan0 metric 200",
            "default dev lan0 metric 300",
            "default metric 400 nexthop via 10.7.0.4 dev lan0 nexthop via 10.7.0.5 dev lan0 weight 3",
            "unreachable default metric 900",
            "default via 10.7.0.66 dev lan0 table 99",
            "192.0.2.0/24 via 10.7.0.2 dev lan0",
        ):
            left.ip("route", "add", *route.split())
        left.ip("-6", "route", "add", "default", "via", "fd07::2", "dev", "lan0", "metric", "77")
        index = said(left, "link", "show", "lan0")[0]["ifindex"]
        expected = set()
        for family in ("ipv4", "ipv6"):
            for entry in said(left, f"-{family[-1]}", "route", "show", "default"):
                if entry.get("type", "unicast") != "unicast":
                    continue
                for hop in entry.get("nexthops", [entry]):
                    gateway = hop.get("gateway") or hop.get("via", {}).get("host", "")
                    expected.add(DefaultRoute(family, gateway, index, entry["metric"], False, False))  # type: ignore[arg-type]
        found = asked(left, netlink.dump_routes)
    assert set(found) == expected
    assert {route.gateway for route in found if isinstance(route, DefaultRoute)} == {
        "10.7.0.2", "10.7.0.3", "10.7.0.4", "10.7.0.5", "fd07::2", "",
    }  # fmt: skip


@pytest.mark.root
def test_neighbours_are_what_ip_says() -> None:
    with cable() as (left, right):
        left.ip("neigh", "replace", right.ipv4, "lladdr", right.mac, "dev", "lan0", "nud", "reachable")
        left.ip("neigh", "replace", right.ipv6, "lladdr", right.mac, "dev", "lan0", "router", "nud", "permanent")
        left.ip("neigh", "replace", "10.7.0.9", "dev", "lan0", "nud", "failed")
        found = [entry for entry in asked(left, netlink.dump_neighbours) if isinstance(entry, Neighbour)]
        index = said(left, "link", "show", "lan0")[0]["ifindex"]
    assert {
        Neighbour(index, "ipv4", "10.7.0.2", right.mac, "REACHABLE", False, False),
        Neighbour(index, "ipv6", "fd07::2", right.mac, "PERMANENT", True, False),
        Neighbour(index, "ipv4", "10.7.0.9", "", "FAILED", False, False),
    } <= set(found)


@pytest.mark.root
def test_changes_are_told_as_they_happen() -> None:
    with cable() as (left, right), kernel(left, netlink.GROUPS) as connection:
        right.ip("link", "set", "lan0", "down")
        lost = heard(connection, Link, lambda link: link.carrier == "no")
        assert (lost.name, lost.admin_up, lost.mac, lost.gone) == ("lan0", True, left.mac, False)
        right.ip("link", "set", "lan0", "up")
        heard(connection, Link, lambda link: link.name == "lan0" and link.carrier == "yes")

        left.ip("route", "add", "default", "via", right.ipv4, "dev", "lan0")
        added = heard(connection, DefaultRoute, lambda route: not route.gone)
        left.ip("route", "delete", "default")
        removed = heard(connection, DefaultRoute, lambda route: route.gone)
        assert (added.gateway, removed.gateway, removed.family) == (right.ipv4, right.ipv4, "ipv4")

        left.ip("neigh", "replace", right.ipv4, "lladdr", right.mac, "dev", "lan0")
        heard(connection, Neighbour, lambda neighbour: neighbour.mac == right.mac)
        left.ip("neigh", "replace", right.ipv4, "lladdr", "02:00:07:00:00:66", "dev", "lan0")
        heard(connection, Neighbour, lambda neighbour: neighbour.mac == "02:00:07:00:00:66" and neighbour.address == right.ipv4)

        left.ip("address", "delete", f"{left.ipv4}/24", "dev", "lan0")
        assert heard(connection, LinkAddress, lambda address: address.gone).address == left.ipv4
        left.ip("link", "set", "lan0", "down")
        assert heard(connection, Link, lambda link: not link.admin_up).carrier == "unknown"
        left.ip("link", "delete", "lan0")
        assert heard(connection, Link, lambda link: link.gone).name == "lan0"


@pytest.mark.root
def test_leaving_a_bridge_is_not_the_end_of_an_interface() -> None:
    """The kernel tells of it with RTM_DELLINK, of family AF_BRIDGE."""
    with cable() as (left, _), kernel(left, netlink.GROUPS) as connection:
        left.ip("link", "add", "br0", "type", "bridge")
        left.ip("link", "set", "lan0", "master", "br0")
        left.ip("link", "set", "lan0", "nomaster")
        left.ip("link", "delete", "br0")
        assert heard(connection, Link, lambda link: link.gone).name == "br0"


@pytest.mark.root
def test_a_duplicate_of_ipv6_is_told() -> None:
    with cable() as (left, right):
        right.ip("address", "add", "fd07::77/64", "dev", "lan0", "nodad")
        with kernel(left, netlink.GROUPS) as connection:
            left.ip("address", "add", "fd07::77/64", "dev", "lan0")
            assert heard(connection, LinkAddress, lambda address: address.address == "fd07::77" and address.duplicate).tentative


def message(kind: int, body: bytes, size: int | None = None, flags: int = 0, sequence: int = 1) -> bytes:
    return struct.pack("=IHHII", 16 + len(body) if size is None else size, kind, flags, sequence, 0) + body


def attribute(kind: int, data: bytes, size: int | None = None) -> bytes:
    return struct.pack("=HH", 4 + len(data) if size is None else size, kind) + data + bytes(-len(data) % 4)


INFO = struct.pack("=BxHiII", 0, 1, 4, 0x1_0001, 0)
NAME = attribute(3, b"lan0\0")
LINK = Link(4, "lan0", "", True, "yes", "UNKNOWN", False, "", False)
ROUTE = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)


def test_control_messages_are_told() -> None:
    data = (
        message(3, b"", flags=0x10, sequence=9)
        + message(4, b"")
        + message(2, struct.pack("=i", -105), sequence=9)
        + message(1, b"")
    )
    assert parse(data) == (Done(9, True), Overrun(), Failed(9, 105))


def test_a_link_of_hand_is_read() -> None:
    assert parse(message(16, INFO + NAME)) == (LINK,)
    assert parse(message(16, INFO + NAME + attribute(1, bytes(4)))) == (LINK,), "a tunnel's end is no MAC"


@pytest.mark.parametrize("size", [0, 1, 15, 200, 0xFFFF_FFFF])
def test_a_message_whose_length_lies_ends_the_reading(size: int) -> None:
    assert parse(message(16, INFO + NAME) + message(16, INFO + NAME, size) + message(16, INFO + NAME)) == (LINK,)


@pytest.mark.parametrize("size", [0, 3, 200, 0xFFFF])
def test_an_attribute_whose_length_lies_ends_its_message_only(size: int) -> None:
    data = message(16, INFO + NAME + attribute(1, b"\2\0\0\0\0\1", size)) + message(16, INFO + NAME)
    assert parse(data) == (LINK, LINK)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("a header that is cut", message(16, INFO)[:15]),
        ("half a link", message(16, INFO[:8])),
        ("half an address", message(20, b"\2\x18")),
        ("half a route", message(24, ROUTE[:8])),
        ("half a neighbour", message(28, b"\2")),
        ("half an error", message(2, b"\1")),
        ("an address without any", message(20, struct.pack("=BBBBI", 2, 24, 0, 0, 4))),
        ("an IPv4 address of 16 bytes", message(20, struct.pack("=BBBBI", 2, 24, 0, 0, 4) + attribute(1, bytes(16)))),
        ("an address of AF_UNIX", message(20, struct.pack("=BBBBI", 1, 24, 0, 0, 4) + attribute(1, bytes(4)))),
        ("a prefix of 200", message(20, struct.pack("=BBBBI", 2, 200, 0, 0, 4) + attribute(1, bytes(4)))),
        ("a route that is no default", message(24, ROUTE[:1] + b"\x18" + ROUTE[2:])),
        ("a bridge's own entry", message(28, struct.pack("=BxxxiHBB", 7, 4, 2, 0, 0) + attribute(2, bytes(6)))),
        ("a bridge's port", message(17, b"\7" + INFO[1:] + NAME)),
        ("hops of length 0", message(24, ROUTE + attribute(9, bytes(64)))),
    ],
)
def test_what_says_nothing_is_nothing(what: str, data: bytes) -> None:
    assert parse(data) == (), what


def test_a_route_with_more_hops_than_anybody_has_costs_little() -> None:
    hops = struct.pack("=HBBi", 8, 0, 0, 4) * 8000
    data = message(24, ROUTE + attribute(9, hops))
    assert len(parse(data)) == 32
    assert lines_of(lambda: parse(data)) < 2_000


def test_a_datagram_full_of_headers_costs_what_its_size_says() -> None:
    data = message(3, b"") * 4096
    assert len(parse(data)) == 4096
    assert lines_of(lambda: parse(data)) < 4096 * 15


WHOLE = (
    message(16, INFO + NAME + attribute(1, b"\2\0\0\0\0\1") + attribute(18, attribute(1, b"veth\0")))
    + message(20, struct.pack("=BBBBI", 2, 24, 0x80, 0, 4) + attribute(1, bytes(4)) + attribute(8, bytes(4)))
    + message(24, ROUTE + attribute(5, bytes(4)) + attribute(4, bytes(4)) + attribute(18, b"\x0a\0" + bytes(16)))
    + message(28, struct.pack("=BxxxiHBB", 10, 4, 2, 0x80, 0) + attribute(1, bytes(16)) + attribute(2, bytes(6)))
)


@PROPERTY
@given(st.binary(max_size=300) | mangled(WHOLE))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert len(parse(data)) <= len(data) / 16
    parse(memoryview(data))
