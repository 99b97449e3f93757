"""Questions and answers of DNS, against scapy both ways and against messages that loop, lie or are cut."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR
from tests.network.hostile import IPV4, IPV6, NUMBERS, PROPERTY, lines_of, mangled, peak_bytes

from tillkeeper.network.dns import MOST_RECORDS, Record, Response, parse, query

LABEL = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=12)
NAMES = st.lists(LABEL, min_size=1, max_size=6).map(".".join)
RECORDS: tuple[Record, ...] = ("A", "AAAA", "NS")
ASKED = query(7, "hq.example.net", "A")


def answer(**fields: object) -> bytes:
    return bytes(DNS(**{"id": 7, "qr": 1, "rd": 1, "ra": 1, "qd": [DNSQR(qname="hq.example.net")], "an": [], **fields}))


@PROPERTY
@given(NUMBERS, NAMES | st.sampled_from(("", ".", "hq.example.net.")), st.sampled_from(RECORDS))
def test_scapy_reads_our_questions(identifier: int, name: str, record: Record) -> None:
    seen = DNS(query(identifier, name, record))
    assert (seen.id, seen.qr, seen.opcode, seen.rd, seen.qdcount, seen.ancount) == (identifier, 0, 0, 1, 1, 0)
    question = seen.qd[0]
    assert (question.qname.decode(), question.qtype, question.qclass) == (
        name.rstrip(".") + ".", {"A": 1, "AAAA": 28, "NS": 2}[record], 1,
    )  # fmt: skip


@PROPERTY
@given(NUMBERS, NAMES, st.lists(IPV4, max_size=8), st.lists(IPV6, max_size=8), st.sampled_from(("A", "AAAA")),
       st.integers(0, 15), st.booleans(), st.booleans(), st.booleans())  # fmt: skip
def test_we_read_what_scapy_answers(
    identifier: int, name: str, fours: list[str], sixes: list[str], record: Record, code: int, cut: bool, ra: bool, aa: bool
) -> None:
    kind, addresses = (1, fours) if record == "A" else (28, sixes)
    records = [DNSRR(rrname=name, type=kind, rdata=address) for address in addresses]
    data = answer(id=identifier, qd=[DNSQR(qname=name.upper(), qtype=kind)], an=records, rcode=code, tc=cut, ra=ra, aa=aa)
    expected = Response(code, tuple(dict.fromkeys(addresses)), not cut, ra, aa, len(addresses))
    assert parse(data, identifier, name, record) == expected


def test_aliases_are_followed_and_other_names_are_not_believed() -> None:
    data = answer(an=[
        DNSRR(rrname="hq.example.net", type="CNAME", rdata="edge.example.org"),
        DNSRR(rrname="edge.example.org", type="CNAME", rdata="pop.example.org"),
        DNSRR(rrname="pop.example.org", type="A", rdata="192.0.2.7"),
        DNSRR(rrname="bank.example.com", type="A", rdata="192.0.2.66"),
        DNSRR(rrname="pop.example.org", type="TXT", rdata=b"x"),
    ])  # fmt: skip
    assert parse(data, 7, "HQ.example.NET.", "A") == Response(0, ("192.0.2.7",), True, True, False, 5)


def test_names_of_the_root_count_without_addresses() -> None:
    records = [DNSRR(rrname=".", type="NS", rdata=f"{letter}.root-servers.net") for letter in "abcdefghijklm"]
    data = answer(qd=[DNSQR(qname=".", qtype="NS")], an=records)
    assert parse(data, 7, "", "NS") == Response(0, (), True, True, False, 13)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("another identifier", answer(id=8)),
        ("a question", ASKED),
        ("another opcode", answer(opcode=5)),
        ("another name", answer(qd=[DNSQR(qname="hq.example.com")])),
        ("another type", answer(qd=[DNSQR(qname="hq.example.net", qtype="AAAA")])),
        ("another class", answer(qd=[DNSQR(qname="hq.example.net", qclass=3)])),
        ("two questions", answer(qd=[DNSQR(qname="hq.example.net"), DNSQR(qname="hq.example.net")])),
        ("no question and no error", struct.pack("!6H", 7, 0x8180, 0, 0, 0, 0)),
        ("a header that is cut", answer()[:11]),
        ("a question that is cut", answer()[:-1]),
        ("a question that points to itself", struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1"),
    ],
)
def test_what_does_not_answer_this_question_is_nothing(what: str, data: bytes) -> None:
    assert parse(data, 7, "hq.example.net", "A") is None, what


def test_an_error_without_the_question_is_an_answer() -> None:
    assert parse(struct.pack("!6H", 7, 0x8001, 0, 0, 0, 0), 7, "hq.example.net", "A") == Response(1, (), True, False, False, 0)


def with_answers(count: int, records: bytes) -> bytes:
    return struct.pack("!6H", 7, 0x8180, 1, count, 0, 0) + ASKED[12:] + records


def record(owner: bytes, kind: int = 1, data: bytes = b"\xc0\0\2\7", size: int | None = None) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data) if size is None else size) + data


END = len(ASKED)
"""Where the answers begin."""
MINE = b"\xc0\x0c"
"""A pointer to the name of the question."""


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("an answer is promised and missing", with_answers(1, b"")),
        ("a pointer to itself", with_answers(1, record(struct.pack("!H", 0xC000 | END)))),
        ("a pointer forwards", with_answers(1, record(struct.pack("!H", 0xC000 | END + 20)) + bytes(20))),
        ("two pointers to each other", with_answers(1, record(b"\1a" + struct.pack("!H", 0xC000 | END + 16)) + b"\1b"
                                                    + struct.pack("!H", 0xC000 | END))),
        ("a pointer cut in half", with_answers(1, b"\xc0")),
        ("a label of a reserved kind", with_answers(1, record(b"\x80abc\0"))),
        ("a label beyond the end", with_answers(1, b"\x3fabc")),
        ("a name of 256 bytes", with_answers(1, record((b"\x3f" + b"a" * 63) * 4 + b"\0"))),
        ("a length that lies", with_answers(1, record(MINE, size=5))),
        ("a length of 65535", with_answers(1, record(MINE, size=0xFFFF))),
        ("an address of three bytes", with_answers(1, record(MINE, data=b"\xc0\0\2"))),
        ("an alias without end", with_answers(1, record(MINE, 5, b"\3abc"))),
        ("an alias longer than its record", with_answers(1, record(MINE, 5, b"\3abc\0", size=4) + b"\0")),
    ],
)  # fmt: skip
def test_garbled_after_the_question_it_is_an_answer_but_not_whole(what: str, data: bytes) -> None:
    found = parse(data, 7, "hq.example.net", "A")
    assert found is not None, what
    assert (found.code, found.addresses, found.whole) == (0, (), False), what


def test_what_came_before_the_garbled_part_is_kept() -> None:
    found = parse(with_answers(2, record(MINE) + b"\xc0"), 7, "hq.example.net", "A")
    assert found == Response(0, ("192.0.2.7",), False, True, False, 2)


def test_more_answers_than_anybody_needs_are_not_read() -> None:
    records = b"".join(record(MINE, data=struct.pack("!I", n)) for n in range(4000))
    found = parse(with_answers(4000, records), 7, "hq.example.net", "A")
    assert found is not None
    assert (len(found.addresses), found.whole, found.records) == (MOST_RECORDS, False, 4000)


@pytest.mark.parametrize("link", [b"\1a", b""], ids=["labels", "pointers alone"])
def test_the_worst_names_cost_a_bounded_amount(link: bytes) -> None:
    """Each name is reached by pointers through thousands of pieces: as much work as a message can ask for."""
    first = END + 12
    chain = bytearray(b"\0")
    places = [first]
    while len(chain) < 16_000:
        places.append(first + len(chain))
        chain += link + struct.pack("!H", 0xC000 | places[-2])
    deep = places[90] if link else places[190]
    hostile = record(MINE, 16, bytes(chain))
    hostile += b"".join(record(MINE, 5, struct.pack("!H", 0xC000 | deep)) for _ in range(3000))
    data = with_answers(0xFFFF, hostile)
    assert len(data) < 65_000
    found: list[Response | None] = []
    assert 20_000 < lines_of(lambda: found.append(parse(data, 7, "hq.example.net", "A"))) < 64 * 192 * 12
    assert found[0] is not None
    assert not found[0].whole
    assert peak_bytes(lambda: parse(data, 7, "hq.example.net", "A")) < 200_000
    beyond = record(MINE, 16, bytes(chain)) + record(MINE, 5, struct.pack("!H", 0xC000 | places[2000]))
    assert parse(with_answers(2, beyond), 7, "hq.example.net", "A") == Response(0, (), False, True, False, 2)


WHOLE = answer(
    an=[DNSRR(rrname="hq.example.net", type="CNAME", rdata="a.example.net"), DNSRR(rrname="a.example.net", rdata="192.0.2.7")]
)


@PROPERTY
@given(
    st.binary(max_size=200) | mangled(WHOLE) | mangled(ASKED) | st.binary(max_size=80).map(lambda data: with_answers(3, data))
)
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for kind in RECORDS:
        found = parse(data, 7, "hq.example.net", kind)
        assert found is None or len(found.addresses) <= MOST_RECORDS


def test_cut_anywhere_it_is_nothing_or_not_whole() -> None:
    assert parse(WHOLE, 7, "hq.example.net", "A") == Response(0, ("192.0.2.7",), True, True, False, 2)
    for size in range(len(WHOLE)):
        found = parse(WHOLE[:size], 7, "hq.example.net", "A")
        assert (found is None) is (size < END), size
        assert found is None or not found.whole, size


@pytest.mark.parametrize("name", ["a" * 64, "a..b", ".a", "bücher.example", ".".join(["abcdefg"] * 32)])
def test_a_name_that_is_none_is_said(name: str) -> None:
    with pytest.raises(ValueError, match=r"name|label"):
        query(1, name)


@pytest.mark.parametrize("identifier", [-1, 65_536])
def test_an_identifier_that_does_not_fit_is_said(identifier: int) -> None:
    with pytest.raises(ValueError, match="16 bits"):
        query(identifier, "a")
