"""Who may do what about an authorisation whose check goes from one register to another. Pure.

Three things can be done about one: *ask* the gateway (make it, hear what became of it), *use* it (record what it was for), and
*give it up* (write down that it is to be taken back; whoever wrote that takes it back, and nobody else does). Only the register
that asked ever asks. Using and giving up are decided by one register at a time: by the one that asked until it has stepped back
from the check, and from then on by the owner of the check, once nobody else may think that it has it. So what one register has
recorded no other one takes back, whoever is silent and in whatever order they are heard again. A person may say that a payment
is given up all the same; where it had been recorded meanwhile, `merge` says so and counts the money as given back.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationReversed, ReversalOwed
from tillkeeper.contract.base import Event
from tillkeeper.sales.authorisations import FINAL, OPEN, authorisation_id
from tillkeeper.sales.model import Authorisation, Check

Place = Literal["begun_here", "brought", "disputed", "elsewhere"]
"""Of its check, seen from a register. `begun_here`: here, and asked since it is. `brought`: here, and asked before that.
`disputed`: brought, while another register may still think that it has the check. `elsewhere`: another register has it."""
Right = Literal["ask", "use", "give_up", "give_up_by_word"]

RIGHTS: dict[tuple[Place, bool], frozenset[Right]] = {
    ("begun_here", True): frozenset(("ask", "use", "give_up")),
    ("brought", True): frozenset(("ask", "use", "give_up")),
    ("brought", False): frozenset(("use", "give_up")),
    ("disputed", True): frozenset(("ask", "give_up_by_word")),
    ("disputed", False): frozenset(("give_up_by_word",)),
    ("elsewhere", True): frozenset(("ask",)),
    ("elsewhere", False): frozenset(),
}
"""By the place of the check, and whether this register asked. Who asks also gives up what the gateway has never heard of: it
has not told anybody that it was approved, so nobody can have used it."""


def is_mine(one: Authorisation, store: str, register: str) -> bool:
    """Whether this register asked for it: the id says so, also to a register that lost its disk since."""
    return one.authorisation_id == authorisation_id(store, register, one.key_sha256, one.index)


def place_of(one: Authorisation, check: Check | None, *, disputed: bool) -> Place:
    """`check`: as this register has it, None where it has not. `disputed`: see `Place`."""
    if check is None or check.elsewhere:
        return "elsewhere"
    if not one.brought:
        return "begun_here"
    return "disputed" if disputed else "brought"


def rights(one: Authorisation, place: Place, *, mine: bool) -> frozenset[Right]:
    """What was begun here is this register's own. A refund that is in doubt is given up by no word: nobody waits for it."""
    found = RIGHTS[place, mine or place == "begun_here"]
    return found - {"give_up_by_word"} if one.situation == "refund" else found


def may_go_on(one: Authorisation, found: frozenset[Right]) -> bool:
    """Whether this register may bring its command to an end: by asking where the outcome is open, then by using it."""
    return "use" in found and (one.state not in OPEN or "ask" in found)


class Side(NamedTuple):
    """What one register wrote about a check on one disk, and how it stands there."""

    register: str
    check: Check | None
    events: Sequence[Event]


class Word(NamedTuple):
    """What all registers say of one authorisation. `one`: as the side that is furthest on has it. `given_up_by`: who is to take
    it back."""

    one: Authorisation
    used: bool
    given_up_by: frozenset[str]
    ended: bool


def words(sides: Iterable[Side]) -> dict[str, Word]:
    """By id, of one check."""
    found: dict[str, list[Authorisation]] = {}
    given_up: dict[str, set[str]] = {}
    reversed_: set[str] = set()
    for side in sides:
        for one in side.check.authorisations if side.check is not None else ():
            found.setdefault(one.authorisation_id, []).append(one)
        for event in side.events:
            match event:
                case ReversalOwed():
                    given_up.setdefault(event.authorisation_id, set()).add(side.register)
                case AuthorisationReversed():
                    reversed_.add(event.authorisation_id)
    return {
        name: Word(
            max(ones, key=progress),
            any(one.used for one in ones),
            frozenset(given_up.get(name, ())),
            name in reversed_ or any(one.state in FINAL for one in ones),
        )
        for name, ones in found.items()
    }


_STEPS = ("asked", "unknown", "approved", "used", "declined", "never_made", "reversal_owed", "reversed")


def progress(one: Authorisation) -> int:
    """Of two sides that say different things of one the further on is right: what is taken back is gone, also where the other
    side has used it."""
    return _STEPS.index("used" if one.used else one.state)


def is_taken_back(one: Authorisation) -> bool:
    return one.state in ("reversal_owed", "reversed")


Hold = Literal["keep", "let_go", "owe"]


def hold(word: Word, me: str) -> Hold:
    """What register `me`, which has it in hand, is to do with it. `owe`: it is the one that gave it up, maybe in a log that it
    lost: it has to take it back."""
    if word.ended:
        return "let_go"
    if me in word.given_up_by:
        return "owe"
    return "let_go" if word.used or word.given_up_by else "keep"


def to_adopt(word: Word, me: str, *, mine: bool) -> bool:
    """Whether `me`, which has lost what it had in hand, is to take it in hand again: nobody else would."""
    if word.ended:
        return False
    if word.given_up_by or word.used:
        return me in word.given_up_by
    return mine and word.one.state in OPEN


def asked_in(events: Sequence[Event], name: str) -> bool:
    """Whether it, or that it is to be taken back, was written there."""
    return any(isinstance(event, AuthorisationAsked | ReversalOwed) and event.authorisation_id == name for event in events)
