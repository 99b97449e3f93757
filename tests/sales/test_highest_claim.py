"""A register that is out of its mind has the highest claim to a check that there can be."""

import pytest
from msgspec.structs import replace
from tests.sales.test_merge import two

from tillkeeper.contract.placing import MAX_INT
from tillkeeper.errors import Refused
from tillkeeper.sales.changing_hands import forked, hand_over


def test_no_claim_is_made_that_no_holder_could_read() -> None:
    a, _ = two()
    check = replace(a.open_check, hand=MAX_INT)
    assert hand_over(replace(check, hand=MAX_INT - 1), "B").hand == MAX_INT
    with pytest.raises(Refused) as refused:
        hand_over(check, "B")
    assert refused.value.code == "moved_on"
    with pytest.raises(Refused) as refused:
        forked(check, "mad", MAX_INT + 1, {}, a.rules, lost=True)
    assert refused.value.code == "moved_on"
