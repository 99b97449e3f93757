"""Who is the store's primary and who its backup: the record, its epoch, what is asked of witnesses, commands and views.

The whole assignment is one record, and each record has an epoch of its own: a counter and the register that decided. Two are
never equal, and the highest counts (`docs/roles.md`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tillkeeper.contract.base import Command, Event, Id, ShortText, View

MAX_COUNTER = 2**53
LEAP = 2**20
"""A counter that is further above all that are known is nobody's honest next one: a register that is out of its mind must not
use up the counters of the store, nor raise a fence over all that come."""
Cause = Literal["configured", "assigned", "promoted", "declared_alone", "returned", "raised"]
Role = Literal["primary", "backup", "none"]
Phase = Literal["following", "guarding", "watching", "waiting", "holding", "alone"]
Says = Literal["agrees", "hears", "refuses"]


class Epoch(msgspec.Struct, frozen=True, order=True):
    """Ordered by counter, then by the register that decided. That of the configuration has the counter 0 and names what it
    says, so that registers whose files differ still agree."""

    counter: Annotated[int, Meta(ge=0, le=MAX_COUNTER)] = 0
    register: Annotated[str, Meta(max_length=160)] = ""

    def __str__(self) -> str:
        return f"{self.counter}.{self.register}" if self.counter else "0"


def leaps(epoch: Epoch, *known: Epoch) -> bool:
    """Whether it is too far above all that are known to be believed."""
    return epoch.counter > max((one.counter for one in known), default=0) + LEAP


class RolesAssigned(Event, frozen=True):
    """The whole assignment, from now on. `register` decided it, `counter` is one more than any it knew. `backup`: empty for
    none. `absent`: who had a role until then and was away. `cause`: assigned (a manager chose), promoted (the backup took
    over), declared_alone (the primary goes on without its backup), returned (the absent one is the backup again), raised (the
    same assignment, above an epoch that somebody had agreed to and that came to nothing). `witness`: who agreed, empty where a
    manager confirmed (`by`). `releases`: who had a role and was heard; the new primary acts once they have acknowledged this
    record."""

    primary: str
    counter: int
    register: str
    backup: str = ""
    absent: str = ""
    cause: str = "assigned"
    witness: str = ""
    by: str = ""
    releases: tuple[str, ...] = ()

    @property
    def epoch(self) -> Epoch:
        return Epoch(self.counter, self.register)


class AssignRoles(Command, frozen=True, tag="assign_roles"):
    """`backup` None: the store has none from then on."""

    primary: Id
    backup: Id | None = None


class ConfirmAway(Command, frozen=True, tag="confirm_away"):
    """A manager has looked: that register is switched off or broken, and stays so until it has a line to the others again. Said
    at the other one of primary and backup, which then goes on alone."""

    register: Id


class WitnessAsked(msgspec.Struct, frozen=True, kw_only=True):
    """By the primary or the backup, of HQ or a third register: is the other one away? `base`: the record that the asker goes
    by. `epoch`: of the record that it would make. `binding`: whoever agrees now agrees to no other epoch above `base` any more;
    else it only says what it would answer."""

    register: Id
    away: Id
    base: Epoch
    epoch: Epoch
    binding: bool = False


class WitnessSaid(msgspec.Struct, frozen=True, kw_only=True):
    """`hears`: it has heard the register that is said to be away. `refuses`: it knows of a record, or has agreed to an epoch,
    above that of the asker (`epoch`); `record` where it knows the record itself."""

    says: Says
    epoch: Epoch = Epoch()
    record: RolesAssigned | None = None


class RoleRegister(View, frozen=True):
    """`heard_s`: seconds since its last word, None for never and for this register."""

    register: str
    role: Role
    reachable: bool
    heard_s: float | None = None


class RolesBrief(View, frozen=True):
    """In the status. `holds`: this register may do now what only the primary may. `words` for the badge; `alarms` for
    people."""

    role: Role
    primary: str
    backup: str
    absent: str
    epoch: Epoch
    phase: Phase
    holds: bool
    words: str
    alarms: tuple[str, ...] = ()


class RolesView(View, frozen=True):
    """`cause`, `by`, `witness`: of the record that counts. `confirm`: registers that a manager may confirm here to be away."""

    register: str
    now: RolesBrief
    cause: str
    by: str
    witness: str
    registers: tuple[RoleRegister, ...]
    confirm: tuple[str, ...] = ()


class PreflightFinding(View, frozen=True):
    """`code` is stable; `stops`: an upgrade should wait for it."""

    code: ShortText
    text: str
    hint: str = ""
    stops: bool = True


class PreflightView(View, frozen=True):
    """What to look at before an upgrade. `ready`: nothing of it stops one."""

    register: str
    version: str
    ready: bool
    findings: tuple[PreflightFinding, ...]
