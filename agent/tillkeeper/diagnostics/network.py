"""The advisories of the network: the verdict, what holds besides it, and that nobody watches. Pure."""

from collections.abc import Iterator

from tillkeeper.contract.network import NetworkBrief
from tillkeeper.contract.views import DeviceView, Severity
from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import AlsoFacts, Facts
from tillkeeper.network.faults import ADVISORIES as BESIDES
from tillkeeper.network.faults import FAULTS, second_of
from tillkeeper.network.wording import WORDS, WORKS

UNWATCHED_S = 60.0
"""So long after the start there may be no prober yet without a word about it."""

WARNINGS = frozenset({
    "clock_wrong", "wifi_isolated", "device_silent", "duplicate_device", "peer_silent", "hq_refuses", "hq_untrusted",
    "hq_wrong_answer", "resolver_lies", "and",
})  # fmt: skip
"""Of what may hold besides a verdict; the rest are notices."""
TITLES = {**BESIDES, "and": "The network has a second fault"}
"""By code, without a subject behind a colon."""


def explains_silence(facts: Facts) -> bool:
    """Whether a fault is known without which HQ would answer: then that is said, and not that HQ is silent as well."""
    brief = facts.network.brief
    named = [FAULTS[code] for code in brief.faults if code in FAULTS]
    if brief.phase != "confirmed" or not named:
        return False
    return outage_behind(facts) is not None or (not _goes_on(facts) and all(fault.severity == "outage" for fault in named))


def _goes_on(facts: Facts) -> bool:
    """Whether the fault that is said first stops nothing."""
    return facts.network.brief.works in (WORKS["all"], WORKS["slow"])


def outage_behind(facts: Facts) -> AlsoFacts | None:
    """What stands behind a fault that stops nothing and does stop something: it is what matters, wherever one line is said."""
    if facts.network.brief.phase != "confirmed" or not _goes_on(facts):
        return None
    for one in facts.network.also:
        second = second_of(one.code)
        if second and WORDS[second[0]].works not in ("all", "slow"):
            return one
    return None


def explains_device(facts: Facts, device: DeviceView) -> bool:
    """Whether this register is known to be cut off from the store, and of `device` only that it can not be reached."""
    return cut_off(facts.network.brief) and device.device in facts.on_the_lan and device.reachable == "no"


def cut_off(brief: NetworkBrief) -> bool:
    """Whether this register is known to be cut off from the store's network: its port, its cable, the switch."""
    return brief.phase == "confirmed" and brief.works == WORKS["alone"]


def _fault(facts: Facts) -> Iterator[Found]:
    yield from _verdict(facts, "confirmed")


def _suspect(facts: Facts) -> Iterator[Found]:
    yield from _verdict(facts, "suspect")


def _verdict(facts: Facts, phase: str) -> Iterator[Found]:
    brief = facts.network.brief
    outage = outage_behind(facts)
    if brief.phase == phase and outage is not None:
        works = WORKS[WORDS[second_of(outage.code)[0]].works]
        words = f" {works} Besides: {brief.headline.rstrip('.')}."
        yield Found({"headline": outage.text.rstrip("."), "works": words}, hint=" ".join((outage.hint, *brief.what_to_do)))
    elif brief.phase == phase:
        works = f" {brief.works}" if brief.works else ""
        yield Found({"headline": brief.headline.rstrip("."), "works": works}, hint=" ".join(brief.what_to_do))


def _unwatched(facts: Facts) -> Iterator[Found]:
    brief = facts.network.brief
    if brief.prober == "silent" or (brief.prober == "absent" and facts.uptime_s > UNWATCHED_S):
        yield Found({"words": brief.headline.rstrip(".")}, hint=" ".join(brief.what_to_do))


def _blind(facts: Facts) -> Iterator[Found]:
    if facts.network.prober_trouble:
        yield Found({"why": facts.network.prober_trouble.rstrip(".")})


def _second(facts: Facts) -> Iterator[Found]:
    if facts.network.prober_second:
        yield Found({"words": facts.network.prober_second.capitalize()})


def _history(facts: Facts) -> Iterator[Found]:
    if facts.network.history_trouble:
        yield Found({"why": facts.network.history_trouble})


def _also(kind: str, title: str) -> Advisory:
    def find(facts: Facts) -> Iterator[Found]:
        for one in facts.network.also:
            code, _, subject = one.code.partition(":")
            # What the device's own driver says of it is said already.
            told = kind == "device_silent" and any(one.device == subject and one.trouble for one in facts.devices)
            told = told or one is outage_behind(facts)  # the first line says it
            if code == kind and not told:
                yield Found({"text": one.text.rstrip(".")}, subject, one.hint)

    severity: Severity = "warning" if kind in WARNINGS else "notice"
    hint = "`tillkeeper network` has the evidence."
    return Advisory(code=f"network_{kind}", severity=severity, title=title, text="{text}.", hint=hint, find=find)


ADVISORIES: tuple[Advisory, ...] = (
    Advisory(
        code="network_fault",
        severity="warning",
        title="The network has a fault",
        text="{headline}.{works}",
        hint="`tillkeeper network` has the evidence.",
        find=_fault,
    ),
    *(_also(code, title) for code, title in TITLES.items()),
    Advisory(
        code="network_blind",
        severity="warning",
        title="The prober may not send packets",
        text="{why}.",
        hint="docs/network.md says which capability it needs.",
        find=_blind,
    ),
    Advisory(
        code="network_suspect",
        severity="notice",
        title="The network may have a fault",
        text="{headline}.{works}",
        hint="Wait a few seconds: it is being looked at.",
        find=_suspect,
    ),
    Advisory(
        code="network_unwatched",
        severity="notice",
        title="Nobody watches the network",
        text="{words}.",
        hint="docs/network.md says how the prober is started.",
        find=_unwatched,
    ),
    Advisory(
        code="network_two_probers",
        severity="notice",
        title="Two probers run",
        text="{words}.",
        hint="One is enough: end the one that was started by hand.",
        find=_second,
    ),
    Advisory(
        code="network_history",
        severity="notice",
        title="The timeline of the network is not kept",
        text="It can not be written: {why}. It goes on in memory.",
        hint="Look at the disk.",
        find=_history,
    ),
)
