"""Decisions about what was sold on paper. Pure."""

from collections.abc import Callable

import msgspec

from tillkeeper.contract import commands as cmd
from tillkeeper.contract.paper import SlipEntered
from tillkeeper.errors import Refused
from tillkeeper.sales.context import Draft

AHEAD_MS = 10 * 60_000
"""A slip may be so far from the future: the clock on the wall is nobody's."""


class KnownSlip(msgspec.Struct, frozen=True):
    """A slip that was entered before, on any register of the store. `at_ms`: when it was entered."""

    slip: str
    check_id: str
    register: str
    at_ms: int


KnownSlips = Callable[[str], KnownSlip | None]


def slip_name(slip: str) -> str:
    """What two people mean by the same number: "No. 17 " is "no. 17"."""
    return " ".join(slip.split()).casefold()


def enter_slip(draft: Draft, command: cmd.EnterFromPaper, known_slip: KnownSlips) -> None:
    """After its lines were rung and discounted: from now on the kitchen has had them.

    Raises:
        Refused: `slip_known`, `slip_from_the_future`.
    """
    context, check = draft.context, draft.check
    slip = " ".join(command.slip.split())
    known = None if check.training else known_slip(slip_name(slip))
    if known is not None and not command.although_known:
        raise _known(draft, slip, known)
    if command.slip_at_ms is not None and command.slip_at_ms > context.now_ms + AHEAD_MS:
        cause, hint = "the time on the slip is in the future", "look at the slip again, or leave the time out"
        raise draft.refuse("slip_from_the_future", cause, hint, subject=f"slip {slip}")
    draft.add(
        SlipEntered(
            check_id=check.check_id,
            slip=slip,
            slip_at_ms=command.slip_at_ms or 0,
            line_ids=draft.line_ids,
            amount_minor=draft.totals().gross_minor,
            doubled=known is not None,
            training=check.training,
            by=command.by,
        )
    )


def _known(draft: Draft, slip: str, known: KnownSlip) -> Refused:
    return draft.refuse(
        "slip_known",
        f"slip {slip} was entered on register {known.register} before",
        "look at that check; if this is another slip with the same number, say so (although_known)",
        subject=f"slip {slip}",
        slip=slip,
        entered={"check_id": known.check_id, "register": known.register, "at_ms": known.at_ms},
    )
