"""Who belongs to the store, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, read
from tillkeeper.contract.trust import CodeBody, CodeView, LeaveBody, StoreView


async def _store(till: Till, _call: Call) -> Answer:
    return Answer(till.trust.view())


async def _code(till: Till, call: Call) -> Answer:
    return Answer(await till.trust.open_code(call.body, call.caller))


async def _leave(till: Till, call: Call) -> Answer:
    return Answer(await till.trust.leave(call.body, call.caller))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/store", "get_store", "Who belongs to the store", StoreView, _store, tag="store"),
    # Without an Idempotency-Key: a code is never kept with one, and asking again ends the one before.
    Operation(
        method="POST",
        path="/v1/store/codes",
        id="open_join_code",
        summary="A code with which one register may join, for ten minutes; the one before ends",
        answer=CodeView,
        run=_code,
        body=CodeBody,
        tag="store",
    ),
    # The same: a recovery code may be in it. To say it twice changes nothing.
    Operation(
        method="POST",
        path="/v1/store/leave",
        id="let_register_go",
        summary="End the keys of a register: what it writes from now on does not count",
        answer=StoreView,
        run=_leave,
        body=LeaveBody,
        tag="store",
    ),
)
