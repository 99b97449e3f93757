"""Where registers find each other: [replication] and the addresses of [registers]. Pure."""

from tillkeeper.config import address as where
from tillkeeper.config.network_rules import is_address
from tillkeeper.config.raw import Report, Table, table, tables, text


def place(address: str, port: int) -> tuple[str, int]:
    """(host, port) of "host", "host:port" or "[v6]:port"; `port` where it says none."""
    if where.is_host_port(address, lowest=0):
        host, _, own = address.rpartition(":")
        return host.strip("[]"), int(own)
    return address.strip("[]"), port


def check(document: Table, report: Report) -> None:
    """Report each address that is none, and two registers at one."""
    replication = table(document, "replication")
    listen = text(replication, "listen")
    if listen and not is_address(place(listen, 1)[0]):
        report(("replication", "listen"), f"{listen!r} is not an address of this machine, as 192.168.1.10 or 0.0.0.0")
    port = replication.get("port", 7468)
    taken: dict[tuple[str, int], str] = {}
    for name, register in tables(document, "registers"):
        if not (address := text(register, "address")):
            continue
        path = ("registers", name, "address")
        host, at = place(address, port if isinstance(port, int) else 0)
        if not host or any(sign in host for sign in " /") or (":" in host and not is_address(host)):
            report(path, f"{address!r} is not host, host:port or an IP address")
        elif taken.setdefault((host, at), name) != name:
            report(path, f"register {taken[host, at]!r} has this address already")
