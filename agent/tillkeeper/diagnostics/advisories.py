"""The catalogue of warnings: each has a code that never changes, and a pure test over the facts. What is not known raises its
own advisory where it matters; it is never taken for fine."""

from collections.abc import Iterator

from tillkeeper.contract.views import AdvisoryView, Severity
from tillkeeper.diagnostics import catalogue, devices, hq, network, nightly, upgrade
from tillkeeper.diagnostics.advisory import Advisory, Found
from tillkeeper.diagnostics.facts import Facts
from tillkeeper.diagnostics.words import counted, duration_words

CLOCK_WRONG_S = 120.0
DISK_LOW_BYTES = 256 * 1024 * 1024
NEVER_BEFORE_MS = 1_704_067_200_000
"""2024-01-01: this program is younger, so a clock before it is wrong."""

_ORDER: dict[Severity, int] = {"alarm": 0, "warning": 1, "notice": 2}


def _set_aside(facts: Facts) -> Iterator[Found]:
    if facts.journal.set_aside:
        lost = " It could not be read which printers had been replaced: replace those again."
        lost = lost if facts.journal.devices_lost else ""
        yield Found({"file": facts.journal.set_aside, "lost": lost}, facts.journal.set_aside)


def _refusing(facts: Facts) -> Iterator[Found]:
    if facts.journal.refusing:
        yield Found({"why": facts.journal.refusing})


def _disk_low(facts: Facts) -> Iterator[Found]:
    free = facts.journal.free_bytes
    if free is not None and free < DISK_LOW_BYTES and not facts.journal.refusing:
        yield Found({"free": free // (1024 * 1024)})


def _manual_offline(facts: Facts) -> Iterator[Found]:
    if facts.mode == "manual_offline":
        yield Found()


def _no_offline_support(facts: Facts) -> Iterator[Found]:
    if facts.mode in {"offline", "island", "checking"} and not facts.offline_support:
        yield Found()


def _rejected(facts: Facts) -> Iterator[Found]:
    if facts.hq.rejected_events:
        yield Found({"count": counted(facts.hq.rejected_events, "event", "events")})


def _books(facts: Facts) -> Iterator[Found]:
    for words in facts.books_alarms:
        yield Found({"words": words})


def _roles(facts: Facts) -> Iterator[Found]:
    roles = facts.roles
    # A store that was set up without a backup is a matter of the preflight, not of every day.
    if roles is not None and (roles.phase != "alone" or roles.absent):
        for words in roles.alarms:
            yield Found({"words": words})


def _online(facts: Facts) -> Iterator[Found]:
    if facts.online_trouble:
        yield Found({"words": facts.online_trouble})


def _fiscal(facts: Facts) -> Iterator[Found]:
    if facts.fiscal_trouble:
        yield Found({"why": facts.fiscal_trouble})


def _lan(facts: Facts) -> Iterator[Found]:
    for words in facts.lan:
        yield Found({"words": words})


def _prints_for(facts: Facts) -> Iterator[Found]:
    for register in facts.prints_for:
        yield Found({"register": register})


def _clock_wrong(facts: Facts) -> Iterator[Found]:
    ahead, newest = facts.hq.clock_ahead_s, facts.journal.newest_at_ms
    if facts.at_ms < max(NEVER_BEFORE_MS, facts.made_ms - CLOCK_WRONG_S * 1000):
        yield Found({"how": "before this program was made"})
    elif ahead is not None:  # a sale stamped by a clock that was ahead then says nothing against HQ's time now
        if abs(ahead) > CLOCK_WRONG_S:
            yield Found({"how": f"{duration_words(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} HQ"})
    elif newest is not None and facts.at_ms < newest - CLOCK_WRONG_S * 1000:
        yield Found({"how": f"{duration_words((newest - facts.at_ms) / 1000)} behind the newest sale"})


def _file_unread(facts: Facts) -> Iterator[Found]:
    for one in facts.unread:
        hint = f"{one.hint[0].upper()}{one.hint[1:]}."
        yield Found({"setting": one.setting, "why": one.why, "meanwhile": one.meanwhile}, one.setting, hint)


def _staff_roster(facts: Facts) -> Iterator[Found]:
    if facts.staff_trouble:
        yield Found({"why": facts.staff_trouble})


ADVISORIES: tuple[Advisory, ...] = (
    Advisory(
        code="storage_refused",
        severity="alarm",
        title="Sales can not be stored",
        text="Nothing can be sold until this is over: {why}.",
        hint="Free space on the disk. Selling goes on by itself; what was accepted before is safe.",
        find=_refusing,
    ),
    Advisory(
        code="journal_set_aside",
        severity="alarm",
        title="A damaged journal was put aside",
        text="The journal was damaged and is kept as {file}. Sales that HQ does not hold are only in that file.{lost}",
        hint="Keep the file and call support before anything is deleted.",
        find=_set_aside,
    ),
    Advisory(
        code="tickets_late",
        severity="alarm",
        title="A kitchen ticket has not come out",
        text="{station}: {tickets} not come out{where}; {which} {age} ago and waits for {device}{why}.{besides}",
        hint="Tell the kitchen, and look at the device. It goes out by itself once a device takes it.",
        find=devices.tickets_late,
    ),
    Advisory(
        code="drawer_stuck",
        severity="alarm",
        title="The drawer did not open",
        text="{drawer} was kicked and its sensor did not move.",
        hint="Open it with the key; look whether something blocks it.",
        find=devices.drawer_stuck,
    ),
    Advisory(
        code="drawer_open",
        severity="alarm",
        title="A drawer stands open",
        text="{drawer} has been open for {age}.",
        hint="Shut it.",
        find=devices.drawer_open,
    ),
    Advisory(
        code="tickets_held",
        severity="alarm",
        title="Kitchen tickets wait for you",
        text="{were} for a decision.",
        hint="`tillkeeper jobs release --all`, or Print all held, prints them in order. " + devices.HELD_HINT,
        find=devices.held_tickets,
    ),
    Advisory(
        code="events_rejected",
        severity="alarm",
        title="HQ did not accept some events",
        text="HQ rejected {count}. The money counts here and is kept.",
        hint="HQ's quarantine lists each with the reason. Call support: this does not go away by itself.",
        find=_rejected,
    ),
    Advisory(
        code="books_alarm",
        severity="alarm",
        title="Something is wrong with the books' copies",
        text="{words}",
        hint="Nothing was thrown away. `tillkeeper store status` says who has not joined and what to do next; "
        'else call support (docs/replication.md, "What goes wrong").',
        find=_books,
    ),
    Advisory(
        code="roles",
        severity="warning",
        title="Primary and backup",
        text="{words}.",
        hint="`tillkeeper roles` shows who has which role, confirms that a register is away and assigns the roles.",
        find=_roles,
    ),
    Advisory(
        code="online_orders",
        severity="warning",
        title="Orders of the web shop do not come",
        text="{words}",
        hint="They wait at HQ until they expire. docs/online-orders.md says what HQ and the registers need.",
        find=_online,
    ),
    Advisory(
        code="fiscal_unsigned",
        severity="warning",
        title="Sales are not signed",
        text="The fiscal signer does not sign: {why}.",
        hint="Selling goes on, and all is signed late when it answers again. Look at its device; ask its maker.",
        find=_fiscal,
    ),
    Advisory(
        code="lan",
        severity="warning",
        title="The way by the network",
        text="{words}.",
        hint="Selling at this register is not affected. See [lan] in its configuration and docs/access.md.",
        find=_lan,
    ),
    Advisory(
        code="prints_for_another",
        severity="warning",
        title="Tickets of another register are printed here",
        text="Register {register} is silent. What it had fired for the kitchen comes out here, with its name on it.",
        hint="Look at that register: is it on, is its cable in? It goes on by itself when it is back.",
        find=_prints_for,
    ),
    Advisory(
        code="clock_wrong",
        severity="warning",
        title="The clock is wrong",
        text="This register's clock is {how}. Selling is not affected; printed times are wrong.",
        hint="Set the clock, or switch network time on.",
        find=_clock_wrong,
    ),
    *nightly.ADVISORIES,
    *network.ADVISORIES,
    Advisory(
        code="device_trouble",
        severity="warning",
        title="A device needs help",
        text="{device}: {trouble}{waiting}.",
        hint=devices.BY_ITSELF,
        find=devices.device_trouble,
    ),
    Advisory(
        code="device_moved",
        severity="notice",
        title="A device has another address",
        text="{device} was at {configured} and is at {now} now. It was followed, and printing goes on.",
        hint="Have the router always give it the same address, or enter the new one in the configuration.",
        find=devices.device_moved,
    ),
    Advisory(
        code="display_behind",
        severity="warning",
        title="A kitchen display is behind",
        text="{device} has not shown {count} yet.",
        hint="Look at the display: does it say that it is connected?",
        find=devices.display_behind,
    ),
    Advisory(
        code="file_unread",
        severity="warning",
        title="A file of the configuration is of no use",
        text="{setting}: {why}. {meanwhile}.",
        hint="`tillkeeper config check` says what is wrong with it.",
        find=_file_unread,
    ),
    *hq.ADVISORIES,
    Advisory(
        code="offline_support_off",
        severity="warning",
        title="Offline support is switched off",
        text="HQ does not answer, and the administrator did not allow offline mode.",
        hint="Set `support = true` in [offline].",
        find=_no_offline_support,
    ),
    Advisory(
        code="disk_low",
        severity="warning",
        title="The disk is almost full",
        text="{free} MiB are left. Selling stops when the disk is full.",
        hint="Free space now.",
        find=_disk_low,
    ),
    catalogue.UNKNOWN,
    Advisory(
        code="staff_roster",
        severity="warning",
        title="The list of staff needs a look",
        text="{why}.",
        hint="`tillkeeper staff` writes its file; once removed, what holds is written anew. A new register gets it by joining.",
        find=_staff_roster,
    ),
    Advisory(
        code="documents_held",
        severity="notice",
        title="Receipts wait for you",
        text="{were} too old to be printed, or may have printed already, and {itself}.",
        hint=devices.HELD_HINT,
        find=devices.held_others,
    ),
    Advisory(
        code="manual_offline",
        severity="notice",
        title="Offline by hand",
        text="A person switched this register to offline mode.",
        hint="Switch it back when HQ may be used again.",
        find=_manual_offline,
    ),
    Advisory(
        code="drawer_missed",
        severity="notice",
        title="A drawer was not opened",
        text="{drawer} was to open {age} ago and did not: {printer} took the pulse too late or not at all.",
        hint="It does not open late by itself. Open it with its key, or by a no-sale once the printer has no trouble.",
        find=devices.drawer_missed,
    ),
    Advisory(
        code="drawer_left_open",
        severity="notice",
        title="A drawer session is of yesterday",
        text="The session of {drawer} was opened on an earlier day and has not been counted.",
        hint="Count it and close it with its Z.",
        find=devices.drawer_left_open,
    ),
    *upgrade.ADVISORIES,
    catalogue.STALE,
    Advisory(
        code="device_silent",
        severity="notice",
        title="A device has said nothing",
        text="{device} has said nothing since the start: whether it works is not known.",
        hint="Print a test slip.",
        find=devices.device_silent,
    ),
    Advisory(
        code="paper_low",
        severity="notice",
        title="Paper is almost out",
        text="{device} is near the end of its roll.",
        hint="Have a new roll ready.",
        find=devices.paper_low,
    ),
)


def advise(facts: Facts) -> tuple[AdvisoryView, ...]:
    """Everything that holds now, worst first; within a severity in the order of the catalogue."""
    found = [
        AdvisoryView(
            code=advisory.code,
            severity=advisory.severity,
            title=advisory.title,
            text=advisory.text.format_map(one.words),
            hint=one.hint or advisory.hint,
            subject=one.subject,
        )
        for advisory in ADVISORIES
        for one in advisory.find(facts)
    ]
    return tuple(sorted(found, key=lambda view: _ORDER[view.severity]))
