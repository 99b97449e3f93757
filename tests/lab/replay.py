"""Shows a kept trial: what each register said and when, and its columns then.

python -m tests.lab.replay build/lab/NAME.jsonl [--register r1] [--every]
"""

import argparse
import json
from pathlib import Path
from typing import Any


def columns(evidence: dict[str, Any]) -> str:
    """`name=state`, those that are not well with their runs."""
    texts = []
    for name, column in evidence["columns"].items():
        run = f"({column.get('run', 0)})" if column.get("run") else ""
        texts.append(f"{name}={column['state'][0]}{run}")
    signs = [f"{sign['kind']}:{sign.get('subject', '')}{sign.get('layer', '')}" for sign in evidence.get("signs", [])]
    return " ".join([*texts, *(f"[{sign}]" for sign in signs)])


def show(file: Path, register: str, every: bool) -> None:
    """Changes of the verdict, or with `every` all reports; times count from the first report."""
    head, *lines = (json.loads(line) for line in file.read_text("utf-8").splitlines())
    print(json.dumps(head))
    first_s, said = lines[0]["at_s"], {}
    for line in lines:
        verdict = line["report"]["verdict"]
        words = (verdict["phase"], verdict.get("faults", []), verdict.get("also", []))
        if (register and line["register"] != register) or (not every and said.get(line["register"]) == words):
            continue
        said[line["register"]] = words
        print(f"{line['at_s'] - first_s:8.3f} {line['register']} {words[0]} {','.join(words[1])} {' '.join(words[2])}")
        print(f"         {columns(line['report']['evidence'])}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.lab.replay", description="Show a kept trial.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--register", default="")
    parser.add_argument("--every", action="store_true")
    args = parser.parse_args()
    show(args.file, args.register, args.every)
