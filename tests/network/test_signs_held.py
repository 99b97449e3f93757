"""How long a sign stands: as long as what it says can be true, and no longer."""

import pytest
from tests.network.test_signs import clear, says
from tests.network.virtual_wire import ROUTER, Wire, setup_of

from tillkeeper.network.macs import GatewayWatch

USUAL, STRANGER = "02:00:00:00:00:01", "02:00:00:00:00:66"


def test_what_the_router_said_stands_while_nothing_behind_it_answers() -> None:
    """Linux says "host unreachable" only now and then; between two of them the modem is as dead as before."""
    wire = Wire(setup_of(), peers=2).start()
    wire.run(5.0)
    says("anycast", "unreachable", by=ROUTER)(wire)
    wire.cut = {"hop2", "hq", "portal", "resolver", "other_resolver"}
    wire.run(2.0)
    assert wire.signs("router_says_unreachable")
    wire.answers, wire.cut = {}, {"isp"}
    for _ in range(12):
        wire.run(1.0)
        assert wire.signs("router_says_unreachable")
    clear(wire)
    wire.run(3.0)
    assert not wire.signs("router_says_unreachable")


@pytest.mark.parametrize(("every_s", "over_s"), [(1.0, 3.2), (2.0, 5.2)])
def test_a_pretender_that_stops_announcing_itself_is_over_soon(every_s: float, over_s: float) -> None:
    """It announces itself at even times and answers nobody: silent for more than two of them it has stopped."""
    watch = GatewayWatch()
    watch.saw(USUAL, 0.0)
    now_s, stops_s, ended_s = 10.0, 20.0, None
    next_claim_s = now_s
    while now_s < 30.0:
        if next_claim_s <= now_s < stops_s:
            next_claim_s += every_s
            watch.saw(STRANGER, now_s, claim=True)
        if watch.question_due(now_s):
            watch.asked()
            watch.saw(USUAL, now_s + 0.001, asked_s=now_s)
        watch.judge(now_s)
        if 14.0 <= now_s < stops_s:
            assert watch.state == "two"
        if now_s > stops_s and not watch.state and ended_s is None:
            ended_s = now_s
        now_s += 0.05
    assert ended_s is not None
    assert ended_s - stops_s < over_s


def enquire(watch: GatewayWatch, began_s: float, *macs: str, late: str = "") -> None:
    """Two questions, answered at once by `macs`; `late` answers each of them a quarter of a second later."""
    for i in range(12):
        now_s = began_s + 0.05 * i
        if watch.question_due(now_s):
            watch.asked()
            for mac in macs:
                watch.saw(mac, now_s + 0.01, asked_s=now_s)
        if late and i in (5, 6):
            watch.saw(late, now_s, claim=watch.next_s() is None)
        watch.judge(now_s)


def test_the_usual_router_that_answers_late_is_still_there() -> None:
    """Where the router is slow its answer comes when the enquiry is over."""
    watch = GatewayWatch()
    watch.saw(USUAL, 0.0)
    watch.saw(STRANGER, 10.0, claim=True)
    enquire(watch, 10.0, STRANGER, late=USUAL)
    assert watch.state == "two"


def test_the_usual_router_that_is_back_is_no_second_one() -> None:
    watch = GatewayWatch()
    watch.saw(USUAL, 0.0)
    watch.saw(STRANGER, 10.0, claim=True)
    enquire(watch, 10.0, STRANGER)
    assert watch.state == "changed"
    watch.saw(USUAL, 20.0, asked_s=19.99)
    enquire(watch, 20.0, USUAL)
    assert watch.state == ""
