"""Primary and backup in the route table."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.roles import AssignRoles, ConfirmAway, PreflightView, RolesView


async def _roles(till: Till, _call: Call) -> Answer:
    return Answer(await till.roles.view())


async def _preflight(till: Till, _call: Call) -> Answer:
    return Answer(await till.roles.preflight())


OPERATIONS: tuple[Operation, ...] = (
    read("/v1/roles", "get_roles", "Who is the store's primary and who its backup", RolesView, _roles, tag="roles"),
    read("/v1/preflight", "get_preflight", "What to look at before an upgrade", PreflightView, _preflight, tag="roles"),
    command("/v1/roles/assign", AssignRoles, "Give the roles to these registers, from now on", "roles"),
    command("/v1/roles/confirm-away", ConfirmAway, "A manager confirms: the other one is switched off or broken", "roles"),
)
