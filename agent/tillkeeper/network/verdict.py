"""Evidence -> what explains it at the least cost. A pure function.

What the kernel says or what is seen directly comes first. Then every fault of the catalogue, "nothing is wrong" and losses from
each layer on compete with costs (`likelihood`): a fault's prior, the silent columns that it leaves unexplained, and the rounds
that were missed before it can have begun. All faults within `SET_MARGIN` of the cheapest are the ambiguity set. What cannot be
told from here is not told: a fault that a nearer one hides is no part of any answer.
"""

import msgspec

from tillkeeper.network.beside import advisories, nearer, worse
from tillkeeper.network.faults import FAULTS, Fault, besides, depth
from tillkeeper.network.likelihood import LOSSY, SETS, Silence, dead_cost, grouped, loss_cost, onset, silences_of
from tillkeeper.network.model import ColumnName, Evidence, Explanation, Sign, SignKind
from tillkeeper.network.peers import gateway_faults, word_cost
from tillkeeper.network.setup import Setup
from tillkeeper.network.support import key_run, supported

SET_MARGIN = 3.0
"""Nats within which explanations fit equally well: the first is 20 times likelier than what is left out."""
BEATS_FINE = 1.0
"""A fault has to be so much cheaper than nothing at all."""
PAIR = 1.0
PAIR_GAIN = 2.0
"""A second fault at the same time costs its own prior and this, and is told if it saves at least that."""
CERTAIN_MARGIN = 99.0
CONTRADICTED_S = 2.0
"""HQ that was silent or refused, and answered all the same, time and again: until it is silent for longer than between two
beats of the uplink, one of the two asks at the wrong door."""
REDIRECT_S = 2.0
"""What falls silent so much later than a login page was seen is not its doing."""
REDIRECT_ROUNDS = 7
SIGN_GAIN = 3.0
"""What a sign that points to one of two faults takes from its cost, and twice of it lays on the other's."""

_BY_COLUMNS = tuple(fault for fault in FAULTS.values() if fault.keys)
_LINK_SIGNS: tuple[tuple[SignKind, str], ...] = (
    ("interface_missing", "interface_missing"), ("interface_misnamed", "interface_misnamed"),
    ("interface_disabled", "interface_disabled"),
    ("link_flapping", "link_flapping"), ("wifi_not_associated", "wifi_lost"),
)  # fmt: skip
_BEFORE_PORTAL: tuple[ColumnName, ...] = ("gateway", "neighbours", "router", "hop2")
_BEHIND_PORTAL: tuple[ColumnName, ...] = ("anycast", "other_resolver", "portal", "hq")
_NO_ADDRESS: tuple[SignKind, ...] = ("address_missing", "address_self_assigned", "gateway_missing")
_OWN_ADDRESS: tuple[tuple[SignKind, str], ...] = (
    ("duplicate_address", "duplicate_address"), ("wrong_subnet", "wrong_subnet"),
)  # fmt: skip


class _Seen:
    """The evidence of one call, taken apart once."""

    def __init__(self, evidence: Evidence, setup: Setup) -> None:
        self.evidence = evidence
        self.setup = setup
        self.signs: dict[SignKind, Sign] = {sign.kind: sign for sign in evidence.signs}
        self.silences: dict[ColumnName, Silence] = {}
        self.fine = 0.0
        if any(column.run or column.state == "no" for column in evidence.columns.values()):
            free = self._free()
            self.silences = {name: one for name, one in silences_of(evidence).items() if name not in free}
            self.fine = grouped({name: one.alive for name, one in self.silences.items()})

    def without(self, names: set[ColumnName]) -> "_Seen":
        """The same without the word of some columns."""
        rest = _Seen(self.evidence, self.setup)
        rest.silences = {name: one for name, one in self.silences.items() if name not in names}
        rest.fine = grouped({name: one.alive for name, one in rest.silences.items()})
        return rest

    def _free(self) -> set[ColumnName]:
        """Columns that a sign accounts for."""
        free: set[ColumnName] = set()
        if "on_backup_line" in self.signs:
            free |= {"hop2", "modem"}
        if "wifi_isolated" in self.signs:
            free |= {"broadcast", "neighbours"}
        hq = self.evidence.columns.get("hq")
        if ("hq_refuses" in self.signs or "hq_wrong_answer" in self.signs) and hq is not None and hq.run < 3:
            free |= {"hq"}
        if "hq_untrusted" in self.signs:  # something answers there, and nothing is heard of it until it is believed
            free |= {"hq"}
        if hq is not None and hq.recent.count("x.") >= 2 and self.evidence.at_s - (hq.answered_s or 0.0) < CONTRADICTED_S:
            free |= {"hq"}
        return free


def explain(evidence: Evidence, setup: Setup) -> Explanation:
    """What is wrong. Never raises; costs microseconds while nothing is. The same evidence gives the same explanation. `margin`
    is to losses and to nothing wrong; faults left out are `SET_MARGIN` away."""
    seen = _Seen(evidence, setup)
    link = _link(seen)
    if link:
        return _certain(link, seen)
    seen = _without_redirect(seen)
    ranked = _ranked(seen)
    best = _fitting(ranked, seen)
    signed = _signed(seen, best)
    if signed in _LEAVES_REST and best:
        told = _told(best, ranked, seen)
        if supported(told.faults, evidence, told.margin, evidence.at_s, confirm=True):
            # Directly seen, but all goes on with it: what stops the store comes first.
            return msgspec.structs.replace(told, also=(besides(signed), *told.also))
    if signed:
        return _joined(signed, seen)
    if best:
        return _told(best, ranked, seen)
    return _degraded(seen)


def _link(seen: _Seen) -> tuple[str, ...]:
    """What the kernel says of the interface."""
    for kind, code in _LINK_SIGNS:
        if kind in seen.signs:
            return (code,)
    carrier = seen.evidence.columns.get("carrier")
    if carrier is None or carrier.state != "no":
        return ()
    return ("wifi_lost",) if carrier.detail == "wireless" else ("cable", "switch_power")


def _without_redirect(seen: _Seen) -> _Seen:
    """A login page is behind the second hop: once something nearer has died its redirect is of the past, and what it silenced
    is silent for another reason now."""
    redirect = seen.signs.get("captive_redirect")
    if redirect is None:
        return seen
    found = seen.silences
    dead = [name for name in _BEFORE_PORTAL if name in found and found[name].run >= REDIRECT_ROUNDS]
    beyond = [one.run for name, one in found.items() if name in _BEHIND_PORTAL]
    if not dead or (dead == ["hop2"] and not all(beyond)):
        return seen
    began_s = min(found[name].since_s for name in dead)
    if began_s < redirect.since_s + REDIRECT_S:
        return seen
    rest = seen.without(set())
    for name, one in found.items():
        if name in _BEHIND_PORTAL and one.run and one.since_s < began_s:
            run = min(one.run, max(found[nearer_].run for nearer_ in dead))
            rest.silences[name] = msgspec.structs.replace(one, run=run, since_s=began_s, answered_s=began_s, recent="x" * run)
    del rest.signs["captive_redirect"]
    return rest


def _ranked(seen: _Seen) -> list[tuple[float, Fault]]:
    """The cost of every fault that columns alone tell, cheapest first; of captive portals too once a redirect was seen."""
    if seen.fine < BEATS_FINE and "captive_redirect" not in seen.signs:
        return []
    found = [(_cost(fault, seen), fault) for fault in _BY_COLUMNS if not _ruled_out(fault, seen)]
    if "captive_redirect" in seen.signs:
        found.append((_cost(FAULTS["captive_portal"], seen), FAULTS["captive_portal"]))
    return sorted(found, key=lambda one: one[0])


def _ruled_out(fault: Fault, seen: _Seen) -> bool:
    if fault.code == "router_cable" and seen.setup.all_in_one:
        return True
    return not any(seen.silences[name].run for name in fault.keys if name in seen.silences)


def _cost(fault: Fault, seen: _Seen) -> float:
    dead, answering = SETS[fault.code]
    at_s = seen.evidence.at_s
    if fault.code == "isp_access" and _modem_is_second_hop(seen):
        dead = dead - {"hop2"}
    cost = fault.prior + dead_cost(seen.silences, dead, answering, at_s) + _sign_cost(fault.code, seen)
    silent = {name: one for name, one in seen.silences.items() if name in dead and one.run > 0}
    return cost + word_cost(fault, set(silent), onset(silent), seen.evidence)


def _modem_is_second_hop(seen: _Seen) -> bool:
    """A modem that routes is itself the second hop, and answers while the line behind it is dead."""
    hop2 = seen.evidence.columns.get("hop2")
    modems = {target.address for target in seen.setup.targets if target.role == "modem"}
    return hop2 is not None and hop2.detail in modems


def _sign_cost(code: str, seen: _Seen) -> float:
    """Signs that separate two faults which the columns do not."""
    signs = seen.signs
    unreachable = signs.get("router_says_unreachable")
    if unreachable is not None and code in ("router_no_forward", "modem"):
        modems = {target.address for target in seen.setup.targets if target.role == "modem"}
        if code == "router_no_forward" or unreachable.subject in modems:
            return 2 * SIGN_GAIN
    if code in ("hq_server", "hq_path"):
        alive, path = "hq_host_alive" in signs, "hq_path_unreachable" in signs
        if alive != path:
            return -SIGN_GAIN if alive == (code == "hq_server") else 2 * SIGN_GAIN
    return 0.0


def _fitting(ranked: list[tuple[float, Fault]], seen: _Seen) -> tuple[str, ...]:
    """The ambiguity set, or nothing where nothing is wrong after all."""
    if not ranked or ranked[0][0] > seen.fine - BEATS_FINE:
        return ()
    least = ranked[0][0]
    return tuple(fault.code for cost, fault in ranked if cost < least + SET_MARGIN and cost < seen.fine + SET_MARGIN)


def _signed(seen: _Seen, best: tuple[str, ...]) -> tuple[str, ...]:
    """Faults that are seen directly, the nearest only. A dead LAN or router explains a lost address, not the reverse."""
    signs = seen.signs
    if "broadcast_loop" in signs:
        return ("broadcast_loop",)
    for kind, code in _OWN_ADDRESS:
        if kind in signs:
            return (code,)
    lan_is_dead = bool(best) and depth(best[0]) <= depth("router_dead") and best[0] != "router_hung"
    if not lan_is_dead and any(kind in signs for kind in _NO_ADDRESS):
        only_ipv6 = seen.setup.families == ("ipv6",)
        if "address_missing" in signs or "address_self_assigned" in signs:
            return ("dhcp_lost",)
        return ("ipv6_router_lost",) if only_ipv6 else ("no_gateway",)
    deaf = lan_is_dead and depth(best[0]) < depth("router_dead")  # who answers for the router is not known any more
    gateway = () if deaf else gateway_faults(seen.evidence.signs, seen.evidence, seen.setup.gateway_mac)
    if gateway:
        return gateway
    if "router_advertisement_lost" in signs and (not best or (seen.setup.families == ("ipv6",) and not lan_is_dead)):
        return ("ipv6_router_lost",)
    return ()


_LEAVES_REST = (("gateway_replaced",),)
"""Directly seen, and yet something behind may be broken by itself."""


def _joined(signed: tuple[str, ...], seen: _Seen) -> Explanation:
    certain = FAULTS[signed[0]].certain and not _just_up(signed, seen)
    return Explanation(faults=signed, also=_also(seen, signed), margin=CERTAIN_MARGIN, certain=certain)


ADDRESS_GRACE_S = 4.0
"""After its carrier came back a machine takes a while to get an address and a router; until then that is no fault."""


def _just_up(signed: tuple[str, ...], seen: _Seen) -> bool:
    carrier = seen.evidence.columns.get("carrier")
    since_s = carrier.since_s if carrier is not None else None
    if signed[0] not in ("dhcp_lost", "no_gateway", "ipv6_router_lost") or since_s is None:
        return False
    return 0 <= seen.evidence.at_s - since_s < ADDRESS_GRACE_S


def _certain(faults: tuple[str, ...], seen: _Seen) -> Explanation:
    return Explanation(faults=faults, also=_also(seen, faults), margin=CERTAIN_MARGIN, certain=True)


def _told(best: tuple[str, ...], ranked: list[tuple[float, Fault]], seen: _Seen) -> Explanation:
    first = ranked[0][1].code
    second = _second(ranked[0][1], seen)
    if second:
        # The nearer of the two is the root; what only the farther one silences says nothing about which it is.
        near, far = sorted((first, second[0]), key=depth)
        others = second if far == second[0] else best
        seen = seen.without(SETS[far][0] - SETS[near][0])
        again = _ranked(seen)
        alone = _fitting(again, seen)
        if near in alone:
            best, ranked, second = alone, again, others
        elif SETS[far][0] <= SETS[near][0] and all(one.run for name, one in seen.silences.items() if name in SETS[near][0]):
            # What came second hides what was there before: of that nothing can be said any more.
            same = (fault for fault in _BY_COLUMNS if SETS[fault.code] == SETS[near] and not _ruled_out(fault, seen))
            best, second = tuple(fault.code for fault in same), ()
    second = tuple(code for code in second if code not in best)
    if second and key_run(FAULTS[second[0]], seen.evidence) < FAULTS[second[0]].rounds:
        second = ()  # not yet by its own rounds
    least = ranked[0][0]
    margin = min(seen.fine, *(loss_cost(seen.silences, layer, seen.evidence.at_s) for layer in LOSSY)) - least
    if best[0] == "captive_portal":
        margin = max(margin, SET_MARGIN)
    if FAULTS[best[0]].layer == "hq" and "captive_redirect" in seen.signs:
        # Seen directly, and nearer: HQ was silent before, or what it does cannot be known any more.
        best, second, margin = ("captive_portal",), best, max(margin, SET_MARGIN)
    also = (*((besides(second),) if second else ()), *nearer(seen.evidence, best[0]), *_also(seen, best))
    return Explanation(faults=best, also=also, margin=margin)


def _second(fault: Fault, seen: _Seen) -> tuple[str, ...]:
    """The second fault of a double that is clearly cheaper than any single one, with those that fit as well. A fault whose
    answering columns a nearer one silences cannot be seen, and is not guessed."""
    dead, answering = SETS[fault.code]
    left = {name: one for name, one in seen.silences.items() if name in answering}
    unexplained = grouped({name: one.alive for name, one in left.items()})
    found: list[tuple[float, str]] = []
    for other in _BY_COLUMNS:
        other_dead, other_answering = SETS[other.code]
        hidden = depth(other.code) >= depth(fault.code) and other_answering & dead - {"resolver", "other_resolver"}
        if other.code == fault.code or hidden or not other_dead & answering:
            continue
        if _ruled_out(other, seen) or any(left[name].run == 0 for name in other_dead & set(left)):
            continue
        rest = dead_cost(left, other_dead, answering - other_dead, seen.evidence.at_s)
        found.append((rest + other.prior + PAIR + _sign_cost(other.code, seen), other.code))
    found.sort()
    if not found or unexplained - found[0][0] <= PAIR_GAIN:
        return ()
    return tuple(code for cost, code in found if cost < found[0][0] + SET_MARGIN and cost < unexplained)


def _degraded(seen: _Seen) -> Explanation:
    """Everything answers: losses and delays, where they were located."""
    found = worse(seen.evidence)
    if not found:
        return Explanation(faults=(), also=_also(seen, ()))
    first, *rest = found
    also = (*map(besides, rest), *_also(seen, first))
    return Explanation(faults=first, also=also, margin=SET_MARGIN)


def _also(seen: _Seen, faults: tuple[str, ...]) -> tuple[str, ...]:
    return advisories(seen.evidence, faults)
