"""What diagnostics are made from: facts gathered elsewhere, of one moment. None is "not known", never "fine"."""

import msgspec

from tillkeeper.contract.network import NetworkBrief
from tillkeeper.contract.people import StaffListVersion
from tillkeeper.contract.roles import RolesBrief
from tillkeeper.contract.sinks import SinkKind
from tillkeeper.contract.views import Colour, DeviceView, Mode


class HqFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`exchange_age_s`: since the last authenticated answer, None where there was none since the start. `hint`: what to do
    about `last_error`, or empty. `clock_ahead_s`: own wall clock minus HQ's, from the last answer."""

    configured: bool
    exchange_age_s: float | None = None
    last_error: str = ""
    hint: str = ""
    clock_ahead_s: float | None = None
    rejected_events: int = 0


class JournalFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`set_aside`: the file name of a journal that was found corrupt and put away at this or an earlier start, until a person
    clears it; `devices_lost`: it could not be read which printers had been replaced. `refusing`: why nothing is stored right
    now, or empty. `newest_at_ms`: stamp of the newest event."""

    set_aside: str = ""
    devices_lost: bool = False
    refusing: str = ""
    free_bytes: int | None = None
    newest_at_ms: int | None = None


class CatalogueFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`age_s`: since this version was published or loaded. `trouble`: why it is not the file's, in words."""

    version: str = ""
    age_s: float | None = None
    trouble: str = ""


class AlsoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Something that holds of the network besides its verdict. `code` may carry a subject behind a colon."""

    code: str
    text: str
    hint: str = ""


class NetworkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`history_trouble`: why its timeline can not be written. `prober_trouble`: why the prober may not send packets.
    `prober_second`: that another one waits for its end."""

    brief: NetworkBrief = NetworkBrief()
    also: tuple[AlsoFacts, ...] = ()
    history_trouble: str = ""
    prober_trouble: str = ""
    prober_second: str = ""


class MovedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A network device that was followed from the address in the config to another."""

    device: str
    configured: str
    now: str


class LateFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of one station that have not come out in time. `code`, `age_s` since it was fired, `device` and that one's
    `trouble` (words, or empty) are of the oldest. `out_at`: another device at which it came out; then so did the others."""

    station: str
    title: str
    count: int
    code: str
    age_s: float
    device: str
    trouble: str = ""
    out_at: str = ""


class OpenDrawerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A drawer that has stood open for too long."""

    drawer: str
    age_s: float


class MissedDrawerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A drawer whose last pulse was given up `age_s` ago: its printer took none in time. `printer`: that one."""

    drawer: str
    printer: str
    age_s: float


class SinkFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who gets this register's events, or would. `behind`: how many it is still to get, None where that is not known;
    `others`: how many of those other registers wrote, of which no more is known than that it has not answered for them.
    `for_s`: about how long that takes, None where it does not move. `heard_s`: since its last word. `sends`: this register
    sends to it. `version`: of its agent. `put_off`: why it does not take something, in words. `outside`: why it is no
    member of the store."""

    name: str
    kind: SinkKind
    reachable: bool
    behind: int | None = None
    for_s: float | None = None
    heard_s: float | None = None
    trouble: str = ""
    sends: bool = True
    version: str = ""
    put_off: str = ""
    outside: str = ""
    others: int = 0
    staff: StaffListVersion | None = None


class UnreadFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside the configuration that is of no use. `setting` names it; `why`, `meanwhile` (what is done without it) and
    `hint` are words. `keeps_from_hq`: HQ is not asked without it."""

    setting: str
    why: str
    meanwhile: str
    hint: str
    keeps_from_hq: bool = False


class UpgradeFacts(msgspec.Struct, frozen=True):
    """`version`: installed, and waits for a moment without a sale; empty where none does. `late`: for more than a day.
    `trouble`: why the next start would fail, in words."""

    version: str = ""
    late: bool = False
    trouble: str = ""


class NightlyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the night's work found. `age_s`: since its end, None where it never came to one. `in_use_s`: since the first event
    of the log being written. `days_left`: until the disk is full, None where that is not known or it does not fill."""

    age_s: float | None = None
    in_use_s: float | None = None
    problems: tuple[str, ...] = ()
    days_left: float | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """`uptime_s` and all ages on the boot clock; `at_ms` is the wall clock. `only_here`: events that no other machine holds.
    `colour`: of the dot, as the mode has it. `switched_by`: who switched a mode by hand.
    `to_hq`: those that HQ does not hold, None where there is none.
    `held_tickets` are kitchen tickets and change slips, `held_others` receipts and reports, waiting for a person."""

    store: str
    register: str
    incarnation: str
    version: str
    at_ms: int
    made_ms: int = 0
    """When the program was made, 0 where that is not known."""
    uptime_s: float
    business_day: str
    mode: Mode
    colour: Colour
    offline_support: bool
    online_window_s: float
    hq: HqFacts
    journal: JournalFacts
    catalogue: CatalogueFacts
    devices: tuple[DeviceView, ...] = ()
    on_the_lan: frozenset[str] = frozenset()
    """Devices that the store's network leads to: none on USB, a serial line or at a loopback address, and
    no drawer whose printer is."""
    switched_by: str = ""
    answers: bool = False
    """HQ, whatever the mode."""
    only_here: int = 0
    to_hq: int | None = None
    sinks: tuple[SinkFacts, ...] = ()
    books_alarms: tuple[str, ...] = ()
    """What is wrong with the logs, in words: conflicts, lost copies, two machines of one name."""
    prints_for: tuple[str, ...] = ()
    """Silent registers whose kitchen tickets come out here."""
    roles: RolesBrief | None = None
    online_trouble: str = ""
    fiscal_trouble: str = ""
    lan: tuple[str, ...] = ()
    """Why no online orders come here, although HQ answers."""
    unread: tuple[UnreadFacts, ...] = ()
    jobs_waiting: int = 0
    held_tickets: int = 0
    held_others: int = 0
    held_other: str = ""
    """The oldest of `held_others`, by its job id."""
    late: tuple[LateFacts, ...] = ()
    checks_open: int = 0
    devices_moved: tuple[MovedFacts, ...] = ()
    drawers_left_open: tuple[str, ...] = ()
    """With a session of an earlier business day."""
    drawers_open: tuple[OpenDrawerFacts, ...] = ()
    drawers_stuck: tuple[str, ...] = ()
    """Kicked, and their sensor did not move."""
    drawers_missed: tuple[MissedDrawerFacts, ...] = ()
    staff_trouble: str = ""
    """What is wrong with the roster, or empty."""
    staff: StaffListVersion | None = None
    network: NetworkFacts = NetworkFacts()
    nightly: NightlyFacts = NightlyFacts()
    upgrade: UpgradeFacts = UpgradeFacts()
