"""The roles in words. Pure."""

from collections.abc import Sequence

from tillkeeper.contract.roles import Phase, RolesBrief
from tillkeeper.roles.records import Record

_WORDS: dict[Phase, str] = {
    "following": "",
    "guarding": "Backup",
    "watching": "Backup, the primary is silent",
    "waiting": "Primary, waiting for its backup",
    "holding": "Primary",
    "alone": "Primary, without a backup",
}


def badge(record: Record, phase: Phase, *, ready: bool, several: bool) -> str:
    """For the register's page; empty where there is nothing to say."""
    if not several:
        return ""
    if phase == "waiting" and not ready:
        return "Primary, catching up first"
    return _WORDS[phase]


def alarms(
    record: Record, phase: Phase, why: str, me: str, registers: Sequence[str], missing: Sequence[str]
) -> tuple[str, ...]:
    """What needs a person. `why`: why the silent side of the lease could not be declared away. `missing`: whose acknowledgement
    the new primary waits for."""
    found = []
    unknown = [one for one in (record.primary, record.backup) if one and one not in registers]
    if unknown:
        found.append(f"The store's roles name register {unknown[0]}, which this register's configuration does not know")
    if phase == "watching":
        found.append(_silent("primary", record.primary, why))
    elif phase == "waiting" and missing:
        found.append(f"Primary only once register {missing[0]} has heard of it; if that is broken, assign the roles again")
    elif phase == "waiting" and record.backup and why:
        found.append(_silent("backup", record.backup, why))
    if me == record.primary and not record.backup and len(registers) > 1:
        until = f" until register {record.absent} is back and has everything" if record.absent else ""
        found.append(f"The primary has no backup{until}")
    return tuple(found)


def _silent(role: str, register: str, why: str) -> str:
    words = f"The {role}, register {register}, is silent"
    if not why:
        return f"{words}; witnesses are asked"
    return f"{words} and {why}: if it is switched off or broken, a manager confirms that it is away"


def brief(
    record: Record, phase: Phase, me: str, registers: Sequence[str], *, holds: bool, why: str, ready: bool,
    missing: Sequence[str] = (),
) -> RolesBrief:  # fmt: skip
    return RolesBrief(
        role=record.role(me),
        primary=record.primary,
        backup=record.backup,
        absent=record.absent,
        epoch=record.epoch,
        phase=phase,
        holds=holds,
        words=badge(record, phase, ready=ready, several=len(registers) > 1),
        alarms=alarms(record, phase, why, me, registers, missing),
    )
