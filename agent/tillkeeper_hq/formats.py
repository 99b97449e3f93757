"""The formats of HQ's database, and the way from each to the next. A step that was released is never changed; see
`docs/decisions/0019-formats-of-files.md`."""

from importlib.resources import files

VERSION = 3
"""2: `statements` (and all before it). 3: users, and what registers say of themselves."""

_STEPS = {2: "schema.sql", 3: "schema-3.sql"}
"""Format -> what makes it of the one before. The first may run on any older one."""


def steps(version: int) -> list[str]:
    """What brings a database of that format (0: an empty one) up to date, in SQLite's words."""
    return [(files("tillkeeper_hq") / name).read_text(encoding="utf-8") for made, name in _STEPS.items() if made > version]
