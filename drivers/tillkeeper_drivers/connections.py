"""A task for each connection of a small server, and the end of both without a socket that nobody closes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def stop_serving(server: asyncio.Server) -> None:
    """Refuse connections from now on. What the loop has accepted already is handed over, with `is_serving()` False: asyncio
    leaves it with a transport that nobody closes where the server is closed before."""
    loop = server.get_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
        listening.shutdown(socket.SHUT_RDWR)
    loop.call_soon(server.close)


async def start_serving(server: asyncio.Server) -> asyncio.Server:
    """Of one that was made with `start_serving=False`; gives it back. Cancelled, it leaves nothing that listens: asyncio's own
    `start_server` gives the loop a turn when it listens already, and nobody has the server then to close it. Raises OSError."""
    try:
        await server.start_serving()
    except BaseException:  # whatever it is, a cancellation too: let go of what listens, then pass it on
        stop_serving(server)
        raise
    return server


@contextlib.asynccontextmanager
async def connections(
    serve: Serve,
    where: socket.socket | tuple[str, int],
    *,
    name: str,
    line: int = 65_536,
    most: int = 64,
    admits: Callable[[str], bool] = lambda _peer: True,
) -> AsyncIterator[asyncio.Server]:
    """Serve until left; what is open then is cut off.

    Args:
        serve: its connection ends with it.
        where: address and port, or a socket that is bound.
        name: of the tasks.
        line: the longest line that a reader takes, in bytes.
        most: at once; further ones are cut off.
        admits: whether a peer, by its address, may speak at all; others are cut off without a word.

    Raises:
        OSError: it can not listen there.
    """
    tasks: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if not server.is_serving() or len(tasks) >= most or not admits(str(peer[0]) if peer else ""):
            writer.transport.abort()
            return
        task = asyncio.create_task(serve(reader, writer), name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        # A task that is cancelled before its first step runs no `finally`.
        task.add_done_callback(lambda _task: writer.transport.abort())

    if isinstance(where, tuple):
        server = await asyncio.start_server(accepted, *where, limit=line, start_serving=False)
    else:
        server = await asyncio.start_server(accepted, sock=where, limit=line, start_serving=False)
    await start_serving(server)
    try:
        yield server
    finally:
        stop_serving(server)
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
