"""What may be in the query string of a read. A field that is not there is an error, never ignored."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Day, Id
from tillkeeper.contract.values import CheckState, OrderType

JobFilter = Literal["unsettled", "held", "all"]
Limit = Annotated[int, Meta(ge=1, le=500)]


class ChecksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`before` is the long id of the last check of the page before; checks come newest first. `awaiting`: only those
    that are to be settled by some tender later (true), or only the others (false). `where`: this register's, open ones of other
    registers (not in pages), or both."""

    state: CheckState | None = None
    awaiting: bool | None = None
    order_type: OrderType | None = None
    day: Day | None = None
    where: Literal["here", "elsewhere", "all"] = "here"
    limit: Limit = 50
    before: Id | None = None


class JobsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: JobFilter = "unsettled"
    limit: Limit = 100


class BooksQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`day` None: the business day that is open now."""

    day: Day | None = None


class PreviewQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """None: as the config says. `copy`: as that copy of a receipt."""

    station: Id | None = None
    language: Id | None = None
    columns: Annotated[int, Meta(ge=8, le=128)] | None = None
    training: bool = False
    copy: Annotated[int, Meta(ge=0, le=99)] = 0


class DrawerQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`session` None: the one that is open, else the oldest that waits for its Z."""

    session: Id | None = None


class SessionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`before`: only those with a lower Z number."""

    limit: Limit = 50
    before: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class NetworkHistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limit: Limit = 50
