"""What a manager says about the roles: who has them from now on, and that a register is really away."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import cast

from msgspec.structs import replace

from tillkeeper.contract.base import Command
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.roles import AssignRoles, ConfirmAway, WitnessAsked, WitnessSaid
from tillkeeper.contract.witness import SILENT_S
from tillkeeper.errors import Refused
from tillkeeper.roles import lease
from tillkeeper.roles.keeper import SETTING, Kept, RolesKeeper
from tillkeeper.roles.records import Record, above, record_of
from tillkeeper.roles.standing import Standing
from tillkeeper.roles.telling import CLAIM, RENEW, Claim, Renew, decode_renewed, decode_said, encode
from tillkeeper.till.compose import Draft, Moment

ASK_S = 1.5


class RolesRefused(Refused):
    """`register`: the one it is about."""

    def __init__(self, code: str, operation: str, register: str, cause: str, hint: str = "") -> None:
        super().__init__(code, operation, f"register {register}", cause, hint, register=register)


class RolesDesk:
    """A desk of the till (`till/desk.py`). From a draft to its end no other record is decided or adopted here."""

    name = "roles"
    commands: tuple[type[Command], ...] = (AssignRoles, ConfirmAway)

    def __init__(self, keeper: RolesKeeper, standing: Standing) -> None:
        self._keeper, self._standing = keeper, standing
        self._pending: Kept | None = None

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """Raises: Refused (`RolesRefused`), StorageRefused."""
        if isinstance(command, ConfirmAway):
            return await self._confirm(command, moment)
        return await self._assign(cast(AssignRoles, command), moment)

    def accepted(self, draft: Draft) -> None:
        if self._pending is not None:
            pending = self._pending
            self._let_go()
            self._keeper.use(pending)

    # --- AssignRoles ---

    async def _assign(self, command: AssignRoles, moment: Moment) -> Draft:
        keeper, backup = self._keeper, command.backup or ""
        self._check(command.primary, backup)
        await self._reach(command.primary, backup)
        there = await self._learn()
        record = keeper.record
        if (record.primary, record.backup) == (command.primary, backup) and not record.releases:
            return Draft((), None, (), (), CommandResult(events=0))
        self._check_there(there, command.primary, backup)
        had = {record.primary, record.backup, *(() if keeper.times.released else record.releases)} - {keeper.me, ""}
        heard = await self._claimed(record, sorted(had))
        for register in sorted(had - heard):
            await self._check_silent("assign roles", register, record)
        silent = [one for one in (record.primary, record.backup) if one and one != keeper.me and one not in heard]
        made = Record(
            primary=command.primary, backup=backup, absent=silent[0] if silent else "",
            epoch=above((keeper.seen, record.epoch), keeper.me), cause="assigned", by=command.by,
            releases=tuple(sorted(heard - {command.primary})),
        )  # fmt: skip
        return await self._made(record, made, moment, "assign roles")

    def _check(self, primary: str, backup: str) -> None:
        known = self._keeper.parts.registers
        for register in filter(None, (primary, backup)):
            if register not in known:
                hint = f"the store's registers: {', '.join(known)}"
                raise RolesRefused("unknown_register", "assign roles", register, "the store has no register of this name", hint)
        if primary == backup:
            hint = "a backup is another machine; leave it out for none"
            raise RolesRefused("same_register", "assign roles", primary, "one register can not be both", hint)

    async def _reach(self, *registers: str) -> None:
        """Of more than three not every two keep a line: who is well is not silent for that."""
        keeper, reach = self._keeper, self._keeper.parts.reach
        if reach is not None:
            others = [one for one in registers if one not in ("", keeper.me)]
            await asyncio.gather(*map(reach, others))

    def _check_there(self, there: set[str], primary: str, backup: str) -> None:
        """That it was heard a moment ago is not enough: it may have died since."""
        for register in filter(None, (primary, backup)):
            if register != self._keeper.me and register not in there:
                hint = "who gets a role has to hear of it: switch it on, or choose another register"
                cause = "it does not answer" if self._is_heard(register) else "it is not heard"
                raise RolesRefused("register_silent", "assign roles", register, cause, hint)

    async def _claimed(self, record: Record, registers: Iterable[str]) -> set[str]:
        """Those of them who are heard and agree that another record is made. Raises: Refused."""
        keeper = self._keeper
        claim = Claim(keeper.me, record.epoch, above((keeper.seen, record.epoch), keeper.me))
        asked = [register for register in registers if self._is_heard(register)]
        bodies = await asyncio.gather(*(keeper.ask(register, CLAIM, claim, ASK_S) for register in asked))
        for register, body in zip(asked, bodies, strict=True):
            if body is None:  # it is no more away than a moment ago
                hint = "say it again in a few seconds"
                raise RolesRefused("register_silent", "assign roles", register, "it has a role and does not answer", hint)
            if (said := decode_said(body)).says != "agrees":
                self._take(said)
                cause = "it goes by a newer assignment, or has agreed to another"
                raise RolesRefused("roles_changed", "assign roles", register, cause, "look at the roles and say it again")
        return set(asked)

    async def _learn(self) -> set[str]:
        """What the others who are heard go by. Those who have answered. Raises: StorageRefused."""
        keeper = self._keeper
        heard = [register for register in keeper.others() if self._is_heard(register)]
        renew = Renew(keeper.record.event(), keeper.times.released)
        bodies = await asyncio.gather(*(keeper.ask(register, RENEW, renew, ASK_S) for register in heard))
        for body in bodies:
            if body is not None and (said := decode_renewed(body)).record is not None:
                keeper.learn(record_of(said.record))
        await keeper.adopt()
        return {register for register, body in zip(heard, bodies, strict=True) if body is not None}

    # --- ConfirmAway ---

    async def _confirm(self, command: ConfirmAway, moment: Moment) -> Draft:
        keeper, away, now_s = self._keeper, command.register, self._keeper.parts.now_s()
        record = keeper.record
        other = {"primary": record.backup, "backup": record.primary, "none": ""}[keeper.role]
        if not other or away != other:
            hint = _where(record, away)
            raise RolesRefused("not_the_other_side", "confirm away", away, f"{keeper.me} does not wait for it", hint)
        if not lease.may_stand(record, keeper.times, keeper.me, now_s, by_hand=True):
            raise RolesRefused("register_is_heard", "confirm away", away, "it was heard a moment ago", "wait a few seconds")
        await self._check_silent("confirm away", away, record)
        epoch = above((keeper.seen, record.epoch), keeper.me)
        by = command.by or moment.caller.person("") or "manager"
        made = lease.next_record(record, keeper.me, epoch, released=keeper.times.released, by=by)
        return await self._made(record, made, moment, "confirm away")

    # --- both ---

    async def _check_silent(self, operation: str, register: str, record: Record) -> None:
        """Whom anybody hears is not away. Raises: Refused."""
        keeper = self._keeper
        asked = WitnessAsked(
            register=keeper.me, away=register, base=record.epoch, epoch=above((keeper.seen, record.epoch), keeper.me)
        )
        answers: Mapping[str, WitnessSaid | None] = await self._standing.ask(asked)
        for name, said in answers.items():
            if said is not None and said.says == "hears":
                hint = f"there is a line from {name} to it: look at this register's cable, or say it at {name}"
                raise RolesRefused("register_is_heard", operation, register, f"{name} hears it", hint)

    async def _made(self, base: Record, record: Record, moment: Moment, operation: str) -> Draft:
        keeper = self._keeper
        await keeper.deciding.acquire()
        if not keeper.still(base):
            keeper.deciding.release()
            cause = f"meanwhile: {keeper.heard_of.words()}"
            raise RolesRefused("roles_changed", operation, record.primary, cause, "look at the roles and say it again")
        keeper.standing = True  # no lease is granted while it is on its way to the disk
        self._pending = replace(keeper.kept, record=record, fence=max(keeper.kept.fence, record.epoch))
        return Draft(
            (moment.stamp(record.event()),), None, (), (), CommandResult(events=1, entity_id=str(record.epoch)),
            settings={SETTING: encode(self._pending)}, dropped=self._let_go,
        )  # fmt: skip

    def _let_go(self) -> None:
        if self._pending is not None:
            self._pending = None
            self._keeper.standing = False
            self._keeper.deciding.release()

    def _is_heard(self, register: str) -> bool:
        age_s = self._keeper.parts.heard_s(register)
        return age_s is not None and age_s <= SILENT_S

    def _take(self, said: WitnessSaid) -> None:
        self._keeper.see(said.epoch)
        if said.record is not None:
            self._keeper.learn(record_of(said.record))


def _where(record: Record, away: str) -> str:
    """At which register it can be said that another is away."""
    if away == record.primary and record.backup:
        return f"say it at its backup, register {record.backup}"
    if away == record.backup:
        return f"say it at the primary, register {record.primary}"
    return "only primary and backup wait for each other; `tillkeeper roles assign` gives the roles to others"
