"""The agent's side of the prober: what it says now, in words; its timeline; deep diagnoses; and the early look at the uplink.

Nothing here changes the mode or refuses a tender, and nothing here waits for the prober: one that is dead, slow or mad makes
the network "checking" and selling goes on unchanged.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import get_args

from tillkeeper.api.ports import NetworkHistoryQuery
from tillkeeper.config.network import Network
from tillkeeper.contract.network import DiagnosisView, NetworkBrief, NetworkHistory, NetworkView, ProberState
from tillkeeper.diagnostics.facts import AlsoFacts, NetworkFacts, UnreadFacts
from tillkeeper.errors import Conflict
from tillkeeper.network import present
from tillkeeper.network.diagnoses import Diagnoses
from tillkeeper.network.door import ProberDoor
from tillkeeper.network.history import FILE, History, TimelineFile
from tillkeeper.network.model import Report, UplinkSeen
from tillkeeper.network.wire import Devices, DiagnoseEnded, DiagnoseStep, FromProber, Hello, Reported, Uplink
from tillkeeper.replication.link import LinkStatus
from tillkeeper.replication.trouble import Kind

TICK_S = 0.5
"""Silence is found within this."""
POKE_EVERY_S = 2.0
"""The link to HQ is not asked for an early look more often, whatever the prober says."""
TELL_EVERY_S = 0.2
"""Pages are not told of a change more often."""
UPLINK_EVERY_S = 0.25
"""The prober is told of the uplink at once where that changed between good and bad, and so often otherwise."""
SECOND_S = 20.0
"""A second prober that waits asks every few seconds whether there is room; who has not for so long has gone."""
MOST_DEVICES = 512
"""The prober is told of no more: a line has its bound."""
_TROUBLES = frozenset(get_args(Kind))


@dataclass(frozen=True, kw_only=True)
class DeskParts:
    """`link`: what the link to HQ has seen, None where there is no HQ; `beat_s`: how often that asks. `poke`: make it look at
    HQ at once. `changed`: what is said of the network is another now. `devices`: name -> address of each, now. `now_s` boot
    clock, `now_ms` wall clock."""

    network: Network
    register: str
    folder: Path
    now_s: Callable[[], float]
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    link: Callable[[], LinkStatus | None]
    beat_s: float
    poke: Callable[[], None]
    changed: Callable[[], None]
    devices: Callable[[], Mapping[str, str]] = dict


class NetworkDesk:
    """Implements `api.ports.Network`. Everything on the loop."""

    def __init__(self, parts: DeskParts) -> None:
        self._parts = parts
        network = parts.network
        self._door = ProberDoor(
            Path(network.socket), network.prober_user,
            came=self._came, take=self._take, gone=self._prober_gone, second=self._second_came,
        )  # fmt: skip
        self._kept = History(TimelineFile(parts.folder / FILE), parts.now_s, parts.now_ms)
        self._diagnoses = Diagnoses(self._door.send, parts.now_s, parts.now_ms, parts.new_id)
        self._hello: Hello | None = None
        self._connected = False
        self._second: tuple[int, float] | None = None
        self._report: Report | None = None
        self._heard_s: float | None = None
        self._wake = asyncio.Event()
        self._shown: tuple[present.Shown, Report | None] | None = None
        self._told: tuple[NetworkBrief, bool, bool] | None = None
        self._told_s = 0.0
        self._judged: tuple[str, tuple[str, ...]] = ("fine", ())
        self._poke_wanted = False
        self._poked_s = -POKE_EVERY_S
        self._uplink_told: UplinkSeen | None = None
        self._devices_told: Mapping[str, str] = {}

    async def run(self) -> None:
        """Until cancelled. Returns at once where the network is not watched."""
        if not self._parts.network.watch:
            return
        await self._kept.load()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._door.run(), name="network.door")
            tasks.create_task(self._kept.run(), name="network.history")
            tasks.create_task(self._watch(), name="network.watch")

    # --- what comes in ---

    def _came(self, hello: Hello) -> None:
        self._hello, self._connected = hello, True
        self._uplink_told, self._devices_told = None, {}
        self._wake.set()

    def _second_came(self, hello: Hello) -> None:
        self._second = (hello.pid, self._parts.now_s())
        self._wake.set()

    def _prober_gone(self) -> None:
        # Who it was is still named; what it says is over at once, and not only after `SILENT_S`.
        self._connected = False
        self._diagnoses.prober_gone()
        self._wake.set()

    def _take(self, message: FromProber) -> None:
        match message:
            case Reported():
                self._reported(message.report)
            case DiagnoseStep():
                self._diagnoses.step(message)
            case DiagnoseEnded():
                self._diagnoses.ended(message)
            case Hello():
                return

    def _reported(self, report: Report) -> None:
        # A report that waited somewhere is as old as it says; one from the future is from now.
        heard_s = min(self._parts.now_s(), report.at_s)
        # First of all its words: should they ever fail, this connection ends and nothing of the report is taken.
        now = self._made(present.prober_state(True, True, heard_s, self._parts.now_s()), report)
        self._heard_s, self._report, self._shown = heard_s, report, (now, report)
        if now.report is None:
            return
        self._kept.take(now.report)
        judged = (now.verdict.phase, now.verdict.faults)
        if now.verdict.phase != "checking" and judged != self._judged:
            self._judged = judged
            self._poke_wanted = True
            self._wake.set()

    def link_changed(self) -> None:
        """The link to HQ has news."""
        seen, told = self._seen(), self._uplink_told
        if seen is None or not self._connected:
            return
        if told is None or seen.trouble != told.trouble or seen.at_s - told.at_s >= UPLINK_EVERY_S:
            self._tell_uplink(seen)

    # --- what goes out ---

    async def _watch(self) -> None:
        while True:
            self._wake.clear()
            self._look()
            try:
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(TELL_EVERY_S / 10)  # whatever comes together is looked at together

    def _look(self) -> None:
        now_s = self._parts.now_s()
        if self._poke_wanted and now_s - self._poked_s >= POKE_EVERY_S:
            self._poke_wanted, self._poked_s = False, now_s
            self._parts.poke()
        seen = self._seen()
        if seen is not None and self._connected and _stamps(seen) != _stamps(self._uplink_told):
            self._tell_uplink(seen)
        self._tell_devices()
        self._diagnoses.tick()
        said = (present.brief(self._now()), bool(self._kept.trouble), bool(self._two()))
        if said != self._told and now_s - self._told_s >= TELL_EVERY_S:
            self._told, self._told_s = said, now_s
            self._parts.changed()

    def _tell_uplink(self, seen: UplinkSeen) -> None:
        if self._door.send(Uplink(seen=seen)):
            self._uplink_told = seen

    def _tell_devices(self) -> None:
        """What the prober knows it has of the file: who has moved or was replaced since is told, again to each new prober."""
        if self._hello is None or not self._connected or not self._hello.takes_devices:
            return
        now = dict(islice(self._parts.devices().items(), MOST_DEVICES))
        if now != self._devices_told and self._door.send(Devices(addresses=now)):
            self._devices_told = now

    def _seen(self) -> UplinkSeen | None:
        status = self._parts.link()
        if status is None:
            return None
        return UplinkSeen(
            at_s=self._parts.now_s(),
            ok_at_s=status.uplink.last_ok_s,
            failed_at_s=status.uplink.last_failure_s,
            trouble=status.trouble if status.trouble in _TROUBLES else "",
            beat_s=self._parts.beat_s,
        )

    # --- what is said ---

    def _now(self) -> present.Shown:
        state = present.prober_state(self._parts.network.watch, self._connected, self._heard_s, self._parts.now_s())
        kept = self._shown
        if kept is None or kept[0].state != state or kept[1] is not self._report:
            kept = self._shown = (self._made(state, self._report), self._report)
        return kept[0]

    def _made(self, state: ProberState, report: Report | None) -> present.Shown:
        network = self._parts.network
        return present.shown(state, report, network.links, self._parts.register, network.all_in_one)

    def brief(self) -> NetworkBrief:
        return present.brief(self._now())

    def facts(self) -> NetworkFacts:
        """For the advisories."""
        now = self._now()
        return NetworkFacts(
            brief=present.brief(now),
            also=tuple(AlsoFacts(code=one.code, text=one.text, hint=one.hint) for one in now.words.also),
            history_trouble=self._kept.trouble,
            prober_trouble=present.plain(self._hello.trouble) if self._hello and self._connected else "",
            prober_second=self._two(),
        )

    def unread(self) -> tuple[UnreadFacts, ...]:
        """The prober's key, where it says that it has none."""
        if self._hello is None or not self._connected or not self._hello.unkeyed:
            return ()
        hint = "`tillkeeper network key --write FILE` makes one, the same for all registers; it is taken up without a restart"
        why = present.plain(self._hello.unkeyed).rstrip(".")
        return (UnreadFacts(setting="network.key_file", why=why, meanwhile=present.ALONE, hint=hint),)

    def _two(self) -> str:
        """That a second prober waits, in words, or empty."""
        if self._second is None or self._parts.now_s() - self._second[1] > SECOND_S or not self._connected:
            return ""
        return present.two_probers(self._hello.pid if self._hello else 0, self._second[0])

    def view(self) -> NetworkView:
        now, now_s = self._now(), self._parts.now_s()
        return present.view(now, self._hello, self._heard_s, now_s, self._kept.trouble, second=self._two())

    def history(self, query: NetworkHistoryQuery) -> NetworkHistory:
        return self._kept.view(query.limit, watched=self._now().state == "reporting")

    def diagnose(self, key: str, pcap: bool, by: str) -> tuple[DiagnosisView, bool]:
        if not self._parts.network.watch:
            hint = "set `watch = true` in [network] and start the agent and the prober again"
            raise Conflict("diagnose", "network", "the network is not watched: the configuration says so", hint)
        return self._diagnoses.start(key, pcap, by)

    def diagnosis(self, diagnosis_id: str) -> DiagnosisView:
        return self._diagnoses.get(diagnosis_id)


def _stamps(seen: UplinkSeen | None) -> tuple[float | None, float | None, str] | None:
    """What is news of it: not when it was looked at."""
    return None if seen is None else (seen.ok_at_s, seen.failed_at_s, seen.trouble)
