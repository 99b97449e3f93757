"""Who did what: each changing operation, the events that it leaves in the journal, and the field that says who. A table over
all operations (a test holds it complete). Where an operation has no event of its own, the API notes the act itself.
"""

import logging
from typing import Final, NamedTuple

import msgspec

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Call
from tillkeeper.contract.acts import ActNoted
from tillkeeper.errors import Overloaded, StorageRefused

log = logging.getLogger(__name__)

NOTED: Final = "act_noted"
NOTHING: Final = "nothing"
"""It leaves nothing behind that anybody would have to answer for."""


class Act(NamedTuple):
    """`events`: those of them that tell of it (a command may write others besides). `who`: the field of each that names the
    person; empty where the event is no person's (the check's own course of things, an outsider's try)."""

    events: tuple[str, ...]
    who: str = "by"


def _acts(who: str, **events: str) -> dict[str, Act]:
    return {name: Act(tuple(types.split()), who) for name, types in events.items()}


ACTS: dict[str, Act] = {
    # Ringing: who serves is on the check; what the kitchen gets needs no permission but `ring`.
    **_acts("server", place_order="check_opened", open_check="check_opened"),
    **_acts(
        "",
        add_lines="line_added",
        change_order_type="order_type_changed",
        send_order="lines_fired",
        hold_lines="lines_held",
        fire_lines="lines_fired fire_scheduled",
        close_check="check_closed",
        reprint_receipt="receipt_issued",
    ),
    **_acts(
        "by",
        change_line="line_changed",
        void_line="line_voided",
        apply_discount="discount_applied",
        remove_discount="discount_removed",
        record_tender="tender_recorded",
        await_tender="tender_awaited",
        take_check="check_taken",
        void_check="check_voided",
        refund_check="refund_recorded",
        reprint_ticket="ticket_reprinted",
        enter_from_paper="slip_entered",
        record_no_sale="no_sale_recorded",
        query_authorisation="tender_recorded authorisation_reversed",
        abandon_authorisation="reversal_owed",
        set_availability="availability_set",
    ),
    # The drawer.
    **_acts(
        "by",
        open_drawer_session="drawer_session_opened",
        move_cash="cash_moved",
        count_drawer="drawer_counted",
        close_drawer_session="drawer_session_closed",
        print_drawer_report="drawer_report_printed",
    ),
    # People.
    **_acts("employee", sign_in="signed_in", sign_out="signed_out", set_training="training_switched"),
    **_acts("approver", ask_approval="approval_given"),
    **_acts("by", record_time_entry="time_entry_recorded", declare_tips="tips_declared"),
    # The day, the mode, the roles, what an outage left.
    **_acts(
        "by",
        close_day="day_closed",
        declare_gap="gap_declared",
        park_register="register_parked",
        unpark_register="register_unparked",
        print_day_report="day_report_printed",
        switch_offline="mode_switched",
        switch_offsite="mode_switched",
        assign_roles="roles_assigned",
        confirm_away="roles_assigned",
        settle_task="task_settled",
    ),
    # Devices.
    **_acts(
        "by",
        cancel_job="document_settled",
        confirm_replacement="device_replaced",
        undo_replacement="device_replaced",
        reset_device="device_replaced",
        release_job=NOTED,
        release_jobs=NOTED,
        test_device=NOTED,
        probe_device=NOTED,
        begin_replacement=NOTED,
        try_drawer=NOTED,
        learn_drawer=NOTED,
    ),
    "search_devices": Act((NOTHING,), ""),
    # Keys, persons, the machine.
    **_acts(
        "by",
        open_join_code="join_code_opened",
        let_register_go="register_left",
        erase_personal="personal_data_erased",
        find_personal=NOTED,
        start_diagnosis=NOTED,
        restart_between_sales=NOTED,
        open_pairing="pairing_opened",
        unpair_device="device_unpaired",
    ),
    "pair_device": Act(("device_paired", "pairing_refused"), "name"),
}

_MUST = frozenset({"find_personal"})
"""What is not answered where it can not be noted. All else helps to mend what is broken, a full disk too."""


async def note(till: Till, operation: str, call: Call) -> None:
    """Journal an act that has no event of its own; called before it is answered.

    Raises: StorageRefused, Overloaded: for what must not happen unseen.
    """
    act = ACTS.get(operation)
    if act is None or act.events != (NOTED,):
        return
    body = call.body if isinstance(call.body, msgspec.Struct) else None
    said = getattr(body, "by", "")
    event = ActNoted(
        operation=operation,
        subject=" ".join(call.params.values()),
        by=call.caller.person(said),
        terminal=call.caller.terminal,
        detail="pcap" if getattr(body, "pcap", False) else "",
    )
    try:
        await till.note_act(event)
    except (StorageRefused, Overloaded) as error:
        if operation in _MUST:
            raise
        log.warning("%s of %s is not in the journal: %s", operation, event.by, error)
