"""Names, addresses and ports of the lab: see `topology` for the drawing."""

HQ_NAME, CHECK_NAME = "hq.store.example", "check.store.example"
HQ_PORT, CHECK_PORT = 8080, 80
HOSTS = ("r1", "r2", "r3", "printer", "display", "router", "stray")
PORTS = {"r1": "p1", "r2": "p2", "r3": "p3", "printer": "p4", "display": "p5", "router": "p6", "stray": "p7"}
"""Which port of the switch a host is at."""
NUMBERS = {"router": 1, "switch": 2, "r1": 11, "r2": 12, "r3": 13, "printer": 21, "display": 22, "stray": 66}
ROLES = (*HOSTS, "switch", "modem", "isp", "isp2", "internet", "cloud")
V4, V6 = "ipv4", "ipv6"
ANYCAST = {V4: ("192.0.2.53", "192.0.2.99"), V6: ("2001:db8:53::53", "2001:db8:53::99")}
HQ = {V4: "203.0.113.10", V6: "2001:db8:c0::10"}
CHECK = {V4: "203.0.113.20", V6: "2001:db8:c0::20"}
NAMES = {V4: "203.0.113.53", V6: "2001:db8:c0::53"}
ROUTER_LAN = {V4: "192.168.1.1", V6: "2001:db8:1::1"}
ROUTER_LINK_LOCAL = "fe80::1"
MODEM = "192.168.100.1"


def lan4(host: str) -> str:
    return f"192.168.1.{NUMBERS[host]}"


def lan6(host: str) -> str:
    return f"2001:db8:1::{NUMBERS[host]}"


def mac(host: str) -> str:
    return f"02:00:5e:01:00:{NUMBERS[host]:02d}"
