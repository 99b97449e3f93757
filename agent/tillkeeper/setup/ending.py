"""The last words: what works, what does not, what to do next. Pure: from what the agent says of itself."""

from typing import Any, NamedTuple

from tillkeeper.config.model import Config
from tillkeeper.setup import tablets
from tillkeeper.setup.answers import EXAMPLE, Answers

PAGE = "display"
"""The kind of a kitchen's screen that is our page."""
TOLD = frozenset({"device_trouble", "device_silent", "only_here", "unsynced", "roles_unsettled"})
"""Advisories and findings that say what is said anyway, or what is so at each new register."""
AS_AGENT = "sudo -u tillkeeper tillkeeper"
HQ_IS_AWAY = frozenset({"hq_never_reached", "hq_unreachable"})
"""Advisories that say so, and what to do."""


class Words(NamedTuple):
    """What works, what does not, what is not known yet, what to do next."""

    works: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def summary(*parts: Words) -> str:
    lines: list[str] = []
    titles = ("Works", "Does not work yet", "Not known yet", "Next")
    for title, found in zip(titles, zip(*parts, strict=True), strict=True):
        if told := [one for part in found for one in part]:
            lines += ["", f"{title}:", *(f"  - {one}" for one in told)]
    return "\n".join(lines)


def awaited(status: dict[str, Any], *, early: bool) -> list[str]:
    """What has said nothing yet, and HQ and registers that have not answered; as long as it is `early`, devices and pages too
    that do not work, for they may in a moment. A tablet may come any day."""
    devices = [one for one in status["devices"] if one["kind"] != PAGE and (not one["known"] or (early and _is_away(one)))]
    pages = ["the pages for tablets"] * (early and any(one["code"] == "lan" for one in status["advisories"]))
    return [one["device"] for one in devices] + [_name(one) for one in status["sinks"] if not one["reachable"]] + pages


def of_agent(status: dict[str, Any], preflight: dict[str, Any]) -> Words:
    """As a running agent says."""
    works = [f"register {status['register']} of {status['store']} sells"] if status["selling"] else []
    trouble = [] if status["selling"] else ["the register stores nothing: see `tillkeeper status`"]
    unknown = []
    for device in status["devices"]:
        name = device["device"]
        if device["kind"] == PAGE and (_is_away(device) or not device["known"]):
            trouble.append(f"{name}: no tablet and no browser shows it yet")
        elif not device["known"]:
            unknown.append(f"{name} has said nothing yet: `tillkeeper devices list` says what it knows")
        elif device["trouble"]:
            trouble.append(f"{name}: {device['trouble']}")
        else:
            works.append(f"{name} answers")
    advisories = [one for one in status["advisories"] if one["code"] not in TOLD]
    advised = {one["code"] for one in advisories}
    for sink in status["sinks"]:
        if sink["reachable"] or sink["kind"] != "hq" or not advised & HQ_IS_AWAY:
            (works if sink["reachable"] else trouble).append(f"{_name(sink)}: {sink['words']}")
    trouble += [f"{one['text']} {one['hint']}".rstrip() for one in advisories]
    trouble += [f"{one['text']}: {one['hint']}" for one in preflight["findings"] if one["stops"] and one["code"] not in TOLD]
    return Words(tuple(works), tuple(trouble), tuple(unknown))


def _is_away(device: dict[str, Any]) -> bool:
    return bool(device["reachable"] == "no")


def _name(sink: dict[str, Any]) -> str:
    return "HQ" if sink["kind"] == "hq" else f"register {sink['name']}"


def of_answers(said: Answers, config: Config, *, joined: bool, people: bool) -> Words:
    """As the answers say."""
    trouble, after = [], []
    if said.menu.file == EXAMPLE:
        trouble.append("the menu is an EXAMPLE")
        after.append("your own menu: `tillkeeper catalogue check FILE`, then `tillkeeper setup`")
    if not said.printers:
        trouble.append("there is no printer: no receipt and no ticket comes out on paper")
        after.append("plug a printer in, `tillkeeper devices discover`, then `tillkeeper setup`")
    elif not said.this.receipt_printer:
        trouble.append("this register has no receipt printer")
    if not said.stations:
        trouble.append("there is no station: what is ordered is shown and printed nowhere")
    if not said.hq.url:
        after.append("HQ, where there is one: `tillkeeper setup` asks for its address and token")
    if len(said.registers) > 1 and not joined:
        after += _keys(said)
    if joined and len(said.registers) > 1 and not config.network.key_file:
        trouble.append("this register does not hear what the others see of the network: it has no beacon key")
        after.append(f"copy /etc/tillkeeper/beacon.key of {said.primary} here, then `tillkeeper setup`")
    if said.people.sign_in and not people:
        add = f"`{AS_AGENT} staff add NAME --role manager`"
        after.append(f"people: {add}; those of other registers come by themselves")
    for name in tablets.unheard(said, config):
        why = "its address is not said, or is none of a private network"
        trouble.append(f"the kitchen's tablet does not hear register {name}: {why}")
        after.append(f"the address of {name}: `tillkeeper setup`, at each register")
    if config.api.listen:
        after.append("the links of the pages, for browsers on this machine: `sudo tillkeeper pages`")
    if said.pages.lan:
        kitchen = "`sudo tillkeeper pair kitchen NAME` for the kitchen's, " if said.displays else ""
        after.append(f"tablets, each with a NAME of its own: {kitchen}`sudo tillkeeper pair register NAME` for a cashier's")
    return Words(trouble=tuple(trouble), after=tuple(after))


def _keys(said: Answers) -> list[str]:
    """How a store of several registers becomes one."""
    me = said.register
    if me != said.primary:
        return [f"join the store: `sudo tillkeeper store code {me}` at {said.primary}, then `sudo tillkeeper setup` here"]
    create = f"`{AS_AGENT} store create --print`"
    codes = [f"register {name}: `sudo tillkeeper store code {name}` here" for name in said.registers if name != me]
    return [
        f"the store's keys: {create}, then `sudo tillkeeper restart --between-sales`",
        *(f"{code}, `sudo tillkeeper setup` there" for code in codes),
        "to type less there: `sudo tillkeeper setup --print-answers` here makes a file for `--answers` there",
    ]
