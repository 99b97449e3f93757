"""Sockets that systemd made before the service started, and keeps while it is away (sd_listen_fds(3)): whoever connects too
early waits instead of being refused. What is taken here is closed by its user and nothing else: file, mode and group are
systemd's."""

import os
import socket
from collections.abc import MutableMapping

FIRST_FD = 3
"""SD_LISTEN_FDS_START."""
_NAMES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class ListeningInvalid(Exception):
    """What was handed over is not what systemd hands over."""


def take(environment: MutableMapping[str, str] = os.environ, pid: int = 0) -> list[tuple[str, socket.socket]]:
    """The listening stream sockets meant for this process, each with its FileDescriptorName=, in order; none where nobody made
    any. They can be taken once: the variables are gone afterwards, and no child inherits the sockets.

    Args:
        pid: of this process; 0 asks the system.

    Raises:
        ListeningInvalid: a number is none, or one of them is no listening stream socket. Those that are one are closed; what
            is none may be this process' own, and stays open.
    """
    said_pid, said_count, said_names = (environment.pop(name, "") for name in _NAMES)
    if not said_count or said_pid != str(pid or os.getpid()):
        return []
    try:
        count = int(said_count)
    except ValueError as error:
        raise ListeningInvalid(f"LISTEN_FDS is {said_count!r}") from error
    names = said_names.split(":") if said_names else []
    taken: list[tuple[str, socket.socket]] = []
    wrong: list[ListeningInvalid] = []
    for at in range(count):
        try:
            taken.append((names[at] if at < len(names) else "unknown", _listener(FIRST_FD + at)))
        except ListeningInvalid as error:
            wrong.append(error)
    if wrong:
        for _, one in taken:
            one.close()
        raise wrong[0]
    return taken


def _listener(handle: int) -> socket.socket:
    try:
        os.set_inheritable(handle, False)
        found = socket.socket(fileno=handle)
    except OSError as error:
        raise ListeningInvalid(f"file descriptor {handle} is no socket: {error.strerror}") from error
    listens = found.type == socket.SOCK_STREAM and found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if not listens:
        found.detach()
        raise ListeningInvalid(f"file descriptor {handle} is no listening stream socket")
    return found
