"""Show what a stream of ESC/POS or Star bytes prints, or what a layout makes of a document: as text or as a picture."""

import argparse
import sys
from pathlib import Path

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.options import whole
from tillkeeper.cli.own_files import installed

MAX_BYTES = 64 * 1024 * 1024
_STANDARD = Path("-")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        help="a document (receipt, refund_receipt, kitchen_ticket, change_slip, test_slip, x_report, z_report, day_report), "
        "or a file of bytes; - reads standard input",
    )
    parser.add_argument("--profile", help="of a file of bytes: the printer model (tm-t88vi)")
    parser.add_argument(
        "--png", "--out", type=Path, metavar="FILE",
        help="write pictures too: FILE, FILE-2, ... one for each cut; - writes the first to standard output",
    )  # fmt: skip
    preview = parser.add_argument_group("a document")
    preview.add_argument(
        "--config", type=Path, metavar="FILE", help="the store's configuration (the installed register's, else the example)"
    )
    preview.add_argument("--station", default="", help="the station whose layout and language it takes")
    preview.add_argument("--language", default="", help="instead of the configured one: de, fr, ...")
    preview.add_argument("--columns", type=whole(8, 128), help="width of the paper in characters: 32, 42, 48 (the printer's)")
    preview.add_argument("--training", action="store_true", help="as in training mode")
    preview.add_argument("--copy", type=whole(1, 99), default=0, metavar="N", help="as the Nth copy")
    preview.add_argument("--mark", action="append", default=[], help="with this mark: POSSIBLE DUPLICATE, ...")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tillkeeper.layouts.model import DOCUMENTS

    if args.what in DOCUMENTS:
        if args.profile:
            raise exits.UsageError("--profile belongs to a file of bytes; a document's width is --columns")
        data, profile = _document(args)
    else:
        data, profile = _read(args.what), args.profile or "tm-t88vi"
    return _show(args, data, profile)


def _show(args: argparse.Namespace, data: bytes, profile: str) -> int:
    from tillkeeper_drivers.simulator.language import interpreter
    from tillkeeper_drivers.simulator.models import models
    from tillkeeper_drivers.simulator.paper import lay_out

    known = models()
    if profile not in known:
        raise exits.UsageError(f"no model {profile!r}; there are {', '.join(sorted(known))}")
    understands = interpreter(known[profile])
    papers = lay_out(understands.feed(data) + understands.flush(), profile)
    if args.png == _STANDARD:
        sys.stdout.buffer.write(papers[0].as_png() if papers else b"")
        sys.stdout.buffer.flush()
        return exits.OK
    pictures = []
    if args.png:
        for at, paper in enumerate(papers, 1):
            path = args.png if at == 1 else args.png.with_stem(f"{args.png.stem}-{at}")
            path.write_bytes(paper.as_png())
            pictures.append(str(path))
    texts = [paper.as_text() for paper in papers]
    output.show(args, {"papers": texts, "pictures": pictures}, "\n".join(texts) or "(nothing is printed)")
    return exits.OK


def _document(args: argparse.Namespace) -> tuple[bytes, str]:
    """The bytes of a sample, and the model that takes them."""
    from tillkeeper.config.embedded import example
    from tillkeeper.config.load import load
    from tillkeeper.devices.registry import preview
    from tillkeeper.layouts.previews import Asked

    file = args.config or installed()
    config = load(file) if file else example(Path.cwd())
    asked = Asked(
        document=args.what,
        station=args.station,
        language=args.language,
        columns=args.columns,
        training=args.training,
        copy=args.copy,
        marks=tuple(args.mark),
    )
    made = preview(asked, config)
    return made.data, made.profile


def _read(name: str) -> bytes:
    if name == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        with Path(name).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise exits.UsageError(f"{name} is larger than {MAX_BYTES} bytes")
    return data
