"""The network's part of the configuration. Apart from `model`, so that the prober reads it without the rest of the agent."""

from typing import Annotated, Literal

from msgspec import Meta

from tillkeeper.config.section import Section

Port = Annotated[int, Meta(ge=1, le=65_535)]


class Link(Section, frozen=True):
    """Something that a person can go to. `where` ends a sentence ("under the counter, left of the safe"). `address`: asked
    where given. `provider`, `isp_phone` and `account` are said to whoever has to call."""

    where: str = ""
    cable_colour: str = ""
    address: str = ""
    provider: str = ""
    isp_phone: str = ""
    account: str = ""


class Links(Section, frozen=True):
    """`cables`: register -> the cable from it to the switch. `router.address` is only needed where it is not the default
    gateway; `switch.address` where the switch is managed; `modem.address` where the modem has one (often 192.168.100.1)."""

    cables: dict[str, Link] = {}
    switch: Link = Link()
    router: Link = Link()
    modem: Link = Link()
    internet: Link = Link()
    backup: Link = Link()


class Network(Section, frozen=True):
    """`interface`: empty for the one of the default route. `socket`: where the agent listens for the prober. `key_file`: the
    store's beacon key, the same on all registers; empty: no beacons are sent and none believed. `store_registers`: how many
    share the store's budgets, 0 for as many as the config names. `anycast`: public addresses that answer echoes or DNS.
    `portal_url`: answers HTTP 204 and nothing else; empty: not asked. `other_resolvers`: asked where the own ones fail, empty:
    `anycast`. `gateway_mac`: pinned by hand against spoofing. `all_in_one`: router, switch and Wi-Fi are one box."""

    watch: bool = True
    interface: str = ""
    socket: str = "probe.sock"
    prober_user: str = "tillkeeper-probe"
    key_file: str = ""
    beacon_port: Port = 7467
    store_registers: Annotated[int, Meta(ge=0, le=200)] = 0
    metered: bool = False
    families: tuple[Literal["ipv4", "ipv6"], ...] = ("ipv4", "ipv6")
    anycast: tuple[str, ...] = ("1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2001:4860:4860::8888")
    other_resolvers: tuple[str, ...] = ()
    portal_url: str = "http://connectivitycheck.gstatic.com/generate_204"
    gateway_mac: str = ""
    all_in_one: bool = False
    links: Links = Links()
