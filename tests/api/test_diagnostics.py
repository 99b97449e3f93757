"""The snapshot and its advisories: every one can be raised, none is raised by what is fine, and unknown is never fine."""

import msgspec
import pytest
from tests.api.fake_till import facts

from tillkeeper.config.model import Device
from tillkeeper.contract.network import NetworkBrief
from tillkeeper.contract.roles import Epoch, RolesBrief
from tillkeeper.contract.views import DeviceView
from tillkeeper.diagnostics import network
from tillkeeper.diagnostics.advisories import ADVISORIES, advise
from tillkeeper.diagnostics.facts import (
    AlsoFacts,
    CatalogueFacts,
    Facts,
    HqFacts,
    JournalFacts,
    LateFacts,
    MissedDrawerFacts,
    MovedFacts,
    NetworkFacts,
    NightlyFacts,
    OpenDrawerFacts,
    UnreadFacts,
    UpgradeFacts,
)
from tillkeeper.diagnostics.snapshot import status_view
from tillkeeper.diagnostics.words import duration_words
from tillkeeper.kitchen.routing import on_the_lan
from tillkeeper.network.wording import WORKS

ROLES = RolesBrief(
    role="backup", primary="front", backup="r1", absent="", epoch=Epoch(), phase="watching", holds=False, words="Backup",
    alarms=("Register front is silent",),
)  # fmt: skip
FINE = DeviceView(device="grill", kind="escpos", known=True, reachable="yes", paper_out="no")
SILENT = DeviceView(device="bar", kind="escpos")


def device(**changes: object) -> tuple[DeviceView, ...]:
    return (FINE, msgspec.structs.replace(FINE, device="pass", **changes))


def prober(also: tuple[str, ...] = (), **brief: object) -> NetworkFacts:
    """What a prober that reports says; `also`: each with its own code as text."""
    said = msgspec.structs.replace(NetworkBrief(phase="fine", headline="All is well", prober="reporting"), **brief)
    return NetworkFacts(brief=said, also=tuple(AlsoFacts(code=code, text=f"About {code}", hint="Look.") for code in also))


ROUTER = {"headline": "The router does not answer", "works": "Cash works.", "what_to_do": ("Look at the router.", "Lights?")}

LATE = LateFacts(station="grill", title="Grill", count=2, code="B-7", age_s=45.0, device="pass", trouble="no paper")

HQ_TOKEN = UnreadFacts(
    setting="hq.token_file", why="/secrets/hq can not be read: No such file", meanwhile="HQ is not asked",
    hint="its first line is it", keeps_from_hq=True,
)  # fmt: skip

RAISED: dict[str, tuple[Facts, str]] = {
    "storage_refused": (facts(journal=JournalFacts(refusing="the disk is full")), "the disk is full"),
    "journal_set_aside": (facts(journal=JournalFacts(set_aside="journal-2.bad")), "journal-2.bad"),
    "tickets_held": (facts(held_tickets=3), "3 kitchen tickets"),
    "events_rejected": (facts(hq=HqFacts(configured=True, exchange_age_s=1.0, rejected_events=2)), "2 events"),
    "books_damaged": (facts(nightly=NightlyFacts(age_s=60.0, problems=("event 7: it is missing",))), "event 7: it is missing"),
    "disk_full_soon": (facts(nightly=NightlyFacts(age_s=60.0, days_left=12.4)), "full in 12 days"),
    "nightly_missed": (facts(nightly=NightlyFacts(age_s=4 * 86_400.0)), "last checked 4 days ago"),
    "roles": (facts(roles=ROLES), "Register front is silent"),
    "upgrade_waits": (facts(upgrade=UpgradeFacts("9.9.9")), "Version 9.9.9 is installed; this register goes on with"),
    "next_start_fails": (
        facts(upgrade=UpgradeFacts("9.9.9", late=True, trouble="till.toml:1: nonsense")),
        "9.9.9 would not start with its configuration: till.toml:1: nonsense",
    ),
    "upgrade_late": (facts(upgrade=UpgradeFacts("9.9.9", late=True)), "no quiet moment in a day"),
    "file_unread": (facts(unread=(HQ_TOKEN,)), "hq.token_file: /secrets/hq can not be read: No such file. HQ is not asked"),
    "lan": (facts(lan=("Tablets do not reach this register: no address",)), "no address"),
    "fiscal_unsigned": (facts(fiscal_trouble="the device does not answer"), "the device does not answer"),
    "online_orders": (facts(online_trouble="This HQ hands out no online orders."), "hands out no online orders"),
    "prints_for_another": (facts(prints_for=("back",)), "Register back is silent"),
    "books_alarm": (facts(books_alarms=("register back holds more of it",)), "register back holds more"),
    "clock_wrong": (facts(journal=JournalFacts(newest_at_ms=1_790_000_000_000 + 3 * 3_600_000)), "3 h behind the newest sale"),
    "device_trouble": (facts(devices=device(trouble="the paper is out", queued=2)), "pass: the paper is out; 2 documents wait"),
    "display_behind": (facts(devices=device(behind=4)), "4 tickets"),
    "hq_unreachable": (
        facts(mode="offline", hq=HqFacts(configured=True, exchange_age_s=300.0, last_error="no route")),
        "5 min ago: no route",
    ),
    "hq_never_reached": (facts(mode="offline", uptime_s=90.0, hq=HqFacts(configured=True)), "since the start 90 s ago"),
    "offline_support_off": (facts(mode="offline", offline_support=False), "did not allow"),
    "disk_low": (facts(journal=JournalFacts(free_bytes=100 * 1024 * 1024)), "100 MiB"),
    "catalogue_unknown": (facts(catalogue=CatalogueFacts()), "There is no catalogue"),
    "staff_roster": (facts(staff_trouble="No such file or directory"), "No such file or directory"),
    "documents_held": (facts(held_others=1, held_other="J1"), "1 receipt or report was"),
    "manual_offline": (facts(mode="manual_offline"), "A person"),
    "catalogue_stale": (facts(catalogue=CatalogueFacts(version="c1", age_s=3 * 86_400.0)), "3 days old"),
    "device_silent": (facts(devices=(FINE, SILENT), uptime_s=120.0), "bar has said nothing"),
    "device_moved": (
        facts(devices_moved=(MovedFacts(device="grill", configured="192.168.1.40", now="192.168.1.77"),)),
        "grill was at 192.168.1.40 and is at 192.168.1.77 now",
    ),
    "tickets_late": (
        facts(late=(LATE,)),
        "Grill: 2 tickets have not come out; the oldest, B-7, was fired 45 s ago and waits for pass: no paper.",
    ),
    "drawer_stuck": (facts(drawers_stuck=("drawer",)), "drawer was kicked"),
    "drawer_open": (facts(drawers_open=(OpenDrawerFacts(drawer="drawer", age_s=90.0),)), "open for 90 s"),
    "drawer_missed": (
        facts(drawers_missed=(MissedDrawerFacts(drawer="drawer", printer="receipt", age_s=90.0),)),
        "drawer was to open 90 s ago and did not: receipt took the pulse too late",
    ),
    "drawer_left_open": (facts(drawers_left_open=("side",)), "session of side"),
    "paper_low": (facts(devices=device(paper_near_end="yes")), "pass is near"),
    "network_fault": (facts(network=prober(phase="confirmed", **ROUTER)), "The router does not answer."),
    "network_suspect": (facts(network=prober(phase="suspect", **ROUTER)), "The router does not answer."),
    "network_unwatched": (facts(network=prober(phase="checking", prober="silent", headline="It is silent")), "It is silent."),
    "network_two_probers": (
        facts(network=NetworkFacts(prober_second="two probers run on this register: process 1 watches, process 2 waits")),
        "Two probers run on this register: process 1 watches, process 2 waits.",
    ),
    "network_blind": (facts(network=NetworkFacts(prober_trouble="CAP_NET_RAW is missing")), "CAP_NET_RAW is missing."),
    "network_history": (facts(network=NetworkFacts(history_trouble="No space left on device")), "No space left"),
} | {f"network_{code}": (facts(network=prober(also=(f"{code}:grill",))), f"About {code}:grill.") for code in network.TITLES}


def test_a_register_that_is_fine_says_nothing() -> None:
    view = status_view(facts(devices=(FINE,), uptime_s=3600.0))
    assert view.advisories == ()
    assert view.dot.colour == "green"
    assert view.selling


@pytest.mark.parametrize("code", [advisory.code for advisory in ADVISORIES])
def test_each_advisory_can_be_raised_and_says_what_it_is_about(code: str) -> None:
    given, words = RAISED[code]
    raised = [one for one in advise(given) if one.code == code]
    assert len(raised) == 1
    assert words in raised[0].text
    assert "{" not in raised[0].text
    assert raised[0].title
    assert raised[0].hint


@pytest.mark.parametrize(
    ("given", "text", "hint"),
    [
        (facts(held_others=1, held_other="J1"), "1 receipt or report was", "`tillkeeper jobs release J1` prints it, "),
        (facts(held_others=2, held_other="J1"), "2 receipts or reports were", "`tillkeeper jobs list --state held` shows all"),
        (facts(held_tickets=1), "1 kitchen ticket was not printed and waits", "`tillkeeper jobs release --all`"),
        (facts(devices=device(trouble="is hot", held=1)), "is hot; 1 is held.", "`tillkeeper jobs release ID`"),
        (facts(devices=device(trouble="is hot", queued=1)), "is hot; 1 document waits.", "a drawer never opens late"),
        (facts(devices=device(behind=1)), "not shown 1 ticket yet", "Look at the display"),
    ],
)
def test_what_is_held_waits_for_a_person_and_its_command_is_named(given: Facts, text: str, hint: str) -> None:
    (found,) = advise(given)
    assert text in found.text
    assert hint in found.hint


def test_a_drawer_that_did_not_open_is_said_for_ten_minutes() -> None:
    missed = MissedDrawerFacts(drawer="drawer", printer="receipt", age_s=601.0)
    assert advise(facts(drawers_missed=(missed,))) == ()


def test_a_printers_trouble_is_not_told_of_its_drawer_as_well() -> None:
    away = {"known": True, "reachable": "no"}
    printer = DeviceView(device="receipt", kind="escpos", trouble="does not answer", **away)  # type: ignore[arg-type]
    drawer = DeviceView(device="drawer", kind="drawer", trouble="its printer does not answer", **away)  # type: ignore[arg-type]
    unknown = (msgspec.structs.replace(SILENT, device="receipt"), DeviceView(device="drawer", kind="drawer"))
    assert [one.subject for one in advise(facts(devices=(printer, drawer)))] == ["receipt"]
    assert [one.subject for one in advise(facts(devices=unknown, uptime_s=120.0))] == ["receipt"]


def test_codes_are_unique() -> None:
    assert len({advisory.code for advisory in ADVISORIES}) == len(ADVISORIES) == len(RAISED)


def test_the_worst_comes_first() -> None:
    given = facts(held_others=1, held_tickets=1, mode="offline", hq=HqFacts(configured=True, exchange_age_s=300.0))
    assert [one.severity for one in advise(given)] == ["alarm", "warning", "notice"]


@pytest.mark.parametrize(
    ("given", "colour"),
    [
        (facts(), "green"),
        (facts(mode="checking"), "grey"),
        (facts(mode="offline"), "red"),
        (facts(mode="manual_offline"), "red"),
        (facts(hq=HqFacts(configured=True)), "grey"),
        (facts(hq=HqFacts(configured=True, exchange_age_s=6.0)), "grey"),
        (facts(hq=HqFacts(configured=False)), "grey"),
        (facts(mode="checking", hq=HqFacts(configured=True, exchange_age_s=0.1)), "grey"),
    ],
)
def test_green_is_only_what_is_known_to_be_online(given: Facts, colour: str) -> None:
    dot = status_view(given).dot
    assert dot.colour == colour
    assert "offline support is on" in dot.words
    assert ("Online" in dot.words) == (colour == "green")


def test_a_missing_offline_support_is_said_next_to_the_dot() -> None:
    assert "offline support is OFF" in status_view(facts(offline_support=False)).dot.words


def test_the_count_of_what_only_this_register_holds_is_in_words() -> None:
    assert status_view(facts(only_here=12)).only_here_words == "only on this register: 12"


@pytest.mark.parametrize("age_s", [None, 300.0])
def test_what_is_known_of_the_silence_of_hq_is_the_advice(age_s: float | None) -> None:
    hq = HqFacts(configured=True, exchange_age_s=age_s, last_error="its certificate is not believed", hint="look at the clock")
    (said,) = advise(facts(mode="offline", uptime_s=90.0, hq=hq))
    assert "ago: its certificate is not believed." in said.text
    assert said.hint.startswith("Look at the clock.")
    assert "token" not in said.hint


def test_without_what_it_takes_to_ask_hq_its_silence_is_not_told_as_well() -> None:
    hq = HqFacts(configured=True, last_error="hq.token_file: it can not be read")
    view = status_view(facts(mode="offline", uptime_s=90.0, hq=hq, unread=(HQ_TOKEN,)))
    assert [one.code for one in view.advisories] == ["file_unread"]
    assert view.dot.words.startswith("Offline: hq.token_file can not be read, ")
    meanwhile = "What gateway bank authorises is refused"
    secret = UnreadFacts(setting="gateways.bank.token_file", why="it is empty", meanwhile=meanwhile, hint="write one")
    view = status_view(facts(mode="offline", uptime_s=90.0, hq=hq, unread=(secret,)))
    assert [one.code for one in view.advisories] == ["file_unread", "hq_never_reached"]
    assert "What gateway bank authorises is refused." in view.advisories[0].text
    assert view.dot.words.startswith("Offline, ")


def test_a_ticket_that_only_the_screen_lacks_is_not_told_as_lost() -> None:
    (said,) = advise(facts(late=(msgspec.structs.replace(LATE, out_at="printer"),)))
    assert said.text.startswith("Grill: 2 tickets have not come out everywhere; the oldest, B-7, ")
    assert said.text.endswith("waits for pass: no paper. It came out at printer.")
    assert said.hint.startswith("Look at pass")


def test_what_is_not_known_is_not_taken_for_fine() -> None:
    unknown = facts(devices=(SILENT,), uptime_s=120.0, catalogue=CatalogueFacts(version="c1"), hq=HqFacts(configured=True))
    assert {one.code for one in advise(unknown)} == {"device_silent", "catalogue_unknown", "hq_never_reached"}


def test_a_refusing_journal_stops_selling_in_the_snapshot() -> None:
    assert not status_view(facts(journal=JournalFacts(refusing="fsync failed"))).selling


@pytest.mark.parametrize(
    ("at_ms", "ahead", "words"),
    [
        (0, None, "before this program"),
        (1_790_000_000_000, 400.0, "6 min ahead of HQ"),
        (1_790_000_000_000, -400.0, "6 min behind HQ"),
    ],
)
def test_a_wrong_clock_is_named(at_ms: int, ahead: float | None, words: str) -> None:
    given = facts(at_ms=at_ms, hq=HqFacts(configured=True, exchange_age_s=1.0, clock_ahead_s=ahead))
    assert [one.code for one in advise(given)] == ["clock_wrong"]
    assert words in advise(given)[0].text


def test_a_clock_behind_the_programs_own_date_is_wrong_where_nobody_else_tells() -> None:
    """A new register with a dead battery: systemd lets its clock begin on a day when systemd was built, of last year."""
    made = facts().at_ms + 3_600_000
    assert [one.code for one in advise(facts(made_ms=made))] == ["clock_wrong"]
    assert not advise(facts(made_ms=facts().at_ms + 60_000)), "the clock of who made it need not be better"


def test_a_sale_that_was_stamped_by_a_clock_that_was_ahead_says_nothing_against_hqs_time() -> None:
    newest = JournalFacts(newest_at_ms=1_790_000_000_000 + 365 * 86_400_000)
    right = HqFacts(configured=True, exchange_age_s=1.0, clock_ahead_s=0.4)
    assert not advise(facts(journal=newest, hq=right))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5.0, "0 s"), (119.9, "119 s"), (120.0, "2 min"), (7199.0, "119 min"), (7200.0, "2 h"), (172_800.0, "2 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_a_fault_of_the_network_comes_with_what_to_do_and_its_second_fault() -> None:
    said = facts(network=prober(also=("and:dns_own", "device_silent:grill"), phase="confirmed", **ROUTER))
    found = {one.code: one for one in advise(said)}
    assert set(found) == {"network_fault", "network_and", "network_device_silent"}
    assert found["network_fault"].hint == "Look at the router. Lights?"
    assert found["network_fault"].text == "The router does not answer. Cash works."
    assert found["network_device_silent"].subject == "grill"
    assert found["network_and"].subject == "dns_own"


@pytest.mark.parametrize(("uptime_s", "raised"), [(30.0, False), (90.0, True)])
def test_a_prober_that_never_came_is_said_after_a_minute(uptime_s: float, raised: bool) -> None:
    absent = facts(uptime_s=uptime_s, network=NetworkFacts(brief=NetworkBrief(prober="absent", headline="None yet")))
    assert bool(advise(absent)) == raised


@pytest.mark.parametrize(
    ("phase", "headline", "words"),
    [
        ("confirmed", "The router does not answer.", "Offline for 40 s: the router does not answer, offline support is on"),
        ("suspect", "Not sure yet: it may be HQ", "Offline for 40 s: it may be HQ, offline support is on"),
        ("confirmed", "No internet: the modem", "Offline for 40 s: no internet - the modem, offline support is on"),
        ("confirmed", "HQ is down", "Offline for 40 s: HQ is down, offline support is on"),
        ("confirmed", "DNS fails", "Offline for 40 s: DNS fails, offline support is on"),
        ("fine", "All is well", "Offline for 40 s, offline support is on"),
        ("checking", "The prober is silent", "Offline for 40 s, offline support is on"),
    ],
)
def test_the_dot_names_the_fault_when_one_is_known(phase: str, headline: str, words: str) -> None:
    hq = HqFacts(configured=True, exchange_age_s=40.0)
    dot = status_view(facts(mode="offline", hq=hq, network=prober(phase=phase, headline=headline))).dot
    assert (dot.colour, dot.words) == ("red", words)


def test_a_fault_that_does_not_touch_hq_leaves_the_dot_green() -> None:
    given = facts(network=prober(phase="confirmed", headline="The line loses packets"))
    assert status_view(given).dot.words == "Online, offline support is on"
    assert status_view(given).network.headline == "The line loses packets"


@pytest.mark.parametrize(
    ("phase", "faults", "codes"),
    [
        ("confirmed", ("router_dead", "router_cable"), ["network_fault"]),
        ("confirmed", ("loss_isp",), ["network_fault", "hq_unreachable"]),
        ("suspect", ("router_dead",), ["hq_unreachable", "network_suspect"]),
        ("fine", (), ["hq_unreachable"]),
    ],
)
def test_a_known_outage_silences_that_hq_does_not_answer(phase: str, faults: tuple[str, ...], codes: list[str]) -> None:
    away = HqFacts(configured=True, exchange_age_s=300.0)
    given = facts(mode="offline", hq=away, network=prober(phase=phase, faults=faults))
    assert [one.code for one in advise(given)] == codes


def test_a_silent_device_is_said_once() -> None:
    both = prober(also=("device_silent:pass", "device_silent:grill"))
    found = advise(facts(devices=device(trouble="does not answer"), network=both))
    assert [(one.code, one.subject) for one in found] == [("network_device_silent", "grill"), ("device_trouble", "pass")]


def test_a_register_that_is_cut_off_does_not_blame_each_device_in_the_network() -> None:
    away = {"reachable": "no", "trouble": "does not answer", "known": True}
    kinds = {"grill": "escpos", "usb": "escpos", "drawer": "drawer"}
    devices = tuple(DeviceView(device=name, kind=kind, **away) for name, kind in kinds.items())
    devices += (DeviceView(device="bar", kind="escpos", reachable="yes", trouble="the paper is out"),)

    def blamed(**brief: object) -> list[str]:
        led = frozenset(("grill", "bar", "drawer"))
        given = facts(devices=devices, on_the_lan=led, network=prober(**(ROUTER | brief)))
        return [one.subject for one in advise(given) if one.code == "device_trouble"]

    assert blamed(phase="confirmed", works=WORKS["alone"]) == ["usb", "bar"]
    assert blamed(phase="confirmed", works=WORKS["store"]) == ["grill", "usb", "bar"]
    assert blamed(phase="suspect", works=WORKS["alone"]) == ["grill", "usb", "bar"]


def test_which_devices_the_network_leads_to() -> None:
    devices = {
        "grill": Device(kind="escpos", address="192.0.2.9:9100"),
        "here": Device(kind="escpos", address="127.0.0.1:9100"),
        "usb": Device(kind="escpos", address="usb:/dev/usb/lp0"),
        "line": Device(kind="escpos_display", address="serial:/dev/ttyS0"),
        "pass": Device(kind="display"),
        "drawer": Device(kind="drawer", printer="grill"),
        "till": Device(kind="drawer", printer="usb"),
        "lost": Device(kind="drawer"),
    }
    assert on_the_lan(devices) == {"grill", "pass", "drawer"}


def test_an_outage_behind_a_fault_that_stops_nothing_is_what_dot_and_advisory_name() -> None:
    replaced = {"headline": "The router was replaced", "faults": ("gateway_replaced",), "works": WORKS["all"]}
    offline: dict[str, object] = {"mode": "offline", "hq": HqFacts(configured=True, exchange_age_s=60.0)}
    behind = facts(network=prober(also=("and:modem",), phase="confirmed", **replaced), **offline)
    found = {one.code: one for one in advise(behind)}
    assert set(found) == {"network_fault"}
    assert found["network_fault"].text == f"About and:modem. {WORKS['store']} Besides: The router was replaced."
    assert found["network_fault"].hint == "Look."
    assert "about and:modem" in status_view(behind).dot.words

    # Without one, what is there does not explain that HQ is silent.
    alone = facts(network=prober(phase="confirmed", **replaced), **offline)
    assert {one.code for one in advise(alone)} == {"network_fault", "hq_unreachable"}

    # A fault that stops something stays first.
    cut = facts(network=prober(also=("and:modem",), phase="confirmed", **(replaced | {"works": WORKS["alone"]})), **offline)
    assert [one.code for one in advise(cut)] == ["network_fault", "network_and"]
    assert "replaced" in status_view(cut).dot.words


def test_only_a_confirmed_fault_that_cuts_this_register_off_is_an_island() -> None:
    alone = NetworkBrief(phase="confirmed", headline="This register's network cable has no connection", works=WORKS["alone"])
    assert network.cut_off(alone)
    assert not network.cut_off(msgspec.structs.replace(alone, phase="suspect"))
    assert not network.cut_off(msgspec.structs.replace(alone, works=WORKS["store"]))
    assert not network.cut_off(NetworkBrief())
