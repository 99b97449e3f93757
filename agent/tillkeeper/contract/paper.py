"""Sales that were written on paper while nothing else worked, entered afterwards. The command, `EnterFromPaper`, is with the
others in `commands.py`: it is an order."""

import msgspec

from tillkeeper.contract.base import Event

# --- events ---


class SlipEntered(Event, frozen=True):
    """These lines were sold on paper: the kitchen has had them, and no ticket is printed for them. `slip`: the number on the
    slip; `slip_at_ms`: the time written on it (wall clock), 0 where there is none; the envelope says when it was entered.
    `doubled`: this number was known already, and a person said that it is another slip. `amount_minor`: gross, when entered."""

    check_id: str
    slip: str
    slip_at_ms: int = 0
    line_ids: tuple[str, ...] = ()
    amount_minor: int = 0
    doubled: bool = False
    training: bool = False
    by: str = ""


# --- in views ---


class Slip(msgspec.Struct, frozen=True):
    """On a check that was entered from paper."""

    slip: str
    slip_at_ms: int = 0
    doubled: bool = False
