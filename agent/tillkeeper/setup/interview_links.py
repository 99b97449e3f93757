"""Optional words about cables and boxes: with them the network's advice sends a person to the right shelf. Pure."""

from msgspec.structs import replace

from tillkeeper.config.network import Link, Links
from tillkeeper.setup import checks
from tillkeeper.setup.answers import Answers
from tillkeeper.setup.asking import Interview, also_empty, ask, ask_yes, say

text_of = also_empty(checks.line)


def links(said: Answers) -> Interview[Answers]:
    old = said.links
    registers = {name: one for name, one in old.cables.items() if name in said.registers}
    said = replace(said, links=replace(old, cables=registers))
    text = "Say where cables and boxes are, for the network's advice?"
    if not (yield from ask_yes("links", text, default=False)):
        return said
    yield from say("  Each answer ends a sentence, as: under the counter, left of the safe. - for nothing.")
    mine = old.cables.get(said.register, Link())
    where = yield from _word(
        f"links.cables.{said.register}.where", "Where is this register's network cable plugged in?", mine.where
    )
    colour = yield from _word(f"links.cables.{said.register}.cable_colour", "  its colour", mine.cable_colour)
    switch = yield from _word("links.switch.where", "Where is the switch?", old.switch.where)
    router = yield from _word("links.router.where", "Where is the router?", old.router.where)
    modem = yield from _word("links.modem.where", "Where is the modem?", old.modem.where)
    at = yield from ask(
        "links.modem.address",
        "  its address, where it has one (often 192.168.100.1)",
        also_empty(checks.ip),
        old.modem.address or "-",
    )
    provider = yield from _word("links.internet.provider", "Who provides the internet line?", old.internet.provider)
    phone = yield from _word("links.internet.isp_phone", "  the provider's telephone number", old.internet.isp_phone)
    account = yield from _word("links.internet.account", "  the customer number there", old.internet.account)
    made = Links(
        cables={**registers, said.register: replace(mine, where=where, cable_colour=colour)},
        switch=replace(old.switch, where=switch),
        router=replace(old.router, where=router),
        modem=replace(old.modem, where=modem, address=at),
        internet=replace(old.internet, provider=provider, isp_phone=phone, account=account),
        backup=old.backup,
    )
    return replace(said, links=made)


def _word(key: str, text: str, old: str) -> Interview[str]:
    return (yield from ask(key, text, text_of, old or "-", keep=old))
