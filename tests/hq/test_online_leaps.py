"""A register that is out of its mind asks for online orders under an epoch that nobody can have come to."""

import pytest

from tillkeeper.contract.online import TakeOnlineOrders
from tillkeeper.contract.roles import LEAP, MAX_COUNTER, Epoch
from tillkeeper_hq.online_rules import Lease, asked


def ask(register: str, primary: str, counter: int) -> TakeOnlineOrders:
    return TakeOnlineOrders(register=register, primary=primary, backup="b", epoch=Epoch(counter, primary))


@pytest.mark.parametrize("counter", [LEAP + 10, MAX_COUNTER])
@pytest.mark.parametrize("known", [None, Epoch(3, "a")])
def test_it_gets_none_and_keeps_them_from_nobody(counter: int, known: Epoch | None) -> None:
    lease = asked(Lease(), ask("a", "a", 3), known, 1_000, 0)
    assert lease.holder(1_000) == "a"
    assert asked(lease, ask("mad", "mad", counter), known, 1_001, 0) == lease
    again = asked(lease, ask("a", "a", 3), known, 2_000, 0)
    assert again.holder(2_000) == "a"
    assert asked(again, ask("b", "b", 4), known, 2_001, 0).holder(2_001) == "b", "an honest next one counts at once"
