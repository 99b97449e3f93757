"""What systemd wants to hear of a service (sd_notify(3)): a datagram of NAME=value lines to `NOTIFY_SOCKET`."""

import os
import socket

MAX_BYTES = 4096


def notify(**states: str) -> bool:
    """Tell the manager `states`, as `notify(READY="1", STATUS="fine")`; line breaks in values become spaces.

    Never blocks and never fails the caller: a manager that does not listen loses the message.

    Returns:
        Whether it was sent; False where no manager asked for it.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not is_awaited():
        return False
    text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in states.items())
    if address.startswith("@"):  # the abstract namespace of unix(7)
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
        try:
            out.sendto(text.encode()[:MAX_BYTES], address)
        except OSError:
            return False
    return True


def is_awaited() -> bool:
    """Whether a manager waits for READY=1 (`Type=notify`)."""
    return os.environ.get("NOTIFY_SOCKET", "").startswith(("/", "@"))


def watchdog_s() -> float | None:
    """How often `notify(WATCHDOG="1")` is due: half of what the manager waits (sd_watchdog_enabled(3)), in seconds. None
    where it does not wait, or waits for another process."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        waits_us = int(os.environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return waits_us / 2e6 if waits_us > 0 else None
