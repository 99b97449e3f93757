"""The witness of the end of day [I9]: what a close covers is held twice; over what no disk has any more a day closes by a
manager's word alone; each event is in one day, the same at HQ and at every register."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tests.simulation import judging
from tests.simulation.disk import Platter

from tillkeeper.contract.books import Books, DayBooks, day_books, post
from tillkeeper.contract.day import DayClosed
from tillkeeper.contract.days import Close, Days, Place, close_of
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import read_event
from tillkeeper.replication.model import LogId

if TYPE_CHECKING:
    from tests.simulation.closing import Said
    from tests.simulation.register import Machine


class Run(Protocol):
    """Of which this is a witness: the `Oracle`."""

    machines: "list[Machine]"
    counts: Counter[str]
    written_events: dict[str, Envelope]

    def say(self, who: str, words: str) -> None: ...

    def fail(self, invariant: str, words: str) -> None: ...

    def broken_promise(self, words: str, invariant: str) -> None: ...


class Loss(NamedTuple):
    """What no register has any more of one log. `first`: the hash of the first event that its author has no more: who has that
    one can know that there was more. `last`: the highest place; `day`: the first business day of which something is missing."""

    log: LogId
    first: str
    last: int
    day: str


class DayWitness:
    def __init__(self, run: Run) -> None:
        self._ = run
        self._losses: list[Loss] = []

    def disk_gone(self, old: Platter) -> None:
        """`old` is in no machine any more."""
        left = {event.hash for one in self._.machines for event in one.platter.everything()}
        of_logs: dict[LogId, list[Envelope]] = defaultdict(list)
        for event in old.everything():
            of_logs[LogId(event.register, event.incarnation)].append(event)
        for log, events in of_logs.items():
            if gone := [event for event in events if event.hash not in left and event.business_day]:
                authors = [one.platter.own() for one in self._.machines if one.register == log.register]
                kept = {event.hash for own in authors for event in own}
                first = min((event for event in events if event.hash not in kept), key=lambda event: event.seq)
                loss = Loss(log, first.hash, max(one.seq for one in gone), min(one.business_day for one in gone))
                self._losses.append(loss)
                self._.say("world", f"of {log} up to {loss.last} some is lost, from {loss.day} on")

    def closed(self, machine: str, platter: Platter, envelope: Envelope) -> None:
        event = read_event(envelope)
        assert isinstance(event, DayClosed)
        excused = [*(f"gap of {gap.register}" for gap in event.gaps), *(f"{one.register} parked" for one in event.parked)]
        self._.say(machine, f"closes {event.day}, Z {event.z}, epoch {event.epoch} {' '.join(excused)}")
        self._.counts["days closed"] += 1
        self._.counts["days closed over a gap"] += bool(excused)
        self._.counts["lost logs signed for"] += sum(len(gap.lost) for gap in event.gaps)
        closer = next(one for one in self._.machines if one.name == machine)
        heard = closer.desk.heard() if closer.desk is not None else ()
        for words in missing_tails(event, platter, [one.platter for one in self._.machines], len(heard)):
            self._.broken_promise(words, "I9")
        near = [platter, *(one.platter for one in self._.machines if one.register in heard)]
        known = {envelope.hash for one in near for envelope in one.everything()}
        before = [close for _, close in read_closes(judging.readable(platter))]
        for loss in unsigned(event, before, self._losses, known):
            self._.fail("I9", f"{machine} closes {event.day} in silence over {loss.log}, of which a disk had {loss.last}")

    def judge(self, events: Collection[Envelope], said: "Mapping[str, Said]") -> None:
        """After everything has converged. `events`: in HQ's books; `said`: of the days, by each machine. Of a log that two
        machines wrote each has its own; and what no register has any more HQ tells nobody."""
        for words in wrong_days(events):
            self._.broken_promise(words, "I9")
        left = {event.hash for one in self._.machines for event in one.platter.everything()}
        at_hq = {name: close for name, close in closes_in(events).items() if name in left}
        forked = {at[:2] for at, count in Counter(map(place, self._.written_events.values())).items() if count > 1}
        for machine, one in said.items():
            here = closes_in(one.events)
            odd = [(at_hq | here)[name] for name in sorted(at_hq.keys() ^ here.keys())]
            if unknown := [close.day for close in odd if close.at[:2] not in forked]:
                self._.fail("I9", f"{machine} and HQ do not both know of the close of {unknown}")
            ours = folded(one.events, Days(here.values()))
            for day in sorted({*ours, *one.books}):
                empty = DayBooks(business_day=day)
                if words := differ(one.books.get(day, empty), ours.get(day, empty)):
                    self._.fail("I9", f"{day} at {machine}: {words} by its events")


def unsigned(event: DayClosed, before: Iterable[DayClosed], losses: Iterable[Loss], known: Collection[str]) -> Iterator[Loss]:
    """Losses of the day that is closed, or of an earlier one, that neither this close nor one `before` it names, although who
    closes can know of them. `known`: hashes of what it has, and of what those have whom it hears."""
    excused = {gap.register for gap in event.gaps if gap.rest} | {one.register for one in event.parked}
    named = {LogId(gap.register, log) for close in (event, *before) for gap in close.gaps for log in gap.lost}
    for loss in losses:
        if loss.day <= event.day and loss.first in known and loss.log not in named and loss.log.register not in excused:
            yield loss


def missing_tails(event: DayClosed, closer: Platter, platters: Collection[Platter], heard: int) -> Iterator[str]:
    """Tails that the close names, and that are not held by the register that closes and by a second one. `heard`: how many
    others that register hears; where that is nobody, there is no second one."""
    excused = {gap.register for gap in event.gaps} | {one.register for one in event.parked}
    enough = min(2, 1 + heard, len({platter.register for platter in platters} - excused))
    for register, logs in event.tails.items():
        for incarnation, seq in logs.items():
            log = LogId(register, incarnation)
            if _end(closer, log) < seq:
                yield f"{closer.register} closes {event.day} over {seq} events of {log}, and holds {_end(closer, log)}"
            elif register not in excused and sum(_end(platter, log) >= seq for platter in platters) < enough:
                yield f"{event.day} is closed over {seq} events of {log} that one disk has"


def _end(platter: Platter, log: LogId) -> int:
    if platter.register == log.register:
        own = next((len(rows.events) for rows in platter.logs if rows.incarnation == log.incarnation), 0)
        if own:
            return own
    mark = platter.held.marks().get(log)
    return mark.seq if mark is not None else 0


def wrong_days(events: Collection[Envelope]) -> Iterator[str]:
    """Closes whose figures are not what the events under their tails come to, each in one day."""
    found = {close_of(envelope, event).at: event for envelope, event in read_closes(events)}
    days = Days(closes_in(events).values())
    covered = []
    for envelope in events:
        close = days.closes.get(days.posted(envelope.business_day, place(envelope))) if envelope.business_day else None
        tails = close.tails.get(envelope.register, {}) if close is not None else {}
        if envelope.seq <= tails.get(envelope.incarnation, 0):
            covered.append(envelope)
    ours = folded(covered, days)
    for day, close in days.closes.items():
        if words := differ(found[close.at].figures.books, ours.get(day, DayBooks(business_day=day))):
            yield f"{day} in the close: {words} by its events"


def folded(events: Iterable[Envelope], days: Days) -> dict[str, DayBooks]:
    """Each event in the one day into which the closes put it."""
    books: dict[str, Books] = defaultdict(dict)
    for envelope in events:
        if (event := read_event(envelope)) is not None and envelope.business_day:
            day = days.posted(envelope.business_day, place(envelope))
            post(books[day], event, day)
    return {day: day_books(of_day, day) for day, of_day in books.items()}


def differ(said: DayBooks, ours: DayBooks) -> str:
    """In words; empty where they are the same. Which checks are open is of the moment."""
    names = [name for name in DayBooks.__struct_fields__ if name != "open_checks"]
    pairs = ((name, getattr(said, name), getattr(ours, name)) for name in names)
    return ", ".join(f"{name} is {there}, and {here}" for name, there, here in pairs if there != here)


def place(envelope: Envelope) -> Place:
    return Place(envelope.register, envelope.incarnation, envelope.seq)


def closes_in(events: Iterable[Envelope]) -> dict[str, Close]:
    """By the hash of their event."""
    return {envelope.hash: close_of(envelope, event) for envelope, event in read_closes(events)}


def read_closes(events: Iterable[Envelope]) -> Iterator[tuple[Envelope, DayClosed]]:
    for envelope in events:
        if envelope.type == "day_closed" and isinstance(event := read_event(envelope), DayClosed):
            yield envelope, event
