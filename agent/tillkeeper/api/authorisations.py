"""Tenders that need the world, in the route table: what is open of them, and the ways out of a frozen check."""

from tillkeeper.api.ports import Till
from tillkeeper.api.routes import Answer, Call, Operation, command, read
from tillkeeper.contract.authorisations import AbandonAuthorisation, AuthorisationsView, QueryAuthorisation

_CHECK = "/v1/checks/{check_id}/authorisation"


async def _open(till: Till, _call: Call) -> Answer:
    return Answer(till.authorisations())


OPERATIONS: tuple[Operation, ...] = (
    read(
        "/v1/authorisations", "list_authorisations", "Frozen payments, reversals owed, checks awaiting a card, gateways",
        AuthorisationsView, _open, tag="checks",
    ),
    command(_CHECK + "/query", QueryAuthorisation, "Ask what became of the payment that a check is frozen by, and finish it"),
    command(_CHECK + "/abandon", AbandonAuthorisation, "Pay another way: what was authorised is taken back"),
)  # fmt: skip
