"""Codes: what is written is read again, and what is mistyped is found before anybody is asked."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.trust.codes import (
    DEFAULT_PORT,
    DIGITS,
    FINGERPRINT_BYTES,
    SECRET_BYTES,
    JoinCode,
    join_code,
    read_join_code,
    read_recovery_code,
    recovery_code,
)
from tillkeeper.trust.keys import RECOVERY_BYTES
from tillkeeper.trust.trouble import TrustTrouble

HOSTS = st.ip_addresses().map(str) | st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,8})?", fullmatch=True)
CODES = st.builds(
    JoinCode,
    fingerprint=st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES),
    secret=st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
    host=HOSTS,
    port=st.just(DEFAULT_PORT) | st.integers(1, 65_535),
)
SECRETS = st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES)
PLAIN = JoinCode(bytes(range(FINGERPRINT_BYTES)), b"secret", "192.168.1.11", DEFAULT_PORT)


@given(CODES)
def test_a_join_code_is_read_as_it_was_written(code: JoinCode) -> None:
    assert read_join_code(join_code(code)) == code


@given(SECRETS, st.randoms())
def test_a_recovery_code_is_read_however_it_is_typed(secret: bytes, chance: random.Random) -> None:
    typed = recovery_code(secret).replace("-", chance.choice(("", " ", "-", " - ")))
    typed = typed.replace("0", chance.choice("0Oo")).replace("1", chance.choice("1IiLl"))
    assert read_recovery_code(chance.choice((typed, typed.lower(), f"  {typed}\n"))) == secret


def test_codes_are_short_enough_to_be_typed() -> None:
    assert len(join_code(PLAIN).split("-")) == 10
    assert len(recovery_code(bytes(RECOVERY_BYTES)).split("-")) == 7


@given(SECRETS, st.data())
def test_every_wrong_digit_is_found_and_its_group_named(secret: bytes, data: st.DataObject) -> None:
    code = recovery_code(secret)
    at = data.draw(st.sampled_from([place for place, digit in enumerate(code) if digit != "-"]))
    wrong = data.draw(st.sampled_from([digit for digit in DIGITS if digit != code[at]]))
    with pytest.raises(TrustTrouble) as error:
        read_recovery_code(code[:at] + wrong + code[at + 1 :])
    assert error.value.code == "mistyped_code"
    assert error.value.retry_safe
    assert f"group {code[:at].count('-') + 1} " in error.value.cause


@given(SECRETS, st.data())
def test_two_neighbours_that_changed_places_are_found(secret: bytes, data: st.DataObject) -> None:
    code = recovery_code(secret)
    pairs = [at for at in range(len(code) - 1) if "-" not in code[at : at + 2] and code[at] != code[at + 1]]
    if pairs:
        at = data.draw(st.sampled_from(pairs))
        with pytest.raises(TrustTrouble, match="mistyped"):
            read_recovery_code(code[:at] + code[at + 1] + code[at] + code[at + 2 :])


@given(SECRETS, st.data())
def test_two_groups_that_changed_places_are_found(secret: bytes, data: st.DataObject) -> None:
    groups = recovery_code(secret).split("-")
    one, other = data.draw(st.lists(st.integers(0, len(groups) - 1), min_size=2, max_size=2, unique=True))
    groups[one], groups[other] = groups[other], groups[one]
    if groups[one] != groups[other]:
        with pytest.raises(TrustTrouble, match="mistyped"):
            read_recovery_code("-".join(groups))


@pytest.mark.parametrize("text", ["", "-", "ABCDE", "ABCDE-", "U" * 35, "é" * 35, "0" * 35, "0" * 34, "0" * 4000, "\x00\x00"])
def test_what_is_no_code_is_said_to_be_none(text: str) -> None:
    for read in (read_join_code, read_recovery_code):
        with pytest.raises(TrustTrouble) as error:
            read(text)
        assert error.value.code == "mistyped_code"


@given(st.text(max_size=120) | st.text(DIGITS, min_size=5, max_size=100))
def test_nothing_but_mistyped_comes_of_any_text(text: str) -> None:
    for read in (read_join_code, read_recovery_code):
        try:
            read(text)
        except TrustTrouble as error:
            found = error.code
        else:
            continue
        assert found == "mistyped_code"


def test_one_kind_of_code_is_not_taken_for_the_other() -> None:
    with pytest.raises(TrustTrouble, match="no join code"):
        read_join_code(recovery_code(bytes(RECOVERY_BYTES)))
    with pytest.raises(TrustTrouble, match="no recovery code"):
        read_recovery_code(join_code(PLAIN))


def test_a_code_that_is_cut_at_a_group_is_said_to_miss_something() -> None:
    groups = join_code(PLAIN).split("-")
    for some in range(1, len(groups)):
        with pytest.raises(TrustTrouble) as error:
            read_join_code("-".join(groups[:some]))
        assert error.value.code == "mistyped_code"


@pytest.mark.parametrize("host", ["", "a b", "x" * 65, "front:1", "möbel"])
def test_a_host_that_is_none_gets_no_code(host: str) -> None:
    with pytest.raises(ValueError, match=r"host|codec"):
        join_code(JoinCode(PLAIN.fingerprint, PLAIN.secret, host, 1))
