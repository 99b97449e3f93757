"""The parts of one register, and how they call each other."""

import asyncio
import gc
import logging
import random
import socket
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tillkeeper import clock
from tillkeeper.access.opening import DeviceAccess
from tillkeeper.api import tokens
from tillkeeper.api.app import create_app
from tillkeeper.api.auth import Access
from tillkeeper.api.hub import LiveHub
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.server import ApiListen, ApiServer, Bound
from tillkeeper.asking_files import AskingFiles
from tillkeeper.cards.gateways import gateways_of
from tillkeeper.config.model import Config
from tillkeeper.contract.events import ModeChanged
from tillkeeper.devices.finder import Finder
from tillkeeper.devices.found import FoundDesk
from tillkeeper.devices.locator import Locator
from tillkeeper.devices.moves import Moves
from tillkeeper.devices.overlays import Overlays
from tillkeeper.devices.pictures import Pictures
from tillkeeper.devices.registry import Registry, warm, widths
from tillkeeper.devices.replace import SetupDesk
from tillkeeper.devices.replace_slip import SetupParts
from tillkeeper.devices.wiring import Wiring
from tillkeeper.diagnostics.network import cut_off
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.files import newest_set_aside
from tillkeeper.journal.journal import Journal
from tillkeeper.network.desk import DeskParts, NetworkDesk
from tillkeeper.nightly.result import Latest
from tillkeeper.people.roster import SECRET_FILE, Member
from tillkeeper.people.sessions import Now
from tillkeeper.privacy.opening import Privacy
from tillkeeper.replication.hq import HqTransport
from tillkeeper.replication.replication import Replication
from tillkeeper.roles.mode import Uplink
from tillkeeper.secret_files import store_secret
from tillkeeper.spool.spool import Spool
from tillkeeper.store_work import StoreWork
from tillkeeper.till.availability import StockKeeper
from tillkeeper.till.board import BoardKeeper
from tillkeeper.till.catalogues import Catalogues
from tillkeeper.till.codes import OpeningCodes
from tillkeeper.till.drawer_watch import DrawerWatch
from tillkeeper.till.drawers import DrawerDesk, DrawerParts
from tillkeeper.till.fires import Fires
from tillkeeper.till.hours import HoursDesk, HoursParts
from tillkeeper.till.intake import Intake, Parts
from tillkeeper.till.ledger import Ledger
from tillkeeper.till.mode import SETTING as MODE_BY_HAND
from tillkeeper.till.mode import ModeDesk, ModeKeeper
from tillkeeper.till.people import SignInDesk, SignInParts
from tillkeeper.till.reads import Reads
from tillkeeper.till.roster_opening import StaffRoster
from tillkeeper.till.shelf import Held, Shelf
from tillkeeper.till.stamp import Stamp, newest_stamp
from tillkeeper.till.status import StatusDesk
from tillkeeper.till.till import Announcer, Till
from tillkeeper.trust.opening import Trust
from tillkeeper.trust.store_keys import StoreKeys
from tillkeeper.upkeep.opening import restarts_of
from tillkeeper.watchdog import watch

log = logging.getLogger(__name__)

STATUS_EVERY_S = 1.0


class JournalDamaged(StorageRefused):
    """Only a restart, which checks the whole journal, gets selling going again."""

    code = "journal_damaged"


class Register:
    """Made by `daemon.run`."""

    def __init__(
        self, config: Config, journal: Journal, codes: OpeningCodes, stamp: Stamp, catalogues: Catalogues,
        keys: tuple[StoreKeys | None, str], replication: Replication, given: tuple[socket.socket, ...] = (),
        file: Path | None = None,
    ) -> None:  # fmt: skip
        self._given = given
        self.overlays = Overlays(config, journal.setting)
        self.config = config = self.overlays.config
        self.journal, self.stamp, self.replication = journal, stamp, replication
        self.asking_files = AskingFiles(config)
        self.tokens = tokens.read(config)
        self.together = StoreWork(self)
        self.hub = LiveHub()
        self.shelf = Shelf(journal)
        self.shelf.load()
        self.board = BoardKeeper(journal, stamp, clock.wall_ms)
        self.locator = Locator(clock.wall_ms, Moves(journal.setting, journal.append, self._later))
        self.overlays.present = self.locator.addresses
        roles, peers = self.together.roles.keeper, replication.peers
        self.wiring = Wiring(
            config, journal, peers.asking if peers else None, lambda: self.spool, lambda: roles.epoch, roles.fence,
            clock.boot_s, clock.wall_ms,
        )  # fmt: skip
        self.registry = Registry(config, replication.personal, self.board.on_board, self.locator, self.wiring)
        self.board.open(self.registry.boards, self.registry.document)
        self.spool = Spool(
            journal,
            config,
            self.registry,
            stamp=stamp,
            now_ms=clock.wall_ms,
            new_id=clock.new_id,
            seed=random.SystemRandom().getrandbits(64),
            on_change=self._device_changed,
            island=lambda: cut_off(self.network.brief()),
        )
        self.started_s = clock.boot_s()
        self.stock = StockKeeper(journal, self._stock_changed, stamp)
        self.mode = ModeKeeper(
            self._uplink, config.offline.online_window_s, clock.boot_s, self._mode_changed,
            replication.alone, journal.setting(MODE_BY_HAND),
        )  # fmt: skip
        self.modes = ModeDesk(self.mode, config.offline.support, lambda: self.announcer.status_changed())
        setting, secret = journal.setting, store_secret(Path(config.data_dir) / SECRET_FILE)
        self.hours = HoursDesk(HoursParts(setting=setting, stamp=stamp, now_ms=clock.wall_ms, staff=self._staff))
        self.people = SignInDesk(
            SignInParts(
                config=config,
                now=lambda: Now(clock.wall_ms(), clock.boot_s(), clock.boot_id()),
                setting=setting,
                secret=secret,
                by_itself=lambda desk, make: self.intake.by_itself(desk, make),
                clocked=self.hours.clocked,
            )
        )
        self.roster = StaffRoster(config, self.people, secret, peers)
        self.trust = Trust(
            config, keys, journal, stamp=stamp, changed=lambda: self._changed(None), store_secret=secret,
            listening=lambda: replication.listening, finals=replication.finals, staff=lambda: self.people.roster,
        )  # fmt: skip
        self.access = DeviceAccess(self, secret)
        self.privacy = Privacy(config, journal, replication, stamp, self.shelf, lambda: self._changed(None))
        self.drawers = DrawerDesk(
            DrawerParts(
                config=config,
                journal=journal,
                changed=lambda: self.announcer.drawers_changed(),
                sensor=lambda drawer: self.reads.drawer_open(drawer),
                day=stamp.day,
                now_ms=clock.wall_ms,
            )
        )
        self.drawer_watch = DrawerWatch(config, lambda drawer: self.reads.drawer_open(drawer), clock.boot_s)
        self.finder = Finder(
            self.locator,
            profiles=lambda: self.overlays.models,
            changed=lambda: self.announcer.found_changed(self.found.found),
            came=self.spool.device_came,
            asks=config.network.watch,
        )
        self.found = FoundDesk(self.finder, self.locator)
        self.setup = SetupDesk(
            SetupParts(
                overlays=self.overlays,
                registry=self.registry,
                finder=self.finder,
                locator=self.locator,
                spool=self.spool,
                approvals=self.people.approvals,
                now_ms=clock.wall_ms,
                new_id=clock.new_id,
                later=self._later,
                changed=lambda device: self.announcer.device_set_up(device, self.found.found),
            )
        )
        self.parts = Parts(
            config=config,
            journal=journal,
            shelf=self.shelf,
            spool=self.spool,
            catalogues=catalogues,
            codes=codes,
            approvals=self.people.approvals,
            stock=self.stock,
            mode=self.mode.mode,
            stamp=stamp,
            now_ms=clock.wall_ms,
            new_id=clock.new_id,
            desks=(self.people, self.hours, self.drawers, self.setup, self.modes, *self.together.desks),
            drawer_session=self.drawers.session_of,
            second_copy=replication.second_copy,
            step_aside=replication.courtesy.step_aside,
            knows_its_past=replication.knows_its_past,
            taking=self.together.checks.open(),
            gateways=gateways_of(config, self.asking_files.gateways),
            now_s=clock.boot_s,
        )
        self.network = NetworkDesk(
            DeskParts(
                network=config.network,
                register=config.this_register,
                folder=Path(config.data_dir),
                now_s=clock.boot_s,
                now_ms=clock.wall_ms,
                new_id=clock.new_id,
                link=lambda: self.replication.hq.status() if self.replication.hq and self.asking_files.asks_hq else None,
                beat_s=config.hq.beat_s,
                poke=lambda: self.replication.hq.poke() if self.replication.hq else None,
                changed=lambda: self.announcer.status_changed(),
                devices=self.locator.addresses,
            )
        )
        self.restarts = restarts_of(self, file)
        self.status = StatusDesk(
            config=config,
            journal=journal,
            shelf=self.shelf,
            spool=self.spool,
            catalogue_version=catalogues.current.version,
            catalogue_trouble=catalogues.trouble,
            set_aside=newest_set_aside(journal.path),
            version=version("tillkeeper"),
            started_s=self.started_s,
            mode=self.mode,
            replication=replication,
            devices=lambda: self.reads.devices(),
            stamp=stamp,
            trust_alarms=self.trust.alarms,
            trust_standing=self.trust.standing,
            staff_trouble=self.roster.trouble,
            staff=self.roster.version,
            drawers_left_open=self.drawers.left_open,
            drawers_open=self.drawer_watch.too_long,
            network=self.network.facts,
            moved=self.locator.moved,
            roles=self.together.roles.brief,
            online_trouble=lambda: self.together.online.trouble,
            fiscal_trouble=lambda: self.together.day.fiscal_trouble,
            lan=self.access.serving.advice,
            upgrade=self.restarts.advice,
            unread=lambda: (*self.asking_files.unread(), *self.registry.unread(), *self.tokens.unread, *self.network.unread()),
            nightly=Latest(Path(config.data_dir)),
            newest_before_ms=newest_stamp(journal),
        )
        self.reads = Reads(
            config=config,
            journal=journal,
            shelf=self.shelf,
            spool=self.spool,
            catalogues=catalogues,
            stock=self.stock,
            ledger=Ledger(journal),
            held_by_hq=self.status.held_by_hq,
            only_here=self.status.not_at_hq,
            mode=self.mode.mode,
            today=stamp.today,
            version=version("tillkeeper"),
            now_ms=clock.wall_ms,
            catalogue_age_s=self.status.catalogue_age_s,
            replaced=self.overlays.view,
            taking=self.parts.taking,
        )
        self.announcer = Announcer(self.hub, self.reads, self.status.view, self.drawers.drawers)

    async def run(self, started: Callable[[Bound], None]) -> None:
        """All tasks of the register, until cancelled."""
        # Modules and catalogue live as long as we do: the collector need not go through them again and again.
        gc.freeze()
        async with asyncio.TaskGroup() as tasks:
            self.tasks = tasks
            self.intake = Intake(self.parts, tasks, self._changed)
            self.fires = Fires(self.shelf, self.intake, clock.wall_ms)
            self.replication.joining = self.trust.admitting
            self.replication.courtesy.in_hand = lambda: self.intake.in_hand
            await self.stock.begin(clock.new_id)
            await self.replication.before_spool(self.spool)
            self.replication.start(tasks, self.spool, self.intake, self._hq_transport(), self._link_changed)
            self.together.start(tasks)
            self.wiring.start(tasks)
            tasks.create_task(self.asking_files.run(), name="asking_files")
            tasks.create_task(self.mode.run(), name="till.mode")
            tasks.create_task(self.spool.run(), name="spool")
            tasks.create_task(self.board.run(), name="till.board")
            tasks.create_task(self.fires.run(), name="till.fires")
            tasks.create_task(self.intake.authorising.run(), name="cards.authorising")
            tasks.create_task(self.privacy.run(), name="privacy")
            tasks.create_task(self._status_changes(), name="till.status")
            tasks.create_task(self.network.run(), name="network")
            tasks.create_task(self.finder.run(), name="devices.finder")
            tasks.create_task(self.restarts.run(), name="upkeep.restarts")
            await self.trust.desk.begin()
            await self.roster.start(tasks)

            def serving(bound: Bound) -> None:
                started(bound)
                tasks.create_task(watch(self.journal.writer_answers, self.status.view), name="watchdog")
                # Slow to import: loaded once orders are taken, so that the first ticket does not wait for it.
                tasks.create_task(asyncio.to_thread(warm), name="devices.warm")

            tasks.create_task(self._api().run(serving), name="api")

    def _api(self) -> ApiServer:
        till = Till(
            people=self.people,
            hours=self.hours,
            drawers=self.drawers,
            day=self.together.day.desk,
            network=self.network,
            finder=self.found,
            setup=self.setup,
            trust=self.trust.desk,
            access=self.access.desk,
            privacy=self.privacy.desk,
            roles=self.together.roles,
            after=self.together.aftermath.desk,
            green=self.together.aftermath.green,
            online=self.together.online,
            restarts=self.restarts,
            authorisations=lambda: self.intake.authorising.view(tuple(held.check for held in self.shelf.open_checks())),
            intake=self.intake,
            reads=self.reads,
            spool=self.spool,
            hub=self.hub,
            status_now=self.status.view,
            mode_now=self.status.mode_view,
            door=self.registry.display,
            pictures=Pictures(self.config, self.registry.preview, widths()),
        )
        api, limits = self.config.api, ApiLimits()
        listen = ApiListen(Path(api.socket), api.socket_group, api.listen, self._given)
        registers, known = self.config.pages.registers, self.tokens.of
        access = Access(known["token_file"], (*api.origins, *registers), known["page_token_file"], self.access.desk)
        app = create_app(till, access, limits, registers)
        self.access.start(self.tasks, app, limits)
        return ApiServer(app, listen, limits)

    def _hq_transport(self) -> HqTransport | None:
        if self.asking_files.hq is None:
            return None
        from tillkeeper.replication.http import HttpTransport  # httpx is slow to import, and not every register has an HQ

        keys = self.trust.keys
        return HttpTransport(self.asking_files.hq, lambda: keys.roster if keys is not None else None)

    def _staff(self) -> Mapping[str, Member] | None:
        return self.people.names() if self.people.required else None

    def _uplink(self) -> Uplink:
        return self.replication.uplink()

    async def _mode_changed(self, event: ModeChanged) -> None:
        await self.intake.mode_changed(event)
        self.announcer.status_changed()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.tasks.create_task(work, name="devices.setup")
        except RuntimeError:  # the agent is stopping; the next start takes the overlay up
            work.close()

    def _link_changed(self) -> None:
        self.mode.wake()
        self.intake.authorising.link_changed()
        self.network.link_changed()
        self.announcer.hq_answered()

    def _device_changed(self, device: str) -> None:
        self.replication.notify()  # what was printed is an event
        self.announcer.device_changed(device)

    def _stock_changed(self) -> None:
        self._changed(None)
        self.announcer.availability_changed()

    def _changed(self, held: Held | None) -> None:
        self.replication.notify()
        self.together.notify()
        if held is not None:
            self.fires.wake()
            self.announcer.check_changed(held)

    async def _status_changes(self) -> None:
        while True:
            await asyncio.sleep(STATUS_EVERY_S)
            if self.journal.damaged:
                raise JournalDamaged(
                    "run", self.journal.path.name, "the journal was found damaged while in use",
                    "start the agent again: it checks the journal and sets it aside if it must",
                )  # fmt: skip
            self.drawer_watch.look()
            self.announcer.status_changed()
