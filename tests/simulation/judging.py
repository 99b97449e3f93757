"""What has to hold of checks of several registers, found out from what was written, by rules of its own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from tests.simulation.disk import Platter

from tillkeeper.contract.books import Account, Books, post
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckOpened, LineAdded, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckTaken, CheckYielded
from tillkeeper.sales.model import Check
from tillkeeper.till.shelf import check_of


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
    """[I11] Checks that were handed to this register by the word of another, and that it does not have, or without a payment of
    which it has the event, from whatever disk. `written`: hash -> its place in the order of writing."""
    known = sorted(readable(platter), key=lambda envelope: written[envelope.hash])
    claims: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
    paid: dict[str, set[str]] = defaultdict(set)
    for envelope in known:
        match read_event(envelope):
            case CheckOpened(check_id=check_id):
                claims[check_id][envelope.register] = (0, envelope.register)
            case (CheckTaken() | CheckForked()) as event:
                claims[event.check_id][envelope.register] = (event.hand, envelope.register)
            case (CheckHandedOver() | CheckYielded()) as event:
                claims[event.check_id][envelope.register] = (event.hand, event.to)
            case TenderRecorded(check_id=check_id, tender_id=tender_id):
                paid[check_id].add(tender_id)
    here = {check_id: found[0][1] for check_id, found in owners([platter]).items()}
    for check_id, of_each in claims.items():
        hand, owner = max(of_each.values())
        if owner != platter.register or (hand, owner) not in {of_each[one] for one in of_each.keys() - {owner}}:
            continue
        if (check := here.get(check_id)) is None:
            yield f"check {check_id} was handed to {owner}, and is not there"
        elif gone := paid[check_id] - {payment.tender_id for payment in check.payments}:
            yield f"check {check_id} was handed to {owner}, and lacks {len(gone)} payments"


def readable(platter: Platter) -> Iterator[Envelope]:
    """What a register follows: its own logs, and those of others but for what is in quarantine."""
    own = {(log.incarnation, event.seq) for log in platter.logs for event in log.events}
    yield from platter.own()
    for log, mark in platter.held.marks().items():
        rejected = platter.held.rejected(log, 0, mark.seq)
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
