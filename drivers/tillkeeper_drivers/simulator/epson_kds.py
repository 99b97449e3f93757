"""An Epson KDS at the other end: HTTP JSON in, callbacks out. A second reading of Epson's manuals (docs/kitchen-displays.md).

    async with VirtualEpsonKds() as kds:
        orders = await kds.wait_shown(1, 5)
        await kds.bump(orders[0].name)

It is strict where the manuals are: fields are ASCII of at most 35 characters (20 for table and check), an `itemid` is positive
and unique in its order, a check is new once, and only what is there can be appended to or voided.
"""

import asyncio
import contextlib
import json
from typing import Any

import httpx

from tillkeeper_drivers.httpd import Answer, Asked, serving
from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen, Order, ScreenLine, spoilt

SERVICE = "/cgi-bin/kdsapi/service.cgi"
DEAF_S = 20.0
"""So long a deaf one keeps a connection."""
TRIGGERS = ("onbump", "onenter", "onpriority", "onrush")


class _No(Exception):
    """Refused, with a code of its own."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class VirtualEpsonKds(ForeignScreen):
    """See the module.

    Args:
        host, port: where its web service listens; 0 takes a free port, and the same again after a power cut.
        answers_orders: its "status" answers list the orders; False is a display that tells nothing there.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, name: str = "epson", answers_orders: bool = True) -> None:
        super().__init__(name)
        self.host, self.port = host, port
        self.answers_orders = answers_orders
        self.callbacks: dict[int, tuple[str, str]] = {}
        """By their ids: trigger and URL."""
        self.requests: list[dict[str, Any]] = []
        """The last thousand, as they came."""
        self.untold = 0
        """Callbacks that nobody took."""

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        self.port = self.door.hold(self.host, self.port)
        await stack.enter_async_context(serving(self.host, self.port, self._asked, most=32))

    def forget(self) -> None:
        super().forget()
        self.callbacks.clear()

    async def _asked(self, asked: Asked) -> Answer:
        if asked.method != "POST" or asked.path != SERVICE:
            return Answer(404)
        try:
            body = json.loads(asked.body)
            if not isinstance(body, dict) or not isinstance(body.get("seq"), int):
                raise _No(2, "no seq")
        except (ValueError, RecursionError):
            return Answer(400)
        except _No as no:
            return self._answer({"errorcode": no.code, "errormessage": str(no)})
        self.requests = [*self.requests[-999:], body]
        await asyncio.sleep(self.slow_s)
        answer: dict[str, Any] = {"seq": body["seq"], "type": body.get("type"), "errorcode": 0}
        try:
            if self.fault == "error":
                raise _No(9, "order memory is full")
            answer |= await self._do(body)
        except _No as no:
            self.refused += 1
            answer |= {"errorcode": no.code, "errormessage": str(no)}
        self.changed.notify()
        if self.deaf:
            await asyncio.sleep(DEAF_S)
            return Answer(200, length=1, chunks=spoilt("", b""))
        return self._answer(answer)

    def _answer(self, answer: dict[str, Any]) -> Answer:
        if self.fault == "wrong_id":
            answer["seq"] = answer.get("seq", 0) + 1
        whole = json.dumps(answer).encode()
        if self.fault == "garbage":
            return Answer(200, b"<html><body>It works!</body></html>")
        if self.fault in ("half_answer", "drip", "endless"):
            length = len(whole) if self.fault != "endless" else 1 << 40
            return Answer(200, length=length, chunks=spoilt(self.fault, whole))
        return Answer(200, whole)

    # --- what is asked ---

    async def _do(self, body: dict[str, Any]) -> dict[str, Any]:
        match body.get("type"):
            case "new":
                await self._new(body)
            case "append":
                self._append(body)
            case "void":
                self._void(body)
            case "status":
                return self._status() if self.answers_orders else {}
            case "callback":
                self._callback(body)
            case other:
                raise _No(3, f"no request of type {other!r}")
        return {}

    async def _new(self, body: dict[str, Any]) -> None:
        check = _text(body, "check", 20)
        if check in self.orders and not self.orders[check].bumped:
            raise _No(4, f"check {check} is there already")
        order = Order(check, [f"{check}  {_text(body, 'table', 20)}  {_text(body, 'server', 35)}".strip()])
        _fill(order, body)
        self.show(order)
        self.taken += 1
        await self._tell("onenter", order, {})

    def _append(self, body: dict[str, Any]) -> None:
        _fill(self._open(body), body)
        self.taken += 1

    def _void(self, body: dict[str, Any]) -> None:
        order = self._open(body)
        wanted = [str(item.get("itemid")) for item in _items(body)] if "itemlist" in body else list(order.lines)
        if not set(wanted) <= set(order.lines):
            raise _No(6, "no such item")
        for number in wanted:
            order.lines[number].struck = True
        self.taken += 1

    def _open(self, body: dict[str, Any]) -> Order:
        order = self.orders.get(_text(body, "check", 20))
        if order is None or order.bumped:
            raise _No(5, "no such check")
        return order

    def _status(self) -> dict[str, Any]:
        return {
            "orderlist": [
                {
                    "check": order.name,
                    "status": "bumped" if order.bumped else "open",
                    "itemlist": [{"itemid": int(number)} for number, line in order.lines.items() if not line.struck],
                }
                for order in self.orders.values()
            ]
        }

    def _callback(self, body: dict[str, Any]) -> None:
        number, trigger, url = body.get("callbackid"), body.get("trigger"), body.get("url")
        if not isinstance(number, int) or number < 1:
            raise _No(7, "no callbackid")
        if body.get("action") == "clear":
            self.callbacks.pop(number, None)
        elif trigger in TRIGGERS and isinstance(url, str):
            self.callbacks[number] = (str(trigger), url)
        else:
            raise _No(7, "not a callback")

    # --- what it tells ---

    async def after_bump(self, order: Order, line: str) -> None:
        more: dict[str, Any] = {"itemid": int(line), "item": order.lines[line].text} if line else {}
        await self._tell("onbump", order, more)

    async def _tell(self, trigger: str, order: Order, more: dict[str, Any]) -> None:
        for number, (when, url) in list(self.callbacks.items()):
            if when != trigger:
                continue
            body = {"type": "callback", "callbackid": number, "trigger": trigger, "check": order.name, "table": ""} | more
            try:
                async with httpx.AsyncClient(timeout=5, trust_env=False, verify=False) as client:  # noqa: S501 - plain HTTP
                    answer = await client.post(url, json=body)
                self.untold += answer.status_code != 200
            except httpx.HTTPError:
                self.untold += 1


def _text(body: dict[str, Any], key: str, most: int) -> str:
    text = body.get(key, "")
    if not isinstance(text, str) or not text.isascii() or len(text) > most or not text.isprintable():
        raise _No(1, f"{key}: not {most} ASCII characters")
    return text


def _items(body: dict[str, Any], key: str = "itemlist") -> list[dict[str, Any]]:
    items = body.get(key, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _No(1, f"{key}: not a list of objects")
    return items


def _fill(order: Order, body: dict[str, Any]) -> None:
    """Items into an order, all or none."""
    fresh: dict[str, ScreenLine] = {}
    heads: list[str] = []
    for item in _items(body):
        number = item.get("itemid")
        if not isinstance(number, int) or number < 1 or str(number) in order.lines or str(number) in fresh:
            raise _No(6, f"itemid {number!r}")
        kinds = [kind for kind in ("item", "header", "label") if kind in item]
        if len(kinds) != 1:
            raise _No(1, "one of item, header and label")
        text = _text(item, kinds[0], 35)
        if kinds[0] == "header":
            heads.append(text)
            continue
        mods = [_text(entry, "modifier", 35) for entry in _items(item, "modifierlist")]
        quantity = str(item.get("qty")) if kinds[0] == "item" else ""
        fresh[str(number)] = ScreenLine(quantity, text, mods)
    order.heads = [*heads, *order.heads]
    order.lines |= fresh
