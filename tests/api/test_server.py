"""Binding, and the end: what a register's start and stop must not break."""

import asyncio
import contextlib
import grp
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
import websockets
from tests.api.fake_till import FakeTill
from tests.api.serving import DEADLINE_S, TOKEN, problem, serving

from tillkeeper.api.app import create_app
from tillkeeper.api.auth import Access
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.server import ApiListen, ApiServer
from tillkeeper.api.sockets import BindFailed, bind_tcp, bind_unix

ORDER = {"order_type": "dine_in", "lines": [{"item_id": "a"}]}


def test_the_socket_belongs_to_its_group(tmp_path: Path) -> None:
    own = grp.getgrgid(os.getegid()).gr_name
    path = tmp_path / "s"
    with bind_unix(path, own):
        facts = path.stat()
        assert stat.S_IMODE(facts.st_mode) == 0o660
        assert facts.st_gid == os.getegid()


def test_nobody_gets_in_before_the_mode_is_set(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with bind_unix(path), socket.socket(socket.AF_UNIX) as early, pytest.raises(ConnectionRefusedError):
        early.connect(str(path))


def test_a_dead_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.is_socket()
    with bind_unix(path) as listener:
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_living_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(BindFailed, match="another process listens there"):
            bind_unix(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_nothing_but_a_socket_is_ever_removed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "s"
    if kind == "file":
        path.write_text("journal")
    elif kind == "link":
        (tmp_path / "target").write_text("journal")
        path.symlink_to("target")
    else:
        path.mkdir()
    with pytest.raises(BindFailed, match="another kind of file"):
        bind_unix(path)
    assert path.exists()


def test_what_can_not_be_bound_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(BindFailed, match="longer than"):
        bind_unix(tmp_path / ("x" * 120))
    with pytest.raises(BindFailed, match="no group"):
        bind_unix(tmp_path / "s", "no-such-group-here")
    assert not (tmp_path / "s").exists()
    with pytest.raises(BindFailed):
        bind_unix(tmp_path / "nowhere" / "s")


ELSEWHERE = ["0.0.0.0:80", "192.168.1.5:80", "[::]:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":80"]


@pytest.mark.parametrize("listen", ELSEWHERE)
def test_only_the_loopback_interface_is_listened_on(listen: str) -> None:
    with pytest.raises(BindFailed):
        bind_tcp(listen)


def test_a_port_that_is_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            app = create_app(FakeTill(), Access(TOKEN))
            with pytest.raises(BindFailed) as caught:
                await ApiServer(app, ApiListen(tmp_path / "s", "", f"127.0.0.1:{port}")).run()
            assert caught.value.hint

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_the_end_leaves_no_socket_and_touches_no_signal() -> None:
    def mine(_number: int, _frame: object) -> None:
        return

    async def scenario() -> Path:
        async with serving() as running:
            assert signal.getsignal(signal.SIGTERM) is mine
            assert running.bound.socket is not None
            assert running.bound.socket.is_socket()
            path = running.bound.socket
            running.task.cancel()
            await asyncio.wait({running.task}, timeout=DEADLINE_S)
            assert running.task.cancelled()
            assert not path.exists()
            return path

    before = signal.signal(signal.SIGTERM, mine)
    try:
        asyncio.run(scenario())
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_end_removes_no_socket_of_a_successor() -> None:
    async def scenario() -> None:
        async with serving() as running:
            path = running.bound.socket
            assert path is not None
            path.unlink()
            with bind_unix(path):
                running.task.cancel()
                await asyncio.wait({running.task}, timeout=DEADLINE_S)
                assert path.is_socket()

    asyncio.run(scenario())


def test_requests_at_work_are_finished_at_the_end() -> None:
    async def scenario() -> None:
        till = FakeTill()
        till.hang = asyncio.Event()
        async with serving(till=till) as running:
            order = asyncio.ensure_future(running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "a"}))
            async with asyncio.timeout(DEADLINE_S):
                await till.entered.wait()
            running.task.cancel()
            await asyncio.sleep(0)
            till.hang.set()
            assert (await order).status_code == 200
            await asyncio.wait({running.task}, timeout=DEADLINE_S)
            assert running.task.cancelled()

    asyncio.run(scenario())


def test_a_request_that_hangs_is_answered_and_does_not_hold_up_the_end() -> None:
    async def scenario() -> None:
        till = FakeTill()
        till.hang = asyncio.Event()
        async with serving(ApiLimits(shutdown_s=1), till) as running:
            order = asyncio.ensure_future(running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "a"}))
            async with asyncio.timeout(DEADLINE_S):
                await till.entered.wait()
            running.task.cancel()
            members = problem(await order, 503, "overloaded")
            assert members["cause"] == "the agent is stopping"
            assert members["retry_safe"] is True
            done, _ = await asyncio.wait({running.task}, timeout=DEADLINE_S)
            assert done

    asyncio.run(scenario())


def test_live_clients_and_displays_are_told_of_the_end() -> None:
    async def scenario() -> None:
        async with serving() as running:
            bearer = {"authorization": f"Bearer {TOKEN}"}
            async with (
                websockets.connect(running.ws_url + "/v1/live", additional_headers=bearer, proxy=None) as live,
                websockets.connect(running.ws_url + "/v1/kitchen/pass", additional_headers=bearer, proxy=None) as display,
            ):
                await live.recv()
                await display.recv()
                running.task.cancel()
                async with asyncio.timeout(DEADLINE_S):
                    await live.wait_closed()
                    await display.wait_closed()
                assert (live.close_code, display.close_code) == (1012, 1012)
            assert running.till.hub.readers == 0

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_does_not_outlive_the_end() -> None:
    async def scenario(deaf: socket.socket) -> None:
        async with serving(ApiLimits(shutdown_s=1, stall_s=600.0)) as running:
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, ("127.0.0.1", running.port))
            ask = f"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            with contextlib.suppress(TimeoutError):  # until it gets no further: all buffers are full
                async with asyncio.timeout(1.0):
                    await loop.sock_sendall(deaf, ask.encode() * 50_000)

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.setblocking(False)
        asyncio.run(scenario(deaf))
        deaf.settimeout(DEADLINE_S)
        with contextlib.suppress(ConnectionResetError):
            while deaf.recv(65_536):
                pass


def test_a_second_server_on_the_same_socket_does_not_start() -> None:
    async def scenario() -> None:
        async with serving() as running:
            second = ApiServer(create_app(FakeTill(), Access(TOKEN)), ApiListen(running.bound.socket))
            with pytest.raises(BindFailed, match="another process listens there"):
                await second.run()
            assert (await running.unix.get("/v1/health")).status_code == 200

    asyncio.run(scenario())
