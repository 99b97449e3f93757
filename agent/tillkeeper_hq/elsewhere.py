"""What the other processes of HQ on the same database have heard. They are asked, and only when somebody needs to know: nothing
is written for the beats of a store (`docs/decisions/0032-processes-ask-each-other.md`).

Each process has a row in `processes` and looks for questions to it every `POLL_S`. An answer is an age, so no two clocks are
compared. One that does not answer, for it has ended or hangs, may have heard anybody: that counts as a yes until it loses its
row, after `GONE_S`. Who it had heard speaks to another one by then. If it lives it notices, and has a row again.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

from tillkeeper.contract.witness import SILENT_S
from tillkeeper_hq.database import Database, Overloaded
from tillkeeper_hq.sql import Sql, StoreFailed

POLL_S = 0.2
LOOK_S = 0.03
"""So often the asker looks for answers."""
ANSWER_S = 1.0
"""One that has not answered by then may have heard the register just now."""
KNOWN_S = 1.0
"""So long it counts that nobody has heard a register: whoever asks twice in a row does not wait twice."""
GONE_S = 5.0
ROLL_S = 15.0
"""So often it is asked who is there, where others are."""
ROLL_AGAIN_S = 1.0
MAX_ASKING = 256
"""Registers whose questions this process has open."""
MAX_ANSWERS = 256
_FORGET_MS = 60_000

log = logging.getLogger(__name__)

R = TypeVar("R")


class _Asked(NamedTuple):
    register: str
    at_s: float
    silent: "asyncio.Task[bool]"

    def counts(self, now_s: float) -> bool:
        return self.silent.result() and now_s - self.at_s < KNOWN_S


class Elsewhere:
    """`heard_s`: seconds since this process heard a register (store, name), and at most since its own start. It belongs to the
    event loop; `answer` and `call_roll` are its tasks."""

    def __init__(self, database: Database, heard_s: Callable[[str, str], float]) -> None:
        self._database, self._heard_s = database, heard_s
        self._me = secrets.token_hex(8)
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._silent_since_s: dict[str, float] = {}
        self._trouble = ""

    async def all_silent(self, store: str, register: str, by: str) -> bool:
        """Whether no other process has heard it for `SILENT_S`; that was so within the last `KNOWN_S`. `by`: the register of
        that store that asks, about one other at a time."""
        now_s = time.monotonic()
        self._asked = {key: one for key, one in self._asked.items() if not one.silent.done() or one.counts(now_s)}
        asked = self._asked.get((store, by))
        if asked is None:
            if len(self._asked) >= MAX_ASKING:
                return False
            asked = _Asked(register, now_s, asyncio.create_task(self._ask(store, register)))
            self._asked[store, by] = asked
        return asked.register == register and await asyncio.shield(asked.silent)

    async def answer(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._answer()
            except (Overloaded, StoreFailed) as error:
                self._tell(error)
            await asyncio.sleep(POLL_S)

    async def call_roll(self) -> None:
        """Finds out who has ended without a word, so that nobody waits for it later. Until cancelled."""
        while True:
            await self._ask("", "")
            await asyncio.sleep(ROLL_AGAIN_S if self._silent_since_s else ROLL_S)

    async def _answer(self) -> None:
        """Raises Overloaded, StoreFailed."""
        is_here, questions = await self._read(partial(_questions, me=self._me))
        if questions or not is_here:
            said = [(int(self._heard_s(store, register) * 1000), question) for question, store, register in questions]
            await self._change(partial(_say, me=self._me, said=said))

    async def _ask(self, store: str, register: str) -> bool:
        """Also False where the database does not answer."""
        try:
            others = await self._read(partial(_others, me=self._me))
            return await self._silent(others, store, register)
        except (Overloaded, StoreFailed) as error:
            self._tell(error)
            return False

    async def _silent(self, others: Sequence[str], store: str, register: str) -> bool:
        """Raises Overloaded, StoreFailed."""
        ages: dict[str, int] = {}
        gone: list[str] = []
        asked_s = time.monotonic()
        if others:
            question = secrets.token_hex(8)
            await self._change(partial(_put, others=others, question=question, store=store, register=register))
            while len(ages) < len(others) and time.monotonic() < asked_s + ANSWER_S:
                await asyncio.sleep(LOOK_S)
                ages = await self._read(partial(_answers, others=others, question=question))
            gone = self._found_gone(others, ages, asked_s)
            await self._change(partial(_settle, question=question, others=others, gone=gone))
        return len(ages) + len(gone) == len(others) and all(age_ms >= SILENT_S * 1000 for age_ms in ages.values())

    def _found_gone(self, others: Sequence[str], ages: dict[str, int], asked_s: float) -> list[str]:
        since_s = {one: self._silent_since_s.get(one, asked_s) for one in others if one not in ages}
        gone = [one for one, at_s in since_s.items() if time.monotonic() - at_s >= GONE_S]
        self._silent_since_s = {one: at_s for one, at_s in since_s.items() if one not in gone}
        return gone

    def _tell(self, error: Exception) -> None:
        """The same once."""
        if str(error) != self._trouble:
            log.warning("processes of HQ can not ask each other: %s", error)
        self._trouble = str(error)

    async def _read(self, query: Callable[[Sql], R]) -> R:
        return await asyncio.wrap_future(self._database.read(query))

    async def _change(self, act: Callable[[Sql], R]) -> R:
        return await asyncio.wrap_future(self._database.change(act))


def _others(sql: Sql, me: str) -> list[str]:
    return [process for (process,) in sql.rows("SELECT process FROM processes WHERE process <> $1 ORDER BY process", me)]


def _put(sql: Sql, others: Sequence[str], question: str, store: str, register: str) -> None:
    """What somebody asked who ended before he looked goes."""
    now_ms = time.time_ns() // 1_000_000
    sql.rows("DELETE FROM silences WHERE abs(asked_ms - $1) > $2", now_ms, _FORGET_MS)
    words = "INSERT INTO silences (process, question, store, register, asked_ms) VALUES ($1, $2, $3, $4, $5)"
    sql.many(words, [(process, question, store, register, now_ms) for process in others])


def _questions(sql: Sql, me: str) -> tuple[bool, list[tuple[str, str, str]]]:
    """Whether this process has its row, and (question, store, register) of what it is asked."""
    is_here = bool(sql.rows("SELECT 1 FROM processes WHERE process = $1", me))
    words = "SELECT question, store, register FROM silences WHERE process = $1 AND age_ms IS NULL ORDER BY question LIMIT $2"
    return is_here, sql.rows(words, me, MAX_ANSWERS)


def _say(sql: Sql, me: str, said: Sequence[tuple[int, str]]) -> None:
    sql.rows("INSERT INTO processes (process) VALUES ($1) ON CONFLICT DO NOTHING", me)
    sql.many("UPDATE silences SET age_ms = $1 WHERE process = $2 AND question = $3", [(age, me, one) for age, one in said])


def _answers(sql: Sql, others: Sequence[str], question: str) -> dict[str, int]:
    """Milliseconds, by process."""
    words = "SELECT age_ms FROM silences WHERE process = $1 AND question = $2 AND age_ms IS NOT NULL"
    return {process: int(age_ms) for process in others for (age_ms,) in sql.rows(words, process, question)}


def _settle(sql: Sql, question: str, others: Sequence[str], gone: Sequence[str]) -> None:
    sql.many("DELETE FROM silences WHERE process = $1 AND question = $2", [(process, question) for process in others])
    sql.many("DELETE FROM silences WHERE process = $1", [(process,) for process in gone])
    sql.many("DELETE FROM processes WHERE process = $1", [(process,) for process in gone])
