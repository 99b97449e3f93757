"""Asks HQ for online orders where this register is primary or backup, places each once, and tells HQ what became of it.

What it knows by itself is in the journal: the idempotency key of an order says whether it was placed here. All else HQ knows,
and hands an order to this register again until it is told what became of it. So a kill at any moment costs nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from tillkeeper.config.online import Online
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.commands import CommandResult, PlaceOrder
from tillkeeper.contract.online import (
    MAX_DONE,
    HandedOrder,
    OnlineDone,
    OnlineOrdersTaken,
    OnlineRow,
    OnlineView,
    TakeOnlineOrders,
)
from tillkeeper.contract.roles import Epoch, Role
from tillkeeper.errors import Conflict, NotFound, Refused, TillkeeperError
from tillkeeper.journal.records import KeptCommand
from tillkeeper.online.placing import command_of, key_of, refused
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

ASK_S = 1.0
TELL_S = 0.05
"""What became of orders is told at once."""
LOOK_S = 1.0
"""How often a register without a role looks whether it has one."""
TROUBLE_S = 3.0
NONE_S = 300.0
"""An HQ that knows no online orders is not asked again for so long."""
LASTING = ("garbage", "server_error")
ROWS = 50

_decode_result = msgspec.json.Decoder(CommandResult).decode


@dataclass(frozen=True, kw_only=True)
class TakerParts:
    """`take`: asks HQ. `execute`: the way in of every command. `kept`: the answer of an idempotency key of this register.
    `roles`: its role, who is primary and who backup, and the epoch of that."""

    register: str
    settings: Online
    take: Callable[[TakeOnlineOrders], Awaitable[OnlineOrdersTaken | None]]
    execute: Callable[[str, PlaceOrder, Caller], Awaitable[tuple[CommandResult, bool]]]
    kept: Callable[[str], KeptCommand | None]
    roles: Callable[[], tuple[Role, str, str, Epoch]]
    now_ms: Callable[[], int]
    now_s: Callable[[], float]


class OnlineTaker:
    """`run` is its one task."""

    def __init__(self, parts: TakerParts) -> None:
        self._ = parts
        self._done: dict[str, OnlineDone] = {}
        """What HQ has not confirmed to have heard."""
        self._rows: deque[OnlineRow] = deque(maxlen=ROWS)
        self._holder = ""
        self._waiting = 0
        self._asked_s: float | None = None
        self._trouble = ""
        self._hands_out = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            due_s = await self.turn()
            await asyncio.sleep(due_s)

    async def turn(self) -> float:
        """One question, and what follows from its answer. In so many seconds the next is due."""
        role, primary, backup, epoch = self._.roles()
        if role == "none" and not self._done:
            return LOOK_S
        done = tuple(self._done.values())[:MAX_DONE]
        asked = TakeOnlineOrders(register=self._.register, primary=primary, backup=backup, epoch=epoch, done=done)
        try:
            answer = await self._.take(asked)
        except SinkTrouble as error:
            if self._trouble != error.code:
                log.warning("online orders: %s", error)
            self._trouble = error.code
            return TROUBLE_S
        self._hands_out = answer is not None
        if answer is None:
            return NONE_S
        self._heard(answer, done)
        for handed in answer.orders:
            if (one := await self._settle(handed)) is not None:
                self._done[handed.id] = one
                self._show(one, may_be_doubled=handed.may_be_doubled)
        return TELL_S if self._done else ASK_S

    def _heard(self, answer: OnlineOrdersTaken, done: tuple[OnlineDone, ...]) -> None:
        self._trouble, self._asked_s = "", self._.now_s()
        self._holder, self._waiting = answer.holder, answer.waiting
        for one in done:
            self._done.pop(one.id, None)

    async def _settle(self, handed: HandedOrder) -> OnlineDone | None:
        """What became of it; None where nobody knows yet: HQ hands it over again."""
        key = key_of(handed.id)
        try:
            if (kept := self._.kept(key)) is not None:
                return _accepted(handed.id, _decode_result(kept.result))
            if handed.order is None:
                return OnlineDone(handed.id, "not_placed")
            command = command_of(handed.order, self._.settings, self._.now_ms(), may_be_doubled=handed.may_be_doubled)
            result, _ = await self._.execute(key, command, Caller())
        except (Refused, NotFound, Conflict) as error:
            log.info("online order %s is refused: %s", handed.id, error.code)
            return refused(handed.id, error)
        except TillkeeperError as error:
            log.warning("online order %s waits: %s", handed.id, error)
            return None
        return _accepted(handed.id, result)

    def _show(self, done: OnlineDone, *, may_be_doubled: bool) -> None:
        row = OnlineRow(
            id=done.id,
            outcome=done.outcome,
            at_ms=self._.now_ms(),
            ticket_code=done.ticket_code,
            check_id=done.check_id,
            code=done.code,
            reason=done.reason,
            may_be_doubled=may_be_doubled,
        )
        self._rows = deque((one for one in self._rows if one.id != row.id), maxlen=ROWS)
        self._rows.appendleft(row)

    def view(self) -> OnlineView:
        """As HQ said last."""
        asked_s = None if self._asked_s is None else self._.now_s() - self._asked_s
        return OnlineView(
            takes=True,
            words=self._words(),
            holder=self._holder,
            waiting=self._waiting,
            asked_s=asked_s,
            rows=tuple(self._rows),
        )

    @property
    def alarm(self) -> str:
        """Words for what does not pass by itself; empty where nothing is wrong, or HQ is away."""
        role, *_ = self._.roles()
        if role == "none":
            return ""
        if not self._hands_out:
            return "This HQ hands out no online orders."
        if self._trouble == "credentials_refused":
            return "HQ refuses to hand out online orders to this register: check hq.token_file."
        return f"HQ's answers about online orders can not be used ({self._trouble})." if self._trouble in LASTING else ""

    def _words(self) -> str:
        role, *_ = self._.roles()
        if role == "none":
            return "Primary and backup take the online orders; this register is neither."
        if not self._hands_out:
            return "This HQ hands out no online orders."
        if self._trouble:
            return "HQ can not be asked for online orders: they wait there."
        if self._asked_s is None:
            return "HQ has not been asked yet."
        if self._holder == self._.register:
            return "Online orders come here."
        return f"Online orders go to register {self._holder}." if self._holder else "Nobody takes online orders now."


NOT_HERE = OnlineView(
    takes=False, words="This register takes no online orders: see [online] in its configuration.", holder="", waiting=0,
    asked_s=None, rows=(),
)  # fmt: skip


def _accepted(order_id: str, result: CommandResult) -> OnlineDone:
    return OnlineDone(order_id, "accepted", result.check_id, result.ticket_code)
