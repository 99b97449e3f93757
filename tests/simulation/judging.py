"""What has to hold of days and of checks of several registers, found out from what was written, by rules of its own."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from tests.simulation.disk import Platter

from tillkeeper.contract.books import Account, Books, day_books, post
from tillkeeper.contract.day import DayClosed
from tillkeeper.contract.days import Days, Place, close_of
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckOpened, LineAdded, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckTaken, CheckYielded
from tillkeeper.replication.model import LogId
from tillkeeper.sales.model import Check
from tillkeeper.till.shelf import check_of


def holders(platters: Iterable[Platter], log: LogId, seq: int) -> int:
    """How many disks have a log up to there."""
    return sum(_end(platter, log) >= seq for platter in platters)


def _end(platter: Platter, log: LogId) -> int:
    if platter.register == log.register:
        own = next((len(rows.events) for rows in platter.logs if rows.incarnation == log.incarnation), 0)
        if own:
            return own
    mark = platter.held.marks().get(log)
    return mark.seq if mark is not None else 0


def missing_tails(event: DayClosed, closer: Platter, platters: Collection[Platter], heard: int) -> Iterator[str]:
    """[I9] Tails that the close names, and that are not held by the register that closes and by a second one. `heard`: how many
    others that register hears; where that is nobody, there is no second one."""
    excused = {gap.register for gap in event.gaps} | {one.register for one in event.parked}
    enough = min(2, 1 + heard, len({platter.register for platter in platters} - excused))
    for register, logs in event.tails.items():
        for incarnation, seq in logs.items():
            log = LogId(register, incarnation)
            if _end(closer, log) < seq:
                yield f"{closer.register} closes {event.day} over {seq} events of {log}, and holds {_end(closer, log)}"
            elif register not in excused and holders(platters, log, seq) < enough:
                yield f"{event.day} is closed over {seq} events of {log} that one disk has"


def wrong_days(events: Collection[Envelope]) -> Iterator[str]:
    """[I9] Closes whose figures are not what the events under their tails come to, each in one day."""
    found: dict[Place, DayClosed] = {}
    closes = []
    for envelope in events:
        if envelope.type == "day_closed" and isinstance(event := read_event(envelope), DayClosed):
            closes.append(close_of(envelope, event))
            found[closes[-1].at] = event
    days = Days(closes)
    books: dict[str, Books] = defaultdict(dict)
    for envelope in events:
        place = Place(envelope.register, envelope.incarnation, envelope.seq)
        event = read_event(envelope)
        day = days.posted(envelope.business_day, place) if envelope.business_day else ""
        close = days.closes.get(day)
        tails = close.tails.get(place.register, {}) if close is not None else {}
        if event is not None and place.seq <= tails.get(place.incarnation, 0):
            post(books[day], event, day)
    for day, close in days.closes.items():
        ours, theirs = day_books(books[day], day), found[close.at].figures.books
        for name in ("sales", "gross_minor", "tax_minor", "voids", "refunds", "taxes", "tenders"):
            if getattr(ours, name) != getattr(theirs, name):
                yield f"{day}: {name} is {getattr(theirs, name)} in the close, and {getattr(ours, name)} by its events"


def owners(platters: Iterable[Platter]) -> dict[str, list[tuple[str, Check]]]:
    """check id -> who says that it has it, and how."""
    found: dict[str, list[tuple[str, Check]]] = defaultdict(list)
    for platter in platters:
        for kept in platter.checks.values():
            check = check_of(kept.row)
            if not check.elsewhere:
                found[check.check_id].append((platter.register, check))
    return found


def lost_parts(events: Iterable[Envelope], here: Mapping[str, list[tuple[str, Check]]]) -> Iterator[str]:
    """[I11] Checks that two registers have, or whose owner has not all that was ever rung and paid on them."""
    opened, lines, paid = set(), defaultdict(set), defaultdict(set)
    for envelope in events:
        match read_event(envelope):
            case CheckOpened(check_id=check_id):
                opened.add(check_id)
            case LineAdded(check_id=check_id, line_id=line_id):
                lines[check_id].add(line_id)
            case TenderRecorded(check_id=check_id, tender_id=tender_id):
                paid[check_id].add(tender_id)
    for check_id in sorted(opened):
        owners_of = here.get(check_id, [])
        if len(owners_of) != 1:
            yield f"check {check_id} is at {[name for name, _ in owners_of]}"
            continue
        register, check = owners_of[0]
        if gone := lines[check_id] - {line.line_id for line in check.lines}:
            yield f"check {check_id} at {register} lacks {len(gone)} lines"
        if gone := paid[check_id] - {payment.tender_id for payment in check.payments}:
            yield f"check {check_id} at {register} lacks {len(gone)} payments"


def not_here(platter: Platter, written: Mapping[str, int]) -> Iterator[str]:
    """[I11] Checks that were handed to this register by the word of another, and that it does not have. `written`: hash -> its
    place in the order of writing."""
    known = sorted(_readable(platter), key=lambda envelope: written[envelope.hash])
    claims: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    for envelope in known:
        match read_event(envelope):
            case CheckOpened(check_id=check_id):
                claims[check_id][envelope.register] = (0, envelope.register)
            case (CheckTaken() | CheckForked()) as event:
                claims[event.check_id][envelope.register] = (event.hand, envelope.register)
            case (CheckHandedOver() | CheckYielded()) as event:
                claims[event.check_id][envelope.register] = (event.hand, event.to)
    here = owners([platter])
    for check_id, of_each in claims.items():
        hand, owner = max(of_each.values())
        if owner != platter.register or (hand, owner) not in {of_each[one] for one in of_each.keys() - {owner}}:
            continue
        if check_id not in here:
            yield f"check {check_id} was handed to {owner}, and is not there"


def _readable(platter: Platter) -> Iterator[Envelope]:
    """What a register follows: its own logs, and those of others but for what is in quarantine."""
    own = {(log.incarnation, event.seq) for log in platter.logs for event in log.events}
    yield from platter.own()
    for log, mark in platter.held.marks().items():
        rejected = platter.held.rejected(log)
        for event in platter.held.events(log, 0, mark.seq):
            if event.seq not in rejected and (log.register != platter.register or (log.incarnation, event.seq) not in own):
                yield event


def gross_minor(events: Iterable[Envelope]) -> int:
    """What the books say was sold, on all days."""
    books: Books = {}
    for envelope in events:
        if (event := read_event(envelope)) is not None and envelope.business_day:
            post(books, event, envelope.business_day)
    return sum(amount for account, amount in books.items() if isinstance(account, Account) and account.kind == "gross")


def sold_minor(here: Mapping[str, list[tuple[str, Check]]]) -> int:
    """What the checks say was sold."""
    checks = (check for found in here.values() for _, check in found)
    return sum(check.closed_totals.gross_minor for check in checks if check.state == "closed" and check.closed_totals)
