"""The policy by document class, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.values import DocumentClass
from tillkeeper.spool import policy
from tillkeeper.spool.model import Job, PulseData
from tillkeeper.spool.policy import Expire, Fail, Go, Hold, LeaveUnconfirmed, Repeat, Reroute, Retry, Route
from tillkeeper_drivers.api import Reason

GRILL = Route(title="Grill", backups=("bar",))


def job(document_class: DocumentClass, **fields: int) -> Job:
    data = PulseData(drawer="drawer", cause="tender")
    return Job(job_id="j1", device="grill", document_class=document_class, data=data, created_at_ms=0, **fields)


@pytest.mark.parametrize(
    ("document_class", "route", "what"),
    [
        ("kitchen_ticket", GRILL, Repeat),
        ("change_slip", GRILL, Repeat),
        ("kitchen_ticket", Route(on_unknown="hold"), Hold),
        ("receipt", GRILL, Hold),
        ("report", GRILL, Hold),
        ("drawer_pulse", GRILL, LeaveUnconfirmed),
        ("test_slip", GRILL, LeaveUnconfirmed),
    ],
)
def test_unknown_outcome(document_class: DocumentClass, route: Route, what: type) -> None:
    assert isinstance(policy.after_unknown(job(document_class), "no_answer", route, 1000, began_ms=0), what)


def test_the_15_seconds_count_from_the_attempt() -> None:
    ticket = job("kitchen_ticket")
    assert policy.after_unknown(ticket, "lost", GRILL, 1_000, began_ms=0) == Repeat(15_000, "POSSIBLE DUPLICATE")
    assert policy.after_unknown(ticket, "no_answer", GRILL, 16_000, began_ms=0) == Repeat(16_000, "POSSIBLE DUPLICATE")


@pytest.mark.parametrize(
    ("document_class", "age_s", "what"),
    [
        ("kitchen_ticket", 1800, Go),
        ("kitchen_ticket", 1801, Hold),
        ("receipt", 900, Go),
        ("receipt", 901, Hold),
        ("report", 900, Go),
        ("report", 901, Hold),
        ("drawer_pulse", 10, Go),
        ("drawer_pulse", 11, Expire),
        ("test_slip", 61, Expire),
        ("kitchen_ticket", -86_400, Go),
    ],
)
def test_age(document_class: DocumentClass, age_s: int, what: type) -> None:
    assert isinstance(policy.before_attempt(job(document_class), GRILL, age_s * 1000), what)


def test_a_released_job_is_young_again() -> None:
    assert policy.before_attempt(job("receipt", released_at_ms=10**9), GRILL, 10**9 + 1000) == Go()


@pytest.mark.parametrize(
    ("document_class", "reason", "refused_for_s", "backups", "what"),
    [
        ("kitchen_ticket", "unreachable", 19, ("bar",), Retry),
        ("kitchen_ticket", "unreachable", 20, ("bar",), Reroute),
        ("kitchen_ticket", "unreachable", 20, (), Retry),
        ("kitchen_ticket", "busy", 59, ("bar",), Retry),
        ("kitchen_ticket", "busy", 60, ("bar",), Reroute),
        ("receipt", "unreachable", 600, ("bar",), Retry),
        ("kitchen_ticket", "bad_document", 0, (), Fail),
        ("kitchen_ticket", "bad_document", 0, ("bar",), Reroute),
        ("receipt", "unsupported", 0, ("bar",), Fail),
    ],
)
def test_refusal(
    document_class: DocumentClass, reason: Reason, refused_for_s: int, backups: tuple[str, ...], what: type
) -> None:
    decision = policy.after_refusal(
        job(document_class), reason, GRILL, refused_for_s * 1000, refusals=3, since_ms=0, open_backups=backups, jitter=0.5
    )
    assert isinstance(decision, what)
    if isinstance(decision, Reroute):
        assert decision == Reroute("bar", "REROUTED FROM GRILL")


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_backoff_is_bounded_and_never_nothing(refusals: int, jitter: float) -> None:
    assert policy.RETRY_FIRST_MS / 2 <= policy.backoff_ms(refusals, jitter) <= policy.RETRY_MOST_MS


@given(st.integers(0, 2 * 10**12), st.integers(0, 2 * 10**12))
def test_no_wait_outlasts_a_clock_that_was_set_back(next_try_at_ms: int, now_ms: int) -> None:
    assert 0 <= policy.wait_ms(job("receipt", next_try_at_ms=next_try_at_ms), now_ms) <= policy.NONSENSE_WAIT_MS


@pytest.mark.parametrize("now_ms", [10_001, -10_001, -86_400_000])
def test_a_drawer_never_opens_late_also_where_the_clock_was_set_back(now_ms: int) -> None:
    assert isinstance(policy.before_attempt(job("drawer_pulse"), GRILL, now_ms), Expire)
    assert isinstance(policy.before_attempt(job("drawer_pulse"), GRILL, -10_000), Go)  # a clock that is being corrected
