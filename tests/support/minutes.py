"""Where the minutes of a run of the tests went: `python -m tests.support.minutes [build/tests.xml]` prints what docs/figures.md
says of it, from the file that `make test` writes."""

import sys
from collections import Counter, defaultdict
from heapq import nlargest
from operator import itemgetter
from pathlib import Path

from defusedxml import ElementTree

COLUMNS = 2
SLOWEST = 12


def table(count: Counter[str], seconds: dict[str, float]) -> list[str]:
    """Lines of a Markdown table, the folder of the most seconds first, in columns side by side."""
    names = sorted(seconds, key=lambda name: -seconds[name])
    rows = -(-len(names) // COLUMNS)
    cells = [f"`{name}` | {count[name]} | {seconds[name]:.0f}" for name in names]
    cells += [" | | "] * (rows * COLUMNS - len(cells))
    lines = ["| " + " | | ".join(["tests | count | s"] * COLUMNS) + " |", "|---" * (4 * COLUMNS - 1) + "|"]
    return lines + ["| " + " | | ".join(cells[row::rows]) + " |" for row in range(rows)]


def main() -> None:
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "build/tests.xml")
    count = Counter[str]()
    seconds, files = defaultdict[str, float](float), defaultdict[str, float](float)
    for case in ElementTree.parse(file).iter("testcase"):
        parts = case.get("classname", "").split(".")[1:]
        folder = parts[0] if len(parts) > 1 else "tests"
        count[folder] += 1
        for into, name in ((seconds, folder), (files, "/".join(parts) + ".py")):
            into[name] += float(case.get("time", "0"))
    print("\n".join(table(count, seconds)))
    print(f"\nAll: {count.total()} tests, {sum(seconds.values()):.0f} s of one worker. Slowest files:")
    print(", ".join(f"`{name}` {value:.0f} s" for name, value in nlargest(SLOWEST, files.items(), key=itemgetter(1))))


if __name__ == "__main__":
    main()
