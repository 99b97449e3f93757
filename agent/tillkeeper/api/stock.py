"""86 in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.availability import AvailabilityView, SetAvailability


async def _availability(till: Till, _call: Call) -> Answer:
    return Answer(await till.availability())


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/availability", "get_availability", "What is sold out or counted down", AvailabilityView, _availability),
    command("/v1/availability", SetAvailability, "86: sold out, counted down, or back again", "register"),
)
