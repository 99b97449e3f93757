"""Show what a stream of ESC/POS bytes prints, as text or as a picture."""

import argparse
import sys
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json

MAX_BYTES = 64 * 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="the bytes; - reads standard input")
    parser.add_argument("--profile", default="tm-t88vi", help="the printer model (tm-t88vi)")
    parser.add_argument("--png", type=Path, metavar="FILE", help="write pictures too: FILE, FILE-2, ... one for each cut")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tillkeeper_drivers.simulator.interpreter import Interpreter
    from tillkeeper_drivers.simulator.models import models
    from tillkeeper_drivers.simulator.paper import lay_out

    known = models()
    if args.profile not in known:
        raise exits.UsageError(f"no model {args.profile!r}; there are {', '.join(sorted(known))}")
    data = _read(args.file)
    interpreter = Interpreter(known[args.profile])
    papers = lay_out(interpreter.feed(data) + interpreter.flush(), args.profile)
    pictures = []
    if args.png:
        for at, paper in enumerate(papers, 1):
            path = args.png if at == 1 else args.png.with_stem(f"{args.png.stem}-{at}")
            path.write_bytes(paper.as_png())
            pictures.append(str(path))
    texts = [paper.as_text() for paper in papers]
    output.show(args, {"papers": texts, "pictures": pictures}, "\n".join(texts) or "(nothing is printed)")
    return exits.OK


def _read(name: str) -> bytes:
    if name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise exits.UsageError(f"{name} is larger than {MAX_BYTES} bytes")
    return data
