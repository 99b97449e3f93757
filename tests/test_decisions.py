"""`docs/decisions/README.md` lists every decision once, by its number and its own title."""

import re
from pathlib import Path

DECISIONS = Path(__file__).resolve().parent.parent / "docs" / "decisions"


def test_the_list_names_every_decision_by_its_title() -> None:
    titles = [(path.name, path.read_text("utf-8").splitlines()[0]) for path in sorted(DECISIONS.glob("0*.md"))]
    listed = re.findall(r"^(\d+)\. \[(.+)\]\((.+)\)$", (DECISIONS / "README.md").read_text("utf-8"), re.MULTILINE)
    assert [(file, f"# {number}. {title}") for number, title, file in listed] == titles
    assert [int(name[:4]) for name, _title in titles] == list(range(1, len(titles) + 1))
