"""The table of docs/printing-text.md, made from the profiles by the encoder and the simulated printers, so that it can not lie.

python -m tests.support.printed_scripts
"""

import sys
from pathlib import Path

from tests.support.paper_of import PRINTERS, lines
from tests.support.scripts import ORDERS

from tillkeeper_drivers.api import Text
from tillkeeper_drivers.escpos.profile import load_profiles

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "printing-text.md"
BEGIN, END = "<!-- made by tests/support/printed_scripts.py -->", "<!-- end -->"


def table() -> str:
    """For each script: what is ordered, and what each model prints, models that print the same in one row."""
    rows = ["| script | ordered | printed | on |", "|---|---|---|---|"]
    for order in ORDERS:
        groups: dict[str, list[str]] = {}
        for name in PRINTERS:
            printed = " / ".join("".join(lines(name, (Text(text),))) for text in (order.name, order.extra))
            groups.setdefault(printed, []).append(name)
        for at, (printed, names) in enumerate(sorted(groups.items(), key=lambda group: -len(group[1]))):
            first = (order.script, f"{order.name} / {order.extra}") if at == 0 else ("", "")
            some = "all" if len(groups) == 1 else "all others" if at == 0 else ""
            on = some or ", ".join(f"`{name}`" for name in names)
            rows.append(f"| {first[0]} | {first[1]} | `{printed}` | {on} |")
    return "\n".join(rows)


def facts() -> str:
    """Each model: which of its facts were read, which were copied from where, and which were neither."""
    rows = ["| profile | model | read in | copied from | not verified |", "|---|---|---|---|---|"]
    for name, profile in load_profiles().items():
        read, copied = ("; ".join(f"{key}: {where}" for key, where in said.items()) for said in (profile.read, profile.copied))
        rows.append(f"| `{name}` | {profile.title} | {read} | {copied} | {', '.join(profile.not_read)} |")
    return "\n".join(rows)


def renewed() -> str:
    """The document with both tables as they are now."""
    before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
    _, _, middle = rest.partition(END)
    middle, _, rest = middle.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{middle}{BEGIN}\n{facts()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(), "utf-8")
    sys.exit(0)
