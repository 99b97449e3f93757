"""Deciding which calls a command needs, and what a check with an open one takes (pure)."""

from typing import Any

import pytest
from tests.sales.world import CONFIG, World, config, line

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationSettled, Purpose, ReversalOwed
from tillkeeper.errors import Refused
from tillkeeper.sales.authorisations import frozen
from tillkeeper.sales.calls import PRACTICE, Calls
from tillkeeper.sales.checks import IllegalEvent, apply
from tillkeeper.sales.model import Check
from tillkeeper.sales.tenders import Admission, AuthorisationRequest

KEY = "cd" * 32
TENDERS = CONFIG["tenders"] | {"visa": {"kind": "card", "title": "Card", "gateway": "bank"}}


def _config() -> Any:
    return config(tenders=TENDERS, gateways={"bank": {"url": "http://127.0.0.1:1"}})


class Yes:
    """Approves everything, each under an id of its own."""

    def __init__(self) -> None:
        self.asked: list[AuthorisationRequest] = []

    def authorised(self, request: AuthorisationRequest) -> Admission | None:
        return None

    def authorise(self, request: AuthorisationRequest) -> Admission:
        self.asked.append(request)
        return Admission(f"A{len(self.asked)}", "ref", "VISA ****4242")


def _asked(check: Check, amount: int = 1000) -> Check:
    event = AuthorisationAsked(
        authorisation_id="A1", situation="payment", tender="visa", kind="card", gateway="bank", amount_minor=amount,
        purpose=Purpose("tender", tender="visa"), key_sha256=KEY, check_id=check.check_id,
    )  # fmt: skip
    return apply(check, event, "2030-03-17", 5)


def _settled(check: Check, outcome: Any) -> Check:
    event = AuthorisationSettled(authorisation_id="A1", outcome=outcome, check_id=check.check_id)
    return apply(check, event, "2030-03-17", 6)


def test_a_decision_tells_which_calls_it_needs_and_the_next_one_knows_them() -> None:
    world = World(_config())
    world.order(line("burger"))
    before = world.open_check
    first = world.authoriser = Calls(world.config, KEY)
    world.pay("visa")
    (wanted,) = first.wanted
    assert (wanted.request.amount_minor, wanted.gateway, wanted.index) == (1000, "bank", 0)
    assert Calls(world.config, KEY).authorise(wanted.request).authorisation_id == wanted.authorisation_id
    world.check = _settled(_asked(before), "approved")
    second = world.authoriser = Calls(world.config, KEY, frozen(world.check))
    world.mode = "offline"  # the link is gone since: what was approved counts
    with pytest.raises(Refused) as refused:
        world.pay("visa")
    assert refused.value.code == "check_frozen", "but only for the command that asked"
    assert second.wanted == []


def test_what_was_authorised_is_taken_for_nothing_else() -> None:
    one = _asked(_open(World(_config())), 999).authorisations[0]
    calls = Calls(_config(), KEY, (one,))
    with pytest.raises(Refused) as refused:
        calls.authorised(AuthorisationRequest("payment", "T", "visa", "card", 1000))
    assert refused.value.code == "authorisation_differs"


def _open(world: World) -> Check:
    world.order(line("burger"))
    return world.open_check


def test_practice_asks_nobody_and_a_tender_without_a_gateway_has_nobody_to_ask() -> None:
    request = AuthorisationRequest("payment", "T", "visa", "card", 1000)
    practice = Calls(_config(), KEY, practice=True)
    assert practice.authorise(request) == Admission(reference=PRACTICE)
    assert practice.wanted == []
    with pytest.raises(Refused) as refused:
        Calls(_config(), KEY).authorise(AuthorisationRequest("payment", "T", "giftcard", "gift", 1000))
    assert refused.value.code == "no_terminal"


COMMANDS: list[Any] = [
    cmd.AddLines(check_id="c", lines=(line("cola"),)),
    cmd.ChangeOrderType(check_id="c", order_type="takeout"),
    cmd.ApplyDiscount(check_id="c", code="staff"),
    cmd.RecordTender(check_id="c", tender="cash"),
    cmd.CloseCheck(check_id="c"),
    cmd.AwaitTender(check_id="c", tender="visa"),
    cmd.VoidCheck(check_id="c", reason="r"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("outcome", ["", "unknown", "approved"])
def test_a_frozen_check_refuses_whatever_changes_its_sum(command: Any, outcome: str) -> None:
    """I13."""
    world = World(_config())
    world.check = _asked(_open(world))
    if outcome:
        world.check = _settled(world.check, outcome)
    with pytest.raises(Refused) as refused:
        world.do(command)
    assert refused.value.code == "check_frozen"
    assert refused.value.extra["ways_out"] == ("query_authorisation", "abandon_authorisation")


@pytest.mark.parametrize("end", ["declined", "never_made", "owed"])
def test_a_settled_check_is_free_again(end: str) -> None:
    world = World(_config())
    world.check = _asked(_open(world))
    if end == "owed":
        event = ReversalOwed(authorisation_id="A1", cause="paid_another_way", check_id=world.check.check_id)
        world.check = apply(world.check, event, "2030-03-17", 6)
    else:
        world.check = _settled(world.check, end)
    assert world.pay("cash").closed


def test_the_fold_itself_takes_no_money_of_an_authorisation_that_was_not_approved() -> None:
    """I7: not even a mistake of ours records it."""
    world = World(_config(), authoriser=Yes())
    check = _open(world)
    (event,) = [one for one in world.pay("visa").events if type(one).__name__ == "TenderRecorded"]
    for state in (_asked(check), _settled(_asked(check), "unknown"), _settled(_asked(check), "declined")):
        with pytest.raises(IllegalEvent):
            apply(state, event, "2030-03-17", 7)
    paid = apply(_settled(_asked(check), "approved"), event, "2030-03-17", 7)
    assert paid.authorisations[0].used


def test_a_refund_names_the_payment_that_it_gives_back_and_no_payment_gives_back_more_than_it_took() -> None:
    world = World(_config(), authoriser=Yes())
    _open(world)
    world.pay("visa", 400)
    world.pay("visa")
    with pytest.raises(Refused) as refused:
        world.refund("visa")
    assert refused.value.code == "refund_in_parts"
    assert refused.value.extra["max_minor"] == 600
    world.refund("visa", amount_minor=500)
    assert isinstance(world.authoriser, Yes)
    assert world.authoriser.asked[-1].original == "A2"
