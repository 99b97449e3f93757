"""Where the prober comes in: a unix socket on which the agent listens. Whatever comes through it can not hurt the agent: who
connects is asked for its user, lines and rates are bounded, and garbage ends the connection and nothing else."""

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from tillkeeper import clock
from tillkeeper.api.sockets import BindFailed, bind_unix, file_identity
from tillkeeper.network.wire import MAX_LINE, SILENT_S, FromAgent, FromProber, Hello, Occupied

log = logging.getLogger(__name__)

HELLO_S = 5.0
"""A connection that has not said hello by then is ended."""
WAITING = 4
"""Connections that have not said hello yet; one more is ended at once."""
AT_ONCE = 4
"""Connections taken in one turn of the loop, and as many wait for the next: a storm of them shares the loop with the orders."""
LINES_PER_S = 50.0
"""More is not read: the sender has to wait. A prober says about one line a second, and one on every change."""
BURST = 20.0
UNSENT_BYTES = 64 * 1024
"""A prober that does not read: no more than this is kept for it."""
AGAIN_S = 5.0
"""After so long listening is tried again where it was refused."""
MAX_PID = 2**22
"""As pid_max of proc_sys_kernel(5) has it at most."""
_CREDENTIALS = struct.Struct("3i")
"""struct ucred of unix(7): pid, uid, gid."""

_decode = msgspec.json.Decoder(FromProber).decode
_encode = msgspec.json.Encoder().encode


class ProberDoor:
    """Owns the socket. One prober at a time, the first: who says hello while it speaks is told so and has to go. One that has
    been silent for `SILENT_S` makes room.

    Args:
        path: of the socket; mode 0660, and of the group of `user` where its folder gives it that one (setgid, as tmpfiles.d
            makes it) or the agent may set it.
        user: whose processes may connect, besides root's and the agent's own.
        came: a prober has said hello; gone: it went; second: one said hello and had to go.
        take: one message of the present prober; called on the loop, must not wait.
    """

    def __init__(
        self,
        path: Path,
        user: str,
        *,
        came: Callable[[Hello], None],
        take: Callable[[FromProber], None],
        gone: Callable[[], None],
        second: Callable[[Hello], None],
    ) -> None:
        self._path, self._user = path, user
        self._came, self._take, self._gone, self._second = came, take, gone, second
        self._serving: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._present: asyncio.StreamWriter | None = None
        self._pid = 0
        self._heard_s = 0.0
        self._uids: frozenset[int] = frozenset({0, os.geteuid()})
        self._complained = ""

    async def run(self) -> None:
        """Until cancelled. A socket that can not be had is tried for again and again: nothing else waits for it."""
        while True:
            try:
                listener = bind_unix(self._path)
            except BindFailed as error:
                self._complain(f"the prober can not come in: {error}")
                await asyncio.sleep(AGAIN_S)
                continue
            own = file_identity(self._path)
            self._let_in()
            server = await asyncio.start_unix_server(self._accepted, sock=listener, limit=MAX_LINE, backlog=AT_ONCE)
            try:
                await asyncio.get_running_loop().create_future()  # never done: only a cancellation ends it
            finally:
                server.close()
                for task in self._serving:
                    task.cancel()
                if self._serving:
                    await asyncio.wait(tuple(self._serving))
                if own is not None and file_identity(self._path) == own:
                    self._path.unlink(missing_ok=True)

    def _let_in(self) -> None:
        """The prober's user may connect: by the file's group, and by its uid."""
        try:
            found = pwd.getpwnam(self._user) if self._user else None
        except KeyError:
            found = None
        if found is None:
            return
        self._uids |= {found.pw_uid}
        try:
            if self._path.stat().st_gid != found.pw_gid:
                os.chown(self._path, -1, found.pw_gid)
        except OSError as error:  # not a member of that group, or a namespace that does not know it
            log.info("the prober's socket keeps its group: %s", error)

    def send(self, message: FromAgent) -> bool:
        """Whether it went out; False where there is no prober, or one that does not read."""
        writer = self._present
        if writer is None or writer.transport.is_closing() or writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            return False
        writer.write(_encode(message) + b"\n")
        return True

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = peer_uid(writer.get_extra_info("socket"))
        may = uid in self._uids
        if not may or self._waiting >= WAITING:
            self._complain("too many probers at once" if may else f"a process of uid {uid} may not be the prober")
            writer.transport.abort()
            return
        self._waiting += 1
        task = asyncio.create_task(self._serve(reader, writer), name="network.prober")
        self._serving.add(task)
        task.add_done_callback(lambda done: self._served(done, writer))

    def _served(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        """A task that is cancelled before its first step runs no `finally`: so the connection is ended here."""
        self._serving.discard(task)
        writer.transport.abort()
        if not task.cancelled() and (defect := task.exception()) is not None:
            log.error("the prober's connection is ended by a defect of ours", exc_info=defect)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            try:
                async with asyncio.timeout(HELLO_S):
                    hello = await _message(reader)
            finally:
                self._waiting -= 1
            if not isinstance(hello, Hello):
                raise _Garbage("the first line is no hello")
            if self._takes_place(writer, hello):
                await self._listen(reader, writer)
        except (_Garbage, TimeoutError) as error:
            self._complain(f"the prober's connection is ended: {str(error) or 'it said no hello'}")
        except (EOFError, OSError) as error:
            log.info("the prober has gone: %s", error)
        finally:
            if self._present is writer:
                self._present = None
                self._gone()

    def _takes_place(self, writer: asyncio.StreamWriter, hello: Hello) -> bool:
        before, now_s = self._present, clock.boot_s()
        pid = min(max(0, hello.pid), MAX_PID)
        if before is not None and now_s - self._heard_s <= SILENT_S:
            writer.write(_encode(Occupied(pid=self._pid)) + b"\n")
            self._second(hello)
            return False
        self._present, self._pid, self._heard_s = writer, pid, now_s
        if before is not None:
            # Straight to the kernel where nothing waits; a prober that does not read does not hear it.
            before.write(_encode(Occupied(pid=pid)) + b"\n")
            before.transport.abort()
            self._gone()
        self._complained = ""
        self._came(hello)
        return True

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        allowed, at_s = BURST, clock.boot_s()
        while self._present is writer:
            message = await _message(reader)
            if isinstance(message, Hello):
                raise _Garbage("a second hello")
            if self._present is not writer:
                return
            self._take(message)
            self._heard_s = now_s = clock.boot_s()
            allowed, at_s = min(BURST, allowed + (now_s - at_s) * LINES_PER_S) - 1.0, now_s
            if allowed < 0.0:
                await asyncio.sleep(-allowed / LINES_PER_S)

    def _complain(self, words: str) -> None:
        """Once for each kind of trouble in a row: whoever knocks all day does not fill the log."""
        if words != self._complained:
            self._complained = words
            log.warning("%s", words)


class _Garbage(Exception):
    """What came is not what a prober says."""


async def _message(reader: asyncio.StreamReader) -> FromProber:
    """The next line. Raises `_Garbage`, `EOFError`, `OSError`."""
    try:
        line = await reader.readuntil(b"\n")
        message: FromProber = _decode(line)
    except asyncio.LimitOverrunError as error:
        raise _Garbage(f"a line of more than {MAX_LINE} bytes") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _Garbage(f"a line that is none of ours: {str(error)[:200]}") from error
    return message


def peer_uid(connection: socket.socket) -> int | None:
    """The uid of the process at the other end, as the kernel noted it when it connected (SO_PEERCRED, unix(7))."""
    with contextlib.suppress(OSError, struct.error):
        _pid, uid, _gid = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        return int(uid)
    return None
