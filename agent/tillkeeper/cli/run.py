"""Start the register agent: on a configuration file, or with `--embedded` on built-in defaults and virtual devices."""

import argparse
import asyncio
import contextlib
import faulthandler
import json
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tillkeeper import daemon, watchdog_start
from tillkeeper.apart import apart
from tillkeeper.api.server import Bound
from tillkeeper.api.sockets import BindFailed, given_sockets
from tillkeeper.cli import exits, output
from tillkeeper.config.model import Config
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper_systemd import listening, notify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, metavar="FILE", help="the register's configuration")
    what.add_argument("--embedded", action="store_true", help="built-in defaults with virtual devices")
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR", help="with --embedded: where all goes (data)")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="with --embedded: the API's loopback port")
    parser.add_argument("--hq-url", default="", metavar="URL", help="with --embedded: push to this HQ")
    parser.add_argument("--hq-token-file", default="", metavar="FILE", help="with --hq-url: its first line is the secret")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="write the addresses here (JSON) once orders are taken")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(
        stream=sys.stderr, level=args.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    faulthandler.enable()  # where every thread stood when the watchdog's SIGABRT came
    trouble: BaseException | None = None
    try:
        asyncio.run(_until_signalled(args))
    except* (TillkeeperError, OSError) as group:
        trouble = watchdog_start.first(group)
    if trouble is not None:  # raised within `except*` it would come out as a group again, which nobody explains to the user
        raise trouble
    output.say("Stopped. What was accepted is in the journal; documents that still wait print at the next start.")
    return exits.OK


async def _until_signalled(args: argparse.Namespace) -> None:
    task = asyncio.ensure_future(_embedded(args) if args.embedded else _configured(args))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        notify.notify(STOPPING="1")
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _configured(args: argparse.Namespace) -> None:
    from tillkeeper.config.load import load

    async with watchdog_start.starting((args.config,)) as start:
        try:
            taken = listening.take()
        except listening.ListeningInvalid as error:
            raise BindFailed("listen", "sockets of systemd", str(error), "look at the socket unit") from error
        config = load(args.config)
        start.depends_on(Path(config.catalogue.file))

        def started(bound: Bound) -> None:
            start.done()
            _tell(args.ready_file, bound)
            notify.notify(READY="1", STATUS=f"register {config.this_register} takes orders")
            where = f"{bound.socket} {bound.url}".strip()
            output.say(f"register {config.this_register} of {config.store.name} takes orders at {where}")

        await daemon.run(config, started, given_sockets(taken, config.api.listen), args.config.absolute(), start.further)


async def _embedded(args: argparse.Namespace) -> None:
    from tillkeeper.cli import shift, shop
    from tillkeeper.config.embedded import embedded

    data: Path = args.data.absolute()
    began_s = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        printers = await stack.enter_async_context(shop.printers(data))
        ports = {name: printer.port for name, printer in printers.printers.items()}
        config = embedded(data, ports=ports, listen=args.listen, hq_url=args.hq_url, hq_token_file=args.hq_token_file)
        config = shift.with_shift(config, data)

        async def show(where: Bound) -> None:
            took_s = time.monotonic() - began_s
            port = where.tcp[1] if where.tcp else 0
            token = (data / "api-token").read_text("ascii").strip()
            screens = [name for name, device in config.devices.items() if device.kind == "display"]
            for name in screens:
                await stack.enter_async_context(shop.display(data, name, port, token))
            _tell(args.ready_file, where, ports, printers.control_at)
            output.say(_introduction(config, where, ports, printers.control_at, data, took_s))
            output.say(shift.introduction(where.url, (data / "page-token").read_text("ascii").strip()))

        await apart(_register_and(config, show))


async def _register_and(config: Config, show: Callable[[Bound], Awaitable[None]]) -> None:
    bound: asyncio.Future[Bound] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(daemon.run(config, bound.set_result), name="register")
        await show(await bound)


def _tell(file: Path | None, bound: Bound, printers: dict[str, int] | None = None, control: str = "") -> None:
    if file is not None:
        where = {"socket": str(bound.socket or ""), "url": bound.url, "printers": printers or {}, "control": control}
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(json.dumps(where), "utf-8")
        fresh.rename(file)


def _introduction(config: Config, bound: Bound, ports: dict[str, int], control: str, data: Path, took_s: float) -> str:
    shown = _short(data)
    printers = "\n".join(
        f"  {name:9} {config.devices[name].profile} on 127.0.0.1:{port}, prints into {shown}/paper/{name}/"
        for name, port in ports.items()
    )
    rows = [
        f"Register {config.this_register!r} of {config.store.name} takes orders ({took_s * 1000:.0f} ms after its start).",
        "",
        f"  API       {_short(bound.socket) if bound.socket else ''} (unix socket)",
        f"            {bound.url} (token in {shown}/api-token), description at /openapi.json",
        f"  journal   {shown}/{JOURNAL_FILE}",
        printers,
        f"  kitchen   a display at {bound.url.replace('http', 'ws')}/v1/kitchen/kitchen, shows into {shown}/paper/kitchen/",
        f"  drawer    on the receipt printer's pin, kicks are in {shown}/paper/receipt/drawer.log",
        f"  faults    on command at {control} (docs/simulator.md)",
        "",
        "Ring something up from another shell:",
        "  .venv/bin/tillkeeper order --item cheeseburger:2 --mod no-onion --item cola --takeout --cash 40.00",
        "  .venv/bin/tillkeeper status",
        "",
    ]
    return "\n".join(rows)


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
