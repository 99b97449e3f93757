"""Signed ends of logs: what they prove, and what is refused."""

import hashlib

import pytest
from tests.replication.logs_of_others import ToyKey, altered, batch, head_of, rehashed, sales, toy_verify

from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.signing import HeadRefused, check_head, head_bytes, is_signed

KEY, OTHER = ToyKey("till-1"), ToyKey("till-2")
EVENTS = sales(3).events


def test_what_is_signed_can_be_written_by_hand() -> None:
    expected = b"tillkeeper-head-1\ncorner\ntill-1\ninc-1\n7\n" + b"ab" * 32 + b"\n"
    assert head_bytes("corner", "till-1", "inc-1", 7, "ab" * 32) == expected
    head = head_of(EVENTS[2], KEY)
    assert (
        head.signature == hashlib.sha256(KEY.key.encode() + head_bytes("corner", "till-1", "inc-1", 3, head.hash)).hexdigest()
    )
    for field in range(4):
        names = ["corner", "till-1", "inc-1", "ab"]
        names[field] += "\nx"
        with pytest.raises(ValueError, match="line break"):
            head_bytes(names[0], names[1], names[2], 7, names[3])


def test_a_signature_is_over_every_field() -> None:
    head = head_of(EVENTS[2], KEY)
    assert is_signed(head, {KEY.key}, toy_verify)
    assert not is_signed(head, {OTHER.key}, toy_verify)
    assert not is_signed(head, set(), toy_verify)
    changes: list[dict[str, object]] = [
        {"store": "other"},
        {"register": "till-2"},
        {"incarnation": "inc-2"},
        {"seq": 4},
        {"hash": "0" * 64},
        {"signature": "00"},
        {"incarnation": "a\nb"},
    ]
    for change in changes:
        assert not is_signed(altered(head, **change), {KEY.key}, toy_verify)  # type: ignore[arg-type]


def refused(sent: HqBatch, *, relayed: bool, keys: set[str] | None = None) -> str:
    with pytest.raises(HeadRefused) as error:
        check_head(sent, {KEY.key} if keys is None else keys, toy_verify, relayed=relayed)
    return error.value.code


@pytest.mark.parametrize("relayed", [False, True])
def test_a_register_with_a_key_is_believed_only_with_its_signature(relayed: bool) -> None:
    whole = batch(EVENTS[2:6], KEY)
    assert check_head(whole, {KEY.key, OTHER.key}, toy_verify, relayed=relayed) == whole
    assert refused(batch(EVENTS), relayed=relayed) == "unsigned"
    assert refused(batch(EVENTS, OTHER), relayed=relayed) == "bad_signature"
    elsewhere = altered(batch(EVENTS), head=head_of(EVENTS[3], KEY))  # type: ignore[arg-type]
    assert refused(elsewhere, relayed=relayed) == "bad_signature"  # type: ignore[arg-type]


def test_a_store_without_keys_works_as_before() -> None:
    assert check_head(batch(EVENTS), (), toy_verify, relayed=False) == batch(EVENTS)
    assert check_head(batch(EVENTS, KEY), (), toy_verify, relayed=False) == batch(EVENTS), "nobody can check it"
    assert refused(batch(EVENTS, KEY), relayed=True, keys=set()) == "unsigned"
    beat = HqBatch("corner", "till-1", "inc-1", (), head_of(EVENTS[0], KEY))
    assert check_head(beat, (), toy_verify, relayed=True) == HqBatch("corner", "till-1", "inc-1")


def test_a_relay_can_slip_nothing_under_an_authors_signature() -> None:
    forged = rehashed(EVENTS[3], body='{"forged":1}')
    swapped = batch([*EVENTS[:3], forged, *EVENTS[4:6]], KEY)
    assert refused(swapped, relayed=True) == "not_covered"
    damaged = batch([altered(EVENTS[2], body="{}"), *EVENTS[3:6]], KEY)
    assert refused(damaged, relayed=True) == "not_covered"
    left_out = batch([*EVENTS[:2], *EVENTS[3:6]], KEY)
    assert refused(left_out, relayed=True) == "not_covered"
    # The author itself may send a log that its own disk damaged: placing finds that, and the rest goes on.
    assert check_head(damaged, {KEY.key}, toy_verify, relayed=False) == damaged
