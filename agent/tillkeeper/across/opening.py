"""Checks across registers, put together."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tillkeeper import clock
from tillkeeper.across.elsewhere import Directory
from tillkeeper.across.healing import TOPIC as CATALOGUE_TOPIC
from tillkeeper.across.healing import Healing
from tillkeeper.across.merged import Merges
from tillkeeper.across.past import Past
from tillkeeper.across.taking import TOPIC, Taking
from tillkeeper.replication.following import Following

if TYPE_CHECKING:
    from tillkeeper.register import Register
    from tillkeeper.replication.peers.desk import PeersDesk


class HeardPeers:
    """The other registers of the store, as `taking.Peers`."""

    def __init__(self, desk: "PeersDesk") -> None:
        self._desk = desk

    def others(self) -> Iterable[str]:
        return self._desk.states.keys()

    def is_heard(self, register: str) -> bool:
        """By this register, or by one that it hears."""
        return self._desk.is_heard(register)

    def silent_s(self, register: str) -> float | None:
        state = self._desk.states.get(register)
        return state.age_s(clock.boot_s()) if state is not None else None

    async def ask(self, register: str, topic: str, body: bytes, within_s: float) -> bytes:
        return await self._desk.ask(register, topic, body, within_s, call=True)


class ChecksAcross:
    """`directory` and `merges` follow the logs from the start; `taking` is there once the register's parts are."""

    def __init__(self, register: "Register", following: Following) -> None:
        self._register, self._following = register, following
        self.directory = Directory(register.replication.logs)
        self.merges = Merges()
        self.past = Past(register.journal)
        following.add(self.directory)
        following.add(self.past)
        following.add(self.merges)
        self._healing: Healing | None = None

    def open(self) -> Taking:
        """Once the parts of the register are there."""
        register = self._register
        config, journal, shelf, desk = register.config, register.journal, register.shelf, register.replication.peers
        peers = HeardPeers(desk) if desk is not None else None
        taking = Taking(config, journal, shelf, self.directory, peers, lambda: register.intake, self.past)
        self._healing = healing = Healing(
            config, journal, shelf, taking, peers, lambda: register.intake,
            lambda check_id: register.announcer.check_elsewhere(check_id), self._following.caught_up,
            register.replication.knows_its_past,
        )  # fmt: skip
        if desk is not None:
            desk.answers[TOPIC] = taking.answer
            desk.answers[CATALOGUE_TOPIC] = healing.give_catalogue
        self._following.changed.append(healing.notify)
        return taking

    def start(self, tasks: asyncio.TaskGroup) -> None:
        if self._healing is not None:
            tasks.create_task(self._healing.run(), name="across.healing")
