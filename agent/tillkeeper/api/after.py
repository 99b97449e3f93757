"""After an outage, in the route table: what is left to do, and whether the whole store is well again."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.after import AfterQuery, AfterView, GreenView, SettleTask


async def _green(till: Till, _call: Call) -> Answer:
    return Answer(await till.green.view())


async def _after(till: Till, call: Call) -> Answer:
    return Answer(await till.after.view(call.query))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/green", "get_green", "Is every register of the store well, and HQ? Takes up to a second", GreenView, _green),
    read(
        "/v1/after", "get_after", "What an outage left behind, and what resolves each of it", AfterView, _after,
        tag="after", query=AfterQuery,
    ),
    command("/v1/after/{task_id}/settle", SettleTask, "A person has dealt with it: it is listed no more", "after"),
)  # fmt: skip
