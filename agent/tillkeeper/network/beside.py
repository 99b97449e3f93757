"""What is told besides an outage or in its stead: losses and delays where they begin, and advisories. Pure."""

from tillkeeper.network.faults import FAULTS, besides, depth
from tillkeeper.network.model import Evidence, Sign, SignKind

ONE_PROTOCOL = 0.4
"""With one of two protocols broken about half of all questions are lost: so much is its share, less is the line's own."""
PLACES: dict[str, str] = {"lan": "switch", "router": "router", "isp": "isp", "internet": "internet"}
_SUBJECTED: tuple[SignKind, ...] = ("family_broken", "device_routed", "device_silent", "duplicate_device", "peer_silent")
_PLAIN: tuple[SignKind, ...] = (
    "on_backup_line", "clock_wrong", "wifi_weak", "wifi_isolated", "hq_refuses", "hq_untrusted", "hq_wrong_answer",
    "resolver_lies", "metered",
)  # fmt: skip
_DEVICES = ("device_routed", "device_silent", "duplicate_device", "peer_silent", "wifi_isolated")
_FAR = ("family_broken", "hq_refuses", "hq_untrusted", "hq_wrong_answer", "resolver_lies")


def worse(evidence: Evidence) -> list[tuple[str, ...]]:
    """Sets of loss_* and of latency_* that were seen, losses first: one layer's losses show in all beyond it, so only the
    nearest of a kind is told."""
    found: list[tuple[str, ...]] = []
    for kind in ("loss", "latency"):
        signs = [sign for sign in evidence.signs if sign.kind == kind and sign.layer in PLACES]
        if kind == "loss" and any(sign.kind == "family_broken" for sign in evidence.signs):
            # Every question of the broken protocol is lost somewhere behind the switch: that is no loss of the line.
            signs = [sign for sign in signs if sign.layer == "lan" or sign.amount < ONE_PROTOCOL]
        if signs:
            nearest = min(signs, key=lambda sign: list(PLACES).index(sign.layer))
            found.append(_lan_or_router(nearest) if kind == "loss" else (f"latency_{nearest.layer}",))
    return found


def _lan_or_router(sign: Sign) -> tuple[str, ...]:
    """Losses in front of the router are the LAN's if neighbours' answers are lost as well. Those are asked seldom: until they
    decide it is either, the likelier first."""
    other = sign.detail.removeprefix("or ")
    return (f"loss_{sign.layer}", f"loss_{other}") if other in PLACES else (f"loss_{sign.layer}",)


def nearer(evidence: Evidence, root: str) -> tuple[str, ...]:
    """Losses nearer than an outage go on beside it; those at or behind it are its own."""
    return tuple(besides(codes) for codes in worse(evidence) if depth(codes[0]) < depth(root))


def advisories(evidence: Evidence, faults: tuple[str, ...]) -> tuple[str, ...]:
    """Those that do not follow from the fault."""
    near = bool(faults) and FAULTS[faults[0]].severity == "outage" and depth(faults[0]) < depth("router_dead")
    cut = bool(faults) and FAULTS[faults[0]].severity == "outage"
    at_hq = bool(faults) and faults[0] in ("hq_server", "hq_path")  # whose address comes from the resolver
    found: list[str] = []
    for sign in evidence.signs:
        if (near and sign.kind in _DEVICES) or (cut and sign.kind in _FAR and not (sign.kind == "resolver_lies" and at_hq)):
            continue
        if near and sign.kind == "on_backup_line":
            continue
        if sign.kind in _SUBJECTED:
            found.append(f"{sign.kind}:{sign.subject}")
        elif sign.kind in _PLAIN:
            found.append(sign.kind)
    return tuple(dict.fromkeys(found))
