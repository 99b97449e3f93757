"""The formats of HQ's database, and the way from each to the next. A step that was released is never changed; see
`docs/decisions/0019-formats-of-files.md`."""

from importlib.resources import files

VERSION = 9
"""2: `statements` (and all before it). 3: users, and what registers say of themselves. 4: orders of web shops.
5: closed days. 6: witness of roles.
7: who has a check.
8: what was not read.
9: processes ask each other."""

_STEPS = {
    2: "schema.sql",
    3: "schema-3.sql",
    4: "schema-4.sql",
    5: "schema-5.sql",
    6: "schema-6.sql",
    7: "schema-7.sql",
    8: "schema-8.sql",
    9: "schema-9.sql",
}
"""Format -> what makes it of the one before. The first may run on any older one."""


def steps(version: int) -> list[str]:
    """What brings a database of that format (0: an empty one) up to date, in SQLite's words."""
    names = [name for made, name in _STEPS.items() if made > version]
    if 0 < version <= 3:
        names.append("schema-8-of-3.sql")
    return [(files("tillkeeper_hq") / name).read_text(encoding="utf-8") for name in names]
