"""Keeps the mode: looks at the uplink, adopts what it says between two decisions, and journals each change. A person switches
it at its desk."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from tillkeeper.contract.base import Command
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.events import ModeChanged
from tillkeeper.contract.modes import ModeSwitched, Switch, SwitchOffline, SwitchOffsite
from tillkeeper.contract.views import Colour, Mode
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.roles.mode import BY_HAND, ModeState, Uplink, adopt, by_hand, colour, observe
from tillkeeper.till.compose import Draft, Moment

log = logging.getLogger(__name__)

TICK_S = 0.5
"""Silence is found by time alone, within this."""
SETTING = "mode_by_hand"


class Switched(msgspec.Struct, frozen=True):
    """What a person has switched on, who, and when (wall clock)."""

    switch: Switch
    by: str
    at_ms: int


class ModeKeeper:
    """A decision is taken in one go on the loop, so whatever runs between two awaits is between two sales: `look` never
    changes the mode inside one.

    Args:
        uplink: what the link to HQ has seen, at this moment.
        window_s: how old the last exchange may be.
        journal: makes a change durable.
        alone: whether there are other registers, and none of them is heard.
        kept: the setting `SETTING`, as the journal has it: what was switched by hand before the start still is.
    """

    def __init__(
        self,
        uplink: Callable[[], Uplink],
        window_s: float,
        now_s: Callable[[], float],
        journal: Callable[[ModeChanged], Awaitable[None]],
        alone: Callable[[], bool] = lambda: False,
        kept: bytes | None = None,
    ) -> None:
        self._uplink = uplink
        self._alone = alone
        self._window_s = window_s
        self._now_s = now_s
        self._journal = journal
        self._woken = asyncio.Event()
        self._unsaid: list[ModeChanged] = []
        self.state = ModeState()
        self.switched = msgspec.json.decode(kept, type=Switched | None) if kept else None
        if self.switched is not None:
            self.state = by_hand(self.state, self.switched.switch, True, self.switched.by)

    def mode(self) -> Mode:
        """The mode that a decision taken now goes by. Always up to date: time alone can end the online mode."""
        self._look()
        return self.state.mode

    def colour(self) -> Colour:
        """Of the dot, now."""
        self._look()
        return colour(self.state)

    def wake(self) -> None:
        """The link has news."""
        self._woken.set()

    def switch(self, switch: Switch, on: bool, switched: Switched | None, by: str) -> None:
        """A person did, and it is durable."""
        self.switched = switched
        self.state = by_hand(self.state, switch, on, by)
        self.wake()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            self._look()
            while self._unsaid:
                try:
                    await self._journal(self._unsaid[0])
                except TillkeeperError as error:
                    log.warning("mode change is not journaled yet: %s", error)
                    break
                del self._unsaid[0]
            try:
                async with asyncio.timeout(TICK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _look(self) -> None:
        seen = observe(self.state, self._uplink(), self._now_s(), self._window_s, alone=self._alone())
        self.state, change = adopt(seen)
        if change is not None:
            log.info("mode %s -> %s: %s", change.previous, change.mode, change.cause)
            self._unsaid = [*self._unsaid[-99:], change]


class ModeDesk:
    """Implements `desk.Desk`: offline by hand, and offsite. `support`: an administrator allows it. Switching off is never
    refused: a configuration that was changed since must not hold a register in a mode."""

    name = "mode"
    commands: tuple[type[Command], ...] = (SwitchOffline, SwitchOffsite)

    def __init__(self, keeper: ModeKeeper, support: bool, changed: Callable[[], None]) -> None:
        self._keeper, self._support, self._changed = keeper, support, changed

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """Raises Refused: `offline_not_supported`."""
        asked = cast(SwitchOffline | SwitchOffsite, command)
        switch: Switch = "offline" if isinstance(asked, SwitchOffline) else "offsite"
        if asked.on and not self._support:
            operation, cause = f"switch {switch}", "the store's configuration does not allow offline mode"
            hint = "an administrator sets `support = true` in [offline]; while HQ is away selling goes on in any case"
            raise Refused("offline_not_supported", operation, "register", cause, hint)
        if asked.on == (self._on() == switch):
            return Draft((), None, (), (), CommandResult(events=0))
        event = ModeSwitched(switch=switch, on=asked.on, by=asked.by)
        after = Switched(switch, asked.by, moment.now_ms) if asked.on else None
        settings = {SETTING: msgspec.json.encode(after)}
        return Draft((moment.stamp(event),), None, (), (), CommandResult(events=1), settings)

    def accepted(self, draft: Draft) -> None:
        for event in (new.event for new in draft.events):
            if isinstance(event, ModeSwitched):
                after = msgspec.json.decode(draft.settings[SETTING], type=Switched | None)
                self._keeper.switch(cast(Switch, event.switch), event.on, after, event.by)
                self._changed()

    def _on(self) -> Switch | None:
        return BY_HAND.get(self._keeper.state.wanted)
