"""What to look at before an upgrade, from what is known of this register. Pure."""

from collections.abc import Sequence

from tillkeeper.contract.roles import PreflightFinding, PreflightView, RolesBrief
from tillkeeper.contract.views import StatusView


def preflight(status: StatusView, roles: RolesBrief, registers: int, open_days: Sequence[str]) -> PreflightView:
    """`registers`: how many the store has. `open_days`: business days before today with events that are not closed, oldest
    first."""
    found = tuple(_roles(status, roles, registers) + _books(status, registers) + _days(open_days) + _work(status))
    return PreflightView(
        register=status.register, version=status.version, ready=not any(one.stops for one in found), findings=found
    )


def _roles(status: StatusView, roles: RolesBrief, registers: int) -> list[PreflightFinding]:
    if registers < 2:
        return []
    found = []
    if not roles.backup:
        words = f"The store has {registers} registers and no backup for its primary, register {roles.primary}"
        hint = "`tillkeeper roles assign --primary A --backup B`, or [roles] in the configuration"
        if away := _away(status, roles):
            words += f": register {away} is not heard"
            gone = f"gone for good: `tillkeeper store leave {away}`, and another one: {hint}"
            hint = f"switch {away} on and wait until it has everything; {gone}"
        found.append(PreflightFinding(code="no_backup", text=words, hint=hint))
    if roles.phase in ("watching", "waiting"):
        found.append(
            PreflightFinding(code="roles_unsettled", text=roles.words, hint="wait until primary and backup hear each other")
        )
    return found


def _away(status: StatusView, roles: RolesBrief) -> str:
    """Who would be the backup and is silent: who was it, or another register where none of them is heard. Empty for nobody."""
    others = [sink for sink in status.sinks if sink.kind == "register"]
    silent = [sink.name for sink in others if not sink.reachable]
    if roles.absent in silent:
        return roles.absent
    return silent[0] if silent and len(silent) == len(others) else ""


def _books(status: StatusView, registers: int) -> list[PreflightFinding]:
    """Where there is nobody to wait for, that the books are here alone is worth knowing and stops nothing."""
    found = []
    by_itself = registers < 2 and not any(sink.kind == "hq" for sink in status.sinks)
    if not status.selling:
        hint = "see the status: its disk is full or fails"
        found.append(PreflightFinding(code="not_selling", text="The journal stores nothing", hint=hint))
    if status.only_here and by_itself:
        words = f"{status.only_here_words.capitalize()}. There is no HQ and no other register to have a copy"
        hint = "an upgrade keeps them; what is lost with this machine's disk is lost"
        found.append(PreflightFinding(code="only_here", text=words, hint=hint, stops=False))
    elif status.only_here:
        hint = "wait until another register or HQ has them"
        found.append(PreflightFinding(code="only_here", text=status.only_here_words.capitalize(), hint=hint))
    for sink in status.sinks:
        if sink.kind == "hq" and (sink.behind or not sink.reachable):
            hint = "what waits is kept over an upgrade"
            found.append(PreflightFinding(code="unsynced", text=f"HQ: {sink.words}", hint=hint, stops=False))
    return found


def _days(open_days: Sequence[str]) -> list[PreflightFinding]:
    if not open_days:
        return []
    more = f" and {len(open_days) - 1} after it" if len(open_days) > 1 else ""
    words, hint = f"Business days that are not closed: {open_days[0]}{more}", "`tillkeeper day`; they stay open over an upgrade"
    return [PreflightFinding(code="days_open", text=words, hint=hint, stops=False)]


def _work(status: StatusView) -> list[PreflightFinding]:
    found = []
    if status.jobs_held:
        words = f"Held tickets and papers: {status.jobs_held}"
        found.append(PreflightFinding(code="held", text=words, hint="`tillkeeper jobs list`", stops=False))
    if status.jobs_waiting:
        words = f"Papers that wait for a printer: {status.jobs_waiting}"
        found.append(PreflightFinding(code="printing", text=words, hint="wait for them", stops=False))
    if status.checks_open:
        words = f"Open checks: {status.checks_open}"
        found.append(PreflightFinding(code="checks_open", text=words, hint="they stay open over an upgrade", stops=False))
    return found
