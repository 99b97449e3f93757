"""Approvals on a clock of the test's own."""

import pytest

from tillkeeper.contract.caller import Caller
from tillkeeper.contract.commands import RecordNoSale
from tillkeeper.contract.people import ApprovalGiven
from tillkeeper.people.refusals import ApprovalNeeded
from tillkeeper.till.approvals import APPROVAL_S, MAX_APPROVALS, Approvals

NO_SALE = RecordNoSale(drawer="drawer", reason="change")


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def caller_with(approvals: Approvals, token: str) -> Caller:
    found = approvals.look(token, "ana", "front")
    return Caller(
        scope="page",
        terminal="front",
        employee="ana",
        permissions=frozenset({"ring"}),
        approved=frozenset({found.permission}) if found else frozenset(),
        approval=found.digest if found else "",
    )


def test_an_approval_is_good_for_a_minute_for_who_asked_at_its_terminal() -> None:
    clock = Clock()
    approvals = Approvals(clock)
    token = approvals.add("mia", "ana", "front", "no_sale")
    assert approvals.look(token, "ana", "side") is None
    assert approvals.look(token, "ben", "front") is None, "who signs in there next has not been approved"
    assert approvals.look(token + "x", "ana", "front") is None
    clock.now_s += APPROVAL_S - 0.1
    assert approvals.look(token, "ana", "front") is not None
    clock.now_s += 0.1
    assert approvals.look(token, "ana", "front") is None


def test_it_is_used_up_by_success_and_only_by_that() -> None:
    approvals = Approvals(Clock())
    caller = caller_with(approvals, approvals.add("mia", "ana", "front", "no_sale"))
    with pytest.raises(ZeroDivisionError), approvals.permitted(NO_SALE, None, caller):
        raise ZeroDivisionError
    with approvals.permitted(NO_SALE, None, caller) as given:
        assert given == (
            ApprovalGiven(approver="mia", employee="ana", terminal="front", permission="no_sale", command="record_no_sale"),
        )
        with pytest.raises(ApprovalNeeded, match="has been used"), approvals.permitted(NO_SALE, None, caller):
            pass
    with pytest.raises(ApprovalNeeded), approvals.permitted(NO_SALE, None, caller):
        pass


def test_so_many_are_kept_and_no_more() -> None:
    clock = Clock()
    approvals = Approvals(clock)
    tokens = [approvals.add("mia", "ana", "front", "no_sale") for _ in range(MAX_APPROVALS + 5)]
    assert [approvals.look(token, "ana", "front") is not None for token in tokens] == [False] * 5 + [True] * MAX_APPROVALS
