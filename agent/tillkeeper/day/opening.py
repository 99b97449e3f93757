"""The end of day as parts of a register."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tillkeeper import clock
from tillkeeper.contract.bodies import reader
from tillkeeper.contract.day import DayAsk
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.books import BookParts, StoreDays
from tillkeeper.day.calendar import Calendar, CalendarParts
from tillkeeper.day.close import TOPIC, CloseParts, Closing
from tillkeeper.day.desk import DayDesk, DayParts
from tillkeeper.day.index import DayIndex
from tillkeeper.day.members import DayMembers, MemberParts
from tillkeeper.day.tails import DayTails, TailParts
from tillkeeper.replication.following import Following
from tillkeeper.roles.keeper import RolesKeeper
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.till.z_numbers import ZNumbers

if TYPE_CHECKING:
    from tillkeeper.day.fiscal import FiscalJournal
    from tillkeeper.register import Register

Z_FILE = "day-z.json"
ANSWERED_S = 15.0
"""What HQ said of its quarantine counts as known for so long after an answer."""

_encode = msgspec.json.Encoder().encode
_decode_ask = reader(DayAsk)


class RolesDuty:
    """The primary's, as a close asks for it."""

    def __init__(self, roles: RolesKeeper, now_s: Callable[[], float]) -> None:
        self._roles, self._now_s = roles, now_s
        self.admit = roles.fence.admit

    @property
    def primary(self) -> str:
        return self._roles.record.primary

    @property
    def epoch(self) -> Epoch:
        return self._roles.epoch

    def holds(self) -> bool:
        return self._roles.holds(self._now_s())


class EndOfDay:
    """Made with the first parts of a register; asks it for the others when somebody reads. `start` in its task group."""

    def __init__(self, register: "Register", following: Following, roles: RolesKeeper) -> None:
        self._ = register
        self._following = following
        config, journal, replication = register.config, register.journal, register.replication
        me, peers = config.this_register, replication.peers
        self.calendar = Calendar(
            CalendarParts(
                register=me, now_ms=clock.wall_ms, hq_ms=self._hq_ms, stamps=lambda: self.index.stamps(),
                day=register.stamp.day, now_s=clock.boot_s,
            )
        )  # fmt: skip
        self.index = DayIndex(self.calendar.today)
        following.add(self.index)
        self._signing: FiscalJournal | None = None
        duty = RolesDuty(roles, clock.boot_s)
        self.tails = DayTails(
            TailParts(
                journal=journal, stamp=register.stamp, index=self.index, caught_up=following.caught_up, admit=duty.admit,
                in_hand=lambda: register.intake.in_hand, changed=replication.notify,
            )
        )  # fmt: skip
        following.changed.append(self.tails.closed_somewhere)
        members = DayMembers(
            MemberParts(
                register=me, logs=replication.logs, index=self.index, members=self._members,
                states=peers.states if peers is not None else {}, finals=replication.finals, now_s=clock.boot_s,
                writing=lambda: journal.incarnation,
            )
        )  # fmt: skip
        books = StoreDays(
            BookParts(
                logs=replication.logs, index=self.index, caught_up=following.caught_up, due=self._due, frozen=self.index.frozen,
                quarantine=self._quarantine, step_aside=replication.courtesy.step_aside,
            )
        )  # fmt: skip
        closing = Closing(
            CloseParts(
                register=me, stamp=register.stamp, index=self.index, members=members, tails=self.tails, books=books, duty=duty,
                ask=peers.ask if peers is not None else None, caught_up=following.caught_up, now_s=clock.boot_s,
                elsewhere_today=self.calendar.elsewhere_today, numbers=ZNumbers(journal.path.with_name(Z_FILE)),
            )
        )  # fmt: skip
        self.desk = DayDesk(
            DayParts(
                register=me, currency=config.store.currency, minor_digits=config.store.minor_digits, stamp=register.stamp,
                index=self.index, members=members, books=books, closing=closing, duty=duty, caught_up=following.caught_up,
                setting=journal.setting, now_ms=clock.wall_ms,
            )
        )  # fmt: skip
        if peers is not None:
            peers.answers[TOPIC] = self._answer

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Raises: ConfigInvalid where the fiscal signer of the configuration is not installed."""
        tasks.create_task(self.tails.run(), name="day.tails")
        if name := self._.config.fiscal.signer:
            from tillkeeper.day.fiscal import FiscalJournal, load_signer  # few stores have one

            signer = load_signer(name, Path(self._.config.data_dir))
            signing = FiscalJournal(self._.journal, signer, self._.stamp, self._.replication.notify)
            self._following.changed.append(signing.notify)
            self._signing = signing
            tasks.create_task(signing.run(), name="till.fiscal")

    @property
    def fiscal_trouble(self) -> str:
        """Why nothing is signed now; empty where all is well, or nothing is to be signed."""
        return self._signing.trouble if self._signing is not None else ""

    async def _answer(self, _register: str, body: bytes) -> bytes:
        return _encode(await self.tails.asked(_decode_ask(body)))

    def _members(self) -> tuple[str, ...]:
        """By the roster, in the order of the config; a register that keeps to itself is alone."""
        config, keys = self._.config, self._.trust.keys
        if self._.replication.peers is None or keys is None:
            return (config.this_register,)
        members = keys.roster.members
        configured = [name for name in config.registers if name in members]
        return (*configured, *sorted(set(members) - set(configured)))

    def _due(self, check_id: str) -> int | None:
        held = self._.shelf.get(check_id)
        return None if held is None else totals(held.check, rules_of(self._.config.store)).due_minor

    def _hq_ms(self) -> int | None:
        """HQ's clock, by its last answer."""
        hq = self._.replication.hq
        ahead_s = hq.status().hq_minus_boot_s if hq is not None else None
        return None if ahead_s is None else int((clock.boot_s() + ahead_s) * 1000)

    def _quarantine(self) -> int | None:
        hq = self._.replication.hq
        if hq is None or not hq.answers(ANSWERED_S):
            return None
        return sum(one.rejected for one in hq.status().logs)
