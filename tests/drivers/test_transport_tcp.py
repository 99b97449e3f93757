"""TCP on loopback, against peers that reset, close, never read, or are not there."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.drivers.fakes import FakePrinter, reset, tcp_peer
from tests.support.ports import free_port

from tillkeeper_drivers.api import Delivery, NotSent, OutcomeUnknown, PrintDocument, Text, TransportError
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.tcp import TcpConnection, TcpTransport

QUICK = Deadlines(pace=0.1, connect=1, write=0.3, confirm=0.3, answer=0.3, maybe=0.05, maybe_confirm=0.1, poll=0.05)
Handler = Callable[[socket.socket], Coroutine[Any, Any, None]]
BIG = b"x" * 30_000_000


async def nothing(sock: socket.socket) -> None:
    """Accepts and never reads."""


async def swallow(sock: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(sock, 65536):
        pass


def reset_after(count: int) -> Handler:
    async def handle(sock: socket.socket) -> None:
        taken = 0
        while taken < count:
            taken += len(await asyncio.get_running_loop().sock_recv(sock, count - taken))
        reset(sock)

    return handle


def test_bytes_travel_both_ways_and_drain_ends() -> None:
    async def echo(sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, await loop.sock_recv(sock, 100))

    async def run() -> bytes:
        async with tcp_peer(echo) as port, TcpTransport("127.0.0.1", port).connect(1) as connection:
            await connection.write(b"hello", 1)
            await connection.drain(1)
            return await connection.read(1)

    assert asyncio.run(run()) == b"hello"


def test_nobody_listens() -> None:
    port = free_port()

    async def run() -> None:
        async with TcpTransport("127.0.0.1", port).connect(1):
            pass

    with pytest.raises(TransportError) as caught:
        asyncio.run(run())
    assert (caught.value.reason, caught.value.bytes_left) == ("unreachable", False)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 700_000), ("x" * 300, 9100), ("", 0)])
def test_an_address_that_can_not_be_one(host: str, port: int) -> None:
    async def run() -> None:
        async with TcpTransport(host, port).connect(1):
            pass

    with pytest.raises(TransportError) as caught:
        asyncio.run(run())
    assert caught.value.reason == "unreachable"


def test_reading_keeps_its_deadline_and_sees_the_end() -> None:
    async def run() -> None:
        async with tcp_peer(nothing) as port, TcpTransport("127.0.0.1", port).connect(1) as connection:
            with pytest.raises(TimeoutError):
                await connection.read(0.05)

        async def bye(sock: socket.socket) -> None:
            sock.close()

        async with tcp_peer(bye) as port, TcpTransport("127.0.0.1", port).connect(1) as connection:
            assert await connection.read(1) == b""
            with pytest.raises(TransportError) as caught:
                await connection.write(b"x", 1)
            assert (caught.value.reason, caught.value.bytes_left) == ("busy", False)

    asyncio.run(run())


def test_an_answer_that_came_in_time_is_read_however_late_the_program_looks() -> None:
    async def run() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with TcpTransport("127.0.0.1", listener.getsockname()[1]).connect(1) as connection:
                peer, _ = listener.accept()

                def answer_and_stand_still() -> None:
                    peer.send(b"well")
                    time.sleep(0.1)

                with peer:
                    asyncio.get_running_loop().call_soon(answer_and_stand_still)
                    return await connection.read(0.05)

    assert asyncio.run(run()) == b"well"


def test_what_was_acknowledged_in_time_has_left_however_late_the_program_looks() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            async with TcpTransport("127.0.0.1", listener.getsockname()[1]).connect(1) as connection:
                peer, _ = listener.accept()
                peer.settimeout(0.2)

                def take_all_and_stand_still() -> None:
                    with contextlib.suppress(TimeoutError):
                        while peer.recv(1_000_000):
                            pass

                with peer:
                    with pytest.raises(TransportError):
                        await connection.write(BIG, 0.2)
                    asyncio.get_running_loop().call_soon(take_all_and_stand_still)
                    await connection.drain(0.1)

    asyncio.run(run())


def test_a_peer_that_never_reads_stalls_write_and_drain_and_says_that_bytes_left() -> None:
    async def run() -> None:
        async with tcp_peer(nothing) as port, TcpTransport("127.0.0.1", port).connect(1) as connection:
            with pytest.raises(TransportError) as caught:
                await connection.write(BIG, 0.2)
            assert (caught.value.reason, caught.value.bytes_left) == ("stalled", True)
            with pytest.raises(TransportError) as caught:
                await connection.drain(0.1)
            assert (caught.value.reason, caught.value.bytes_left) == ("stalled", True)

    asyncio.run(run())


def test_what_a_peer_never_took_is_given_up_with_the_connection_and_does_not_keep_it_busy() -> None:
    """A printer whose paper is out serves nobody else until its one connection ends."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        given_up = asyncio.Event()
        ended: asyncio.Future[tuple[int, str]] = loop.create_future()

        async def later(sock: socket.socket) -> None:
            await given_up.wait()
            count = 0
            try:
                while data := await loop.sock_recv(sock, 65_536):
                    count += len(data)
                ended.set_result((count, "in order"))
            except ConnectionResetError:
                ended.set_result((count, "reset"))

        async with tcp_peer(later) as port:
            with pytest.raises(TransportError, match="not taken"):
                async with TcpTransport("127.0.0.1", port).connect(1) as connection:
                    await connection.write(BIG, 0.5)
            given_up.set()
            async with asyncio.timeout(10):
                count, how = await ended
        assert how == "reset"
        assert count < len(BIG)

    asyncio.run(run())


async def fill(connection: TcpConnection) -> None:
    """What little room a full socket has yet."""
    for _ in range(20_000):
        await connection.write(b"x", 0.2)


def test_a_write_of_which_the_kernel_took_nothing_left_nothing() -> None:
    async def run() -> None:
        async with tcp_peer(nothing) as port:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
            connection = TcpConnection(sock)
            try:
                with pytest.raises(TransportError):
                    await connection.write(BIG, 0.2)
                with pytest.raises(TransportError) as caught:
                    await fill(connection)
                assert (caught.value.reason, caught.value.bytes_left) == ("stalled", False)
            finally:
                connection.close()

    asyncio.run(run())


def test_a_reset_before_the_first_byte_left_nothing() -> None:
    async def run() -> None:
        async def at_once(sock: socket.socket) -> None:
            reset(sock)

        async with tcp_peer(at_once) as port, TcpTransport("127.0.0.1", port).connect(1) as connection:
            with pytest.raises(TransportError):
                await connection.read(1)
            with pytest.raises(TransportError) as caught:
                await connection.write(b"x", 1)
            assert (caught.value.reason, caught.value.bytes_left) == ("busy", False)

    asyncio.run(run())


def test_a_reset_in_the_middle_is_lost_with_bytes_left() -> None:
    async def run() -> None:
        async with (
            tcp_peer(reset_after(1000)) as port,
            TcpTransport("127.0.0.1", port).connect(1) as connection,
        ):
            with pytest.raises(TransportError) as caught:
                await connection.write(BIG, 2)
            assert (caught.value.reason, caught.value.bytes_left) == ("lost", True)

    asyncio.run(run())


def test_drain_is_not_taken_in_by_a_reset_that_empties_the_queue() -> None:
    async def run() -> None:
        async with (
            tcp_peer(reset_after(10)) as port,
            TcpTransport("127.0.0.1", port).connect(1) as connection,
        ):
            await connection.write(b"y" * 10, 1)
            with pytest.raises(TransportError) as caught:
                await connection.read(1)
            assert caught.value.reason == "lost"
            with pytest.raises(TransportError) as caught:
                await connection.drain(1)
            assert (caught.value.reason, caught.value.bytes_left) == ("lost", True)

    asyncio.run(run())


def test_closing_over_unread_bytes_sends_an_orderly_end_and_no_reset() -> None:
    async def run() -> bytes:
        ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        said = asyncio.Event()

        async def chatty(sock: socket.socket) -> None:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, b"\x10\x00\x00\x00" * 100)
            said.set()
            first = await loop.sock_recv(sock, 100)
            try:
                ended.set_result(first + await loop.sock_recv(sock, 100))
            except ConnectionResetError:
                ended.set_result(b"reset")

        async with tcp_peer(chatty) as port:
            async with TcpTransport("127.0.0.1", port).connect(1) as connection:
                await connection.write(b"ticket", 1)
                await said.wait()  # on loopback what was sent is here
                await connection.drain(1)
            async with asyncio.timeout(2):
                return await ended

    assert asyncio.run(run()) == b"ticket"


# --- a whole printer on top ---


def printer(port: int, model: str = "tm-t88vi") -> EscPosPrinter:
    return EscPosPrinter("bar", TcpTransport("127.0.0.1", port), profile(model), deadlines=QUICK)


SLIP = PrintDocument("j", (Text("2 Burger"),))


def test_a_document_over_a_real_socket_is_confirmed() -> None:
    peer = FakePrinter()

    async def serve(sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(sock, 5):
            for byte in peer(data):
                await loop.sock_sendall(sock, bytes([byte]))

    async def run() -> Delivery:
        async with tcp_peer(serve) as port:
            return await printer(port).deliver(SLIP, b"ab12")

    assert asyncio.run(run()).by == "GS ( H"


@pytest.mark.parametrize(("count", "kind", "reason"), [(0, NotSent, "busy"), (8, OutcomeUnknown, "lost")])
def test_a_mute_model_reset_before_and_within_the_document(
    count: int, kind: type[NotSent | OutcomeUnknown], reason: str
) -> None:
    async def run() -> None:
        async with tcp_peer(reset_after(count)) as port:
            await printer(port, "generic-58").deliver(SLIP, b"ab12")

    with pytest.raises(kind) as caught:
        asyncio.run(run())
    assert caught.value.reason == reason


def test_a_mute_model_that_only_swallows_is_sent() -> None:
    async def run() -> Delivery:
        async with tcp_peer(swallow) as port:
            return await printer(port, "generic-58").deliver(SLIP, b"ab12")

    delivery = asyncio.run(run())
    assert (delivery.how, delivery.by) == ("sent", "none")
