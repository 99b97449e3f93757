"""A cable that is pulled between the question and the kick: when it is back, the drawer stays shut."""

import asyncio
import socket

import pytest
from tests.devices.lan import Lan, lan
from tests.lab.spaces import ip

from tillkeeper_drivers.api import OutcomeUnknown, PulseDocument
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.tcp import TcpConnection, TcpTransport

QUICK = Deadlines(connect=2, write=0.6, confirm=1, answer=1, pin=0.5)
MODEL = profile("tm-t88vi")
AGAIN_S = 60.0
"""The kernel sends again ever more seldom."""
KICK = b"\x1bp"


class Printer:
    """Answers `DLE EOT`; after its last answer before a kick, nothing of the register reaches it any more."""

    def __init__(self, there: Lan, *, pulled: bool) -> None:
        self._lan, self._pulled = there, pulled
        self.received = bytearray()
        self.heard = asyncio.Event()

    def pull(self) -> None:
        """What the register sends goes to nobody; what the printer says still comes."""
        self._sends_to("02:00:5e:10:00:99")

    def plug(self) -> None:
        self._sends_to(self._lan.mac("printer"))

    def _sends_to(self, mac: str) -> None:
        ip(self._lan.space("register"), f"neigh replace {self._lan.address('printer')} lladdr {mac} nud permanent dev eth0")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                self.received += data
                self.heard.set()
                for at in range(len(data) - 2):
                    if data[at : at + 2] == b"\x10\x04":
                        if self._pulled and data[at + 2] == MODEL.preflight[-1]:
                            self.pull()
                        writer.write(b"\x12")
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


async def started(there: Lan, printer: Printer) -> asyncio.Server:
    door = there.socket("printer", socket.SOCK_STREAM)
    door.bind(("", 9100))
    return await asyncio.start_server(printer.serve, sock=door)


async def marker(there: Lan) -> TcpConnection:
    """An ordinary connection beside it: what it writes does come in the end."""
    sock = there.socket("register", socket.SOCK_STREAM)
    await asyncio.get_running_loop().sock_connect(sock, (there.address("printer"), 9100))
    return TcpConnection(sock)


@pytest.mark.root
@pytest.mark.parametrize("hold", [False, True])
def test_a_kick_that_a_pulled_cable_stopped_never_comes(*, hold: bool) -> None:
    async def run(there: Lan) -> None:
        printer = Printer(there, pulled=True)
        async with await started(there, printer):
            ordinary = await marker(there)
            transport = TcpTransport(there.address("printer"), 9100)
            driver = EscPosPrinter("till", transport, MODEL, {2: "drawer"}, QUICK, hold=hold)
            with pytest.raises(OutcomeUnknown):
                await driver.deliver(PulseDocument("j", pin=2, on_ms=100), b"ab12")
            await ordinary.write(b"marker", 1)
            ordinary.close()
            assert KICK not in printer.received
            printer.plug()
            async with asyncio.timeout(AGAIN_S):
                while b"marker" not in printer.received:
                    printer.heard.clear()
                    await printer.heard.wait()
            assert KICK not in printer.received, "the drawer opened late"

    with lan("printer") as there:
        asyncio.run(run(there))


@pytest.mark.root
def test_a_kick_that_arrives_ends_in_order() -> None:
    async def run(there: Lan) -> None:
        printer = Printer(there, pulled=False)
        async with await started(there, printer):
            transport = TcpTransport(there.address("printer"), 9100)
            driver = EscPosPrinter("till", transport, MODEL, {2: "drawer"}, QUICK)
            assert (await driver.deliver(PulseDocument("j", pin=2, on_ms=100), b"ab12")).how == "sent"
            assert printer.received.count(KICK) == 1

    with lan("printer") as there:
        asyncio.run(run(there))
