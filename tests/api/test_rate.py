"""How often a source may ask: the pure core, and what is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.api.rate import Rates


def test_a_burst_at_once_then_at_the_lasting_rate() -> None:
    rates = Rates(per_s=2, burst=5)
    assert [rates.take("a", 100.0) for _ in range(5)] == [0.0] * 5
    assert rates.take("a", 100.0) == 0.5
    assert rates.take("a", 100.4) > 0
    assert rates.take("a", 100.5) == 0.0
    assert rates.take("a", 100.5) == 0.5


def test_asking_for_the_wait_takes_nothing_and_sources_do_not_know_each_other() -> None:
    rates = Rates(per_s=1, burst=1)
    assert [rates.wait_s("a", 0.0) for _ in range(3)] == [0.0] * 3
    assert rates.take("a", 0.0) == 0.0
    assert rates.take("a", 0.0) == 1.0
    assert rates.take("b", 0.0) == 0.0


def test_what_costs_more_than_the_burst_is_for_who_is_at_rest() -> None:
    rates = Rates(per_s=1, burst=2)
    assert rates.take("a", 0.0, 10.0) == 0.0
    assert rates.take("a", 1.0, 1.0) == 8.0
    assert rates.take("a", 9.0, 1.0) == 0.0


def test_memory_is_bounded_and_who_is_busiest_is_forgotten_last() -> None:
    rates = Rates(per_s=1, burst=10, sources=100)
    while rates.take("busy", 0.0) == 0.0:
        pass
    for number in range(10_000):
        assert rates.take(f"passing {number}", 0.0) == 0.0
        assert len(rates) <= 100
    assert rates.take("busy", 0.0) > 0


@given(st.lists(st.tuples(st.floats(0, 5), st.sampled_from("ab"), st.floats(0.25, 20)), max_size=60))
def test_nobody_ever_gets_more_than_burst_and_rate(asked: list[tuple[float, str, float]]) -> None:
    rates, now_s, granted = Rates(per_s=3, burst=20), 0.0, {"a": 0.0, "b": 0.0}
    for pause_s, source, cost in asked:
        now_s += pause_s
        wait_s = rates.wait_s(source, now_s, cost)
        assert (rates.take(source, now_s, cost) == 0.0) == (wait_s == 0.0)
        if wait_s == 0.0:
            granted[source] += cost
        else:
            assert rates.wait_s(source, now_s + wait_s + 1e-6, cost) == 0.0
        assert granted[source] <= 20 + 3 * now_s + 1e-6
