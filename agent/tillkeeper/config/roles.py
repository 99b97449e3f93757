"""[roles]: who is primary and who its backup, until somebody assigns the roles otherwise."""

from tillkeeper.config.raw import Report, Table, table, text
from tillkeeper.config.section import Section


class Roles(Section, frozen=True):
    """`primary` empty: the first register. `backup` empty: none. What was assigned since counts more than this."""

    primary: str = ""
    backup: str = ""


def check(document: Table, report: Report) -> None:
    """Report a name that is no register's, and one register with both roles."""
    registers, roles = table(document, "registers"), table(document, "roles")
    for key in ("primary", "backup"):
        if (name := text(roles, key)) and name not in registers:
            report(("roles", key), f"no register {name!r}", name, registers)
    backup = text(roles, "backup")
    if backup and backup == (text(roles, "primary") or next(iter(registers), "")):
        report(("roles", "backup"), f"register {backup!r} is the primary already", "", [])
