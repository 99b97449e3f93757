"""From a report to what people and programs read of it. Pure: the time is an argument, and nothing that a report can hold makes
it fail."""

import msgspec

from tillkeeper.config.network import Links
from tillkeeper.contract.network import (
    AlsoView,
    ColumnView,
    NetworkBrief,
    NetworkPhase,
    NetworkView,
    PeerView,
    ProberState,
    ProberView,
    TargetView,
)
from tillkeeper.network.faults import ADVISORIES, FAULTS, second_of
from tillkeeper.network.hysteresis import phase_to_show
from tillkeeper.network.model import Column, PeerState, Report, TargetState, Verdict
from tillkeeper.network.wire import SILENT_S, Hello
from tillkeeper.network.words import AlsoWords, Words, say

MAX_TARGETS = 64
MAX_SENTENCES = 30
MAX_TEXT = 400
"""Of one sentence; evidence quotes what was heard on the network."""
MAX_CODE = 100
MAX_NAME = 64
"""Of an interface, a version, an address: longer ones are none."""
MAX_COUNT = 2**53 - 1
"""What every JSON reader takes as a whole number (RFC 8259, 6)."""

PROBER_WORDS: dict[ProberState, str] = {
    "off": "The network is not watched: the configuration says so",
    "absent": "No prober has reported yet: why something does not work is not known",
    "silent": "The prober is silent: what is wrong with the network is not known now",
    "reporting": "The prober reports",
}
START = "Start `tillkeeper probe` on this register (docs/network.md). Selling goes on without it."
ALONE = "The probers of the other registers are not asked, and do not hear this one"
START_AGAIN = "Look at the service tillkeeper-probe on this register, or start it again. Selling goes on without it."


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is said now. `report` None unless the prober reports."""

    state: ProberState
    report: Report | None
    verdict: Verdict
    words: Words


def prober_state(watched: bool, connected: bool, heard_s: float | None, now_s: float) -> ProberState:
    """`connected`: one that has gone says nothing. `heard_s`: of when the newest report is, None where there was none."""
    if not watched:
        return "off"
    if heard_s is None:
        return "absent"
    return "reporting" if connected and now_s - heard_s <= SILENT_S else "silent"


def shown(state: ProberState, report: Report | None, links: Links, register: str, all_in_one: bool) -> Shown:
    """What `report` says in words; a prober that does not report says nothing, whatever it said before."""
    if state != "reporting" or report is None:
        hint = {"absent": (START,), "silent": (START_AGAIN,)}.get(state, ())
        words = Words(headline=PROBER_WORDS[state], evidence=(), what_to_do=hint, also=(), question="", works="")
        return Shown(state=state, report=None, verdict=Verdict(phase="checking"), words=words)
    reached = _known(report.verdict)
    words = say(reached, report.evidence, links, register, all_in_one=all_in_one)
    verdict = msgspec.structs.replace(reached, phase=phase_to_show(reached.phase, report.evidence.states()))
    return Shown(state=state, report=msgspec.structs.replace(report, verdict=reached), verdict=verdict, words=_bounded(words))


def _bounded(words: Words) -> Words:
    return msgspec.structs.replace(
        words,
        headline=plain(words.headline),
        question=plain(words.question),
        works=plain(words.works),
        evidence=_sentences(words.evidence),
        what_to_do=_sentences(words.what_to_do),
        also=tuple(
            AlsoWords(code=plain(one.code, MAX_CODE), text=plain(one.text), hint=plain(one.hint))
            for one in words.also[:MAX_SENTENCES]
        ),
    )


def _sentences(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(plain(text) for text in texts[:MAX_SENTENCES])


def plain(text: str, most: int = MAX_TEXT) -> str:
    """Short, and without what would steer a terminal or turn the direction of a line: a report quotes what others sent."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:most])


def _known(verdict: Verdict) -> Verdict:
    """Only faults and advisories that there are. A verdict that names no fault is none."""
    faults = tuple(dict.fromkeys(code for code in verdict.faults if code in FAULTS))
    phase: NetworkPhase = verdict.phase
    if phase in ("suspect", "confirmed") and not faults:
        phase = "checking"
    also = tuple(dict.fromkeys(plain(code, MAX_CODE) for code in verdict.also[:MAX_SENTENCES] if _holds(code)))
    return msgspec.structs.replace(verdict, phase=phase, faults=faults if phase in ("suspect", "confirmed") else (), also=also)


def _holds(code: str) -> bool:
    return bool(second_of(code)) or code.partition(":")[0] in ADVISORIES


def brief(now: Shown) -> NetworkBrief:
    return NetworkBrief(
        phase=now.verdict.phase,
        headline=now.words.headline,
        works=now.words.works,
        what_to_do=now.words.what_to_do,
        faults=now.verdict.faults,
        also=tuple(one.code for one in now.words.also),
        prober=now.state,
    )


def two_probers(first: int, second: int) -> str:
    return f"two probers run on this register: process {_count(first)} watches, process {_count(second)} waits for its end"


def view(
    now: Shown, hello: Hello | None, heard_s: float | None, now_s: float, history_trouble: str, *, second: str = ""
) -> NetworkView:
    """`hello`: of the prober that is connected, or that was the last to be; `second`: that another one waits, in words."""
    report, words = now.report, now.words
    return NetworkView(
        phase=now.verdict.phase,
        headline=words.headline,
        evidence=words.evidence,
        what_to_do=words.what_to_do,
        faults=now.verdict.faults,
        also=tuple(AlsoView(code=one.code, text=one.text, hint=one.hint) for one in words.also),
        since_age_s=None if report is None else _age(now.verdict.since_s, now_s),
        columns=() if report is None else tuple(_column(name, one, now_s) for name, one in report.evidence.columns.items()),
        targets=() if report is None else tuple(_target(one, now_s) for one in report.targets[:MAX_TARGETS]),
        peers=() if report is None else tuple(_peer(peer) for peer in report.evidence.peers[:MAX_TARGETS]),
        prober=_prober(now, hello, heard_s, now_s, second),
        question=words.question,
        works=words.works,
        history_trouble=history_trouble,
    )


def _prober(now: Shown, hello: Hello | None, heard_s: float | None, now_s: float, second: str) -> ProberView:
    report = now.report
    return ProberView(
        state=now.state,
        words=PROBER_WORDS[now.state],
        version=plain(hello.version, MAX_NAME) if hello else "",
        pid=_count(hello.pid) if hello else None,
        interface=plain(report.evidence.interface if report else hello.interface if hello else "", MAX_NAME),
        trouble="; ".join(filter(None, (plain(hello.trouble), _alone(hello)) if hello else ())) or second,
        report_age_s=None if heard_s is None else _age(heard_s, now_s),
        probes_sent=_count(report.probes_sent) if report else 0,
        arp_sent=_count(report.arp_sent) if report else 0,
        wan_bytes=_count(report.wan_bytes) if report else 0,
        stalls=_count(report.stalls) if report else 0,
    )


def _alone(hello: Hello) -> str:
    return plain(f"network.key_file: {hello.unkeyed}. {ALONE}") if hello.unkeyed else ""


def _column(name: str, column: Column, now_s: float) -> ColumnView:
    return ColumnView(
        column=name,
        state=column.state,
        hits=_count(column.hits),
        misses=_count(column.misses),
        late=_count(column.late),
        run=_count(column.run),
        paths=_count(column.paths),
        since_age_s=None if column.since_s is None else _age(column.since_s, now_s),
        rtt_ms=column.rtt_ms,
        usual_ms=column.usual_ms,
        detail=plain(column.detail),
    )


def _target(target: TargetState, now_s: float) -> TargetView:
    return TargetView(
        target=plain(target.name, MAX_CODE),
        role=target.role,
        address=plain(target.address, MAX_NAME),
        way=target.way,
        works=target.works,
        sent=_count(target.sent),
        answered=_count(target.answered),
        late=_count(target.late),
        rtt_ms=target.rtt_ms,
        mac=plain(target.mac, MAX_NAME),
        run=_count(target.run),
        answered_age_s=None if target.answered_s is None else _age(target.answered_s, now_s),
    )


def _peer(peer: PeerState) -> PeerView:
    return PeerView(
        register=plain(peer.register, MAX_NAME),
        address=plain(peer.address, MAX_NAME),
        phase=phase_to_show(peer.phase, peer.columns),
        faults=tuple(code for code in peer.faults if code in FAULTS),
    )


def _count(number: int) -> int:
    return min(max(0, number), MAX_COUNT)


def _age(at_s: float, now_s: float) -> float:
    return max(0.0, now_s - at_s)
