"""The cable of other tests."""

import pytest
from tests.network.wires import cable


@pytest.mark.root
def test_every_address_of_a_cable_is_there_to_stay() -> None:
    with cable() as ends:
        for end in ends:
            said = end.ip("-6", "address", "show", "dev", "lan0")
            assert said.count("inet6") == 2, said
            assert "tentative" not in said
