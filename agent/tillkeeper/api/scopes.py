"""What a paired device may call at most, whoever has signed in there: one table over all operations and WebSockets. What is not
in it is refused to every paired device. `full` and `page` (this machine) are not limited here; what a person may do on top of
it is a matter of `sales/permits.py`.
"""

from typing import Final

from starlette.types import Scope as AsgiScope

from tillkeeper.api.problems import RequestRefused
from tillkeeper.api.ways import scope_of
from tillkeeper.contract.caller import DEVICE_SCOPES, DeviceScope, Scope

R: Final = "register"
K: Final = "kitchen"
T: Final = "technician"
M: Final = "manager"

_TABLE: tuple[tuple[tuple[DeviceScope, ...], tuple[str, ...]], ...] = (
    # What every page needs to begin.
    ((R, K, T, M), ("get_health", "get_pages", "get_status", "get_availability", "live")),
    ((R, K, M), ("get_catalogue", "set_availability")),
    # The display's front door: tickets, bumps, recalls.
    ((K,), ("kitchen",)),
    # Selling and cash, after a sign-in.
    (
        (R,),
        (
            "place_order", "open_check", "add_lines", "change_line", "void_line", "change_order_type", "apply_discount",
            "remove_discount", "send_order", "hold_lines", "fire_lines", "record_tender", "close_check", "take_check",
            "await_tender", "void_check", "refund_check", "reprint_receipt", "reprint_ticket", "record_no_sale",
            "query_authorisation", "abandon_authorisation", "enter_from_paper", "open_drawer_session", "move_cash",
            "count_drawer", "close_drawer_session", "declare_tips", "set_training",
        ),
    ),
    # Who is there, and somebody else's word.
    ((R, T, M), ("sign_in", "sign_out", "get_session", "ask_approval")),
    ((R, M), ("list_staff", "record_time_entry", "list_time_entries")),
    # Looking at money.
    (
        (R, M),
        (
            "list_checks", "get_check", "list_authorisations", "get_books", "list_drawers", "get_drawer_report",
            "list_drawer_sessions", "print_drawer_report", "get_day", "list_days", "get_day_report", "get_after", "get_online",
        ),
    ),
    # The end of day, and what an outage left behind.
    (
        (R, M),
        ("close_day", "declare_gap", "park_register", "unpark_register", "print_day_report", "settle_task"),
    ),
    ((R, M), ("switch_offline", "switch_offsite", "assign_roles", "confirm_away")),
    # How the register is.
    ((R, T, M), ("get_green", "get_mode", "get_roles", "get_preflight", "get_store", "get_restart")),
    ((R, T, M), ("get_network", "list_network_history", "start_diagnosis", "get_diagnosis")),
    # Devices.
    (
        (R, T, M),
        (
            "list_jobs", "get_job", "release_jobs", "release_job", "cancel_job", "list_devices", "test_device", "list_found",
            "search_devices", "probe_device", "begin_replacement", "confirm_replacement", "undo_replacement", "reset_device",
            "try_drawer", "learn_drawer", "get_preview_options", "preview_document",
        ),
    ),
    ((T, M), ("get_pairings", "open_pairing", "unpair_device", "open_join_code", "get_openapi")),
    # At the register itself and nowhere else.
    ((), ("restart_between_sales",)),
    ((M,), ("let_register_go", "find_personal", "erase_personal")),
)  # fmt: skip

ALLOWED: dict[str, frozenset[DeviceScope]] = {name: frozenset(scopes) for scopes, names in _TABLE for name in names}
"""Operation id (or name of a WebSocket) -> the scopes that may."""
WITHOUT_TOKEN = frozenset({"pair_device", "get_authority"})
"""Operations that nobody needs a token for, besides `get_health`."""
WEBSOCKETS = {"/v1/live": "live", "/v1/kitchen/{device}": "kitchen"}


def may(scope: Scope, operation: str) -> bool:
    """Whether this scope is enough."""
    return scope in ("full", "page") or operation in WITHOUT_TOKEN or scope in ALLOWED.get(operation, ())


def require_scope(asgi: AsgiScope, operation: str) -> None:
    """Raises `RequestRefused` (403 `scope_refused`) where the caller's token is of a scope that may not; `scopes` in it would
    do."""
    scope = scope_of(asgi)
    if may(scope, operation):
        return
    enough = [one for one in DEVICE_SCOPES if one in ALLOWED.get(operation, ())]
    cause = f"this device is paired as {scope}, which may not do this"
    hint = f"pair it as {' or '.join(enough)}, or do it there" if enough else "do it at the register itself"
    raise RequestRefused("scope_refused", 403, "call", operation, cause, hint, scope=scope, scopes=enough)
