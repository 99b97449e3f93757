"""What printers and displays say of themselves over the network, and what nonsense does to the parsers."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.discovery import enpc, fresh, mdns, neighbours, netlink, network
from tillkeeper_drivers.discovery.mdns import Service
from tillkeeper_drivers.discovery.netlink import Neighbour, Own

# As its owner published it: a TM-T88V's answer to the basic question (147 bytes).
TM_T88V = bytes.fromhex("4550534f4e71030000000000008500052002 64".replace(" ", "")) + b"TM-T88V".ljust(128, b"\0")
# The example of Fresh Technology's own guide.
FRESH = bytes.fromhex(
    "46726573684B445300000000312E300000000000C0A8010300000000000045374130394141443742393800000000"
    "00000000656D756C61746F72" + "00" * 44
)


def interface_answer(mac: bytes, name: bytes) -> bytes:
    """What the answer to the interface question is said to be: 170 bytes, the MAC first, the name at 42."""
    return b"EPSONq\x03\x00\x00\x01\x00\x00\x00\xaa" + (mac.ljust(42, b"\0") + name).ljust(170, b"\0")


# --- Epson ---


def test_the_question_is_the_manuals() -> None:
    assert enpc.query(enpc.BASIC) == bytes.fromhex("4550534f4e51 0300 0000 0000 0000".replace(" ", ""))


def test_a_published_answer() -> None:
    assert enpc.parse(TM_T88V) == enpc.Answer("TM-T88V")


def test_an_answer_with_its_mac() -> None:
    own = interface_answer(bytes.fromhex("0026ab010203"), b"kitchen")
    assert enpc.parse(own) == enpc.Answer("kitchen", "00:26:ab:01:02:03")
    for none in ("000000000000", "ffffffffffff"):
        assert enpc.parse(interface_answer(bytes.fromhex(none), b"x")) == enpc.Answer("x")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TM_T88V[:13],
        TM_T88V[:50],  # shorter than it says
        TM_T88V.replace(b"EPSONq", b"EPSONQ"),  # our own question, come back
        TM_T88V[:10] + b"\xff\xff" + TM_T88V[12:],  # function not supported
        TM_T88V[:8] + b"\x00\x10" + TM_T88V[10:],  # of another question
        TM_T88V + bytes(2000),
    ],
)
def test_what_is_no_answer(data: bytes) -> None:
    assert enpc.parse(data) is None


# --- Fresh ---


def test_the_guides_example() -> None:
    assert len(FRESH) == fresh.SIZE
    assert fresh.parse(FRESH) == fresh.Screen("E7A09AAD7B98", "emulator", "192.168.1.3", "1.0")


@pytest.mark.parametrize("data", [FRESH[:-1], FRESH + b"\0", b"X" + FRESH[1:], FRESH[:30] + bytes(72)])
def test_what_is_no_beacon(data: bytes) -> None:
    assert fresh.parse(data) is None


# --- mDNS ---


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 0x8001, 10, len(data)) + data


RAW = "_pdl-datastream._tcp.local"


def answer(*records: bytes, questions: bytes = b"", asked: int = 0, flags: int = 0x8400) -> bytes:
    return struct.pack(">HHHHHH", 0, flags, asked, len(records), 0, 0) + questions + b"".join(records)


def printer_answer() -> bytes:
    """As a TM-m30 may answer: instance and service compressed, the questions repeated as RFC 6762, 6.7 wants."""
    questions = mdns.query()[12:]
    # The first question's name begins right after the header.
    instance = bytes([len(b"EPSON TM-m30")]) + b"EPSON TM-m30" + b"\xc0\x0c"
    keys = b"".join(bytes([len(key)]) + key for key in (b"txtvers=1", b"ty=EPSON TM-m30", b"usb_MFG=EPSON", b"usb_MDL=TM-m30"))
    return answer(
        record(b"\xc0\x0c", 12, instance),
        record(instance, 33, struct.pack(">HHH", 0, 0, 9100) + name("EPSON010203.local")),
        record(instance, 16, keys),
        questions=questions,
        asked=3,
    )


def test_the_query_asks_for_all_kinds() -> None:
    data = mdns.query()
    assert struct.unpack(">HHHHHH", data[:12]) == (0, 0, 3, 0, 0, 0)
    for kind in mdns.SERVICES:
        assert name(kind) + b"\x00\x0c\x00\x01" in data


def test_a_printer_with_compressed_names() -> None:
    assert mdns.parse(printer_answer()) == (Service("EPSON TM-m30", RAW, 9100, "EPSON", "TM-m30"),)


def test_a_bare_pointer_is_enough() -> None:
    data = answer(record(name(RAW), 12, name("Bar." + RAW)), record(name("_http._tcp.local"), 12, name("Web._http._tcp.local")))
    assert mdns.parse(data) == (Service("Bar", RAW, 9100),)


def test_raw_printing_comes_first() -> None:
    ipp = "_ipp._tcp.local"
    data = answer(record(name(ipp), 12, name("Bar." + ipp)), record(name(RAW), 12, name("Bar." + RAW)))
    assert [service.kind for service in mdns.parse(data)] == [RAW, ipp]


@pytest.mark.parametrize(
    "data",
    [
        mdns.query(),  # a question, ours or another's
        answer(record(b"\xc0\x0c", 12, b"\xc0\x0c")),  # a name that is itself
        answer(record(name(RAW), 12, name("Bar." + RAW)))[:-3],
        answer(record(name("_http._tcp.local"), 12, name("Web._http._tcp.local"))),
        struct.pack(">HHHHHH", 0, 0x8400, 65_535, 65_535, 65_535, 65_535),
        bytes(20_000),
    ],
)
def test_what_is_no_printers_answer(data: bytes) -> None:
    assert mdns.parse(data) == ()


# --- nonsense ---


@given(st.binary(max_size=400))
def test_nonsense_is_nothing(data: bytes) -> None:
    for port in (enpc.PORT, mdns.PORT, 7):
        list(network.read(data, "192.0.2.9", port))
    fresh.parse(data)
    netlink.parse(data, 1)


@given(st.sampled_from([TM_T88V, FRESH, printer_answer(), interface_answer(b"\0&\xab\1\2\3", b"x")]), st.data())
def test_good_messages_that_were_damaged(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    for port in (enpc.PORT, mdns.PORT):
        for heard in network.read(cut, "192.0.2.9", port):
            assert heard.address == "192.0.2.9"
            assert all(text.isprintable() or not text for text in (heard.title, heard.model, heard.vendor))
    fresh.parse(cut)


# --- the kernel's tables ---


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(kind: int, body: bytes, sequence: int = 7) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, sequence, 0) + body


def neighbour(address: str, mac: str, state: int) -> bytes:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    body = struct.pack("=BxxxiHBB", family, 2, state, 0, 1) + attribute(1, socket.inet_pton(family, address))
    return message(28, body + attribute(2, bytes.fromhex(mac)) + attribute(3, struct.pack("=IIII", 250, 9, 9, 1)))


def test_neighbours_whose_mac_is_of_use() -> None:
    data = (
        neighbour("192.168.1.40", "0026ab010203", 0x02)
        + neighbour("fe80::1", "0026ab010204", 0x04)
        + neighbour("192.168.1.41", "0026ab010205", 0x20)  # failed
        + neighbour("192.168.1.42", "000000000000", 0x40)  # loopback
        + neighbour("192.168.1.43", "0026ab010207", 0x02).replace(struct.pack("=I", 7), struct.pack("=I", 6), 1)
    )
    rows, ended = netlink.parse(data, 7)
    assert rows == [
        Neighbour("192.168.1.40", "00:26:ab:01:02:03", 2, 2.5),
        Neighbour("fe80::1", "00:26:ab:01:02:04", 2, 2.5),
    ]
    assert not ended
    assert netlink.parse(message(3, bytes(4)), 7) == ([], True)
    assert netlink.parse(message(2, bytes(20)), 7) == ([], True)


def test_own_addresses_are_those_with_a_broadcast() -> None:
    def own(address: str, scope: int, *more: bytes) -> bytes:
        body = struct.pack("=BBBBI", socket.AF_INET, 24, 0, scope, 3) + attribute(1, socket.inet_aton(address))
        return message(20, body + b"".join(more))

    to_all = attribute(4, socket.inet_aton("192.168.1.255"))
    rows, _ = netlink.parse(own("192.168.1.10", 0, to_all) + own("127.0.0.1", 254) + own("10.9.9.9", 0), 7)
    assert rows == [Own("192.168.1.10", 24, "192.168.1.255", 3)]


def test_this_machine_is_asked_without_privilege() -> None:
    assert all(isinstance(one, Own) for one in neighbours.own_addresses())
    assert neighbours.mac_of("127.0.0.1") == ""


# --- a list of devices ---


def test_one_device_that_answers_twice_is_one() -> None:
    heard = [
        *network.read(TM_T88V, "192.168.1.40", enpc.PORT),
        *network.read(interface_answer(bytes.fromhex("0026ab010203"), b"TM-T88V"), "192.168.1.40", enpc.PORT),
        *network.read(printer_answer(), "192.168.1.41", mdns.PORT),
    ]
    first, second = network.found(heard, {"192.168.1.41": "00:26:ab:0a:0b:0c"}, ("tm-t88v", "tm-m30"))
    assert (first.identity, first.address, first.profile) == ("mac:00:26:ab:01:02:03", "192.168.1.40:9100", "tm-t88v")
    assert (second.identity, second.address, second.profile) == ("mac:00:26:ab:0a:0b:0c", "192.168.1.41:9100", "tm-m30")
    assert (first.vendor, second.vendor) == ("Epson", "EPSON")


def test_the_kernels_word_goes_before_the_printers() -> None:
    heard = network.read(interface_answer(bytes.fromhex("0026ab010203"), b"x"), "192.168.1.40", enpc.PORT)
    assert network.found(heard, {"192.168.1.40": "02:00:00:00:00:09"})[0].mac == "02:00:00:00:00:09"


def test_hosts_around_an_address_nearest_first() -> None:
    own = [Own("192.168.1.10", 29, "192.168.1.15", 2)]
    known = {"192.168.1.12": Neighbour("192.168.1.12", "02:00:00:00:00:09", 2, 0.0)}
    assert list(network.addresses_around("192.168.1.11", own, known)) == ["192.168.1.13", "192.168.1.9", "192.168.1.14"]
    assert list(network.addresses_around("10.0.0.1", own, {})) == []
    assert list(network.addresses_around("printer.local", own, {})) == []
    assert len(list(network.addresses_around("10.1.0.0", [Own("10.1.2.3", 8, "10.255.255.255", 2)], {}))) <= 512
