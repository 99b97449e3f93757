"""A Logic Controls display at the other end: XML from a shared folder, or over TCP. A second reading of the vendor's tag
descriptions; nothing of it was checked against a real one.

    async with VirtualLogicControls(folder=shared) as kds:
        await kds.wait_shown(1, 5)
"""

import asyncio
import contextlib
import os
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tillkeeper_drivers.connections import connections
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen, Order, ScreenLine, spoilt

TAKE_EVERY_S = 0.02
MAX_REQUEST = 262_144
DEAF_S = 20.0


class VirtualLogicControls(ForeignScreen):
    """See the module.

    Args:
        folder: files appear here and are taken; None listens on TCP.
        host, port: where it listens without a folder; 0 takes a free port, and the same again after a power cut.
        answers_queries: TransType 5 is answered, on the same connection.
    """

    def __init__(
        self, folder: Path | None = None, *, host: str = "127.0.0.1", port: int = 0, name: str = "logic-controls",
        answers_queries: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(name)
        self.folder, self.host, self.port = folder, host, port
        self.answers_queries = answers_queries
        self.files: list[str] = []
        """Names of the files that it took, the last thousand."""

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        if self.folder is None:
            self.port = self.door.hold(self.host, self.port)
            await stack.enter_async_context(connections(self._serve, (self.host, self.port), name="logic controls"))
            return
        taking = asyncio.create_task(self._take_files(self.folder), name="logic controls folder")

        async def stop() -> None:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

        stack.push_async_callback(stop)

    # --- a folder ---

    async def _take_files(self, folder: Path) -> None:
        while True:
            if not self.deaf:
                for name in sorted(await asyncio.to_thread(os.listdir, folder)):
                    if name.endswith(".xml") and not name.startswith("."):
                        await asyncio.sleep(self.slow_s)
                        self._take(folder / name)
            await asyncio.sleep(TAKE_EVERY_S)

    def _take(self, file: Path) -> None:
        """In one step: a power cut is before or after it. Nothing where it was taken back meanwhile."""
        with contextlib.suppress(FileNotFoundError):
            data = file.read_bytes()
            file.unlink()
            self.files = [*self.files[-999:], file.name]
            self._transaction(data)

    # --- TCP ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = b""
        try:
            while chunk := await reader.read(4_096):
                data += chunk
                if len(data) > MAX_REQUEST:
                    return
                if b"</Transaction>" not in data:
                    continue
                await asyncio.sleep(self.slow_s)
                answer = self._transaction(data)
                data = b""
                if self.deaf:
                    await asyncio.sleep(DEAF_S)
                    return
                if self.fault in ("half_answer", "drip", "endless"):
                    async for part in spoilt(self.fault, answer):
                        writer.write(part)
                        await writer.drain()
                elif answer:
                    writer.write(b"\x00<b>no</Transaction>" if self.fault == "garbage" else answer)
                    await writer.drain()
        except ConnectionError:
            writer.transport.abort()

    # --- what is said ---

    def _transaction(self, data: bytes) -> bytes:
        """Do it; the answer to a query."""
        try:
            root = fromstring(data, forbid_dtd=True)
        except (ParseError, DefusedXmlException, ValueError):
            self.refused += 1
            return b""
        answer = Element("Transaction")
        for asked in root.iterfind("Order"):
            self._order(asked, answer)
        self.changed.notify()
        return bytes(tostring(answer)) if len(answer) else b""

    def _order(self, asked: Element, answer: Element) -> None:
        name, kind = asked.findtext("ID") or "", asked.findtext("TransType")
        known = self.orders.get(name)
        if kind == "5":
            if known is not None and self.answers_queries:
                said = SubElement(answer, "Order")
                SubElement(said, "ID").text = f"{name}0" if self.fault == "wrong_id" else name
                SubElement(said, "OrderStatus").text = "1" if known.bumped else "0"
            elif self.answers_queries:
                SubElement(answer, "Order")
            return
        if not name or kind not in ("1", "2", "3") or (kind != "1" and known is None) or self.fault == "error":
            self.refused += 1
            return
        self.taken += 1
        if kind == "2" and known is not None:
            known.bumped = True
            return
        order = known if known is not None else Order(name, [])
        texts = {tag: asked.findtext(tag) or "" for tag in ("Destination", "ServerName", "GuestTable", "UserInfo", "OrderType")}
        rush = f"*** {texts['OrderType']} ***" if texts["OrderType"] else ""
        head = " ".join(part for part in (name, texts["GuestTable"], texts["ServerName"]) if part)
        order.heads = [texts["Destination"] or name, head, rush, *texts["UserInfo"].split(" / ")]
        for item in asked.iterfind("Item"):
            _item(order, item)
        if known is None:
            self.show(order)


def _item(order: Order, item: Element) -> None:
    number, kind = item.findtext("ID") or "", item.findtext("TransType")
    if kind == "2":
        if number in order.lines:
            order.lines[number].struck = True
        return
    more = [condiment.findtext("Name") or "" for condiment in item.iterfind("Condiment")]
    order.lines[number] = ScreenLine(item.findtext("Quantity") or "1", item.findtext("Name") or "", more)
