"""The hash chain: what it proves, and that anybody can follow it by hand."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.chain import GENESIS, ChainBroken, header, link, verify
from tillkeeper.contract.envelope import Envelope

texts = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)


def chain(bodies: list[str], day: str = "2026-03-29") -> list[Envelope]:
    made, previous = [], GENESIS
    for seq, body in enumerate(bodies, 1):
        head = header("s", "r", "i", seq, "mode_changed", 1, day, 1_000 + seq)
        tip = link(previous, head, body.encode())
        made.append(Envelope("s", "r", "i", seq, "mode_changed", 1, day, 1_000 + seq, body, previous, tip))
        previous = tip
    return made


def test_the_rule_is_what_the_contract_says() -> None:
    text = GENESIS + "\n" + "tillkeeper-event-1\nS\nR\nI\n1\nmode_changed\n1\n2026-03-29\n7\n" + '{"mode":"online"}'
    made = link(GENESIS, header("S", "R", "I", 1, "mode_changed", 1, "2026-03-29", 7), b'{"mode":"online"}')
    assert made == hashlib.sha256(text.encode()).hexdigest()


@given(st.lists(texts, min_size=1, max_size=8), texts)
def test_a_chain_verifies_from_its_start_and_from_the_middle(bodies: list[str], day: str) -> None:
    envelopes = chain(bodies, day)
    verify(envelopes, GENESIS)
    middle = len(envelopes) // 2
    if middle:
        verify(envelopes[middle:], envelopes[middle - 1].hash)
    verify([], GENESIS)


@given(st.lists(texts, min_size=2, max_size=6), st.data())
def test_any_change_breaks_it_at_that_event(bodies: list[str], data: st.DataObject) -> None:
    envelopes = chain(bodies)
    at = data.draw(st.integers(0, len(envelopes) - 1))
    change = data.draw(
        st.sampled_from(
            [
                {"body": envelopes[at].body + "x"},
                {"type": "check_closed"},
                {"version": 2},
                {"business_day": "2026-03-30"},
                {"at_ms": 5},
                {"store": "other"},
                {"register": "other"},
                {"incarnation": "other"},
                {"seq": envelopes[at].seq + 1},
                {"hash": "f" * 64},
                {"prev_hash": "f" * 64},
                {"business_day": "2026\n03"},
            ]
        )
    )
    altered = [*envelopes[:at], msgspec.structs.replace(envelopes[at], **change), *envelopes[at + 1 :]]
    with pytest.raises(ChainBroken) as broken:
        verify(altered, GENESIS)
    assert broken.value.seq == altered[at].seq


def test_a_missing_or_swapped_event_breaks_it() -> None:
    envelopes = chain(["a", "b", "c"])
    for altered in ([envelopes[0], envelopes[2]], [envelopes[1], envelopes[0], envelopes[2]], envelopes[1:]):
        with pytest.raises(ChainBroken):
            verify(altered, GENESIS)


def test_a_line_break_cannot_make_two_events_one() -> None:
    with pytest.raises(ValueError, match="line break"):
        header("s\nr", "i", "x", 1, "t", 1, "d", 0)
