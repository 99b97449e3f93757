"""What a test's registers are called by stays theirs, also while nobody listens there (tests/support/ports.py)."""

import asyncio
import socket

import pytest
from tests.support.lines import Line
from tests.support.ports import free_port, is_given_to_others

from tillkeeper.cli.internet import Internet


def test_a_port_that_nobody_has_bound_yet_is_held_and_can_be_bound_again_and_again() -> None:
    port = free_port()
    assert not is_given_to_others(port)
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port), 5) as caller:
            server.accept()[0].close()
            assert not caller.recv(1)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5)
        assert not is_given_to_others(port)


@pytest.mark.parametrize("kind", [Line, Internet])
def test_a_line_that_is_cut_keeps_its_port(kind: type[Line] | type[Internet]) -> None:
    async def scene() -> None:
        async with kind(("127.0.0.1", free_port())) as line:
            port = line.address[1]
            await line.cut()
            assert not is_given_to_others(port)
            await (line.mend() if isinstance(line, Line) else line.restore())
            assert line.address[1] == port
            with socket.create_connection(line.address, 5):
                pass

    asyncio.run(scene())


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("kind", [Line, Internet])
def test_who_is_cancelled_while_a_line_is_mended_leaves_nothing_open(kind: type[Line] | type[Internet], turns: int) -> None:
    async def scene() -> None:
        async with kind(("127.0.0.1", free_port())) as line:
            await line.cut()
            mending = asyncio.ensure_future(line.mend() if isinstance(line, Line) else line.restore())
            for _ in range(turns):
                await asyncio.sleep(0)
            mending.cancel()
            await asyncio.wait({mending})
            await line.cut()
            await (line.mend() if isinstance(line, Line) else line.restore())
            with socket.create_connection(line.address, 5):
                pass

    asyncio.run(scene())
