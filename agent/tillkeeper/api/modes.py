"""The mode, and what a person switches of it, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.commands import EnterFromPaper
from tillkeeper.contract.modes import ModeView, SwitchOffline, SwitchOffsite


async def _mode(till: Till, _call: Call) -> Answer:
    return Answer(await till.mode())


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/mode", "get_mode", "The mode, why, and what stands still in it", ModeView, _mode),
    command("/v1/mode/offline", SwitchOffline, "Offline by hand, or back", "register"),
    command("/v1/mode/offsite", SwitchOffsite, "Sell away from the store, or be back in it", "register"),
    command("/v1/orders/from-paper", EnterFromPaper, "An order that was sold on paper: no ticket, no drawer, no receipt"),
)
