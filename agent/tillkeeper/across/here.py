"""Which checks are this register's to work on."""

from tillkeeper.across.taking import Taking
from tillkeeper.contract.base import Command
from tillkeeper.contract.commands import AddLines, ApplyDiscount, ChangeLine, ChangeOrderType, CommandResult
from tillkeeper.contract.together import TakeCheck
from tillkeeper.errors import NotFound, Refused
from tillkeeper.sales.catalogue_model import Catalogue
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.till.catalogues import Catalogues
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.shelf import Shelf

_BY_CATALOGUE = (AddLines, ChangeLine, ChangeOrderType, ApplyDiscount)


def find(shelf: Shelf, taking: Taking | None, ref: str, today: str) -> str:
    """The long id of what a person calls a check, here or at another register. Raises: NotFound."""
    try:
        return shelf.find(ref, today)
    except NotFound:
        if taking is None:
            raise
        return taking.find(ref, today)


def is_here(shelf: Shelf, check_id: str) -> bool:
    held = shelf.get(check_id)
    return held is not None and not held.check.elsewhere


async def take(shelf: Shelf, taking: Taking | None, command: TakeCheck, check_id: str, moment: Moment) -> Draft:
    """What the command comes to; nothing where the check is here already. Raises: as `Taking.draft`."""
    held = shelf.get(check_id)
    if held is not None and not held.check.elsewhere:
        check = held.check
        sums = check.closed_totals or totals(check, rules_of(moment.config.store))
        result = CommandResult(
            events=0, check_id=check_id, ticket_code=check.ticket_code, state=check.state, totals=sums
        )  # fmt: skip
        return Draft((), check, (), (), result)
    if taking is None:
        raise NotFound("take", f"check {check_id}", "there is no other register")
    return await taking.draft(command, check_id, moment)


def catalogue_of(catalogues: Catalogues, check: Check | None) -> Catalogue:
    """Of a check that was rung elsewhere it may be missing: then nothing is rung by it (`require_catalogue`)."""
    if check is None or not catalogues.holds(check.catalogue_version):
        return catalogues.current
    return catalogues.of(check.catalogue_version)


def require_catalogue(catalogues: Catalogues, command: Command, check: Check | None) -> None:
    """What is rung goes by the catalogue of the check.

    Raises:
        Refused: `catalogue_missing`.
    """
    if check is None or not isinstance(command, _BY_CATALOGUE) or catalogues.holds(check.catalogue_version):
        return
    cause = f"the check goes by catalogue {check.catalogue_version}, which this register does not hold yet"
    hint = "try again in a moment, or open a check of its own for what is new"
    operation = str(command.__struct_config__.tag).replace("_", " ")
    subject = f"check {check.ticket_code}"
    raise Refused("catalogue_missing", operation, subject, cause, hint, catalogue_version=check.catalogue_version)
