"""What a store without a backup is told before an upgrade: whether to switch something on, or to name one."""

from typing import Any

import pytest
from tests.api.fake_till import facts

from tillkeeper.contract.roles import Epoch, PreflightFinding, RolesBrief
from tillkeeper.diagnostics.facts import SinkFacts
from tillkeeper.diagnostics.preflight import preflight
from tillkeeper.diagnostics.snapshot import status_view


def no_backup(heard: dict[str, bool], absent: str = "") -> PreflightFinding:
    """`heard`: the other registers, and which of them answer."""
    sinks = tuple(SinkFacts(name=name, kind="register", reachable=answers) for name, answers in heard.items())
    said: dict[str, Any] = {"role": "primary", "phase": "alone", "holds": True, "words": "", "backup": "", "epoch": Epoch()}
    roles = RolesBrief(primary="front", absent=absent, **said)
    found = preflight(status_view(facts(sinks=sinks)), roles, 1 + len(heard), ()).findings
    return next(one for one in found if one.code == "no_backup")


@pytest.mark.parametrize(
    ("heard", "absent"), [({"bar": False}, ""), ({"bar": False, "back": True}, "bar"), ({"bar": False, "back": False}, "")]
)
def test_a_register_that_is_off_is_to_be_switched_on(heard: dict[str, bool], absent: str) -> None:
    found = no_backup(heard, absent)
    assert found.text.endswith("front: register bar is not heard")
    assert found.hint.startswith("switch bar on")
    assert "`tillkeeper store leave bar`" in found.hint


@pytest.mark.parametrize(("heard", "absent"), [({"bar": True}, ""), ({"bar": True, "back": False}, ""), ({"bar": True}, "bar")])
def test_where_one_is_heard_it_is_to_be_named(heard: dict[str, bool], absent: str) -> None:
    assert no_backup(heard, absent).hint.startswith("`tillkeeper roles assign")
