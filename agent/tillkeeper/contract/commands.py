"""What a client may ask for, and what it is answered. Each command that changes something comes with an idempotency key
(see `docs/api.md`): the same key with the same command answers the same result, after a restart too."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.after import SettleTask
from tillkeeper.contract.authorisations import AbandonAuthorisation, AuthorisationState, QueryAuthorisation
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.base import Amount, CheckCommand, Command, FreeText, Id, Quantity, ShortText
from tillkeeper.contract.cash import CloseDrawerSession, CountDrawer, MoveCash, OpenDrawerSession, PrintDrawerReport
from tillkeeper.contract.day import CloseDay, DeclareGap, ParkRegister, PrintDayReport, UnparkRegister
from tillkeeper.contract.devices import ConfirmReplacement, LearnDrawer, ResetDevice, TryDrawer, UndoReplacement
from tillkeeper.contract.modes import SwitchOffline, SwitchOffsite
from tillkeeper.contract.people import DeclareTips, RecordTimeEntry
from tillkeeper.contract.roles import AssignRoles, ConfirmAway
from tillkeeper.contract.together import TakeCheck
from tillkeeper.contract.values import MAX_LINES, CheckState, OrderType, Totals

Seat = Annotated[int, Meta(ge=1, le=99)]
Course = Annotated[int, Meta(ge=1, le=20)]
TimeMs = Annotated[int, Meta(ge=0, le=9_999_999_999_999)]


class ChosenModifier(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    modifier_id: Id
    quantity: Annotated[int, Meta(ge=1, le=20)] = 1


class NewLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line to ring. The price always comes from the catalogue version of the check."""

    item_id: Id
    quantity: Quantity = 1
    modifiers: Annotated[tuple[ChosenModifier, ...], Meta(max_length=50)] = ()
    seat: Seat | None = None
    course: Course = 1
    order_type: OrderType | None = None
    note: FreeText = ""
    held: bool = False


class NewDiscount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`code` names a discount of the catalogue. `amount_minor` only where that discount leaves the amount open.
    `line` is the index of the line in the same order, or None for the whole check."""

    code: Id
    amount_minor: Amount | None = None
    line: int | None = None
    reason: ShortText = ""


class NewTender(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`tendered_minor` is what the guest gives, in the tender's currency; None means exactly what is due."""

    tender: Id
    tendered_minor: Amount | None = None
    reference: ShortText = ""


Lines = Annotated[tuple[NewLine, ...], Meta(max_length=MAX_LINES)]


class OpenCheck(Command, frozen=True, tag="open_check"):
    """`training`: practice, in no book; a page need not say it, its session does."""

    order_type: OrderType
    table: ShortText = ""
    covers: Annotated[int, Meta(ge=0, le=999)] = 0
    server: ShortText = ""
    name: ShortText = ""
    phone: ShortText = ""
    note: FreeText = ""
    lines: Lines = ()
    training: bool = False


class Order(Command, frozen=True):
    """A whole order, in one command."""

    order_type: OrderType
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=MAX_LINES)]
    table: ShortText = ""
    covers: Annotated[int, Meta(ge=0, le=999)] = 0
    server: ShortText = ""
    name: ShortText = ""
    phone: ShortText = ""
    note: FreeText = ""
    discounts: Annotated[tuple[NewDiscount, ...], Meta(max_length=20)] = ()
    tenders: Annotated[tuple[NewTender, ...], Meta(max_length=20)] = ()


class PlaceOrder(Order, frozen=True, tag="place_order"):
    """Opened, rung, discounted, sent to the kitchen, paid - or nothing of it. `may_be_doubled`: another register may have
    placed it already, so the kitchen's tickets say POSSIBLE DUPLICATE."""

    send: bool = True
    fire_at_ms: TimeMs | None = None
    training: bool = False
    may_be_doubled: bool = False


class EnterFromPaper(Order, frozen=True, kw_only=True, tag="enter_from_paper"):
    """An order that was sold on paper: nothing is sent to the kitchen, no drawer opens, and a receipt comes only where it is
    asked for. It counts today; the slip's own number and time are kept. A number that is known is refused unless
    `although_known`."""

    slip: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"\S")]
    slip_at_ms: TimeMs | None = None
    print_receipt: bool = False
    although_known: bool = False
    training: bool = False


class AddLines(CheckCommand, frozen=True, tag="add_lines"):
    lines: Annotated[tuple[NewLine, ...], Meta(min_length=1, max_length=MAX_LINES)]


class ChangeLine(CheckCommand, frozen=True, tag="change_line"):
    """Fields left at None stay as they are."""

    line_id: Id
    quantity: Quantity | None = None
    modifiers: Annotated[tuple[ChosenModifier, ...], Meta(max_length=50)] | None = None
    seat: Seat | None = None
    course: Course | None = None
    order_type: OrderType | None = None
    note: FreeText | None = None


class VoidLine(CheckCommand, frozen=True, tag="void_line"):
    """`quantity` None voids the whole line."""

    line_id: Id
    reason: ShortText
    quantity: Quantity | None = None


class ChangeOrderType(CheckCommand, frozen=True, tag="change_order_type"):
    order_type: OrderType


class ApplyDiscount(CheckCommand, frozen=True, tag="apply_discount"):
    code: Id
    line_id: Id | None = None
    amount_minor: Amount | None = None
    reason: ShortText = ""


class RemoveDiscount(CheckCommand, frozen=True, tag="remove_discount"):
    discount_id: Id


class SendOrder(CheckCommand, frozen=True, tag="send_order"):
    """Fire what is neither held, nor scheduled, nor of a later course."""


class HoldLines(CheckCommand, frozen=True, tag="hold_lines"):
    line_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MAX_LINES)]


class FireLines(CheckCommand, frozen=True, tag="fire_lines"):
    """Fire these lines, or this course, or everything not yet fired; now, or at `fire_at_ms`."""

    line_ids: Annotated[tuple[Id, ...], Meta(max_length=MAX_LINES)] = ()
    course: Course | None = None
    fire_at_ms: TimeMs | None = None


class RecordTender(CheckCommand, frozen=True, tag="record_tender"):
    """The check closes by itself as soon as nothing is due. `although_unreachable`: also where a register that had the check
    before is silent and may have been paid."""

    tender: Id
    tendered_minor: Amount | None = None
    reference: ShortText = ""
    although_unreachable: bool = False


class CloseCheck(CheckCommand, frozen=True, tag="close_check"):
    """Close a check on which nothing is due."""


class AwaitTender(CheckCommand, frozen=True, tag="await_tender"):
    """The guest is gone: settle the check by this tender later. It stays open and is listed as awaiting; None takes it back."""

    tender: Id | None = None


class VoidCheck(CheckCommand, frozen=True, tag="void_check"):
    reason: ShortText


class RefundCheck(CheckCommand, frozen=True, tag="refund_check"):
    """Give money back on a closed check: these pieces, or this amount, or all that is left of it."""

    tender: Id
    reason: ShortText
    quantities: dict[Id, Quantity] = {}
    amount_minor: Amount | None = None


class ReprintReceipt(CheckCommand, frozen=True, tag="reprint_receipt"):
    pass


class ReprintTicket(CheckCommand, frozen=True, tag="reprint_ticket"):
    """The last kitchen ticket of the check, of one station or of all; marked."""

    station: Id | None = None


class RecordNoSale(Command, frozen=True, tag="record_no_sale"):
    drawer: Id
    reason: ShortText


AnyCommand = (
    OpenCheck
    | PlaceOrder
    | EnterFromPaper
    | AddLines
    | ChangeLine
    | VoidLine
    | ChangeOrderType
    | ApplyDiscount
    | RemoveDiscount
    | SendOrder
    | HoldLines
    | FireLines
    | RecordTender
    | QueryAuthorisation
    | AbandonAuthorisation
    | CloseCheck
    | VoidCheck
    | RefundCheck
    | ReprintReceipt
    | ReprintTicket
    | AwaitTender
    | TakeCheck
    | RecordNoSale
    | RecordTimeEntry
    | DeclareTips
    | OpenDrawerSession
    | MoveCash
    | CountDrawer
    | CloseDrawerSession
    | PrintDrawerReport
    | SetAvailability
    | ConfirmReplacement
    | UndoReplacement
    | ResetDevice
    | TryDrawer
    | LearnDrawer
    | AssignRoles
    | ConfirmAway
    | CloseDay
    | DeclareGap
    | ParkRegister
    | UnparkRegister
    | PrintDayReport
    | SwitchOffline
    | SwitchOffsite
    | SettleTask
)


# --- answers ---


class JobRef(msgspec.Struct, frozen=True):
    job_id: str
    document_class: str
    device: str
    station: str = ""


class KeptRefusal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a command was refused for good with: what the world said does not change when it is asked again."""

    code: str
    operation: str
    subject: str
    cause: str
    hint: str = ""
    extra: dict[str, str | int | tuple[str, ...]] = {}


class CommandResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to an accepted command; stored with the key, so it holds no personal text. `change_minor` is to be handed
    to the guest. `line_ids`: of the lines that this command rang, in their order."""

    events: int
    check_id: str = ""
    ticket_code: str = ""
    state: CheckState | None = None
    totals: Totals | None = None
    line_ids: tuple[str, ...] = ()
    change_minor: int = 0
    refund_minor: int = 0
    jobs: tuple[JobRef, ...] = ()
    entity_id: str = ""
    """Id of what was made that is not a check: discount, refund, no-sale, time entry."""
    authorisation: AuthorisationState | Literal[""] = ""
    """What became of the authorisation that was queried or given up."""
    refused: KeptRefusal | None = None
    """Kept under the key, never answered: it is answered as the refusal that it was."""
    maybe_same: str = ""
    """Ticket code of a check with the same items at a register that is silent: this may be that order, rung again."""
