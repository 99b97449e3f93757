"""Where delays begin, over single paths."""

from tillkeeper.network.capabilities import Path
from tillkeeper.network.delays import slowest
from tillkeeper.network.meters import LAYERS
from tillkeeper.network.model import Role, Target

NOW_S, BEGAN_S = 100.0, 96.0


def path(role: Role, layer: str, *, answered_s: float, slow: int = 0, srtt_ms: float = 1.0) -> Path:
    made = Path(Target(name=role, role=role, address="192.0.2.1", family="ipv4", ways=("echo",)), "echo", "router", 0.0)
    made.works, made.answered, made.meter = "yes", 50, LAYERS.index(layer)
    made.usual_ms, made.srtt_ms, made.answered_s = 1.0, srtt_ms, answered_s
    made.slow, made.slow_s = slow, BEGAN_S if slow else 0.0
    return made


def slow_router() -> Path:
    return path("gateway", "router", answered_s=NOW_S, slow=20, srtt_ms=300.0)


def test_a_lan_that_answered_quickly_since_it_began_leaves_the_router() -> None:
    assert slowest(NOW_S, [path("printer", "lan", answered_s=99.0), slow_router()], found=False) == (1, 299.0)


def test_a_lan_that_was_not_asked_since_it_began_may_be_what_is_slow() -> None:
    assert slowest(97.9, [path("printer", "lan", answered_s=95.5), slow_router()], found=False) is None


def test_one_slow_answer_of_the_lan_keeps_the_router_from_being_blamed() -> None:
    """Its smoothed time lags behind that of a router that is asked a hundred times as often."""
    assert slowest(NOW_S, [path("printer", "lan", answered_s=99.0, slow=1, srtt_ms=39.0), slow_router()], found=False) is None
