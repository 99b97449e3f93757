"""The machine of authorisations, whatever is thrown at it: money is used once, only once approved, and what is final stays."""

from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.contract.authorisations import (
    AuthorisationAsked,
    AuthorisationReversed,
    AuthorisationSettled,
    Purpose,
    ReversalOwed,
)
from tillkeeper.sales.authorisations import (
    FINAL,
    OPEN,
    STEPS,
    IllegalStep,
    Step,
    after,
    authorisation_id,
    begun,
    freezes,
    settled_for_good,
    used,
)
from tillkeeper.sales.model import Authorisation

ID = authorisation_id("store-1", "front", "ab" * 32, 0)
ASKED = AuthorisationAsked(
    authorisation_id=ID, situation="payment", tender="card", kind="card", gateway="bank", amount_minor=1250,
    purpose=Purpose("tender", tender="card"), key_sha256="ab" * 32, check_id="C",
)  # fmt: skip
OUTCOMES = st.sampled_from(["approved", "declined", "never_made", "unknown"])
EVENTS = st.one_of(
    OUTCOMES.map(lambda outcome: AuthorisationSettled(authorisation_id=ID, outcome=outcome)),
    st.just(ReversalOwed(authorisation_id=ID, cause="paid_another_way")),
    st.booleans().map(lambda made: AuthorisationReversed(authorisation_id=ID, made=made)),
    st.just("use"),
)


def _follow(one: Authorisation, event: Step | str) -> Authorisation:
    return used(one) if isinstance(event, str) else after(one, event)


@given(st.lists(EVENTS, max_size=30))
def test_money_moves_once_and_what_is_final_stays(events: list[Step | str]) -> None:
    one, uses, ends = begun(ASKED, 1), 0, 0
    for event in events:
        before = one
        try:
            one = _follow(one, event)
        except IllegalStep:
            continue
        assert not settled_for_good(before), "nothing follows on an end"
        uses += isinstance(event, str)
        ends += settled_for_good(one)
        if isinstance(event, str):
            assert before.state == "approved"
    assert uses <= 1
    assert ends <= 1
    assert uses == one.used
    assert not (one.used and one.state in FINAL)
    assert freezes(one) == (one.state in OPEN or (one.state == "approved" and not one.used))
    if one.state in ("reversal_owed", "reversed"):
        assert not one.used, "what was used is never reversed, and what is reversed never used"


def test_an_unknown_one_is_never_an_end() -> None:
    """Every state that is no end has a way on."""
    for state in set(STEPS.values()) | {"asked"}:
        leads_on = any(source == state for source, _step in STEPS)
        assert leads_on == (state not in FINAL)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 20))
def test_ids_are_ours_and_follow_from_the_key_alone(store: str, key: str, index: int) -> None:
    made = authorisation_id(store, "front", key, index)
    assert made == authorisation_id(store, "front", key, index)
    assert made != authorisation_id(store, "front", key, index + 1)
    assert made != authorisation_id(store, "bar", key, index)
    assert len(made) == 26
    assert made[0] in "01234567"
