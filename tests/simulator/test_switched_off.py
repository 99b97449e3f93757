"""A virtual device that is off keeps its port: calls are refused, and nobody else is given it (simulator/door.py)."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.ports import free_port, is_given_to_others

from tillkeeper_drivers.simulator.epson_kds import VirtualEpsonKds
from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds
from tillkeeper_drivers.simulator.gateway import VirtualGateway
from tillkeeper_drivers.simulator.logic_controls import VirtualLogicControls
from tillkeeper_drivers.simulator.printer import VirtualPrinter


def receipt_printer(**where: Any) -> VirtualPrinter:
    return VirtualPrinter("tm-t88vi", speed_mm_s=0, **where)


def star_printer(**where: Any) -> VirtualPrinter:
    return VirtualPrinter("mc-print3", speed_mm_s=0, **where)


DEVICES = (receipt_printer, star_printer, VirtualEpsonKds, VirtualFreshKds, VirtualLogicControls, VirtualGateway)
ALL = pytest.mark.parametrize("made", DEVICES)


@ALL
def test_a_device_that_is_off_keeps_its_port(made: Callable[..., Any]) -> None:
    async def scene() -> None:
        async with made() as device:
            port = device.port
            for _ in range(2):
                if (off := device.power_off()) is not None:
                    await off
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port), 5)
                assert not is_given_to_others(port)
                await device.power_on()
                assert device.port == port
                with socket.create_connection(("127.0.0.1", port), 5):
                    pass

    asyncio.run(scene())


@ALL
def test_a_port_that_somebody_listens_on_is_refused_and_not_kept(made: Callable[..., Any]) -> None:
    async def scene() -> None:
        port = free_port()
        with socket.create_server(("127.0.0.1", port)), pytest.raises(OSError, match="Address already in use"):
            async with made(port=port):
                pass
        async with made(port=port) as device:
            assert device.port == port

    asyncio.run(scene())


@ALL
@pytest.mark.parametrize("turns", range(5))
def test_a_connection_that_comes_as_it_goes_off_is_closed(made: Callable[..., Any], turns: int) -> None:
    """Accepted by the loop and not yet handed over: asyncio's own server then leaves a transport that nobody closes."""

    async def scene() -> socket.socket:
        async with made() as device:
            caller = socket.create_connection(("127.0.0.1", device.port), 5)
            for _ in range(turns):
                await asyncio.sleep(0)
        return caller

    with asyncio.run(scene()) as caller, contextlib.suppress(ConnectionResetError):
        assert caller.recv(1) == b""
    gc.collect()  # a ResourceWarning is an error


@ALL
@pytest.mark.parametrize("turns", range(4))
def test_who_is_cancelled_while_it_switches_on_leaves_nothing_open(made: Callable[..., Any], turns: int) -> None:
    async def scene() -> None:
        async with made() as device:
            if (off := device.power_off()) is not None:
                await off
            turning = asyncio.ensure_future(device.power_on())
            for _ in range(turns):
                await asyncio.sleep(0)
            turning.cancel()
            await asyncio.wait({turning})
            await device.power_on()
            with socket.create_connection(("127.0.0.1", device.port), 5):
                pass

    asyncio.run(scene())
    gc.collect()  # a ResourceWarning is an error
