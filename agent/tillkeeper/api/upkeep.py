"""Changing over to another version between two sales, in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.problems import RequestRefused
from tillkeeper.api.routes import Answer, Call, Operation, PersonBody, read
from tillkeeper.contract.upkeep import RestartView
from tillkeeper.sales.permits import require_all


async def _restart(till: Till, _call: Call) -> Answer:
    return Answer(till.restarts.view())


async def _ask(till: Till, call: Call) -> Answer:
    require_all("restart", "the agent", (), call.caller)
    if call.caller.scope != "full":
        hint = "`tillkeeper restart --between-sales` on the machine itself"
        raise RequestRefused("scope_refused", 403, "restart", "the agent", "pages may not restart it", hint)
    return Answer(till.restarts.ask(call.caller.person(call.body.by)))


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/restart", "get_restart", "Whether a version waits for a restart, and what it waits for", RestartView, _restart),
    # Without an Idempotency-Key: to ask twice is to ask once.
    Operation(
        method="POST",
        path="/v1/restart",
        id="restart_between_sales",
        summary="End at the next quiet moment, for systemd to start the agent again",
        answer=RestartView,
        run=_ask,
        body=PersonBody,
        tag="register",
    ),
)
