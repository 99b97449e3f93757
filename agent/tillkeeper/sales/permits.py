"""Which command needs which permission, given the check. Pure; who has which permission is data (`people/roles.toml`)."""

from tillkeeper.contract import cash as money
from tillkeeper.contract import commands as cmd
from tillkeeper.contract import day as days
from tillkeeper.contract import devices as setup
from tillkeeper.contract.after import SettleTask
from tillkeeper.contract.authorisations import AbandonAuthorisation, QueryAuthorisation
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.base import Command
from tillkeeper.contract.caller import Caller, Permission
from tillkeeper.contract.modes import SwitchOffline, SwitchOffsite
from tillkeeper.contract.people import DeclareTips, RecordTimeEntry
from tillkeeper.contract.roles import AssignRoles, ConfirmAway
from tillkeeper.contract.together import TakeCheck
from tillkeeper.people.refusals import ApprovalNeeded, SignInNeeded
from tillkeeper.sales.model import Check, Line

WORDS: dict[Permission, str] = {
    "ring": "ring orders",
    "tender": "take payments",
    "discount": "give or take back discounts",
    "void_unfired": "void what the kitchen does not have yet",
    "void_fired": "void what the kitchen has already",
    "void_check": "void a check",
    "refund": "give money back",
    "no_sale": "open the drawer without a sale",
    "cash_movement": "pay cash in or out",
    "open_drawer": "begin a drawer session",
    "count_drawer": "count a drawer",
    "close_drawer": "close a drawer session",
    "see_expected": "see what the drawer should hold",
    "sold_out": "mark things as sold out",
    "edit_time": "enter the time of others, or of the past",
    "reports": "print reports",
    "training_off": "end training",
    "set_up_devices": "replace and set up devices",
    "erase_personal": "look for texts about persons and erase them",
    "admit_registers": "admit registers to the store, or let them go",
    "assign_roles": "say which register is primary and which is its backup",
    "switch_mode": "switch offline or offsite by hand",
    "take_over": "take over the checks of other registers",
    "close_day": "close the day",
    "settle": "settle what an outage left behind",
}

_ALWAYS: dict[type[Command], tuple[Permission, ...]] = {
    cmd.OpenCheck: ("ring",),
    cmd.AddLines: ("ring",),
    cmd.ChangeOrderType: ("ring",),
    cmd.SendOrder: ("ring",),
    cmd.HoldLines: ("ring",),
    cmd.FireLines: ("ring",),
    cmd.ReprintTicket: ("ring",),
    cmd.ReprintReceipt: ("tender",),
    cmd.RecordTender: ("tender",),
    cmd.CloseCheck: ("tender",),
    cmd.AwaitTender: ("tender",),
    TakeCheck: ("take_over",),
    QueryAuthorisation: ("tender",),
    AbandonAuthorisation: ("tender",),
    cmd.ApplyDiscount: ("discount",),
    cmd.RemoveDiscount: ("discount",),
    cmd.RefundCheck: ("refund",),
    cmd.RecordNoSale: ("no_sale",),
    money.OpenDrawerSession: ("open_drawer",),
    money.MoveCash: ("cash_movement",),
    money.CountDrawer: ("count_drawer",),
    money.CloseDrawerSession: ("close_drawer",),
    money.PrintDrawerReport: ("reports",),
    SetAvailability: ("sold_out",),
    setup.ConfirmReplacement: (),  # whoever has begun it; the desk looks
    setup.UndoReplacement: ("set_up_devices",),
    setup.ResetDevice: ("set_up_devices",),
    setup.TryDrawer: ("set_up_devices",),
    setup.LearnDrawer: ("set_up_devices",),
    SwitchOffline: ("switch_mode",),
    SwitchOffsite: ("switch_mode",),
    AssignRoles: ("assign_roles",),
    ConfirmAway: ("assign_roles",),
    days.CloseDay: ("close_day",),
    days.DeclareGap: ("close_day",),
    days.ParkRegister: ("close_day",),
    days.UnparkRegister: ("close_day",),
    days.PrintDayReport: ("reports",),
    SettleTask: ("settle",),
}


_OF_THE_SALE = frozenset({"ring", "tender", "sold_out", "take_over"})


def is_accountable(command: Command) -> bool:
    """Whether it takes more than ringing and taking money, so that somebody is named for it in any case."""
    if isinstance(command, cmd.Order | setup.ConfirmReplacement):  # the slip that it confirms names who asked for it
        return False
    return not _OF_THE_SALE.issuperset(_ALWAYS.get(type(command), ("more",)) or ("more",))


def needed(command: Command, check: Check | None, caller: Caller) -> tuple[Permission, ...]:
    """What a person must be allowed, to do this: all of these. `check`: the one that the command names, as it is."""
    match command:
        case cmd.Order(discounts=discounts, tenders=tenders):
            parts: list[tuple[Permission, object]] = [("ring", True), ("discount", discounts), ("tender", tenders)]
            return tuple(permission for permission, wanted in parts if wanted)
        case cmd.ChangeLine():
            return _change(command, check)
        case cmd.VoidLine(line_id=line_id):
            return (_void(_line(check, line_id)),)
        case cmd.VoidCheck():
            known = check is not None and (check.payments or any(line.fired for line in check.lines))
            return ("void_check",) if known else ("void_unfired",)
        case money.CountDrawer(session_id=session_id):  # a session is named to count it again, and that is no longer blind
            return ("count_drawer",) if session_id is None else ("count_drawer", "see_expected")
        case money.PrintDrawerReport(session_id=session_id):  # an X of the open session tells what to expect
            return ("see_expected",) if session_id is None else ("reports",)
        case RecordTimeEntry(employee=employee, at_ms=at_ms):
            return () if employee == caller.employee and at_ms is None else ("edit_time",)
        case AbandonAuthorisation(although_unreachable=True):  # it may be recorded elsewhere: then money goes back
            return ("tender", "refund")
        case DeclareTips(employee=employee):
            return () if employee == caller.employee else ("edit_time",)
    return _ALWAYS[type(command)]


def _line(check: Check | None, line_id: str) -> Line | None:
    return next((line for line in check.lines if line.line_id == line_id), None) if check is not None else None


def _void(line: Line | None) -> Permission:
    return "void_fired" if line is not None and line.fired else "void_unfired"


def _change(command: cmd.ChangeLine, check: Check | None) -> tuple[Permission, ...]:
    """Taking something off a line is a void by another name."""
    line = _line(check, command.line_id)
    if line is None:
        return ("ring",)
    less = command.quantity is not None and command.quantity < line.quantity
    if line.fired and command.modifiers is not None:
        kept = {chosen.modifier_id: chosen.quantity for chosen in command.modifiers}
        less = less or any(old.price_minor > 0 and kept.get(old.modifier_id, 0) < old.quantity for old in line.modifiers)
    return ("ring", _void(line)) if less else ("ring",)


def require(command: Command, check: Check | None, caller: Caller) -> tuple[Permission, ...]:
    """Which permissions of an approval the command uses up; usually none.

    Raises:
        SignInNeeded: a page on which nobody has signed in; what is sold out may be said by anybody.
        ApprovalNeeded: the person may not.
    """
    if caller.scope == "full" or (isinstance(command, SetAvailability) and not caller.signed_in):
        return ()
    operation = str(command.__struct_config__.tag).replace("_", " ")
    subject = f"check {check.ticket_code}" if check is not None else "register"
    wanted = needed(command, check, caller)
    if caller.must_practise and not caller.training:  # entered while practice had been ended for this person
        wanted = (*wanted, "training_off")
    return require_all(operation, subject, wanted, caller)


def require_all(operation: str, subject: str, wanted: tuple[Permission, ...], caller: Caller) -> tuple[Permission, ...]:
    """As `require`, for what is no command of a check."""
    if not caller.signed_in:
        raise SignInNeeded(operation, subject)
    for permission in wanted:
        if not caller.may(permission):
            cause = f"{caller.employee or 'this page'} may not {WORDS[permission]}"
            raise ApprovalNeeded(operation, subject, cause, permission)
    return tuple(permission for permission in wanted if caller.scope != "full" and permission not in caller.permissions)
