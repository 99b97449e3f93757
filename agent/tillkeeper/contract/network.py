"""What can be read of the network: the prober's verdict in words, what it rests on, its history, deep diagnoses.

Ages (`_age_s`) are seconds measured on the boot clock, stamps (`_at_ms`) wall clock for people. Nothing here changes what can
be sold: the mode comes from the uplink.
"""

from typing import Literal

from tillkeeper.contract.base import View

Known = Literal["yes", "no", "unknown"]
NetworkPhase = Literal["checking", "fine", "suspect", "confirmed"]
"""`checking`: not enough is known; also while no prober speaks, or nothing in the internet answers."""
ProberState = Literal["off", "absent", "silent", "reporting"]
"""`off`: the config says so. `absent`: none has reported since the start. `silent`: none within three seconds,
or the prober has gone."""


class NetworkBrief(View, frozen=True):
    """Within the status. `faults`: codes that explain what is seen equally well, likeliest first (docs/network.md); empty
    unless `phase` is suspect or confirmed. `works`: what goes on meanwhile. `also`: codes of what holds besides."""

    phase: NetworkPhase = "checking"
    headline: str = ""
    works: str = ""
    what_to_do: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    prober: ProberState = "off"


class AlsoView(View, frozen=True):
    """Something that holds besides the verdict ("on the backup line")."""

    code: str
    text: str
    hint: str = ""


class ColumnView(View, frozen=True):
    """One column of the table in docs/network.md. `hits`, `misses`, `late`: questions of the last seconds; `run`: rounds in a
    row without any answer; `paths`: how many targets this rests on."""

    column: str
    state: Known
    hits: int = 0
    misses: int = 0
    late: int = 0
    run: int = 0
    paths: int = 0
    since_age_s: float | None = None
    rtt_ms: float | None = None
    usual_ms: float | None = None
    detail: str = ""


class TargetView(View, frozen=True):
    """One thing that is asked. `works`: whether this way of asking has ever been answered. `run`: questions in a row without an
    answer. `answered_age_s`: since the last answer, None where there was none."""

    target: str
    role: str
    address: str
    way: str
    works: Known
    sent: int = 0
    answered: int = 0
    late: int = 0
    rtt_ms: float | None = None
    mac: str = ""
    run: int = 0
    answered_age_s: float | None = None


class PeerView(View, frozen=True):
    """Another register, as its beacons tell."""

    register: str
    address: str
    phase: NetworkPhase
    faults: tuple[str, ...] = ()


class ProberView(View, frozen=True):
    """`words`: its state for people. `trouble`: why it may not send packets, with the remedy, or exchanges nothing with other
    registers. Counters are since its start."""

    state: ProberState
    words: str
    version: str = ""
    pid: int | None = None
    interface: str = ""
    trouble: str = ""
    report_age_s: float | None = None
    probes_sent: int = 0
    arp_sent: int = 0
    wan_bytes: int = 0
    stalls: int = 0


class NetworkView(View, frozen=True):
    """The network as it is now. `evidence`: what the verdict rests on, in sentences. `what_to_do`: steps for whoever stands at
    the counter, first things first. `question`: its answer tells apart what fits equally well. `works`: what goes on
    meanwhile. `since_age_s`: since when the verdict holds."""

    phase: NetworkPhase
    headline: str
    evidence: tuple[str, ...]
    what_to_do: tuple[str, ...]
    faults: tuple[str, ...]
    also: tuple[AlsoView, ...]
    since_age_s: float | None
    columns: tuple[ColumnView, ...]
    targets: tuple[TargetView, ...]
    peers: tuple[PeerView, ...]
    prober: ProberView
    question: str = ""
    works: str = ""
    history_trouble: str = ""
    """Why the timeline can not be written to the disk, or empty."""


class NetworkEntry(View, frozen=True):
    """One trouble of the timeline. `faults` as they were confirmed; `corrected_faults` as they are known to have been, where
    other registers told more after the heal, and `why`. `ended_at_ms` None: it goes on, or its end is not known (`why`)."""

    entry_id: str
    began_at_ms: int
    ended_at_ms: int | None
    lasted_s: float | None
    going_on: bool
    faults: tuple[str, ...]
    headline: str
    corrected_faults: tuple[str, ...] = ()
    corrected_headline: str = ""
    why: str = ""


class NetworkHistory(View, frozen=True):
    """Newest first. `more`: the limit cut the list."""

    entries: tuple[NetworkEntry, ...]
    more: bool = False
    trouble: str = ""
    """Why the timeline can not be written to the disk, or empty."""


DiagnosisState = Literal["running", "done", "failed"]
StepState = Literal["running", "done", "failed", "skipped"]


class DiagnosisStepView(View, frozen=True):
    """`result`: what was found, in plain values."""

    check: str
    state: StepState
    words: str
    result: dict[str, str | int | float | bool | list[str] | None] = {}


class DiagnosisView(View, frozen=True):
    """A deep diagnosis. `steps` in the order in which they began. `trouble`: why it ended early. `pcap`: path of the capture on
    the register's machine, where one was asked for."""

    diagnosis_id: str
    state: DiagnosisState
    started_at_ms: int
    by: str
    steps: tuple[DiagnosisStepView, ...] = ()
    took_s: float | None = None
    trouble: str = ""
    pcap: str = ""
