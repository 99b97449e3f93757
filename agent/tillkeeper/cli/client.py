"""How commands reach the agent: over its unix socket, or over the loopback port with the token. httpx is loaded late."""

import argparse
import os
import socket as socket_module
import uuid
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from tillkeeper.cli.exits import ApiProblem, Unreachable, UsageError

if TYPE_CHECKING:
    import httpx

SOCKET_ENV = "TILLKEEPER_SOCKET"
SOCKETS = ("data/tillkeeper.sock", "/run/tillkeeper/tillkeeper.sock")
"""Where a socket is looked for when neither `--socket`, `--url` nor the environment names one."""
MAX_TOKEN = 4096


def add_connection(parser: argparse.ArgumentParser) -> None:
    """`--socket`, `--url`, `--token-file`, `--timeout`, `--json`."""
    parser.add_argument("--socket", metavar="PATH", help=f"the agent's unix socket (else ${SOCKET_ENV}, {', '.join(SOCKETS)})")
    parser.add_argument("--url", help="the agent's loopback address, as http://127.0.0.1:PORT")
    parser.add_argument("--token-file", metavar="PATH", help="file whose first line is the token, for --url")
    wait_s = 10.0 if parser.argument_default is None else parser.argument_default
    parser.add_argument("--timeout", type=float, default=wait_s, metavar="S", help="seconds to wait for an answer (10)")
    add_json(parser)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key", help="idempotency key: the same key with the same command is done once")
    parser.add_argument("--by", default="", metavar="PERSON", help="who does it: the name goes to the journal (nobody)")


def new_key() -> str:
    return f"cli-{uuid.uuid4()}"


def read_token(path: str | None) -> str:
    """The first line of the token file, or an empty text where there is none."""
    if not path:
        return ""
    with open(path, encoding="ascii", errors="replace") as file:
        token = file.readline(MAX_TOKEN).strip()
    if not token:
        raise UsageError(f"{path}: the first line holds no token")
    return token


def find_socket(given: str | None) -> str:
    """The socket to use: the given one, the environment's, or the first of `SOCKETS` that exists.

    Raises:
        Unreachable: there is none.
    """
    if given or (given := os.environ.get(SOCKET_ENV)):
        return given
    for candidate in SOCKETS:
        if Path(candidate).exists():
            return candidate
    raise Unreachable("its unix socket", f"there is none at {' or '.join(SOCKETS)}; name one with --socket")


class Client:
    """One connection to one agent. Each call is one request; a changing one carries its key and is repeated once with it
    when the connection breaks, which is safe: the same key is done once."""

    def __init__(self, *, socket: str | None = None, url: str | None = None, token: str = "", timeout_s: float = 10.0) -> None:
        import ssl

        import httpx

        self.where = url or socket or ""
        self._socket = "" if url else socket
        # The agent speaks no TLS on this machine: certificates are not needed, and a broken store of them does no harm.
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport = httpx.HTTPTransport(uds=None if url else socket, verify=bare, trust_env=False)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(
            base_url=url or "http://tillkeeper", transport=transport, headers=headers, timeout=timeout_s, trust_env=False
        )
        self._lost: type[Exception] = httpx.TransportError

    @classmethod
    def of(cls, args: argparse.Namespace) -> Self:
        """The client that the options of `add_connection` ask for."""
        if args.url and args.socket:
            raise UsageError("either --socket or --url, not both")
        socket = None if args.url else find_socket(args.socket)
        return cls(socket=socket, url=args.url, token=read_token(args.token_file), timeout_s=args.timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The answer's JSON. Query fields that are None are left out.

        Raises:
            Unreachable: no connection, twice.
            ApiProblem: the agent says no.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._answer("GET", path, params=given)

    def post(self, path: str, body: dict[str, Any], key: str | None = None) -> Any:
        """As `get`, for a command; `key` is made here where the caller gives none."""
        return self._answer("POST", path, json=body, headers={"idempotency-key": key or new_key()})

    def _answer(self, method: str, path: str, **parts: Any) -> Any:
        try:
            response = self._request(method, path, **parts)
        except (self._lost, OSError):
            try:
                response = self._request(method, path, **parts)
            except (self._lost, OSError) as error:
                raise Unreachable(self.where, str(error) or type(error).__name__) from error
        return read_answer(response)

    def _request(self, method: str, path: str, **parts: Any) -> "httpx.Response":
        if self._socket:  # httpcore leaves its socket open where nobody listens: look first
            with socket_module.socket(socket_module.AF_UNIX) as probe:
                probe.connect(self._socket)
        return self._http.request(method, path, **parts)


def read_answer(response: "httpx.Response") -> Any:
    """The JSON of a good answer. Raises `ApiProblem` for any other."""
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success and content is not None:
        return content
    problem = (
        content if isinstance(content, dict) else {"cause": f"HTTP status {response.status_code} without a problem document"}
    )
    raise ApiProblem(response.status_code, problem)


def segment(text: str) -> str:
    """`text` as one part of a path."""
    return quote(text, safe="")
