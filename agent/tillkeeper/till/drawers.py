"""The drawers' desk: float, paid in and out, safe drop, blind count, Z. What is decided is in `cash/decide.py`.

The session that takes the money of a drawer is known here in memory, so that a sale only looks it up. From the moment a count
goes to the journal its session takes nothing more. A sale goes to the journal in the moment it is decided, too, so all money of
a session stands before its count there: once the count is durable, the fold of the journal is the whole truth about it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import msgspec

from tillkeeper.api.ports import DrawerQuery, SessionsQuery
from tillkeeper.cash import decide
from tillkeeper.cash.report import Closed, closed_view, session_view, title_of, x_paper, x_report, z_paper, z_report
from tillkeeper.cash.sessions import Drawer, Session, apply
from tillkeeper.config.model import Config
from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.caller import Caller
from tillkeeper.contract.cash import (
    CloseDrawerSession,
    CountDrawer,
    DrawerCounted,
    DrawerList,
    DrawerReport,
    DrawerReportPrinted,
    DrawerSessionClosed,
    DrawerSessionList,
    DrawerView,
    MoveCash,
    OpenDrawerSession,
    PrintDrawerReport,
)
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.views import Tri
from tillkeeper.errors import NotFound, Refused
from tillkeeper.journal.journal import Journal
from tillkeeper.sales.permits import require_all
from tillkeeper.spool.model import Job, ReportData
from tillkeeper.till.compose import Draft, Moment, pulse
from tillkeeper.till.drawer_ledger import DrawerLedger
from tillkeeper.till.z_numbers import FILE, ZNumbers

Decided = OpenDrawerSession | MoveCash | CountDrawer | CloseDrawerSession | PrintDrawerReport

SETTING = "drawers"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Drawer]).decode
_decode_closed = msgspec.json.Decoder(Closed).decode


@dataclass(frozen=True, kw_only=True)
class DrawerParts:
    """`changed` is told after each durable change; `sensor` says whether a drawer is open; `day` the business day of a time."""

    config: Config
    journal: Journal
    changed: Callable[[], None]
    sensor: Callable[[str], Tri]
    day: Callable[[int], str]
    now_ms: Callable[[], int]


class DrawerDesk:
    """A `till.desk.Desk`, and what can be asked about drawers. The texts in its settings stand in the events of the same batch,
    which the card-number guard has seen."""

    name = "drawers"
    commands: tuple[type[Command], ...] = (OpenDrawerSession, MoveCash, CountDrawer, CloseDrawerSession, PrintDrawerReport)

    def __init__(self, parts: DrawerParts) -> None:
        self._ = parts
        self._numbers = ZNumbers(parts.journal.path.with_name(FILE))
        self._ledger = DrawerLedger(parts.journal, parts.config.store.currency)
        self._state: dict[str, Drawer] = {}
        self._leaving = ""
        """The session whose count is on its way to the disk."""
        self._reload()

    # --- for sales ---

    def session_of(self, drawer: str) -> str:
        """The session that takes this drawer's money now; empty for none."""
        known = self._state.get(drawer)
        session = known.open if known is not None else None
        return "" if session is None or session.session_id == self._leaving else session.session_id

    # --- the desk ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """See `till.desk.Desk`; for the refusals `docs/refusals.md`."""
        self._reload()
        asked = cast(Decided, command)
        drawer = decide.require_usable(asked, self._.config, self._state.get(asked.drawer), moment.caller)
        match asked:
            case OpenDrawerSession():
                terminal = moment.caller.terminal or moment.config.this_register
                opened = decide.open_session(asked, drawer, terminal, moment.new_id)
                return self._moved(drawer, opened, opened.session_id, "float", moment)
            case MoveCash():
                moved = decide.move_cash(asked, drawer, moment.new_id)
                return self._moved(drawer, moved, moved.movement_id, moved.kind, moment)
            case CountDrawer():
                return self._counted(drawer, decide.count(asked, drawer, moment.config, moment.caller), moment)
            case CloseDrawerSession():
                return await self._closed(drawer, asked, moment)
            case PrintDrawerReport():
                return await self._printed(drawer, asked, moment)

    def accepted(self, draft: Draft) -> None:
        if (stored := draft.settings.get(SETTING)) is not None:
            self._state = self._numbers.over(_decode(stored))
        self._leaving = ""
        self._.changed()

    def _free(self) -> None:
        self._leaving = ""

    def _reload(self) -> None:
        """What is durable: also what a failed disk reported as lost and had written."""
        stored = self._.journal.setting(SETTING)
        self._state = self._numbers.over({} if stored is None else _decode(stored))

    def _after(self, drawer: str, before: Drawer, event: Event, moment: Moment) -> dict[str, bytes]:
        """The state as a setting, once `event` has happened."""
        ends = {log.incarnation: log.last_seq for log in self._.journal.logs()}
        return {SETTING: _encode(self._state | {drawer: apply(before, event, moment.now_ms, ends)})}

    def _moved(self, drawer: Drawer, event: Event, entity_id: str, cause: str, moment: Moment) -> Draft:
        """Whoever puts cash in, takes it out or counts it needs the drawer open: once."""
        name, by = getattr(event, "drawer", ""), getattr(event, "by", "")
        events, jobs = [event], list[Job]()
        if name in moment.config.devices:
            kicked, job = pulse(name, cause, moment, "", by)
            events.append(kicked)
            jobs.append(job)
        return _draft(events, jobs, entity_id, moment, self._after(name, drawer, event, moment))

    def _counted(self, drawer: Drawer, event: DrawerCounted, moment: Moment) -> Draft:
        draft = self._moved(drawer, event, event.session_id, "count", moment)
        # Nothing is awaited from here until the count is on its way to the disk.
        self._leaving = event.session_id
        return replace(draft, dropped=self._free)

    async def _closed(self, drawer: Drawer, command: CloseDrawerSession, moment: Moment) -> Draft:
        session = decide.to_close(command, drawer)
        figures = await self._ledger.figures(session, self._live())
        event = decide.close(command, drawer, session, figures)
        await asyncio.to_thread(self._numbers.keep, command.drawer, event.number)
        closed = Closed(
            session=session,
            number=event.number,
            figures=figures,
            over_short_minor=event.over_short_minor,
            business_day=moment.business_day,
            closed_at_ms=moment.now_ms,
            closed_by=event.by,
        )
        settings = self._after(command.drawer, drawer, event, moment) | _stored(closed)
        data = z_paper(closed, moment.config, at_ms=moment.now_ms, by=event.by)
        return self._on_paper(event, data, session.session_id, moment, settings, event.by)

    async def _printed(self, drawer: Drawer, command: PrintDrawerReport, moment: Moment) -> Draft:
        operation = decide.operation_of(command)
        if not moment.place.receipt_printer:
            hint = "look at it on the screen"
            raise Refused("no_receipt_printer", operation, command.drawer, "this terminal has no receipt printer", hint)
        session = self._asked(drawer, command.drawer, command.session_id)
        if isinstance(session, Closed):
            copied = msgspec.structs.replace(session, copies=session.copies + 1)
            data = z_paper(copied, moment.config, at_ms=moment.now_ms, by=command.by, copy=copied.copies)
            return self._on_paper(None, data, session.session.session_id, moment, _stored(copied), command.by)
        if session.state == "open":
            require_all(operation, f"drawer {command.drawer}", ("see_expected",), moment.caller)
        figures = await self._ledger.figures(session, self._live())
        data = x_paper(session, figures, moment.config, day=moment.business_day, at_ms=moment.now_ms, by=command.by)
        return self._on_paper(None, data, session.session_id, moment, {}, command.by)

    def _on_paper(
        self, event: DrawerSessionClosed | None, data: ReportData, session: str, moment: Moment,
        settings: dict[str, bytes], by: str,
    ) -> Draft:  # fmt: skip
        events, jobs = list[Event]([event] if event else []), list[Job]()
        if printer := moment.place.receipt_printer:
            job = Job(
                job_id=moment.new_id(), device=printer, document_class="report", data=data, created_at_ms=moment.now_ms
            )  # fmt: skip
            jobs.append(job)
            events.append(
                DrawerReportPrinted(
                    session_id=session,
                    drawer=data.drawer,
                    kind=data.kind,
                    job_id=job.job_id,
                    device=printer,
                    copy=data.copy,
                    by=by,
                )
            )
        return _draft(events, jobs, session, moment, settings)

    # --- reading ---

    def drawers(self) -> DrawerList:
        """All drawers, without what only a count may tell."""
        config = self._.config
        known = [name for name, device in config.devices.items() if device.kind == "drawer"]
        return DrawerList(drawers=tuple(self._view(name) for name in (*known, *self._gone(known))))

    def _gone(self, known: list[str]) -> list[str]:
        """No longer in the configuration, and something is still to be counted or closed."""
        return [name for name, drawer in self._state.items() if drawer.sessions and name not in known]

    def _view(self, name: str) -> DrawerView:
        drawer = self._state.get(name, Drawer())
        return DrawerView(
            drawer=name,
            title=title_of(self._.config, name),
            session=None if drawer.open is None else session_view(drawer.open),
            waiting=tuple(map(session_view, drawer.waiting)),
            open=self._.sensor(name),
        )

    async def report(self, drawer: str, query: DrawerQuery, caller: Caller) -> DrawerReport:
        """X of a session that is not closed, else its Z. Without a session named: the open one, else the oldest that waits.
        What is expected is told once it is counted, and before to those who may see it.

        Raises:
            NotFound: there is no such drawer or session.
        """
        currency = self._.config.store.currency
        session = self._asked(self._known(drawer), drawer, query.session)
        if isinstance(session, Closed):
            return z_report(session, currency)
        blind = session.state == "open" and not caller.may("see_expected")
        figures = None if blind else await self._ledger.figures(session, self._live())
        return x_report(session, figures, currency, self._.now_ms())

    def closed(self, drawer: str, query: SessionsQuery) -> DrawerSessionList:
        """Newest first. Raises `NotFound`."""
        highest = self._known(drawer).number if query.before is None else query.before - 1
        lowest = max(1, highest - query.limit + 1)
        found = [self._stored_closed(drawer, number) for number in range(highest, lowest - 1, -1)]
        sessions = tuple(closed_view(closed) for closed in found if closed is not None)
        return DrawerSessionList(sessions=sessions, next_before=lowest if lowest > 1 else None)

    def left_open(self) -> tuple[str, ...]:
        """Drawers whose session was opened on an earlier business day."""
        today = self._.day(self._.now_ms())
        sessions = {name: drawer.open for name, drawer in self._state.items()}
        return tuple(name for name, one in sessions.items() if one is not None and self._.day(one.opened_at_ms) < today)

    def _live(self) -> tuple[Session, ...]:
        return tuple(session for drawer in self._state.values() for session in drawer.sessions)

    def _known(self, drawer: str) -> Drawer:
        device = self._.config.devices.get(drawer)
        if (device is None or device.kind != "drawer") and drawer not in self._state:
            raise NotFound("find", f"drawer {drawer}", "no drawer of this name is configured", "see the list of drawers")
        return self._state.get(drawer, Drawer())

    def _asked(self, drawer: Drawer, name: str, session_id: str | None) -> Session | Closed:
        if session_id is None:
            found: Session | Closed | None = drawer.open or next(iter(drawer.waiting), None)
        elif (found := drawer.session(session_id)) is None:
            where = self._.journal.setting(f"drawer_session/{session_id}")
            of, _, number = where.decode().rpartition("/") if where is not None else ("", "", "")
            found = self._stored_closed(name, int(number)) if of == name else None
        if found is None:
            cause = "it has no session" if session_id is None else f"it has no session {session_id}"
            raise NotFound("find", f"drawer {name}", cause, "open one with its float, or see those that are closed")
        return found

    def _stored_closed(self, drawer: str, number: int) -> Closed | None:
        stored = self._.journal.setting(f"drawer_z/{drawer}/{number}")
        return None if stored is None else _decode_closed(stored)


def _stored(closed: Closed) -> dict[str, bytes]:
    drawer, session_id = closed.session.drawer, closed.session.session_id
    return {
        f"drawer_z/{drawer}/{closed.number}": _encode(closed),
        f"drawer_session/{session_id}": f"{drawer}/{closed.number}".encode(),
    }


def _draft(events: list[Event], jobs: list[Job], entity_id: str, moment: Moment, settings: dict[str, bytes]) -> Draft:
    result = CommandResult(
        events=len(events),
        entity_id=entity_id,
        jobs=tuple(JobRef(job.job_id, job.document_class, job.device) for job in jobs),
    )
    return Draft(tuple(map(moment.stamp, events)), None, tuple(jobs), (), result, settings)
