"""Pairing devices, and ending that. What is accepted is journaled before it holds."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from tillkeeper.access import code as codes
from tillkeeper.access import trouble
from tillkeeper.access.book import Device
from tillkeeper.access.code import OpenPairing, new_code
from tillkeeper.access.ending import Endings
from tillkeeper.access.keeper import DeviceKeeper
from tillkeeper.access.parts import AccessParts
from tillkeeper.access.qr import modules
from tillkeeper.contract.access import (
    DevicePaired,
    DeviceUnpaired,
    OpenPairingView,
    PairBody,
    PairedDevice,
    PairedView,
    PairingBody,
    PairingOpened,
    PairingRefused,
    PairingsView,
    PairingView,
    UnpairBody,
)
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import Caller, DeviceScope, Permission
from tillkeeper.errors import NotFound, Refused
from tillkeeper.sales.permits import require_all

T = TypeVar("T")

PAGES: Mapping[DeviceScope, str] = {
    "register": "/register/", "kitchen": "/kitchen/", "technician": "/diagnostics/", "manager": "/diagnostics/",
}  # fmt: skip
"""Where a device goes once it is paired."""


class AccessDesk:
    """`keeper` is a follower of all logs; `device` and `connected` are what the API asks of paired devices."""

    def __init__(self, parts: AccessParts) -> None:
        self._ = parts
        self._endings = Endings()
        self.keeper = DeviceKeeper(parts.setting, self._endings.end)
        self._open: OpenPairing | None = None
        self._seen: dict[str, int] = {}
        self._connected: Counter[str] = Counter()
        self._turn, self._redeeming = asyncio.Lock(), asyncio.Lock()
        self._work: set[asyncio.Task[Any]] = set()

    # --- what the API asks ---

    def device(self, token: bytes) -> Device | None:
        """Whose token it is."""
        found = self.keeper.device(token)
        if found is not None:
            self._seen[found.device_id] = self._.now_ms()
        return found

    @contextmanager
    def connected(self, device_id: str) -> Iterator[asyncio.Event]:
        """See `api.auth.Devices`."""
        self._connected[device_id] += 1
        try:
            with self._endings.watched(device_id) as ended:
                if device_id not in self.keeper.book.devices:
                    ended.set()
                yield ended
        finally:
            self._connected[device_id] -= 1
            self._seen[device_id] = self._.now_ms()

    def terminals(self) -> frozenset[str]:
        """Names of the devices that are paired."""
        return frozenset(one.name for one in self.keeper.book.devices.values())

    # --- views ---

    def view(self, caller: Caller) -> PairingsView:
        """Everything about pairing but codes."""
        devices = sorted(self.keeper.book.devices.values(), key=lambda one: (one.name.lower(), one.device_id))
        pairing = self._pairing()
        return PairingsView(
            devices=tuple(map(self._device_view, devices)),
            lan=self._.reach.view(),
            open=None
            if pairing is None
            else OpenPairingView(
                name=pairing.asked.name,
                scope=pairing.asked.scope,
                expires_s=round(max(0.0, pairing.ends_s - self._.now_s()), 1),
                refused=pairing.refused,
                used=bool(pairing.device_id),
            ),
        )

    def _device_view(self, device: Device) -> PairedDevice:
        return PairedDevice(
            device_id=device.device_id,
            name=device.name,
            scope=device.scope,
            terminal=device.terminal,
            by=device.by,
            register=device.register,
            paired_at_ms=device.paired_at_ms,
            last_seen_ms=self._seen.get(device.device_id),
            connected=max(0, self._connected[device.device_id]),
        )

    def authority(self) -> bytes:
        """Raises `NotFound`."""
        return self._.reach.authority()

    def _pairing(self) -> OpenPairing | None:
        if self._open is not None and self._.now_s() >= self._open.ends_s:
            self._open = None
        return self._open

    # --- what people do ---

    async def open(self, asked: PairingBody, caller: Caller) -> PairingView:
        """A code for one device; one that is open ends.

        Raises:
            SignInNeeded, ApprovalNeeded: whoever pairs sets up devices; a manager's device takes somebody who admits registers.
            ScopeTooFar: a device on which nobody has signed in pairs its own kind and kitchens alone.
            NotFound: no such terminal or display. Refused: the name is taken, there are too many, or nothing can reach us.
        """
        subject = f"device {asked.name}"
        if caller.device and not caller.employee and asked.scope not in (caller.scope, "kitchen"):
            raise trouble.nobody_signed_in(subject, caller.scope, asked.scope)
        wanted: tuple[Permission, ...] = ("set_up_devices",)
        if asked.scope == "manager":
            wanted = ("admit_registers",)
        used = require_all("pair", subject, wanted, caller)
        self._check_terminal(asked, subject)
        there = self._leaving(asked)
        base = self._.reach.pairing_url()
        if not base:
            hint = "set `listen` in [lan] (docs/access.md) and start the agent again"
            raise Refused("no_address", "pair", subject, "no device can reach this register", hint)
        by, code = caller.person(asked.by), new_code()
        opened = PairingOpened(name=asked.name, scope=asked.scope, terminal=asked.terminal, replaces=bool(there), by=by)

        async def noted() -> None:
            with self._.approvals.using(used, caller, "open_pairing") as given:
                await self._.record((*given, opened), {})
            self._open = OpenPairing(asked, code, by, self._.now_s())

        await self._whole(noted())
        lan = self._.reach.view()
        url = f"{base}#code={code}"
        return PairingView(
            name=asked.name,
            scope=asked.scope,
            terminal=asked.terminal,
            code=code,
            url=url,
            qr=modules(url),
            secure=lan.secure,
            fingerprint=lan.fingerprint,
            expires_s=codes.CODE_S,
            replaces=bool(there),
        )

    def _leaving(self, asked: PairingBody) -> tuple[Device, ...]:
        """Who ends when this one is paired. Raises: Refused (`name_taken`, `too_many_devices`)."""
        there, register = self.keeper.book.named(asked.name), self._.config.this_register
        if there and not asked.replace:
            hint = "choose another name, or say that it replaces that one"
            raise Refused("name_taken", "pair", f"device {asked.name}", "a device of this name is paired", hint)
        if not self.keeper.book.without(there).has_room(register):
            raise trouble.too_many(register)
        return there

    def _check_terminal(self, asked: PairingBody, subject: str) -> None:
        if not asked.terminal:
            return
        config = self._.config
        known = {
            "register": set(config.terminals or (config.this_register,)),
            "kitchen": {name for name, device in config.devices.items() if device.kind == "display"},
        }.get(asked.scope, set())
        if asked.terminal not in known:
            what = "display" if asked.scope == "kitchen" else "terminal"
            hint = f"there are: {', '.join(sorted(known))}" if known else f"a {asked.scope} device has none"
            raise NotFound("pair", subject, f"no {what} {asked.terminal!r} is configured", hint)

    async def pair(self, asked: PairBody, address: str) -> PairedView:
        """Redeem a code. `address`: where the device is, for the journal.

        Raises:
            CodeRefused: wrong, used by another, or none is open.
            Refused (`name_taken`, `too_many_devices`): since the code was opened.
            StorageRefused: nothing has changed; the same may be said again.
        """
        pairing = self._pairing()
        if pairing is None:
            raise trouble.no_code_open()
        if not pairing.fits(asked.code):
            await self._refuse(pairing, address, "wrong_code")
            raise trouble.wrong_code()
        return self._paired_view(await self._whole(self._redeem(pairing, asked, address)))

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Goes on where nobody waits for it any more: what is durable holds, and the approval for it is used."""
        task = asyncio.create_task(work, name="pairing")
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return await asyncio.shield(task)

    async def _redeem(self, pairing: OpenPairing, asked: PairBody, address: str) -> Device:
        async with self._redeeming:  # a device that was not answered in its time asks again while the disk is slow
            return await self._redeemed(pairing, asked, address)

    async def _redeemed(self, pairing: OpenPairing, asked: PairBody, address: str) -> Device:
        if self._pairing() is not pairing:
            raise trouble.no_code_open()
        digest = hashlib.sha256(asked.token.encode()).hexdigest()
        if pairing.device_id:
            device = self.keeper.book.devices.get(pairing.device_id)
            if device is None or pairing.token_sha256 != digest:
                await self._refuse(pairing, address, "code_used")
                raise trouble.used_by_another()
            return device
        return await self._take(pairing, digest, address)

    async def _take(self, pairing: OpenPairing, digest: str, address: str) -> Device:
        asked, device_id = pairing.asked, self._.new_id()
        old = self._leaving(asked)  # another register may have paired one of this name meanwhile
        events: list[Event] = [
            DeviceUnpaired(device_id=one.device_id, name=one.name, cause="replaced", by=pairing.by) for one in old
        ]
        events.append(
            DevicePaired(
                device_id=device_id, name=asked.name, scope=asked.scope, token_sha256=digest,
                terminal=asked.terminal, by=pairing.by, address=address,
            )
        )  # fmt: skip
        await self._keep(events)
        pairing.used(device_id, digest, self._.now_s())
        return self.keeper.book.devices[device_id]

    async def _keep(self, events: list[Event], given: tuple[Event, ...] = ()) -> None:
        """One after the other: the setting of a batch holds what the batches before it said."""
        async with self._turn:
            after, register = self.keeper.book, self._.config.this_register
            for event in events:
                after = after.heard(event, register, self._.now_ms())
            await self._.record((*given, *events), self.keeper.settings(after))
            self.keeper.become(after)

    async def _refuse(self, pairing: OpenPairing, address: str, cause: str) -> None:
        if pairing.refuse():
            await self._.record((PairingRefused(name=pairing.asked.name, address=address, cause=cause),), {})

    def _paired_view(self, device: Device) -> PairedView:
        config = self._.config
        named = {"register": "terminal", "kitchen": "device"}.get(device.scope, "")
        query = f"?{named}={device.terminal}" if named and device.terminal else ""
        return PairedView(
            device_id=device.device_id,
            name=device.name,
            scope=device.scope,
            terminal=device.terminal,
            store=config.store.id,
            store_name=config.store.name,
            register=config.this_register,
            page=PAGES[device.scope] + query,
        )

    async def unpair(self, device_id: str, asked: UnpairBody, caller: Caller) -> PairingsView:
        """End a device: its token opens nothing any more, and its connections are closed. What is said again changes nothing.

        Raises:
            NotFound: there never was one. SignInNeeded, ApprovalNeeded, StorageRefused.
        """
        subject = f"device {device_id}"
        used = require_all("unpair", subject, ("set_up_devices",), caller)
        device = self.keeper.book.devices.get(device_id)
        if device is None:
            if self.keeper.book.has_ended(device_id):
                return self.view(caller)
            raise NotFound("unpair", subject, "no such device is paired", "`tillkeeper pairings` lists them")
        ended = DeviceUnpaired(device_id=device_id, name=device.name, by=caller.person(asked.by))

        async def noted() -> None:
            with self._.approvals.using(used, caller, "unpair_device") as given:
                await self._keep([ended], given)

        await self._whole(noted())
        return self.view(caller)
