"""`docs/people.md` says what the program does."""

import re
from pathlib import Path

from tillkeeper.people.roles import roles

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "people.md").read_text("utf-8")
SOURCES = ("people/refusals.py", "till/people.py", "till/hours.py", "till/pinpad.py", "till/approvals.py")


def test_every_refusal_is_in_the_tables_and_nothing_else() -> None:
    source = "".join((ROOT / "agent/tillkeeper" / name).read_text("utf-8") for name in SOURCES)
    raised = set(re.findall(r'(?:Refused|super\(\).__init__)\(\s*"(\w+)"|code = "(\w+)"', source))
    codes = {one or other for one, other in raised} - {"not_here"}
    rows = re.findall(r"^\| \d{3} \| (.*?) \|", DOC, re.MULTILINE)
    assert {code for row in rows for code in re.findall(r"`(\w+)`", row)} == codes | {"overloaded"}


def test_every_role_has_its_row() -> None:
    table = DOC.partition("## Roles")[2].partition("Which command")[0]
    assert set(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) - {"role"} == roles().keys()
