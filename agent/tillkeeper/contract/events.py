"""Every event type of the journal, with its version. Events are in the past tense and are never changed: a new field gets
a default, a new meaning gets a new version. `EVENT_TYPES` is the one registry; the wire form is JSON (see `envelope`)."""

import msgspec

from tillkeeper.contract.access import DevicePaired, DeviceUnpaired, PairingOpened, PairingRefused
from tillkeeper.contract.acts import ActNoted
from tillkeeper.contract.after import TaskSettled
from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationReversed, AuthorisationSettled, ReversalOwed
from tillkeeper.contract.availability import AvailabilityCounted, AvailabilitySet
from tillkeeper.contract.base import Event
from tillkeeper.contract.cash import CashMoved, DrawerCounted, DrawerReportPrinted, DrawerSessionClosed, DrawerSessionOpened
from tillkeeper.contract.day import DayClosed, DayReportPrinted, DayTailDeclared, GapDeclared, RegisterParked, RegisterUnparked
from tillkeeper.contract.devices import DeviceReplaced
from tillkeeper.contract.documents import (
    DocumentRerouted,
    DocumentSettled,
    DrawerKicked,
    NoSaleRecorded,
    ReceiptIssued,
    TicketBumped,
    TicketFired,
    TicketRecalled,
    TicketReprinted,
    VoidAcknowledged,
)
from tillkeeper.contract.fiscal import FiscalSigned, FiscalSigningFailed
from tillkeeper.contract.modes import ModeSwitched
from tillkeeper.contract.paper import SlipEntered
from tillkeeper.contract.people import (
    ApprovalGiven,
    SignedIn,
    SignedOut,
    SignInLockedOut,
    StaffAdopted,
    TimeEntryRecorded,
    TipsDeclared,
    TrainingSwitched,
)
from tillkeeper.contract.privacy import PersonalDataErased
from tillkeeper.contract.roles import RolesAssigned
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.contract.trust import JoinCodeOpened, JoinRefused, RegisterAdmitted, RegisterLeft, StoreKeysTaken
from tillkeeper.contract.values import (
    Modifier,
    OrderType,
    Personal,
    Tax,
    TenderKind,
    Totals,
)

# --- the log itself ---


class IncarnationBegan(Event, frozen=True):
    """`reason`: first_start, corrupt_journal, machine_changed; at run time restored_copy (this is an older copy of a register
    that went on), forked_log (another copy of it writes too), peer_holds_more, by_hand. A reader takes others as they are.
    `previous_last_seq`: where the log before ended on this disk, 0 where that is not known."""

    reason: str
    previous_incarnation: str = ""
    previous_last_seq: int = 0
    set_aside: str = ""
    """File name (without folder) of a journal that was set aside."""


class CatalogueAdopted(Event, frozen=True):
    catalogue_version: str
    sha256: str
    items: int


class ModeChanged(Event, frozen=True):
    """`mode`: checking, online, offline, island, offsite, manual_offline."""

    mode: str
    previous: str
    cause: str = ""


# --- checks ---


class CheckOpened(Event, frozen=True):
    """`training`: practice, which no book counts. `car`: place in the drive-through's queue of the day, from 1; 0 elsewhere."""

    check_id: str
    ticket_code: str
    order_type: OrderType
    catalogue_version: str
    terminal: str
    server: str = ""
    table: str = ""
    covers: int = 0
    name: Personal | None = None
    phone: Personal | None = None
    note: Personal | None = None
    training: bool = False
    car: int = 0


class LineAdded(Event, frozen=True):
    check_id: str
    line_id: str
    item_id: str
    name: str
    quantity: int
    unit_price_minor: int
    tax: Tax
    station: str
    kitchen_name: str = ""
    modifiers: tuple[Modifier, ...] = ()
    seat: int | None = None
    course: int = 1
    order_type: OrderType | None = None
    note: str = ""
    held: bool = False
    maybe_fired: bool = False
    """Another register may have sold it already, and told the kitchen."""


class LineChanged(Event, frozen=True):
    """The line as it is from now on; only fields that a line may change after it was rung."""

    check_id: str
    line_id: str
    quantity: int
    tax: Tax
    modifiers: tuple[Modifier, ...] = ()
    seat: int | None = None
    course: int = 1
    order_type: OrderType | None = None
    note: str = ""
    by: str = ""


class LineVoided(Event, frozen=True):
    check_id: str
    line_id: str
    quantity: int
    reason: str
    by: str = ""


class OrderTypeChanged(Event, frozen=True):
    """Of the whole check. `taxes` holds the new tax of each line that follows the check's order type."""

    check_id: str
    order_type: OrderType
    taxes: dict[str, Tax] = {}


class DiscountApplied(Event, frozen=True):
    """On one line, or on the whole check where `line_id` is empty. Exactly one of `rate_ppm` and `amount_minor` is set."""

    check_id: str
    discount_id: str
    code: str
    name: str
    line_id: str = ""
    rate_ppm: int = 0
    amount_minor: int = 0
    by: str = ""
    reason: str = ""


class DiscountRemoved(Event, frozen=True):
    check_id: str
    discount_id: str
    by: str = ""


class LinesHeld(Event, frozen=True):
    check_id: str
    line_ids: tuple[str, ...]


class FireScheduled(Event, frozen=True):
    """The lines fire at `fire_at_ms` (wall clock, ms since the epoch), also after a restart."""

    check_id: str
    line_ids: tuple[str, ...]
    fire_at_ms: int


class LinesFired(Event, frozen=True):
    """From now on the kitchen owes these lines. `cause`: each_item, on_send, on_tender, by_hand, course, timed, forked."""

    check_id: str
    line_ids: tuple[str, ...]
    cause: str


class TenderRecorded(Event, frozen=True):
    """`amount_minor` goes to the check, `tendered_minor` is what the guest gave, both in store currency; `change_minor` goes
    back. `rounding_minor` is what cash rounding added to the check. `foreign_minor` of `foreign_currency` where the guest
    paid in another currency."""

    check_id: str
    tender_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    tendered_minor: int
    change_minor: int = 0
    rounding_minor: int = 0
    foreign_currency: str = ""
    foreign_minor: int = 0
    reference: str = ""
    label: str = ""
    """What the gateway says of the card, masked by it."""
    by: str = ""
    drawer_session: str = ""
    training: bool = False


class TenderAwaited(Event, frozen=True):
    """The guest is gone and the check is to be settled by `tender` later; an empty `tender` takes that back."""

    check_id: str
    tender: str
    by: str = ""


class CheckClosed(Event, frozen=True):
    """`drawer_session` here and elsewhere: the session of the drawer of the terminal where it happened, empty for none."""

    check_id: str
    totals: Totals
    drawer_session: str = ""
    training: bool = False


class CheckVoided(Event, frozen=True):
    """`returned_minor`: what had been paid and was given back, by tender name; `returned_cash_minor` of it left the drawer."""

    check_id: str
    reason: str
    by: str = ""
    returned_minor: dict[str, int] = {}
    returned_cash_minor: int = 0
    drawer_session: str = ""
    training: bool = False


class RefundRecorded(Event, frozen=True):
    """Money given back on a closed check. `amount_minor` is positive and includes `tax_minor`. `quantities`: line id ->
    pieces returned; empty for an amount without lines. `of_overpayment`: two registers took payment for the check; what is
    given back of that takes nothing off the sale."""

    check_id: str
    refund_id: str
    tender: str
    kind: TenderKind
    amount_minor: int
    tax_minor: int
    reason: str
    quantities: dict[str, int] = {}
    rounding_minor: int = 0
    by: str = ""
    drawer_session: str = ""
    training: bool = False
    of_overpayment: bool = False


class CheckNumbered(Event, frozen=True):
    """HQ gave the check its number. The temporary id resolves for ever."""

    check_id: str
    number: int


EVENT_TYPES: dict[str, tuple[type[Event], int]] = {
    "incarnation_began": (IncarnationBegan, 1),
    "catalogue_adopted": (CatalogueAdopted, 1),
    "mode_changed": (ModeChanged, 1),
    "check_opened": (CheckOpened, 1),
    "line_added": (LineAdded, 1),
    "line_changed": (LineChanged, 1),
    "line_voided": (LineVoided, 1),
    "order_type_changed": (OrderTypeChanged, 1),
    "discount_applied": (DiscountApplied, 1),
    "discount_removed": (DiscountRemoved, 1),
    "lines_held": (LinesHeld, 1),
    "fire_scheduled": (FireScheduled, 1),
    "lines_fired": (LinesFired, 1),
    "tender_recorded": (TenderRecorded, 1),
    "check_closed": (CheckClosed, 1),
    "check_voided": (CheckVoided, 1),
    "refund_recorded": (RefundRecorded, 1),
    "check_numbered": (CheckNumbered, 1),
    "authorisation_asked": (AuthorisationAsked, 1),
    "authorisation_settled": (AuthorisationSettled, 1),
    "reversal_owed": (ReversalOwed, 1),
    "authorisation_reversed": (AuthorisationReversed, 1),
    "check_handed_over": (CheckHandedOver, 1),
    "check_taken": (CheckTaken, 1),
    "check_forked": (CheckForked, 1),
    "check_yielded": (CheckYielded, 1),
    "check_merged": (CheckMerged, 1),
    "ticket_fired": (TicketFired, 1),
    "receipt_issued": (ReceiptIssued, 1),
    "drawer_kicked": (DrawerKicked, 1),
    "no_sale_recorded": (NoSaleRecorded, 1),
    "ticket_reprinted": (TicketReprinted, 1),
    "document_settled": (DocumentSettled, 1),
    "document_rerouted": (DocumentRerouted, 1),
    "ticket_bumped": (TicketBumped, 1),
    "ticket_recalled": (TicketRecalled, 1),
    "void_acknowledged": (VoidAcknowledged, 1),
    "tender_awaited": (TenderAwaited, 1),
    "time_entry_recorded": (TimeEntryRecorded, 1),
    "tips_declared": (TipsDeclared, 1),
    "staff_adopted": (StaffAdopted, 1),
    "signed_in": (SignedIn, 1),
    "signed_out": (SignedOut, 1),
    "training_switched": (TrainingSwitched, 1),
    "sign_in_locked_out": (SignInLockedOut, 1),
    "approval_given": (ApprovalGiven, 1),
    "drawer_session_opened": (DrawerSessionOpened, 1),
    "cash_moved": (CashMoved, 1),
    "drawer_counted": (DrawerCounted, 1),
    "drawer_session_closed": (DrawerSessionClosed, 1),
    "drawer_report_printed": (DrawerReportPrinted, 1),
    "availability_set": (AvailabilitySet, 1),
    "availability_counted": (AvailabilityCounted, 1),
    "device_replaced": (DeviceReplaced, 1),
    "store_keys_taken": (StoreKeysTaken, 1),
    "join_code_opened": (JoinCodeOpened, 1),
    "join_refused": (JoinRefused, 1),
    "register_admitted": (RegisterAdmitted, 1),
    "register_left": (RegisterLeft, 1),
    "personal_data_erased": (PersonalDataErased, 1),
    "roles_assigned": (RolesAssigned, 1),
    "task_settled": (TaskSettled, 1),
    "day_tail_declared": (DayTailDeclared, 1),
    "gap_declared": (GapDeclared, 1),
    "register_parked": (RegisterParked, 1),
    "register_unparked": (RegisterUnparked, 1),
    "day_closed": (DayClosed, 1),
    "day_report_printed": (DayReportPrinted, 1),
    "fiscal_signed": (FiscalSigned, 1),
    "fiscal_signing_failed": (FiscalSigningFailed, 1),
    "mode_switched": (ModeSwitched, 1),
    "slip_entered": (SlipEntered, 1),
    "pairing_opened": (PairingOpened, 1),
    "pairing_refused": (PairingRefused, 1),
    "device_paired": (DevicePaired, 1),
    "device_unpaired": (DeviceUnpaired, 1),
    "act_noted": (ActNoted, 1),
}

TYPE_NAMES: dict[type[Event], str] = {struct: name for name, (struct, _version) in EVENT_TYPES.items()}

_decoders = {name: msgspec.json.Decoder(struct) for name, (struct, _version) in EVENT_TYPES.items()}
_encoder = msgspec.json.Encoder()


def encode_body(event: Event) -> bytes:
    """The bytes that are hashed, stored and sent: they are never re-encoded afterwards."""
    return _encoder.encode(event)


def decode_body(type_name: str, body: bytes) -> Event | None:
    """The event, or None where this agent does not know the type (it is stored and forwarded byte for byte all the same).

    Raises:
        msgspec.DecodeError: a known type with a body that does not fit it.
    """
    decoder = _decoders.get(type_name)
    return None if decoder is None else decoder.decode(body)
