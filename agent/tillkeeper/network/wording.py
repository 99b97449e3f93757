"""What is said at the counter of every fault: plain words, one thing to do a line. Data only.

Placeholders are filled by `words`: {cable}, {router_cable}, {switch}, {router} and {modem} name the thing with its colour and
place where the configuration knows them ("the switch (under the counter)"); {a_switch} and {a_router} leave the place out,
{A_switch} and {A_router} begin a sentence, {switch_word} and {router_word} leave the article out too. {call} is "Call ..." with
the provider's name, number and account, {lower_call} the same within a sentence.
"""

from typing import Literal

from tillkeeper.network.model import Value

Works = Literal["alone", "store", "slow", "all", "careful"]
WORKS: dict[Works, str] = {
    "alone": "Selling and cash go on. Printers and screens in the network wait; they print by themselves once this is mended.",
    "store": "Selling, printing and cash go on. What HQ needs to know is sent later.",
    "slow": "Selling, printing, cards and HQ go on, perhaps slower.",
    "all": "Everything goes on.",
    "careful": "Selling, printing and cash go on.",
}
"""alone: this register is cut off from the store; store: the store works, the internet does not."""


class Wording(Value, frozen=True):
    """`thing`: fits behind "It may be"; `said`: a sentence without its stop, `steps`: what to do, in order."""

    thing: str
    said: str
    steps: tuple[str, ...]
    works: Works = "store"


class SetWording(Value, frozen=True):
    """Of an ambiguity set: the question whose answer tells its faults apart, and the steps that go with it. `covers`: faults
    beside the set's own that headline and steps speak of as well."""

    headline: str
    question: str
    steps: tuple[str, ...]
    covers: frozenset[str] = frozenset()


TECHNICIAN = "If that does not help, call your technician."
_WAIT = "If it is not back after five minutes, {lower_call}"

WORDS: dict[str, Wording] = {
    "interface_missing": Wording(
        thing="the network adapter of this register", said="This register's network adapter is missing", works="alone",
        steps=("If the adapter is plugged into a USB socket, push it in again.", "Restart this register.", TECHNICIAN)),
    "interface_misnamed": Wording(
        thing="a setting that names an adapter that is not there",
        said="The setting names a network adapter that is not there", works="all",
        steps=("Nothing in the store is broken: HQ answers.",
               "Tell your technician: the configuration names an adapter that this register does not have.",
               "Until it is set right the network is not watched.")),
    "interface_disabled": Wording(
        thing="a network adapter that is switched off", said="This register's network adapter is switched off",
        works="alone",
        steps=("Restart this register.", "Still off? Call your technician: somebody has switched it off.")),
    "duplicate_address": Wording(
        thing="another device with this register's address", said="Another device uses this register's address",
        works="careful",
        steps=("Was a device connected lately: a phone, a laptop, a new printer? Unplug it, or take it off the Wi-Fi.",
               TECHNICIAN)),
    "dhcp_lost": Wording(
        thing="the address that this register did not get", said="This register gets no address from {a_router}",
        works="alone",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", "Wait three minutes.", TECHNICIAN)),
    "no_gateway": Wording(
        thing="this register's settings, which name no router", said="This register knows no router",
        steps=("Were this register's network settings changed? Call your technician: the address of {a_router} is missing.",
               "Else restart this register.", TECHNICIAN)),
    "wrong_subnet": Wording(
        thing="this register's address, of another network", said="This register has an address of another network",
        works="alone",
        steps=("Was a cable moved, or a new router or Wi-Fi box connected? Undo that.",
               "Unplug {cable} for ten seconds and plug it in again.", TECHNICIAN)),
    "cable": Wording(
        thing="the cable of this register", said="This register's network cable has no connection", works="alone",
        steps=("Check {cable}: push both ends in until they click.", "Try another cable.",
               "Try another free socket on {switch}.", TECHNICIAN)),
    "switch_power": Wording(
        thing="{a_switch}'s power", said="{A_switch} has no power", works="alone",
        steps=("Look at {switch}: it should have lights.",
               "No lights? Check its power plug and whether the socket has current.", TECHNICIAN)),
    "wifi_lost": Wording(
        thing="the Wi-Fi", said="This register has lost the Wi-Fi", works="alone",
        steps=("Check that {router} has lights.", "If it has none, check its power plug.",
               "Do other devices have the Wi-Fi? Then restart this register.", TECHNICIAN)),
    "link_flapping": Wording(
        thing="a loose cable", said="This register's network cable connects and disconnects again and again", works="alone",
        steps=("Push both ends of {cable} in until they click.", "Try another cable.", "Try another free socket on {switch}.",
               TECHNICIAN)),
    "broadcast_loop": Wording(
        thing="a cable that makes a loop", said="A cable makes a loop that floods the store's network", works="alone",
        steps=("Look at {switch}: is there a cable with both ends in it? Unplug one end.",
               "Was a cable plugged in within the last minutes, at a wall socket or a phone? Unplug it.", TECHNICIAN)),
    "own_port": Wording(
        thing="this register's socket on {a_switch}", said="This register's socket on {a_switch} does not work", works="alone",
        steps=("Put the end of {cable} into another free socket on {switch}.", "Wait a minute.", TECHNICIAN)),
    "switch_hung": Wording(
        thing="a {switch_word} that hangs", said="{A_switch} hangs", works="alone",
        steps=("Restart {switch}: pull its power plug, wait ten seconds, plug it in.", "Wait two minutes.", TECHNICIAN)),
    "nic_receive": Wording(
        thing="this register's network adapter", said="This register's network adapter receives nothing", works="alone",
        steps=("Restart this register.", TECHNICIAN)),
    "nic_transmit": Wording(
        thing="this register's network adapter", said="This register's network adapter sends nothing",
        works="alone", steps=("Restart this register.", "Try another cable.", TECHNICIAN)),
    "router_dead": Wording(
        thing="{a_router}", said="{A_router} does not answer",
        steps=("Look at {router}: does it have lights?", "No lights? Check its power plug and whether the socket has current.",
               "Lights? Pull its power plug, wait ten seconds, plug it in, and wait three minutes.", TECHNICIAN)),
    "router_cable": Wording(
        thing="the cable between {a_router} and {a_switch}",
        said="The cable between {a_router} and {a_switch} has no connection",
        steps=("Push both ends of {router_cable} in until they click.", "Try another cable.", TECHNICIAN)),
    "router_hung": Wording(
        thing="a {router_word} that hangs", said="{A_router} hangs",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", "Wait three minutes.", TECHNICIAN)),
    "gateway_spoofed": Wording(
        thing="a device that poses as {a_router}", said="A device in the store poses as {a_router}", works="careful",
        steps=("Call your technician now: somebody may be reading along.",
               "Type no passwords and take no cards over the internet until then.",
               "Was a device connected lately? Unplug it, or take it off the Wi-Fi.")),
    "gateway_replaced": Wording(
        thing="a new router", said="{A_router} was replaced", works="all",
        steps=("Was a new router connected, or has the spare one taken over? Then all is well.",
               "If nobody knows of it, call your technician.")),
    "ipv6_router_lost": Wording(
        thing="{a_router}'s newer internet protocol (IPv6)", said="{A_router} no longer offers IPv6", works="all",
        steps=("Nothing needs to be done at once.", "If the internet does not work, restart {router}.", TECHNICIAN)),
    "modem": Wording(
        thing="the modem", said="The modem does not answer",
        steps=("Look at {modem}: does it have lights?", "No lights? Check its power plug.",
               "Lights? Pull its power plug, wait ten seconds, plug it in, and wait five minutes.", "Still nothing? {call}")),
    "isp_access": Wording(
        thing="the internet provider's line", said="The internet provider's line to the store is down",
        steps=("{call}", "Nothing in the store is broken; it comes back by itself once they have mended it.")),
    "router_no_forward": Wording(
        thing="a {router_word} that passes nothing on", said="{A_router} answers but passes nothing on",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", "Wait three minutes.", TECHNICIAN)),
    "isp_upstream": Wording(
        thing="the internet provider's network", said="The internet provider has an outage",
        steps=("Nothing in the store is broken.", _WAIT)),
    "captive_portal": Wording(
        thing="a login page of the internet line", said="The internet line wants somebody to log in",
        steps=("Open a browser on a phone or computer in this network and follow the login page.",
               "Is it a page of the provider about a bill or a limit? {call}", TECHNICIAN)),
    "dns_own": Wording(
        thing="the name server", said="Names are not found: the name server does not answer",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", "Wait three minutes.", _WAIT)),
    "dns_blocked": Wording(
        thing="something that blocks name lookups", said="Names are not found: lookups are blocked",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.",
               "Was the router or a filter changed lately? Call your technician.", _WAIT)),
    "hq_server": Wording(
        thing="HQ's server", said="HQ's server does not answer",
        steps=("Nothing in the store is broken.", "Tell head office that its server does not answer.")),
    "hq_path": Wording(
        thing="the way to HQ's server", said="HQ's server cannot be reached from here",
        steps=("Nothing in the store is broken.", "Tell head office that this store cannot reach the server.")),
    "loss_lan": Wording(
        thing="losses in the store's own network", said="The store's own network loses data", works="slow",
        steps=("Push both ends of {cable} in until they click; try another cable.",
               "Restart {switch}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    "loss_router": Wording(
        thing="a {router_word} that loses data", said="{A_router} loses data", works="slow",
        steps=("Push both ends of {router_cable} in until they click.",
               "Restart {router}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    "loss_isp": Wording(
        thing="losses on the internet line", said="The internet line loses data", works="slow",
        steps=("Restart {modem}: pull its power plug, wait ten seconds, plug it in, and wait five minutes.",
               "Still bad? {call}")),
    "loss_internet": Wording(
        thing="losses in the internet behind the provider", said="The internet loses data behind the provider",
        works="slow", steps=("Nothing in the store is broken.", "If it stays so for an hour, {lower_call}")),
    "latency_lan": Wording(
        thing="the store's own network that is slow", said="The store's own network is slow", works="slow",
        steps=("Is somebody copying large files? Let them wait.",
               "Restart {switch}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    "latency_router": Wording(
        thing="a {router_word} that is slow", said="{A_router} is slow", works="slow",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    "latency_isp": Wording(
        thing="a slow internet line", said="The internet line is slow", works="slow",
        steps=("Is somebody watching films or sending large files over it? Ask them to stop.",
               "Still slow after an hour? {call}")),
    "latency_internet": Wording(
        thing="a slow internet behind the provider", said="The internet is slow behind the provider", works="slow",
        steps=("Nothing in the store is broken.", "If it stays so for an hour, {lower_call}")),
}  # fmt: skip

SETS: dict[frozenset[str], SetWording] = {
    frozenset(("cable", "switch_power")): SetWording(
        headline="The cable of this register or {a_switch}'s power", question="Does {a_switch} have lights?",
        steps=("Check {cable}: push both ends in until they click.", "Look at {switch}: does it have lights?",
               "No lights: check its power plug and whether the socket has current.",
               "Lights: try another cable, then another free socket on {a_switch}.", TECHNICIAN)),
    frozenset(("own_port", "switch_hung", "nic_receive")): SetWording(
        headline="This register hears nobody: its socket on {a_switch}, {a_switch} or its adapter",
        covers=frozenset(("nic_transmit",)), question="Do the other registers still work together?",
        steps=("Look at another register: is its network all right?",
               "It is: put the end of {cable} into another free socket on {a_switch}; if that does not help, restart "
               "this register.",
               "It is not: restart {switch}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    frozenset(("router_dead", "router_cable")): SetWording(
        headline="{A_router} or its cable to {a_switch}", covers=frozenset(("router_hung",)),
        question="Does {a_router} have lights?",
        steps=("Look at {router}: does it have lights?",
               "No lights: check its power plug and whether the socket has current.",
               "Lights: push both ends of {router_cable} in until they click.",
               "Still nothing: pull {a_router}'s power plug, wait ten seconds, plug it in, and wait three minutes.",
               TECHNICIAN)),
    frozenset(("modem", "isp_access")): SetWording(
        headline="No internet: the modem, the provider's line or {a_router}",
        covers=frozenset(("router_no_forward", "isp_upstream")),
        question="Does the modem have lights, and is the one for the line (DSL, Internet, Online) steady?",
        steps=("Look at {modem}: does it have lights?", "No lights: check its power plug.",
               "Lights, but the one for the line (DSL, Internet, Online) is off or blinks: {lower_call}",
               "All lights steady: pull the power plugs of the modem and of {a_router}, wait ten seconds, plug them in, "
               "and wait five minutes.", "Still nothing? {call}")),
    frozenset(("modem", "router_no_forward")): SetWording(
        headline="No internet: the modem or {a_router}", question="Does the modem have lights?",
        steps=("Look at {modem}: does it have lights?", "No lights: check its power plug.",
               "Lights: pull the power plugs of the modem and of {router}, wait ten seconds, plug them in, and wait five "
               "minutes.", "Still nothing? {call}")),
    frozenset(("dns_own", "dns_blocked")): SetWording(
        headline="Names are not found: the name server, or lookups are blocked",
        question="Was {a_router} or a filter changed lately?",
        steps=("Restart {router}: pull its power plug, wait ten seconds, plug it in.", "Wait three minutes.",
               "Was {a_router} or a filter changed lately? Call your technician.", _WAIT)),
    frozenset(("hq_server", "hq_path")): SetWording(
        headline="HQ's server or the way to it", question="Do other stores reach HQ?",
        steps=("Nothing in the store is broken.", "Ask head office: do other stores reach the server?",
               "They do not: its server is down, and head office mends it.", "They do: {lower_call}")),
    frozenset(("loss_lan", "loss_router")): SetWording(
        headline="Data is lost between this register and {a_router}", question="Is another register slow as well?",
        steps=("Push both ends of {cable} in until they click; try another cable.", "Is another register slow as well?",
               "It is: push both ends of {router_cable} in until they click.",
               "Restart {switch}: pull its power plug, wait ten seconds, plug it in.", TECHNICIAN)),
    frozenset(("gateway_spoofed", "gateway_replaced")): SetWording(
        headline="{A_router} was replaced, or a device poses as it", question="Was a new router connected today?",
        steps=("Was a new router connected today? Then call your technician to have it entered.",
               "If nobody knows of one, call your technician now: somebody may be reading along.",
               "Type no passwords and take no cards over the internet until then.")),
}  # fmt: skip
"""A set that holds one of these is asked its question; what it does not cover follows with its own first step."""

ALSO: dict[str, tuple[str, str]] = {
    "on_backup_line": ("The store is on the backup line", "Selling goes on. {call} The main line is down."),
    "clock_wrong": ("This register's clock is wrong", "Call your technician: receipts carry the wrong time."),
    "family_broken": ("One of the two internet protocols ({subject}) does not work", "Tell your technician; nothing stops."),
    "wifi_weak": ("The Wi-Fi signal is weak", "Move the register or the Wi-Fi box closer, or use a cable."),
    "wifi_isolated": ("The Wi-Fi keeps the devices apart", "Tell your technician: guest isolation must be off for registers."),
    "device_routed": ('The device "{subject}" is in another network', "Tell your technician; it works while {a_router} works."),
    "device_silent": (
        'The device "{subject}"{at} does not answer', "Check its power, its cable and whether it is switched on."),
    "duplicate_device": (
        'Two devices answer at the address of "{subject}"{macs}',
        "Was a laptop, a phone or another device connected lately? Unplug it. Is the device on a cable and on the Wi-Fi? "
        "Switch one off. Else call your technician."),
    "peer_silent": ("The register {subject} is not heard", "Is it switched off? Then all is well. Else check its cable."),
    "hq_refuses": ("HQ refuses this register", "Tell head office: this register's pass is not accepted."),
    "hq_untrusted": (
        "HQ answers, but its certificate is not believed here",
        "Nobody has to be called for the network. `tillkeeper status` says what is wrong with it; an authority of your own is "
        "named as ca_file in [hq], or added to this machine's (`update-ca-certificates`), then `tillkeeper restart`."),
    "hq_wrong_answer": ("HQ gives wrong answers", "Tell head office; what it needs to know is sent later."),
    "resolver_lies": ("The name server gives wrong addresses", "Call your technician."),
    "metered": ("The line counts its bytes", "Nothing to do: the network is watched sparingly."),
}
"""Text and hint of an advisory; {subject} is what stands behind its colon."""
