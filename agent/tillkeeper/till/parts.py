"""What an intake works with."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tillkeeper.across.taking import Taking
from tillkeeper.cards.gateway import Gateway
from tillkeeper.clock import IdSource, WallClock
from tillkeeper.config.model import Config
from tillkeeper.contract.views import Mode
from tillkeeper.journal.journal import Journal
from tillkeeper.spool.spool import Spool
from tillkeeper.till.approvals import Approvals
from tillkeeper.till.availability import StockKeeper
from tillkeeper.till.catalogues import Catalogues
from tillkeeper.till.codes import OpeningCodes
from tillkeeper.till.desk import Desk
from tillkeeper.till.shelf import Shelf
from tillkeeper.till.stamp import Stamp


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an intake works with. `drawer_session`: the open session of a drawer, or empty. `second_copy`: waits a moment until
    another register holds what was just stored; an answer goes out after it. `step_aside`: awaited between the pieces of what
    is not urgent."""

    config: Config
    journal: Journal
    shelf: Shelf
    spool: Spool
    catalogues: Catalogues
    codes: OpeningCodes
    approvals: Approvals
    stock: StockKeeper
    mode: Callable[[], Mode]
    stamp: Stamp
    now_ms: WallClock
    new_id: IdSource
    desks: tuple[Desk, ...] = ()
    drawer_session: Callable[[str], str] = lambda _drawer: ""
    second_copy: Callable[[], Awaitable[None]] | None = None
    step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    gateways: Mapping[str, Gateway] = field(default_factory=dict)
    now_s: Callable[[], float] = time.monotonic
    knows_its_past: Callable[[], bool] = lambda: True
    """Whether all that this register ever wrote is here, as far as can be told."""
    taking: Taking | None = None
    """Checks of other registers; None where they are not known."""
