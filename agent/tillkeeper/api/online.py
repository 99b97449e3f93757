"""Online orders, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.online import OnlineView


async def _online(till: Till, _call: Call) -> Answer:
    return Answer(till.online.view())


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/online", "get_online", "Who takes the orders of the web shop, and the last that came here", OnlineView, _online),
)
