import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper_drivers.drawer import KickGate, PinPolarity, PulseError, pulse_bytes


def test_pulse_bytes_by_hand() -> None:
    assert pulse_bytes(2, 100) == bytes.fromhex("1b700032c8")
    assert pulse_bytes(5, 100) == bytes.fromhex("1b700132c8")


@given(st.sampled_from([2, 5]), st.integers(2, 510))
def test_the_coil_is_off_four_times_as_long_as_far_as_a_byte_can_say(pin: int, on_ms: int) -> None:
    _, _, _, on, off = pulse_bytes(pin, on_ms)
    assert on * 2 in (on_ms, on_ms - 1)
    assert off == min(255, 4 * on)


@pytest.mark.parametrize(("pin", "on_ms"), [(3, 100), (2, 0), (2, 511), (2, -4)])
def test_what_the_command_can_not_say_is_refused(pin: int, on_ms: int) -> None:
    with pytest.raises(PulseError):
        pulse_bytes(pin, on_ms)


def test_kicks_keep_five_times_their_on_time_apart() -> None:
    gate = KickGate()
    assert gate.wait_ms(1000) == 0
    gate.kicked(1000, 100)
    assert gate.wait_ms(1001) == 499
    assert gate.wait_ms(1500) == 0
    gate.kicked(1000, 20)
    assert gate.wait_ms(1001) == 499  # a shorter kick does not shorten the rest of a longer one


def test_polarity_is_learned_from_the_level_after_a_kick_that_moved_the_pin() -> None:
    learned = PinPolarity().after_kick("no", "yes")
    assert (learned.open_level, learned.is_open("yes"), learned.is_open("no")) == ("high", "yes", "no")
    other = PinPolarity().after_kick("yes", "no")
    assert (other.open_level, other.is_open("yes"), other.is_open("no")) == ("low", "no", "yes")


@pytest.mark.parametrize(("before", "after"), [("yes", "yes"), ("no", "no"), ("unknown", "yes"), ("no", "unknown")])
def test_a_pin_that_did_not_move_teaches_nothing(before: str, after: str) -> None:
    learned = PinPolarity().after_kick(before, after)  # type: ignore[arg-type]
    assert learned.open_level == "unknown"
    assert learned.is_open("yes") == "unknown"


def test_contradicting_kicks_leave_it_unknown() -> None:
    assert PinPolarity().after_kick("no", "yes").after_kick("yes", "no").open_level == "unknown"
