"""The store as its API sees it: who belongs to it, join codes, leaving. Implements `api.ports.Trust`."""

import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.roster import Admitted, Left, leavings
from tillkeeper.contract.trust import (
    CodeBody,
    CodeView,
    JoinCodeOpened,
    LeaveBody,
    LeftView,
    MemberView,
    OpenCodeView,
    RegisterLeft,
    StoreKeysTaken,
    StoreView,
)
from tillkeeper.errors import NotFound, Overloaded, Refused, StorageRefused, TillkeeperError
from tillkeeper.sales.permits import require_all
from tillkeeper.trust.admitting import AdmittingDesk, require_authority, signed
from tillkeeper.trust.certificates import fingerprint
from tillkeeper.trust.codes import DEFAULT_PORT, SECRET_BYTES, JoinCode, join_code, read_recovery_code
from tillkeeper.trust.invitation import CODE_S, TRIES, Invitation
from tillkeeper.trust.keys import KeyPair, authority_pair
from tillkeeper.trust.shelf import Shelf
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)

TOLD = "trust.told"
"""The setting that says which keys the journal has heard of."""


@dataclass(frozen=True, kw_only=True)
class TrustParts:
    """`keys` and `admitting`: None where the register has joined no store. `record`: journal an event with settings, durably.
    `finals`: as in `AdmittingParts`. `listening`: where this register answers others, "host:port" or "host", empty where it
    does not listen or the host is not said. `trouble`: why there are no keys although there should be."""

    config: Config
    keys: StoreKeys | None
    admitting: AdmittingDesk | None
    now_s: Callable[[], float]
    setting: Callable[[str], bytes | None]
    record: Callable[[Event, Mapping[str, bytes]], Awaitable[None]]
    finals: Callable[[str], Mapping[str, int]]
    listening: Callable[[], str]
    trouble: str = ""


class TrustDesk:
    """Everything on the loop."""

    def __init__(self, parts: TrustParts) -> None:
        self._ = parts

    async def begin(self) -> None:
        """Journal that this register has its key, once for each key; tell the others that it keeps the authority's, where it
        came by that after it had joined. A disk that refuses is asked again at the next start."""
        if (keys := self._.keys) is None:
            return
        try:
            await self._say_that_it_may_admit(keys)
        except TillkeeperError as error:
            log.warning("the others do not hear that this register may admit: %s", error)
        kept, told = keys.kept, hashlib.sha256(keys.signer.key.encode()).digest()
        if self._.setting(TOLD) == told:
            return
        event = StoreKeysTaken(
            act=kept.act, register=kept.register, key=keys.signer.key, authority=kept.authority, by=kept.by, at=kept.at
        )
        try:
            await self._.record(event, {TOLD: told})
        except (StorageRefused, Overloaded) as error:
            log.warning("not journaled that this register has its keys: %s", error)

    async def _say_that_it_may_admit(self, keys: StoreKeys) -> None:
        """The same admission in the same term, but for that: nothing else changes by it."""
        member = keys.roster.members.get(keys.register)
        if member is None or member.key != keys.signer.key or member.may_admit or (authority := keys.authority()) is None:
            return
        said = Admitted(store=keys.roster.store, register=keys.register, key=member.key, term=member.term, may_admit=True)
        await keys.take([signed(authority, said)])

    def _restart(self) -> bool:
        """Whether `tillkeeper store` has put keys on the disk since the agent began."""
        shelf = Shelf(Path(self._.config.data_dir))
        try:
            pair = shelf.key() if shelf.kept() is not None else None
        except TrustTrouble:
            return False
        return pair is not None and not self._.trouble and (self._.keys is None or self._.keys.signer.key != pair.key)

    def view(self) -> StoreView:
        config, keys = self._.config, self._.keys
        if keys is None:
            return StoreView(
                store=config.store.id,
                register=config.this_register,
                joined=False,
                trouble=self._.trouble,
                restart=self._restart(),
            )
        roster = keys.roster
        gone = [one.statement for one in roster.statements if isinstance(one.statement, Left)]
        invitation = self._.admitting.invitation if self._.admitting is not None else None
        return StoreView(
            store=roster.store,
            register=keys.register,
            joined=True,
            member=keys.is_member,
            may_admit=keys.shelf.authority_secret() is not None,
            authority=roster.authority,
            key=keys.signer.key,
            digest=roster.digest,
            members=tuple(MemberView(register=m.register, key=m.key, may_admit=m.may_admit) for m in roster.members.values()),
            left=tuple(LeftView(register=one.register, key=one.key, finals=one.finals) for one in gone),
            code=None
            if invitation is None
            else OpenCodeView(
                register=invitation.register,
                expires_s=round(max(0.0, invitation.ends_s - self._.now_s()), 1),
                tries_left=invitation.tries_left,
                used=bool(invitation.key),
            ),
            waiting=tuple(name for name in config.registers if name not in roster.members and name != keys.register),
            restart=self._restart(),
        )

    async def open_code(self, asked: CodeBody, caller: Caller) -> CodeView:
        """A join code for one register; one that is open ends.

        Raises:
            TrustTrouble: no keys here, no authority's key, or no address for the code.
            NotFound: no register of this name is configured.
            Refused: it is this register, or one that has a key, and `replace` was not said; or this one has left the store.
        """
        subject = f"register {asked.register}"
        require_all("admit", subject, ("admit_registers",), caller)
        keys, admitting = self._joined("admit", subject)
        self._require_member(keys, "admit", subject)
        authority = require_authority(keys, "admit")
        if asked.register not in self._.config.registers:
            hint = "add it to [registers] of every register's configuration first"
            raise NotFound("admit", subject, "no register of this name is configured", hint)
        if asked.register == keys.register:
            raise Refused("own_register", "admit", subject, "it is this one", "use `tillkeeper store recover` for its own key")
        replaces = bool(keys.roster.staying(asked.register))
        if replaces and not asked.replace:
            hint = "if its disk is lost say so with --replace: its old key ends when the new one is admitted"
            raise Refused("has_key", "admit", subject, "it belongs to the store already", hint)
        host, port = self._address(asked, subject)
        secret = secrets.token_bytes(SECRET_BYTES)
        try:
            code = join_code(JoinCode(fingerprint(authority.key, keys.roster.store), secret, host, port))
        except ValueError as error:
            raise TrustTrouble("no_address", "admit", subject, str(error), "name it as host or host:port") from error
        by = caller.person(asked.by)
        await self._.record(JoinCodeOpened(register=asked.register, may_admit=asked.may_admit, replaces=replaces, by=by), {})
        admitting.invite(
            Invitation(register=asked.register, secret=secret, ends_s=self._.now_s() + CODE_S, may_admit=asked.may_admit, by=by)
        )
        return CodeView(
            code=code, register=asked.register, address=f"{host}:{port}", expires_s=CODE_S, tries=TRIES, replaces=replaces
        )

    async def leave(self, asked: LeaveBody, caller: Caller) -> StoreView:
        """The register's keys speak for nobody any more. What is said again changes nothing.

        Raises:
            TrustTrouble: no keys here, no authority's key, or a wrong recovery code.
            NotFound: it never belonged to the store.
            Refused: it is this register, and no other one could admit or let go any more; or this one has left the store.
        """
        subject = f"register {asked.register}"
        require_all("let go", subject, ("admit_registers",), caller)
        keys, _ = self._joined("let go", subject)
        going, itself = sorted(keys.roster.staying(asked.register)), asked.register == keys.register
        if itself and not going:  # said again: the answer may have been lost
            await keys.take(())
            keys.shelf.drop_authority()
            return self.view()
        self._require_member(keys, "let go", subject)
        authority = self._authority(keys, asked.recovery_code)
        if not keys.roster.keys(asked.register):
            raise NotFound("let go", subject, "it never belonged to this store", "`tillkeeper store status` lists who does")
        if going:
            if itself and not asked.recovery_code:
                self._require_another(keys, subject)
            finals = dict(self._.finals(asked.register))
            by = caller.person(asked.by)
            await self._.record(RegisterLeft(register=asked.register, keys=tuple(going), finals=finals, by=by), {})
            if itself:  # what was just written counts as well
                finals |= self._.finals(asked.register)
            store = keys.roster.store
            gone = [one for key in going for one in leavings(store, asked.register, key, finals)]
            await keys.take([signed(authority, one) for one in gone])
        else:
            await keys.take(())
        if itself:
            keys.shelf.drop_authority()
        return self.view()

    def _require_another(self, keys: StoreKeys, subject: str) -> None:
        others = [one for name, one in keys.roster.members.items() if name != keys.register]
        if not others or any(one.may_admit for one in others):
            return
        cause = "no other register keeps the authority's key: afterwards none could admit or let go"
        hint = f"at another one: `tillkeeper store recover` with the recovery code, then `store leave {keys.register}`"
        raise Refused("last_that_admits", "let go", subject, cause, hint)

    def _authority(self, keys: StoreKeys, recovery_code: str) -> KeyPair:
        if not recovery_code:
            return require_authority(keys, "let go")
        pair = authority_pair(read_recovery_code(recovery_code))
        if pair.key != keys.roster.authority:
            cause = "it is not the recovery code of this store"
            raise TrustTrouble("wrong_code", "let go", f"store {keys.roster.store}", cause, "is it the newest print?")
        return pair

    def _joined(self, operation: str, subject: str) -> tuple[StoreKeys, AdmittingDesk]:
        if self._.keys is None or self._.admitting is None:
            hint = "`tillkeeper store create` makes a store, `store join` joins one; then start the agent again"
            cause = self._.trouble or "this register has no keys of a store"
            if self._restart():
                cause, hint = "its keys came after the agent had begun", "start the agent again, then say this once more"
            raise TrustTrouble("no_store_keys", operation, subject, cause, hint)
        return self._.keys, self._.admitting

    def _require_member(self, keys: StoreKeys, operation: str, subject: str) -> None:
        """One that was let go may keep the authority's key, but no register listens to it: HQ would hear what they do not."""
        if not keys.is_member:
            hint = "do it at a register that belongs to the store (`tillkeeper store status` there)"
            raise Refused("not_a_member", operation, subject, "this register does not belong to the store any more", hint)

    def _address(self, asked: CodeBody, subject: str) -> tuple[str, int]:
        listening = self._.listening()
        if not listening:
            cause, hint = "this register does not listen to others", "set `listen` in [replication] and start the agent again"
            raise TrustTrouble("no_address", "admit", subject, cause, hint)
        host, port = place(listening, DEFAULT_PORT)
        given = asked.address or self._.config.register.address
        if given:
            host, port = place(given, port)
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 - it is refused
            cause = "it is not known under which address the other one finds this register"
            hint = f"give `address` to [registers.{self._.config.this_register}], or say --address"
            raise TrustTrouble("no_address", "admit", subject, cause, hint)
        return host, port


def place(text: str, port: int) -> tuple[str, int]:
    """Of "host", "host:port", "[v6]:port" or a bare IPv6 address; `port` where none is given."""
    host, colon, said = text.rpartition(":")
    if colon and said.isascii() and said.isdecimal() and (":" not in host or host.startswith("[")):
        return host.strip("[]"), min(int(said), 65_535)
    return text.strip("[]"), port
