"""The tender policy, and that no card is taken without its authorisation, in any mode and by any command."""

from pathlib import Path

import pytest
from tests.sales.world import World, line

from tillkeeper.contract import commands as cmd
from tillkeeper.errors import Refused
from tillkeeper.sales.tenders import KINDS, MODES, SITUATIONS, Admission, AuthorisationRequest, render_table, verdict

DOC = Path(__file__).resolve().parents[2] / "docs" / "tenders.md"
LOCAL = ("cash", "exact", "usd", "lost", "voucher", "cheque")
REFUSING = ("offline", "island", "manual_offline")
OUTSIDE = ("visa", "giftcard", "points")


class Terminal:
    """Says yes up to a limit, and remembers what it was asked."""

    def __init__(self, limit_minor: int) -> None:
        self.limit_minor = limit_minor
        self.asked: list[AuthorisationRequest] = []

    def authorised(self, request: AuthorisationRequest) -> Admission | None:
        return None

    def authorise(self, request: AuthorisationRequest) -> Admission:
        self.asked.append(request)
        if request.amount_minor > self.limit_minor:
            raise Refused("declined", "authorise", request.tender, "the bank says no")
        return Admission(reference=f"AUTH-{request.amount_minor}")


def test_the_document_shows_the_table_as_it_is() -> None:
    assert render_table() in DOC.read_text()


def test_the_table_covers_every_case_and_lets_only_cash_and_custom_through() -> None:
    for situation in SITUATIONS:
        for kind in KINDS:
            for mode in MODES:
                answer = verdict(kind, mode, situation).answer
                assert (answer == "allowed") == (kind in ("cash", "custom"))
                assert (answer == "refused") == (kind in ("card", "gift", "loyalty") and mode in REFUSING)


@pytest.mark.parametrize("mode", REFUSING)
@pytest.mark.parametrize("tender", OUTSIDE)
def test_offline_a_card_is_refused_with_what_is_allowed_instead(tender: str, mode: str) -> None:
    terminal = Terminal(10**9)
    world = World(mode=mode, authoriser=terminal)
    world.order(line("burger"))
    with pytest.raises(Refused) as refused:
        world.pay(tender)
    assert refused.value.code == "tender_needs_uplink"
    assert refused.value.extra["allowed"] == LOCAL
    assert refused.value.extra["mode"] == mode
    assert refused.value.extra["reason"]
    assert terminal.asked == []
    assert world.open_check.payments == ()


@pytest.mark.parametrize("mode", ["online", "checking", "offsite"])
@pytest.mark.parametrize("tender", OUTSIDE)
def test_without_a_terminal_a_card_is_refused_online_too(tender: str, mode: str) -> None:
    world = World(mode=mode)
    world.order(line("burger"))
    with pytest.raises(Refused) as refused:
        world.pay(tender)
    assert refused.value.code == "no_terminal"
    assert refused.value.extra["allowed"] == LOCAL
    with pytest.raises(Refused, match="no payment terminal"):
        world.order(line("burger"), tenders=(cmd.NewTender("cash", 100), cmd.NewTender(tender)))
    assert world.open_check.payments == ()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tender", ["cash", "voucher"])
def test_cash_and_custom_work_in_every_mode(tender: str, mode: str) -> None:
    world = World(mode=mode)
    assert world.order(line("burger"), tenders=(cmd.NewTender(tender),)).closed


def test_an_authorised_card_carries_its_reference_and_a_declined_one_changes_nothing() -> None:
    terminal = Terminal(600)
    world = World(authoriser=terminal)
    world.order(line("burger"))
    with pytest.raises(Refused) as refused:
        world.pay("visa")
    assert refused.value.code == "declined"
    assert refused.value.extra["allowed"] == LOCAL
    paid = world.pay("visa", 600).totals
    assert paid is not None
    assert paid.due_minor == 400
    assert world.open_check.payments[0].reference == "AUTH-600"
    assert terminal.asked[1].amount_minor == 600


def test_voiding_a_check_with_a_card_payment_needs_the_call_as_well() -> None:
    world = World(authoriser=Terminal(600))
    world.order(line("burger"), tenders=(cmd.NewTender("visa", 600),))
    world.mode = "offline"
    with pytest.raises(Refused) as refused:
        world.do(cmd.VoidCheck(check_id="c", reason="left"))
    assert refused.value.code == "tender_needs_uplink"
    assert world.open_check.state == "open"


def test_a_refund_to_a_card_is_refused_offline() -> None:
    world = World()
    world.order(line("burger"), tenders=(cmd.NewTender("cash"),))
    world.mode = "offline"
    with pytest.raises(Refused) as refused:
        world.refund("visa")
    assert refused.value.code == "tender_needs_uplink"
    assert world.refund("cash").refund_minor == 1000
