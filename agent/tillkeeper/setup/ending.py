"""The last words: what works, what does not, what to do next. Pure: from what the agent says of itself."""

from typing import Any

from tillkeeper.config.model import Config
from tillkeeper.setup import tablets
from tillkeeper.setup.answers import EXAMPLE, Answers
from tillkeeper.setup.site import CONFIG

Lists = tuple[list[str], list[str], list[str]]


def summary(works: list[str], trouble: list[str], after: list[str]) -> str:
    lines: list[str] = []
    for title, found in ("Works", works), ("Does not work yet", trouble), ("Next", after):
        if found:
            lines += ["", f"{title}:", *(f"  - {one}" for one in found)]
    return "\n".join(lines)


def settled(status: dict[str, Any]) -> bool:
    """Whether all that it looks after has said something."""
    return all(one["known"] or one["trouble"] for one in status["devices"]) and all(one["reachable"] for one in status["sinks"])


def of_agent(status: dict[str, Any], preflight: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(what works, what does not) as a running agent says. Unknown is neither."""
    works = [f"register {status['register']} of {status['store']} sells"] if status["selling"] else []
    trouble = [] if status["selling"] else ["the register stores nothing: see `tillkeeper status`"]
    for device in status["devices"]:
        name, wrong = device["device"], device["trouble"]
        if wrong:
            trouble.append(f"{name}: {wrong}")
        elif device["known"]:
            works.append(f"{name} answers")
        else:
            trouble.append(f"{name}: has said nothing yet")
    for sink in status["sinks"]:
        name = "HQ" if sink["kind"] == "hq" else f"register {sink['name']}"
        (works if sink["reachable"] else trouble).append(f"{name}: {sink['words']}")
    trouble += [f"{one['title']}: {one['text']} {one['hint']}".rstrip() for one in status["advisories"]]
    named = {"only_here", "unsynced"}  # said above, and so it is on each new register
    trouble += [f"{one['text']}: {one['hint']}" for one in preflight["findings"] if one["stops"] and one["code"] not in named]
    return works, trouble


def of_answers(said: Answers, config: Config, *, joined: bool, people: bool) -> tuple[list[str], list[str]]:
    """(what does not work yet, what to do next) as the answers say."""
    trouble, after = [], []
    sudo = "sudo -u tillkeeper tillkeeper"
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
        if said.register == said.primary:
            after.append(f"the store's keys: `{sudo} store create --config {CONFIG} --print`, then start the agent again")
            others = ", ".join(name for name in said.registers if name != said.register)
            after.append(
                f"for each other register ({others}): `sudo tillkeeper store code NAME` here, `tillkeeper setup` there"
            )
        else:
            after.append(
                f"join the store: `tillkeeper store code {said.register}` at {said.primary}, then `tillkeeper setup` here"
            )
    if joined and len(said.registers) > 1 and not config.network.key_file:
        trouble.append("this register does not hear what the others see of the network: it has no beacon key")
        after.append(f"copy /etc/tillkeeper/beacon.key of {said.primary} here, then `tillkeeper setup`")
    if said.people.sign_in and not people:
        after.append(
            f"people: `{sudo} staff add NAME --role manager --config {CONFIG}`, or copy staff.json of another register"
        )
    for name in tablets.unheard(said, config):
        trouble.append(f"the kitchen's tablet does not hear register {name}: nobody has said at which IP address that is")
        after.append(f"the address of {name}: `tillkeeper setup`, at each register")
    if config.api.listen:
        after.append(f"the links of the pages, for browsers on this machine: `sudo tillkeeper pages --config {CONFIG}`")
    if said.pages.lan:
        after.append("tablets and other machines: pair them, docs/access.md")
    return trouble, after
