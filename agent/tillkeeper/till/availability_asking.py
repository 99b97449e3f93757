"""Asks the other registers what they know of 86: whoever is an older copy of itself, or lost its disk, has forgotten what it
said, and nobody sends a register its own log."""

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from tillkeeper.replication.peers.asking import AskRefused
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.till.availability import StockKeeper

if TYPE_CHECKING:
    from tillkeeper.replication.peers.desk import PeersDesk

log = logging.getLogger(__name__)

TOPIC = "stock.all"
LOOK_S = 0.25
WITHIN_S = 5.0
AGAIN_S = 30.0
"""After no answer: an agent of an earlier version never gives one."""


async def ask_all(stock: StockKeeper, peers: "PeersDesk") -> None:
    """Each of the others once, as soon as it is there; ends when all have answered."""

    async def answer(_register: str, _body: bytes) -> bytes:
        return stock.dump()

    peers.answers[TOPIC] = answer
    async with asyncio.TaskGroup() as tasks:
        for register in peers.states:
            tasks.create_task(_ask(register, stock, peers), name=f"till.stock {register}")


async def _ask(register: str, stock: StockKeeper, peers: "PeersDesk") -> None:
    while True:
        if not peers.asking.there(register):
            await asyncio.sleep(LOOK_S)
            continue
        try:
            stock.learn(await peers.ask(register, TOPIC, b"", WITHIN_S))
        except (SinkTrouble, AskRefused, msgspec.DecodeError) as error:
            log.info("register %s does not say what it knows of 86: %s", register, error)
            await asyncio.sleep(AGAIN_S)
        else:
            return
