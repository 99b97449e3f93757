"""What happens by itself with checks of several registers: a register steps back where another has a higher claim, takes what
was handed to it, merges what others did beside it, and gets the catalogue that a check goes by."""

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial

import msgspec

from tillkeeper.across.strands import Standing, Strand, folded, joined, needs_merging
from tillkeeper.across.taking import ASK_S, Changing, Peers, Taking
from tillkeeper.config.model import Config
from tillkeeper.contract import events as ev
from tillkeeper.contract.base import Event
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.together import CatalogueAsk, CheckForked, CheckTaken, CheckYielded
from tillkeeper.contract.values import CheckState
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.sales.catalogue import parse_catalogue
from tillkeeper.sales.changing_hands import yields
from tillkeeper.sales.checks import apply
from tillkeeper.sales.merge import Side, changes_nothing, merge
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.shelf import Shelf

log = logging.getLogger(__name__)

TOPIC = "check.catalogue"
AGAIN_S = 5.0
MAX_CATALOGUE = 16 * 1024 * 1024
_encode = msgspec.json.Encoder().encode


class Healing:
    """`run` is its one task. `told`: called with the id of a check of another register that is not as it was. `caught_up`: the
    directory has all that is durable. `knows_its_past`: as in `PeersDesk`."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        shelf: Shelf,
        taking: Taking,
        peers: Peers | None,
        changing: Callable[[], Changing],
        told: Callable[[str], None],
        caught_up: Callable[[], Awaitable[None]],
        knows_its_past: Callable[[], bool] = lambda: True,
    ) -> None:
        self._journal, self._shelf, self._taking, self._directory = journal, shelf, taking, taking.directory
        self._peers, self._changing, self._told, self._caught_up = peers, changing, told, caught_up
        self._knows_its_past = knows_its_past
        self._me, self._rules = config.this_register, rules_of(config.store)
        self._woken = asyncio.Event()
        self._catalogues: set[str] = set()
        """Versions that a check here goes by and that are not here."""
        self.waiting: set[str] = set()
        """Checks that are looked at again in a while, whatever is heard of them."""

    def notify(self) -> None:
        """Something new is in the directory."""
        if self._directory.touched:
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            touched, self._directory.touched = self._directory.touched | self.waiting, set()
            self._woken.clear()
            self.waiting = set()
            missing, self._catalogues = self._catalogues, set()
            for version in sorted(missing):
                try:
                    await self._fetch_catalogue(version)
                except TillkeeperError as error:  # a disk that is full: it is asked for again
                    log.error("catalogue %s of another register is not kept: %s", version, error)
                    self._catalogues.add(version)
            for check_id in sorted(touched):
                try:
                    await self.look(check_id)
                except TillkeeperError as error:
                    log.error("check %s of several registers is looked at again: %s", check_id, error)
                    self.waiting.add(check_id)
                except Exception:  # others write what is merged: what can not be borne ends neither this register nor the rest
                    log.exception("check %s of several registers stays as it is", check_id)
                await asyncio.sleep(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S if self.waiting or self._catalogues else None):
                    await self._woken.wait()

    async def look(self, check_id: str) -> None:
        """Step back where another has a higher claim, take what was handed to this register, merge what others did."""
        if self._directory.registers(check_id) <= {self._me} and not self._has_forgotten(check_id):
            return
        for step in (self._step_back, self._yield_lost, self._finish_taking, self._merge_others, self._number):
            await self._changing().change_check(check_id, partial(step, check_id))
        held = self._shelf.get(check_id)
        if held is None or held.check.elsewhere:
            self._told(check_id)
        elif self._journal.catalogue(held.check.catalogue_version) is None:
            self._catalogues.add(held.check.catalogue_version)
        await self._changing().look_across(check_id)

    async def _step_back(self, check_id: str, check: Check | None, moment: Moment) -> Draft | None:
        if check is None or check.elsewhere:
            return None
        standing = self._directory.standing(check_id)
        if standing is None or (standing.hand, standing.register) <= (check.hand, self._me):
            return None
        if standing.register == self._me:  # it had it again later, on a disk that it lost: the giver's check is the newer one
            return self._taking.draft_of(check, [yields(check, standing.strand.register, standing.hand - 1)], moment)
        log.warning("check %s goes on at register %s: it was silent here", check.ticket_code, standing.register)
        return self._taking.draft_of(check, [yields(check, standing.register, standing.hand)], moment)

    async def _yield_lost(self, check_id: str, check: Check | None, moment: Moment) -> Draft | None:
        """Of a check that this register had before it lost its disk: until it has said that the check goes on elsewhere, the
        others can not know that it does nothing with it."""
        if check is not None or self._left(check_id) is None:
            return None
        await self._caught_up()  # what was said a moment ago, or before the agent was killed, is not said again: books count it
        if (left := self._left(check_id)) is None:
            return None
        standing, state = left
        event = CheckYielded(
            check_id=check_id, to=standing.register, hand=standing.hand, state=state, training=standing.check.training
        )  # fmt: skip
        return Draft((moment.stamp(event),), None, (), (), CommandResult(events=1))

    def _left(self, check_id: str) -> tuple[Standing, CheckState] | None:
        """Where a check goes on that this register has by its own word, and how it stood here. Not where that word claims more,
        as of a log that can not be read whole: a yield would not end it, and be said again for ever."""
        standing, side = self._directory.standing(check_id), self._directory.own_side(check_id, self._me)
        if standing is None or side is None or standing.register == self._me:
            return None
        return (standing, side.state) if (standing.hand, standing.register) > side.claim(self._me) else None

    async def _finish_taking(self, check_id: str, check: Check | None, moment: Moment) -> Draft | None:
        """Of a check that was handed to this register by the word of others, and its journal does not have it: it was killed
        before that was durable, or has lost its disk since. Then what it did with the check is merged in the same breath, and
        waited for if need be: what was paid there is at no moment open again here."""
        if self._handed(check_id, check) is None:
            return None
        if not self._knows_its_past():
            self.waiting.add(check_id)
            return None
        await self._caught_up()
        if (handed := self._handed(check_id, check)) is None:
            return None
        taken = self._taking.completes(handed)
        merged = self._merges(apply(None, taken, moment.business_day, moment.now_ms), moment, begins=True)
        return self._taking.draft_of(None, [taken, *merged], moment, self._directory.texts(check_id))

    def _handed(self, check_id: str, check: Check | None) -> Standing | None:
        """How a check was handed to this register that is not here."""
        if check is not None and not check.elsewhere:
            return None
        handed = self._directory.given(check_id, self._me)
        return None if handed is None or (check is not None and handed.hand <= check.hand) else handed

    async def _merge_others(self, check_id: str, check: Check | None, moment: Moment) -> Draft | None:
        if check is None or check.elsewhere:
            return None
        events = self._merges(check, moment)
        return self._taking.draft_of(check, events, moment) if events else None

    def _merges(self, check: Check, moment: Moment, *, begins: bool = False) -> list[Event]:
        """What makes one of a check that is here and of what was done with it beside. `begins`: it comes here now."""
        events: list[Event] = []
        for strand, merged in self._beside(check.check_id, begins=begins):
            known, fresh = strand.split(joined(check.known, merged), check)
            was, now = folded(known), strand.check()
            if not needs_merging(fresh) or was is None or now is None:
                continue
            at = strand._replace(ops=fresh).at if strand.register == self._me else strand.at
            side = Side(strand.register, was, now, tuple(op.event for op in fresh), at)
            made = merge(check, side, self._rules, moment.now_ms)
            if not changes_nothing(made, check):
                events.append(made.event)
                check = made.check
        return events

    def _beside(self, check_id: str, *, begins: bool) -> Iterator[tuple[Strand, Mapping[str, int]]]:
        """What was done with a check here before it came here last, as far as who gave it had not heard of it, by other
        registers, and on disks that this one lost; each is another side, as if another register had forked the check. With how
        much of it is in the check though that does not say so."""
        here = self._directory.strand(check_id, LogId(self._me, self._journal.incarnation))
        came = max((at for at, op in enumerate(here.ops) if isinstance(op.event, CheckTaken | CheckForked)), default=0)
        yield here._replace(ops=here.ops if begins else here.ops[:came]), {}
        for strand in self._directory.strands(check_id):
            if strand.register != self._me:
                yield strand, {}
            elif joined(here.at, strand.at) != here.at:
                yield strand, here.at

    def _is_here(self, incarnation: str, seq: int) -> bool:
        """Whether the journal has this event of an own log."""
        return incarnation == self._journal.incarnation or seq <= self._journal.end_of(incarnation)

    def _has_forgotten(self, check_id: str) -> bool:
        """Whether logs that this register has lost, and got back from others, say something of a check that it has."""
        ends = self._directory.ends(check_id, self._me)
        return self._shelf.get(check_id) is not None and not all(self._is_here(log, seq) for log, seq in ends.items())

    async def _number(self, check_id: str, check: Check | None, moment: Moment) -> Draft | None:
        """HQ told another register, which had the check then."""
        number = self._directory.number(check_id)
        if check is None or check.elsewhere or check.number is not None or number is None:
            return None
        if self._shelf.numbered(number) is not None:
            return None
        return self._taking.draft_of(check, [ev.CheckNumbered(check_id=check_id, number=number)], moment)

    # --- catalogues ---

    async def give_catalogue(self, _register: str, body: bytes) -> bytes:
        """Raises: Refused: `catalogue_missing`."""
        version = msgspec.json.decode(body, type=CatalogueAsk).version
        stored = self._journal.catalogue(version)
        if stored is None:
            raise Refused("catalogue_missing", "give", f"catalogue {version}", "this register does not hold it")
        return zlib.compress(stored, 6)

    async def _fetch_catalogue(self, version: str) -> None:
        """From whoever has it: what is rung on a check goes by the catalogue that it was opened under."""
        peers = self._peers
        if peers is None or self._journal.catalogue(version) is not None:
            return
        for register in filter(peers.is_heard, peers.others()):
            try:
                packed = await peers.ask(register, TOPIC, _encode(CatalogueAsk(version)), ASK_S)
                unpacker = zlib.decompressobj()
                body = unpacker.decompress(packed, MAX_CATALOGUE)
                if not unpacker.eof or parse_catalogue(body, f"{version}.json").version != version:
                    continue
            except (SinkTrouble, zlib.error, TillkeeperError) as error:
                log.info("register %s does not give catalogue %s: %s", register, version, error)
                continue
            await self._journal.append(Batch(catalogues={version: body}))
            return
        self._catalogues.add(version)
