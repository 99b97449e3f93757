"""Virtual printers, displays and a payment gateway that speak their real protocols; replay a day of orders."""

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_connection, find_socket, read_token, segment
from tillkeeper.cli.options import whole

if TYPE_CHECKING:
    from tillkeeper.cli.replay import Summary
    from tillkeeper_drivers.simulator.foreign_screen import ForeignScreen
    from tillkeeper_drivers.simulator.printer import VirtualPrinter

TEAR_S = 2.0
"""So long a slip hangs out of a simulated printer without a cutter until it is torn off."""
DRAWN_S = 10.0
PROTOCOLS = {"epson": 8480, "fresh": 9104, "logic-controls": 9106}
"""Displays of other makers, and the port that each takes by itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    printer = actions.add_parser("printer", help="a printer on a TCP port; stays up until Ctrl-C")
    printer.add_argument("--host", default="127.0.0.1")
    printer.add_argument("--port", type=whole(0, 65_535), default=9100, metavar="N", help="0 takes a free one (9100)")
    printer.add_argument("--profile", default="tm-t88vi", help="the model (tm-t88vi)")
    printer.add_argument("--out", type=Path, metavar="DIR", help="keep each slip as text and picture")
    printer.add_argument("--speed", type=float, metavar="MM_S", help="paper speed; 0 prints at once (the model's own)")
    printer.add_argument("--control", metavar="SOCKET", type=Path, help="take faults on command here (default: a free port)")
    printer.add_argument("--quiet", action="store_true", help="do not show what is printed")
    display = actions.add_parser("display", help="a kitchen display; stays up until Ctrl-C")
    display.add_argument("device", help="the display's name in the configuration")
    display.add_argument(
        "--protocol", choices=("own", *PROTOCOLS), default="own", help="own connects to the agent, the others wait for it (own)"
    )
    display.add_argument("--url", help="own: the agent's loopback address, as http://127.0.0.1:PORT")
    display.add_argument("--token-file", metavar="PATH", help="own: file whose first line is the token")
    display.add_argument("--host", default="127.0.0.1", help="the others: where they listen (127.0.0.1)")
    display.add_argument("--port", type=whole(0, 65_535), metavar="N", help="the others: 0 takes a free one (8480, 9104, 9106)")
    display.add_argument("--folder", type=Path, metavar="DIR", help="logic-controls: take files from here instead of TCP")
    display.add_argument("--beacon", default="", metavar="ADDRESS:PORT", help="fresh: send its beacon there every 2 s")
    display.add_argument("--control", metavar="SOCKET", type=Path, help="the others: faults on command (default: a free port)")
    display.add_argument("--out", type=Path, metavar="DIR", help="keep what was shown here")
    gateway = actions.add_parser("gateway", help="a payment gateway; stays up until Ctrl-C")
    gateway.add_argument("--host", default="127.0.0.1")
    gateway.add_argument("--port", type=whole(0, 65_535), default=9300, metavar="N", help="0 takes a free one (9300)")
    gateway.add_argument("--token-file", metavar="PATH", help="file whose first line callers have to know")
    gateway.add_argument("--seed", type=int, default=0, metavar="N", help="of its faults by chance (0)")
    gateway.add_argument("--ledger", type=Path, metavar="FILE", help="a JSON line here for each change of its ledger")
    gateway.add_argument("--control", metavar="SOCKET", type=Path, help="faults on command here (default: a free port)")
    day = actions.add_parser("day", help="replay a file of orders through the API")
    day.add_argument("--orders", type=Path, required=True, metavar="FILE")
    day.add_argument(
        "--speed", type=float, default=0.0, metavar="N", help="N times as fast as life; 0: as fast as possible (0)"
    )
    day.add_argument(
        "--out", type=Path, metavar="FILE", help="a JSON line per accepted order, fsynced; a later run goes on from it"
    )
    day.add_argument("--key-prefix", default="day-", metavar="P", help="an order's idempotency key is P and its id (day-)")
    day.add_argument("--pay", default="", metavar="TENDER", help="pay orders that bring no tender with this one")
    day.add_argument(
        "--patience", type=float, default=60.0, metavar="S", help="repeat an order so long while the agent is away (60)"
    )
    add_connection(day)


def run(args: argparse.Namespace) -> int:
    display = _display if getattr(args, "protocol", "own") == "own" else _other_display
    actions = {"printer": _printer, "display": display, "gateway": _gateway, "day": _day}
    return asyncio.run(actions[args.action](args))


# --- a printer ---


async def _printer(args: argparse.Namespace) -> int:
    from tillkeeper_drivers.simulator.control import control
    from tillkeeper_drivers.simulator.models import models
    from tillkeeper_drivers.simulator.printer import VirtualPrinter

    if args.profile not in models():
        raise exits.UsageError(f"no model {args.profile!r}; there are {', '.join(sorted(models()))}")
    printer = VirtualPrinter(
        args.profile,
        host=args.host,
        port=args.port,
        directory=args.out,
        pictures=args.out is not None,
        speed_mm_s=args.speed,
    )
    async with contextlib.AsyncExitStack() as up:
        with _listening(f"{args.host}:{args.port}"):
            await up.enter_async_context(printer)
        with _listening(args.control or "a port for faults on command"):
            where = await up.enter_async_context(control({printer.name: printer}, path=args.control))
        stopped = await up.enter_async_context(_until_stopped())
        output.say(f"{args.profile} listens on {args.host}:{printer.port}; faults on command at {where}; Ctrl-C stops it")
        seen, rest = printer.count, _Rest(printer)
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await printer.wait_printed(seen + 1, 0.5)
            if not printer.model.cutter and rest.over(asyncio.get_running_loop().time()):
                await printer.tear()
            seen = _show(printer, seen, quiet=args.quiet)
        await printer.tear()
        _show(printer, seen, quiet=args.quiet)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(printer.store.drawn(), DRAWN_S)
    return exits.OK


def _show(printer: "VirtualPrinter", seen: int, *, quiet: bool) -> int:
    """Say the slips after number `seen`; returns the number of the newest."""
    for slip in printer.printed:
        if slip.number > seen and not quiet:
            output.say(f"--- slip {slip.number}\n{slip.text}")
    return printer.count


class _Rest:
    """Whether a printer has printed nothing for `TEAR_S`, so that whoever stands before it tears its slip off."""

    def __init__(self, printer: "VirtualPrinter") -> None:
        self._printer = printer
        self._lines, self._since_s = 0, 0.0

    def over(self, now_s: float) -> bool:
        """Args:
        now_s: monotonic clock.
        """
        hanging = len(self._printer.hanging.lines)
        if hanging != self._lines or not self._printer.engine.idle:
            self._lines, self._since_s = hanging, now_s
        return hanging > 0 and now_s - self._since_s >= TEAR_S


@contextlib.contextmanager
def _listening(address: object) -> Iterator[None]:
    """The system's words do not name the address."""
    try:
        yield
    except OSError as error:
        raise exits.UsageError(f"can not listen on {address}: {error.strerror or error}") from error


async def _display(args: argparse.Namespace) -> int:
    from tillkeeper_drivers.simulator.display import VirtualDisplay

    scheme, _, rest = (args.url or "").rstrip("/").partition("://")
    if scheme not in ("http", "https") or not rest:
        raise exits.UsageError(f"--url: {args.url!r} is not an http address")
    url = f"{'wss' if scheme == 'https' else 'ws'}://{rest}/v1/kitchen/{segment(args.device)}"
    token = read_token(args.token_file)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    display = VirtualDisplay(url, name=args.device, headers=headers, directory=args.out)
    async with display, _until_stopped() as stopped:
        output.say(f"display {args.device} connects to {url}; Ctrl-C stops it")
        seen = len(display.cards.cards)
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                cards = await display.wait_shown(seen + 1, 0.5)
                for card in cards[seen:]:
                    output.say("--- " + "\n    ".join(output.clean(row) for row in card.rows() if row))
                seen = len(cards)
    return exits.OK


async def _other_display(args: argparse.Namespace) -> int:
    """One that another maker built: it waits for the agent, shows its screen at each change, and takes faults on command."""
    from tillkeeper_drivers.simulator.control import control

    screen = _screen(args)
    async with contextlib.AsyncExitStack() as up:
        with _listening(args.folder or f"{args.host}:{PROTOCOLS[args.protocol] if args.port is None else args.port}"):
            await up.enter_async_context(screen)
        with _listening(args.control or "a port for faults on command"):
            where = await up.enter_async_context(control({screen.name: screen}, path=args.control))
        stopped = await up.enter_async_context(_until_stopped())
        place = args.folder or f"{args.host}:{getattr(screen, 'port', args.port)}"
        output.say(f"{args.protocol} display {args.device} at {place}; faults on command at {where}; Ctrl-C stops it")
        shown = [screen.as_text()]
        while not stopped.is_set():
            if (text := screen.as_text()) != shown[0]:
                shown[0] = text
                output.say("=" * 32 + "\n" + "\n".join(output.clean(line) for line in text.splitlines()))
                await _keep(args.out, screen)
            with contextlib.suppress(TimeoutError):
                await screen.changed.wait_for(lambda: screen.as_text() != shown[0], 0.5)
    return exits.OK


def _screen(args: argparse.Namespace) -> "ForeignScreen":
    port = PROTOCOLS[args.protocol] if args.port is None else args.port
    if args.folder is not None and not args.folder.is_dir():
        raise exits.UsageError(f"--folder: there is no folder {args.folder}")
    if args.protocol == "epson":
        from tillkeeper_drivers.simulator.epson_kds import VirtualEpsonKds

        return VirtualEpsonKds(args.host, port, name=args.device)
    if args.protocol == "fresh":
        from tillkeeper_drivers.simulator.fresh_kds import VirtualFreshKds

        if args.beacon and not args.beacon.rpartition(":")[2].isdecimal():
            raise exits.UsageError(f"--beacon: {args.beacon!r} is not ADDRESS:PORT")
        return VirtualFreshKds(args.host, port, name=args.device, beacon_to=args.beacon)
    from tillkeeper_drivers.simulator.logic_controls import VirtualLogicControls

    return VirtualLogicControls(args.folder, host=args.host, port=port, name=args.device)


async def _keep(folder: Path | None, screen: "ForeignScreen") -> None:
    from tillkeeper_drivers.simulator.slips import write_durably

    if folder is not None:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        write_durably(folder / "board.txt", screen.as_text().encode())
        write_durably(folder / "board.png", await asyncio.to_thread(screen.as_png))


@contextlib.asynccontextmanager
async def _until_stopped() -> AsyncIterator[asyncio.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of breaking what is under way."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


# --- a gateway ---


async def _gateway(args: argparse.Namespace) -> int:
    from tillkeeper_drivers.simulator.control import control
    from tillkeeper_drivers.simulator.gateway import VirtualGateway

    token = read_token(args.token_file)
    gateway = VirtualGateway(host=args.host, port=args.port, token=token, seed=args.seed, ledger=args.ledger)
    async with contextlib.AsyncExitStack() as up:
        with _listening(f"{args.host}:{args.port}"):
            await up.enter_async_context(gateway)
        with _listening(args.control or "a port for faults on command"):
            where = await up.enter_async_context(control({gateway.name: gateway}, path=args.control))
        stopped = await up.enter_async_context(_until_stopped())
        output.say(f"payment gateway at {gateway.url}; faults on command at {where}; Ctrl-C stops it")
        await stopped.wait()
    return exits.OK


# --- a day ---


async def _day(args: argparse.Namespace) -> int:
    import httpx
    import msgspec

    from tillkeeper.cli import orders, replay

    planned = orders.read(args.orders)
    options = replay.Options(speed=args.speed, key_prefix=args.key_prefix, pay=args.pay, patience_s=args.patience)
    token = read_token(args.token_file)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    transport = None if args.url else httpx.AsyncHTTPTransport(uds=find_socket(args.socket))
    ledger = replay.Ledger(args.out)
    try:
        async with httpx.AsyncClient(
            base_url=args.url or "http://tillkeeper",
            transport=transport,
            headers=headers,
            timeout=args.timeout,
            trust_env=False,
        ) as client:
            summary = await replay.Replay(client, options, ledger, _Progress().show).run(planned)
    finally:
        ledger.close()
    output.show(args, msgspec.to_builtins(summary), _words(summary))
    if summary.unanswered:
        return exits.UNREACHABLE
    if summary.differs:
        return exits.VERIFICATION
    return exits.REFUSED if summary.refused else exits.OK


class _Progress:
    """A counter on standard error: in place on a terminal, else a line for each tenth."""

    def __init__(self) -> None:
        self._told = 0

    def show(self, done: int, of: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done}/{of} orders" + ("\n" if done == of else ""))
        elif done * 10 // of > self._told:
            self._told = done * 10 // of
            sys.stderr.write(f"{done}/{of} orders\n")


def _words(summary: "Summary") -> str:
    lines = [
        f"{output.count(summary.orders, 'order')}:"
        f" {summary.accepted} accepted ({summary.repeated} known already), {summary.before} before,"
        f" {summary.refused} refused, {summary.unanswered} without an answer, {summary.retries} retries",
        f"{summary.total_minor} minor units in all, in {summary.seconds:.1f} s",
    ]
    if summary.p50_ms is not None:
        lines.append(f"p50 {summary.p50_ms:.1f} ms, p99 {summary.p99_ms:.1f} ms")
    return "\n".join([*lines, *summary.reasons, *(f"WRONG SUM {order}" for order in summary.differs)])
