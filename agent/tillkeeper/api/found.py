"""What is plugged in and what answers on the network, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.devices import FoundList


async def _found(till: Till, _call: Call) -> Answer:
    return Answer(till.finder.found())


async def _search(till: Till, _call: Call) -> Answer:
    return Answer(await till.finder.search())


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/devices/found", "list_found", "What is plugged in or answered on the network", FoundList, _found, tag="devices"),
    # It changes nothing: to ask again is to look again, so there is no key.
    Operation(
        method="POST",
        path="/v1/devices/search",
        id="search_devices",
        summary="Ask the network for printers and displays; about two seconds",
        answer=FoundList,
        run=_search,
        tag="devices",
    ),
)
