"""Where the API listens: a unix socket that belongs to a group, and a port of the loopback interface."""

import errno
import grp
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from tillkeeper.errors import TillkeeperError

SOCKET_MODE = 0o660
MAX_SOCKET_PATH = 107
"""`sun_path` of unix(7) has 108 bytes, one for the NUL."""
LOOPBACK = {"127.0.0.1", "localhost"}
GIVEN_NAMES = ("api", "api-tcp")
"""FileDescriptorName= of the socket units that are the API's. One unit has one name, whatever it listens on."""


class BindFailed(TillkeeperError):
    """The API can not listen where it should."""

    code = "bind_failed"
    retry_safe = True


def bind_unix(path: Path, group: str = "") -> socket.socket:
    """A bound socket that nobody can connect to yet (it does not listen), mode 0660, of `group` where one is given.

    An old socket file is removed only if nobody answers on it. Nothing else is ever removed.

    Raises:
        BindFailed: another process listens there, another kind of file is there, or the system refuses.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise BindFailed("listen", str(path), f"longer than {MAX_SOCKET_PATH} bytes", "set a shorter `socket` in [api]")
    _remove_dead(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
        if group:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
    except KeyError as error:
        _give_up(listener, path)
        raise BindFailed("listen", str(path), f"there is no group {group}", "create it or change `socket_group`") from error
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            _give_up(listener, path)
        listener.close()
        raise BindFailed("listen", str(path), error.strerror or str(error), "the agent must own the folder") from error
    return listener


def _give_up(listener: socket.socket, path: Path) -> None:
    listener.close()
    path.unlink(missing_ok=True)


def _remove_dead(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise BindFailed("listen", str(path), error.strerror or str(error)) from error
    if not stat.S_ISSOCK(mode):
        raise BindFailed("listen", str(path), "there is another kind of file", "move it away, it will not be deleted")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        answer = probe.connect_ex(str(path))
    if answer == errno.ECONNREFUSED:  # the proof: the file is there and no process has it open to listen
        path.unlink(missing_ok=True)
    elif answer != errno.ENOENT:
        cause = "another process listens there" if answer == 0 else os.strerror(answer)
        raise BindFailed("listen", str(path), cause, "is an agent running already? see `tillkeeper status`")


def bind_tcp(listen: str) -> socket.socket:
    """A bound socket on "127.0.0.1:PORT"; port 0 takes any.

    Raises:
        BindFailed: not a loopback address, or the port is taken.
    """
    host, _, port = listen.rpartition(":")
    if host not in LOOPBACK or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise BindFailed("listen", listen, "it is not 127.0.0.1:PORT", "the API listens on the loopback interface only")
    # With proto=0 asyncio does not set TCP_NODELAY on what it accepts: 44 ms instead of 0.9 ms a POST.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(port)))
    except OSError as error:
        listener.close()
        hint = "change `listen` in [api], or end who has it"
        raise BindFailed("listen", listen, error.strerror or str(error), hint) from error
    return listener


def given_sockets(taken: Sequence[tuple[str, socket.socket]], listen: str) -> tuple[socket.socket, ...]:
    """The API's listening sockets that systemd made (`tillkeeper_systemd.listening.take`): unix sockets, and the loopback port
    that `listen` of the configuration names, for that setting alone decides which port there is.

    Raises:
        BindFailed: a socket of another name, on another address or of another kind. All are closed.
    """
    try:
        for name, one in taken:
            _check_given(name, one, listen)
    except BindFailed:
        for _, one in taken:
            one.close()
        raise
    return tuple(one for _, one in taken)


def _check_given(name: str, one: socket.socket, listen: str) -> None:
    if name not in GIVEN_NAMES:
        hint = f"FileDescriptorName= of the socket unit is one of {', '.join(GIVEN_NAMES)}"
        raise BindFailed("listen", f"socket {name}", "systemd handed over a socket that the agent has no use for", hint)
    if one.family == socket.AF_UNIX:
        return
    where = one.getsockname()
    said = f"{where[0]}:{where[1]}"
    host, _, port = listen.rpartition(":")
    if one.family != socket.AF_INET or where[0] != "127.0.0.1" or host not in LOOPBACK or port not in (str(where[1]), "0"):
        cause = f"`listen` in [api] says {listen or 'no port at all'}"
        raise BindFailed("listen", said, cause, "ListenStream= of the socket unit has to be the same 127.0.0.1:PORT")


def file_identity(path: Path) -> tuple[int, int] | None:
    """Which file a path leads to now, so that at the end only the own one is removed."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
