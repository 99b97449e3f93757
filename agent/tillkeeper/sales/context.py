"""What a decision needs to know and what it comes to, and the draft in which it is made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.events import CheckClosed
from tillkeeper.contract.values import MAX_AMOUNT_MINOR, Personal, Totals
from tillkeeper.contract.views import Mode
from tillkeeper.errors import Refused
from tillkeeper.journal.records import PersonalText
from tillkeeper.sales.authorisations import frozen, frozen_fields
from tillkeeper.sales.availability import counted_down, shortage, taken
from tillkeeper.sales.catalogue_model import Catalogue
from tillkeeper.sales.checks import apply
from tillkeeper.sales.model import Check, Line
from tillkeeper.sales.money import to_text
from tillkeeper.sales.pricing import Priced, Rules, price, rules_of, totals
from tillkeeper.sales.refusals import found
from tillkeeper.sales.stock import NOTHING_SAID, Change, Stock
from tillkeeper.sales.tenders import Authoriser, NoTerminal


@dataclass(frozen=True, kw_only=True)
class Context:
    """`catalogue`: that of the check's version; the current one for a new check. `ticket_code` for a check that opens.
    `make_personal` salts and digests a text about a person."""

    config: Config
    catalogue: Catalogue
    mode: Mode
    now_ms: int
    business_day: str
    new_id: Callable[[], str]
    make_personal: Callable[[str], PersonalText]
    ticket_code: str = ""
    car: int = 0
    """For a drive-through check that opens: its place in the queue of the day."""
    stock: Stock = NOTHING_SAID
    caller: Caller = INTEGRATION
    drawer_session: str = ""
    """The open session of the drawer at the caller's terminal; empty for none."""
    authoriser: Authoriser = field(default_factory=NoTerminal)
    resuming: str = ""
    """Digest of the idempotency key of this very command, where calls of it are known: they do not freeze the check for it."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a command comes to; nothing of it has happened yet. `events` may be empty: the command changes nothing.

    `check` is after all events (None for a no-sale or a time entry), `totals` are its. `refund_minor`: handed back by a
    refund or a void. `opens_drawer`: the cause of a drawer pulse (tender, change, refund, no_sale) or empty. `closed`:
    this command closed the check. `entity_id`: of what was made that is not a check."""

    events: tuple[Event, ...]
    check: Check | None = None
    personal: tuple[PersonalText, ...] = ()
    totals: Totals | None = None
    line_ids: tuple[str, ...] = ()
    change_minor: int = 0
    refund_minor: int = 0
    entity_id: str = ""
    opens_drawer: str = ""
    closed: bool = False
    stock: Change | None = None
    """What it changes of what is counted down or sold out."""


class Draft:
    """A decision in the making: each event is applied as it is added, so that the next rule sees its effect. Thrown away
    as a whole when a rule refuses."""

    def __init__(self, operation: str, context: Context, check: Check | None) -> None:
        self.operation = operation
        self.context = context
        self.rules: Rules = rules_of(context.config.store)
        self.events: list[Event] = []
        self.personal: list[PersonalText] = []
        self.line_ids: tuple[str, ...] = ()
        self.change_minor = 0
        self.refund_minor = 0
        self.entity_id = ""
        self.opens_drawer = ""
        self.unsent_on_purpose = False
        """The command itself said that nothing goes to the kitchen."""
        self.from_paper = False
        """It was sold already: whether there is any left is no question."""
        self._before = self._check = check
        self._last_priced: tuple[Check, Priced] | None = None

    @property
    def check(self) -> Check:
        if self._check is None:
            raise Refused("check_missing", self.operation, "check", "this command needs a check")
        return self._check

    def add(self, event: Event) -> None:
        self.events.append(event)
        self._check = apply(self._check, event, self.context.business_day, self.context.now_ms)

    def priced(self) -> Priced:
        """The check's sums as it is now; asked for several times in one decision, worked out once for each state."""
        if self._last_priced is None or self._last_priced[0] is not self.check:
            self._last_priced = (self.check, price(self.check, self.rules))
        return self._last_priced[1]

    def totals(self) -> Totals:
        return self.priced().totals

    def personal_of(self, text: str) -> Personal | None:
        if not text:
            return None
        made = self.context.make_personal(text)
        self.personal.append(made)
        return Personal(made.digest)

    def refuse(self, code: str, cause: str, hint: str = "", *, subject: str = "", **extra: object) -> Refused:
        """The refusal, for the caller to raise."""
        subject = subject or (self._check.check_id if self._check else "check")
        return Refused(code, self.operation, subject, cause, hint, **extra)

    def money(self, minor: int) -> str:
        store = self.context.config.store
        return to_text(minor, store.minor_digits, store.currency)

    def require_open(self) -> None:
        if self.check.state != "open":
            hint = "refund it instead" if self.check.state == "closed" else ""
            raise self.refuse("check_not_open", f"the check is {self.check.state}", hint, state=self.check.state)

    def require_thawed(self) -> None:
        waits = [one for one in frozen(self.check) if one.key_sha256 != self.context.resuming]
        if waits:
            one, tenders = waits[0], self.context.config.tenders
            title = tenders[one.tender].title if one.tender in tenders else one.tender
            cause = f"it is not known yet what became of {self.money(one.amount_minor)} by {title}"
            raise self.refuse("check_frozen", cause, "ask the gateway, or pay another way", **frozen_fields(one))

    def require_not_voided(self) -> None:
        if self.check.state == "voided":
            raise self.refuse("check_not_open", "the check is voided", state="voided")

    def require_stock(self) -> None:
        """After whatever put more pieces on the check. What was on it before is not asked about."""
        if self.from_paper:
            return
        short = shortage(self._before, self.check, self.context.stock, self.context.catalogue)
        if short is None:
            return
        cause = f"{short.name} is sold out"
        if short.remaining:
            cause = f"only {short.remaining} left of {short.name}, {short.wanted} wanted"
        kind, subject_id = short.subject
        raise self.refuse("sold_out", cause, subject=subject_id, kind=kind, name=short.name, remaining=short.remaining)

    @property
    def drawer_session(self) -> str:
        """Of the drawer at the caller's terminal; empty for none, and for practice, which moves no money."""
        return "" if self.check.training else self.context.drawer_session

    def line(self, line_id: str) -> Line:
        """A line that still has pieces."""
        lines = {line.line_id: line for line in self.check.lines}
        line = found(lines, line_id, code="unknown_line", operation=self.operation, what="line")
        if not line.quantity:
            raise self.refuse("line_voided", "the line is voided", subject=line_id)
        return line

    def require_bounds(self) -> None:
        """After whatever changed the sums: not more than can be, and not less than is paid."""
        sums = self.totals()
        if sums.gross_minor > MAX_AMOUNT_MINOR or sums.subtotal_minor > MAX_AMOUNT_MINOR:
            raise self.refuse(
                "amount_too_large",
                f"the check would come to {self.money(max(sums.gross_minor, sums.subtotal_minor))}",
                f"at most {self.money(MAX_AMOUNT_MINOR)}",
                max_minor=MAX_AMOUNT_MINOR,
            )
        before = totals(self._before, self.rules).due_minor if self._before is not None else 0
        if sums.due_minor < min(0, before):
            raise self.refuse(
                "below_paid",
                f"the check would come to {self.money(sums.gross_minor)}, less than the {self.money(sums.paid_minor)} paid",
                "close it and refund, or void it",
                gross_minor=sums.gross_minor,
                paid_minor=sums.paid_minor,
            )

    def decision(self) -> Decision:
        events = tuple(self.events)
        check = self._check
        closed = check is not None and check.state == "closed" and any(isinstance(event, CheckClosed) for event in events)
        change = None
        if check is not None and not check.training:  # practice takes nothing from what is left
            change = counted_down(self.context.stock, taken(self._before, check))
            events += change.events if change is not None else ()
        return Decision(
            events=events,
            check=check,
            stock=change,
            personal=tuple(self.personal),
            totals=self.totals() if check is not None else None,
            line_ids=self.line_ids,
            change_minor=self.change_minor,
            refund_minor=self.refund_minor,
            entity_id=self.entity_id,
            opens_drawer=self.opens_drawer,
            closed=closed,
        )
