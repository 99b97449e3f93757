"""What the prober's unit lets a program do, said as JSON: the books, the agent's API, devices, packets through scapy."""

import errno
import json
import os
import socket


def attempt(path: str) -> str:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "opened"


def api() -> str:
    try:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect("/run/tillkeeper/tillkeeper.sock")
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno))
    return "connected"


def packet() -> str:
    """One frame sent and seen again on the loopback, by scapy."""
    from scapy.config import conf
    from scapy.layers.inet import ICMP, IP
    from scapy.layers.l2 import Ether

    with conf.L2socket(iface="lo") as line:
        line.send(Ether() / IP(dst="127.0.0.1") / ICMP())
        got = line.recv()
    return "sent and seen" if got is not None else "nothing"


def counters() -> list[str]:
    """All that the prober asks psutil for."""
    import psutil

    psutil.cpu_percent(None)
    psutil.net_if_stats()
    return sorted(psutil.net_io_counters(pernic=True, nowrap=False))


def main() -> None:
    said = {
        "books": {path: attempt(path) for path in ("/var/lib/tillkeeper", "/var/lib/tillkeeper/journal.db")},
        "devices": {path: attempt(path) for path in ("/dev/vda", "/dev/usb/lp0", "/dev/input/event0")},
        "api": api(),
        "scapy": packet(),
        "psutil": counters(),
        "uid": os.getuid(),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
