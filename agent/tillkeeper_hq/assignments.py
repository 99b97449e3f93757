"""The record of roles that counts in a store, as far as its events have come to HQ."""

import msgspec

from tillkeeper.contract.events import EVENT_TYPES
from tillkeeper.contract.roles import Epoch, RolesAssigned, leaps
from tillkeeper_hq.sql import Sql


def highest(sql: Sql, store: str) -> RolesAssigned | None:
    """That with the highest epoch; None where nobody assigned any. A register decides in its own log alone. Inside a
    transaction."""
    rows = sql.rows(
        "SELECT register, body FROM events JOIN logs USING (log_id)"
        " WHERE store = $1 AND type = 'roles_assigned' AND version = $2 AND events.rejected = ''",
        store, EVENT_TYPES["roles_assigned"][1],
    )  # fmt: skip
    found = [(author, msgspec.json.decode(bytes(body), type=RolesAssigned)) for author, body in rows]
    counts: RolesAssigned | None = None
    for one in sorted((one for author, one in found if one.register == author), key=lambda one: one.epoch):
        if not leaps(one.epoch, counts.epoch if counts is not None else Epoch()):
            counts = one
    return counts
