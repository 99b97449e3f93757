"""A device node (a serial port, a USB printer): opened for one job, by one program, and never waited for by the loop.

Opening, closing and status requests of a node may block in the kernel (a control transfer that a stuck device does not
answer, a port that waits for its last bytes): they run on a thread of their own, one at a time for each node, with a
deadline. Bytes go through a non-blocking descriptor and the event loop.
"""

import asyncio
import concurrent.futures
import errno
import fcntl
import os
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from tillkeeper_drivers.api import Connection, DeviceGone, Reason, TransportError
from tillkeeper_drivers.transport import holders

T = TypeVar("T")
MAX_READ = 4096
_LOOK_S = 1.0
"""Longest wait for an event before the call itself is tried again: usblp of older kernels reports no hang-up to poll(2)."""
_END_S = 1.5
"""How long a job that went well waits at its end for what is still under way (a serial line's last second), and again for the
node to close."""
_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)

Where = Callable[[], str]
"""The node of a device now; raises `TransportError` ("not_plugged_in", ...) where there is none. Blocks for milliseconds."""


class Blocking:
    """Blocking calls on one node, one after the other. A call that outlives its deadline ends by itself, on a thread that no
    exit waits for, and the next one waits for it."""

    def __init__(self) -> None:
        self._last: concurrent.futures.Future[None] | None = None

    def start(self, call: Callable[[], T]) -> "concurrent.futures.Future[T]":
        """Run `call` on a thread once the calls before have ended."""
        before, done = self._last, concurrent.futures.Future[T]()
        self._last = ended = concurrent.futures.Future[None]()
        done.set_running_or_notify_cancel()

        def work() -> None:
            if before is not None:
                before.result()
            try:
                done.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised where the result is waited for
                done.set_exception(error)
            finally:
                ended.set_result(None)

        threading.Thread(target=work, name="device-node", daemon=True).start()
        return done

    @property
    def busy(self) -> bool:
        """Whether a call is on."""
        return self._last is not None and not self._last.done()

    async def idle(self) -> None:
        """Until no call is on. Cancelling it cancels no call."""
        if self._last is not None and self.busy:
            loop = asyncio.get_running_loop()
            waiting: asyncio.Future[bool] = loop.create_future()
            self._last.add_done_callback(partial(_tell, loop, waiting))
            await waiting

    async def run(self, call: Callable[[], T], deadline_s: float, late: Callable[[T], None] | None = None) -> T:
        """The result of `call`.

        Args:
            late: takes the result where nobody waits for it any more; on the thread.

        Raises:
            TimeoutError: at the deadline; the call goes on, unless the one before it has not ended by then.
        """
        async with asyncio.timeout(deadline_s):
            await self.idle()
            done = self.start(call)
            try:
                return await asyncio.wrap_future(done)
            except asyncio.CancelledError:
                if late is not None:
                    done.add_done_callback(partial(_hand_over, late))
                raise


def _tell(
    loop: asyncio.AbstractEventLoop, waiting: "asyncio.Future[bool]", _ended: "concurrent.futures.Future[None]"
) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody waits
        loop.call_soon_threadsafe(_wake, waiting, True)


def _wake(waiting: "asyncio.Future[bool]", by_event: bool) -> None:
    if not waiting.done():
        waiting.set_result(by_event)


def _hand_over(late: Callable[[T], None], done: "concurrent.futures.Future[T]") -> None:
    if done.exception() is None:
        late(done.result())


class NodeTransport(ABC):
    """A device at the node `path`, or wherever `path` says that it is at each connection. `scheme` and the path make its name,
    members of `group` may open it."""

    scheme: str
    group: str

    def __init__(self, path: str | Where, known_as: str = "") -> None:
        """`known_as`: what to call a device whose node is not known yet."""
        self.path = "" if callable(path) else path
        self._where = path if callable(path) else None
        self._known_as = known_as
        self._blocking = Blocking()

    @property
    def name(self) -> str:
        return f"{self.scheme}:{self.path}" if self.path else self._known_as or self.scheme

    def connect(self, deadline_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open for one job, and for nobody else meanwhile.

        Raises:
            TransportError: bytes_left is False; "busy" (another program or device has it), "not_plugged_in" (no such node),
                "no_permission", "wrong_device" (two of this identity) or "unreachable" (not open in time, not such a node, or
                one that can not do what is asked of it: none is for ever).
        """
        return self._connect(deadline_s)

    @abstractmethod
    def _check(self) -> None:
        """Before opening. Raises `Unsuitable`; on the thread."""

    @abstractmethod
    def _prepare(self, fd: int) -> None:
        """After opening. Raises `Unsuitable` or OSError; on the thread."""

    @abstractmethod
    def _made(self, fd: int) -> "NodeConnection":
        """The connection over `fd`."""

    @abstractmethod
    def _release(self, fd: int) -> None:
        """Close `fd`. Raises OSError; on the thread."""

    @asynccontextmanager
    async def _connect(self, deadline_s: float) -> AsyncIterator[Connection]:
        fd = await self._open(deadline_s)
        try:
            connection = self._made(fd)
            await connection.begin()
            yield connection
            with suppress(TransportError, TimeoutError):
                async with asyncio.timeout(_END_S):
                    await connection.drain(_END_S)
        finally:
            self._blocking.start(partial(self._let_go, fd))
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_S):
                    await self._blocking.idle()

    async def _open(self, deadline_s: float) -> int:
        try:
            return await self._blocking.run(self._opened, deadline_s, late=self._let_go)
        except TimeoutError as error:
            raise self._failed("unreachable", f"not open within {deadline_s:g} s") from error
        except Unsuitable as error:
            raise self._failed("unreachable", str(error)) from error
        except BlockingIOError as error:  # another one holds the lock
            raise self._failed("busy", await self._with_holders("in use")) from error
        except OSError as error:
            raise await self._refused(error) from error

    def _opened(self) -> int:
        if self._where is not None:
            self.path = ""
            self.path = self._where()
        self._check()
        fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            if not stat.S_ISCHR(os.fstat(fd).st_mode):
                raise Unsuitable("it is no device")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._prepare(fd)
        except BaseException:  # whatever it is: let go of what is held, then pass it on
            os.close(fd)
            raise
        return fd

    def _let_go(self, fd: int) -> None:
        with suppress(OSError):
            self._release(fd)

    async def _refused(self, error: OSError) -> TransportError:
        if error.errno in (errno.EACCES, errno.EPERM):
            return self._failed("no_permission", f"not allowed: add the agent's user to the group {self.group!r}")
        if error.errno == errno.EBUSY:
            return self._failed("busy", await self._with_holders("in use"))
        if error.errno in _GONE:
            return self._failed("not_plugged_in", await self._with_holders("not there: unplugged, off, or under another name"))
        return self._failed("unreachable", error.strerror or type(error).__name__)

    async def _with_holders(self, words: str) -> str:
        with suppress(TimeoutError):
            if found := await self._blocking.run(partial(holders.of, self.path), _END_S):
                return f"{words}; {found}"
        return words

    def _failed(self, reason: Reason, cause: str) -> TransportError:
        return TransportError(reason, f"open {self.name}: {cause}", bytes_left=False)


class Unsuitable(Exception):
    """The node is there and is not what the config says, or can not do it."""


class NodeConnection(ABC):
    """An open node. `bytes_left` of an error of `write` is about the bytes of that call."""

    def __init__(self, fd: int, name: str, blocking: Blocking) -> None:
        self._fd = fd
        self._name = name
        self._blocking = blocking
        self._written = 0
        """Bytes that the kernel took, over the whole connection."""

    @abstractmethod
    async def begin(self) -> None:
        """What is to be done before the first byte. Raises `TransportError`, bytes_left=False."""

    async def write(self, data: bytes, deadline_s: float) -> None:
        """Hand all of `data` to the kernel, within `deadline_s` and the time that the line needs for it.

        Raises:
            TransportError: "offline" (the device takes nothing now, no byte left), "stalled" at the deadline, "lost" where the
                node vanished ("not_plugged_in" before any byte).
        """
        view = memoryview(data)
        limit_s = deadline_s + self._line_s(len(data))
        try:
            async with asyncio.timeout(limit_s):
                await self._blocking.idle()
                while view:
                    room = await self._room()
                    try:
                        sent = os.write(self._fd, view[:room])
                    except BlockingIOError:
                        await self._ready(write=True)
                        continue
                    self._written += sent
                    view = view[sent:]
                await self._paced()
        except TimeoutError as error:
            detail = f"{len(view) or 'the last'} of {len(data)} bytes not taken within {limit_s:g} s"
            raise self._stalled(detail, len(view) < len(data)) from error
        except OSError as error:
            raise self._gone(error, bytes_left=len(view) < len(data)) from error

    async def read(self, deadline_s: float) -> bytes:
        """1 to 4096 bytes. A node has no orderly end: `b""` never comes.

        Raises:
            TimeoutError: nothing came before the deadline.
            TransportError: "lost" where the node vanished ("not_plugged_in" before any byte was written).
        """
        loop = asyncio.get_running_loop()
        end_s = loop.time() + deadline_s
        # Each wait ends with one more look: a busy machine looks late, and what came or ended in time counts.
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end_s):
                await self._blocking.idle()
        if self._blocking.busy:
            raise TimeoutError
        while not (data := self._received()):
            if (left_s := end_s - loop.time()) <= 0:
                raise TimeoutError
            if data is None:
                await self._ready(write=False, longest_s=min(left_s, _LOOK_S))
            else:
                await self._nothing()
        return data

    def _received(self) -> bytes | None:
        """In one step, so that a deadline can not lose bytes already taken. None: nothing has come; `b""`: see `_take`."""
        try:
            return self._take()
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._gone(error, bytes_left=self._written > 0) from error

    @abstractmethod
    async def drain(self, deadline_s: float) -> None:
        """See `Connection.drain`."""

    @abstractmethod
    async def _room(self) -> int:
        """How many bytes may be handed over now, 1 or more; waits where none may. Raises OSError."""

    @abstractmethod
    async def _paced(self) -> None:
        """After the kernel took all: waits while that is far ahead of the device. Raises OSError."""

    @abstractmethod
    def _take(self) -> bytes:
        """Read what is there, `b""` where the kernel woke us for nothing. Raises OSError."""

    @abstractmethod
    async def _nothing(self) -> None:
        """The pause after a read that brought nothing."""

    def _line_s(self, count: int) -> float:
        """Seconds that the line itself needs for `count` bytes."""
        return 0.0

    def _stalled(self, detail: str, bytes_left: bool) -> TransportError:
        return TransportError("stalled", f"{self._name}: {detail}", bytes_left=bytes_left)

    def _gone(self, error: OSError, *, bytes_left: bool) -> TransportError:
        cause = error.strerror or type(error).__name__
        return DeviceGone("lost" if self._written else "not_plugged_in", f"{self._name}: {cause}", bytes_left=bytes_left)

    async def _ready(self, *, write: bool, longest_s: float = _LOOK_S) -> bool:
        """Until the node is ready or vanished, `longest_s` at most; False where nothing happened. It is watched no longer than
        that: while a status request is on, the loop's asking usblp for events would block."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(longest_s, _wake, ready, False)
        add: Callable[..., None] = loop.add_writer if write else loop.add_reader
        remove: Callable[..., bool] = loop.remove_writer if write else loop.remove_reader
        add(self._fd, _wake, ready, True)
        try:
            return await ready
        finally:
            timer.cancel()
            remove(self._fd)
