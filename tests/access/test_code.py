"""Codes of a pairing: how they read, how they are compared, when they end."""

import pytest

from tillkeeper.access.code import AGAIN_S, CODE_S, LENGTH, NOTED, OpenPairing, new_code, plain
from tillkeeper.access.qr import modules, terminal
from tillkeeper.contract.access import PairingBody

ASKED = PairingBody(scope="kitchen", name="grill")


def test_codes_are_long_and_never_the_same() -> None:
    codes = {new_code() for _ in range(1000)}
    assert len(codes) == 1000
    assert all(len(plain(code)) == LENGTH for code in codes)
    assert not any(letter in code for code in codes for letter in "ILOU")


@pytest.mark.parametrize("typed", ["k7qm2xpd9r40", "K7QM 2XPD 9R4O", "k7qm-2xpd-9r4o", " K7QM-2XPD-9R40 "])
def test_what_looks_like_it_is_it(typed: str) -> None:
    assert OpenPairing(ASKED, "K7QM-2XPD-9R40", "", 0.0).fits(typed)


@pytest.mark.parametrize("typed", ["", "K7QM-2XPD-9R41", "K7QM-2XPD-9R4", "K7QM-2XPD-9R400", "ÄÖÜ"])
def test_anything_else_is_not(typed: str) -> None:
    assert not OpenPairing(ASKED, "K7QM-2XPD-9R40", "", 0.0).fits(typed)


def test_the_first_refusals_are_journaled_and_all_are_counted() -> None:
    pairing = OpenPairing(ASKED, new_code(), "", 0.0)
    assert [pairing.refuse() for _ in range(NOTED + 2)] == [True] * NOTED + [False] * 2
    assert pairing.refused == NOTED + 2


def test_once_used_it_ends_a_minute_later() -> None:
    pairing = OpenPairing(ASKED, new_code(), "", 100.0)
    assert pairing.ends_s == 100.0 + CODE_S
    pairing.used("1", "d", 110.0)
    assert pairing.ends_s == 110.0 + AGAIN_S


def test_the_qr_code_is_square_and_drawn_whole() -> None:
    rows = modules("https://10.7.0.1:8443/pair/#code=K7QM-2XPD-9R40")
    assert {len(row) for row in rows} == {len(rows)}
    assert {row[:7] for row in rows[:1]} == {"#######"}  # a finder pattern stands in its corner
    drawn = terminal(rows).split("\n")
    assert len(drawn) == (len(rows) + 4 + 1) // 2
    assert set("".join(drawn)) <= set("█▀▄ ")
