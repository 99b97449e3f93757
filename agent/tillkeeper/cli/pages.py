"""The links of the register, kitchen and diagnostics pages for the browser on this machine, with the token of pages in them.
A tablet is paired instead (`tillkeeper pair`)."""

import argparse
from pathlib import Path
from urllib.parse import urlencode

from msgspec.structs import replace

from tillkeeper.cli import exits, output
from tillkeeper.cli.client import add_json
from tillkeeper.cli.exits import UsageError
from tillkeeper.cli.own_files import add_config, config_file
from tillkeeper.config.model import Config

DATA = Path("data")
PAGE_TOKEN = "page-token"  # noqa: S105 - a file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    add_config(which)
    which.add_argument("--data", type=Path, metavar="DIR", help="of `run --embedded` (data, where it has run here)")
    parser.add_argument("--url", help="the agent's address, as http://127.0.0.1:PORT; needed with port 0 and with --data")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    config = _config(args)
    base = _base(args.url, config)
    token = _token(Path(config.api.page_token_file or Path(config.data_dir) / PAGE_TOKEN))
    terminals = {name: terminal.title for name, terminal in config.terminals.items()}
    terminals = terminals or {config.this_register: config.store.name}
    displays = [name for name, device in config.devices.items() if device.kind == "display"]
    links = [_link("register", title, base, token, terminal=name) for name, title in terminals.items()]
    links += [_link("kitchen", name, base, token, device=name) for name in displays]
    links.append(_link("diagnostics", config.this_register, base, token))
    rows = [(link["page"], link["title"], link["url"]) for link in links]
    table = output.table(("PAGE", "AT", "LINK (it holds the token: keep it to yourself)"), rows)
    hint = "These are for the browser on this machine. Another device is paired: `tillkeeper pair` (docs/access.md)."
    output.show(args, {"pages": links}, f"{table}\n\n{hint}")
    return exits.OK


def _link(page: str, title: str, base: str, token: str, **query: str) -> dict[str, str]:
    asked = f"?{urlencode(query)}" if query else ""
    return {"page": page, "title": title, "url": f"{base}/{page}/{asked}#token={token}"}


def _config(args: argparse.Namespace) -> Config:
    """Where nothing is named: as `client.find_socket`, the clone's before the installed register's."""
    data = args.data or (DATA if not args.config and (DATA / PAGE_TOKEN).exists() else None)
    if data:
        from tillkeeper.cli.shift import TERMINALS
        from tillkeeper.config.embedded import embedded, embedded_printers

        if not args.url:
            raise UsageError(f"{data} is of `run --embedded` (make run): give --url, the http address that it printed")
        return replace(embedded(data.absolute(), ports=dict.fromkeys(embedded_printers(), 1)), terminals=TERMINALS)
    from tillkeeper.config.load import load

    return load(config_file(args.config))


def _base(url: str | None, config: Config) -> str:
    if url:
        return url.rstrip("/")
    host, _, port = config.api.listen.rpartition(":")
    if not host:
        raise UsageError("pages need a loopback port: set `listen` in [api], or give --url")
    if port == "0":
        raise UsageError("the port is chosen at each start: give --url, or a fixed port in [api] `listen`")
    return f"http://{host}:{port}"


def _token(file: Path) -> str:
    """Read, never made here: the agent makes it, so that it is the agent's."""
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            token = opened.readline(4096).strip()
    except FileNotFoundError:
        raise UsageError(f"{file}: there is no token yet: the agent makes it at its first start") from None
    except PermissionError:
        raise UsageError(f"{file}: only root and the agent's user may read it: sudo tillkeeper pages") from None
    if not token:
        raise UsageError(f"{file}: the first line holds no token")
    return token
