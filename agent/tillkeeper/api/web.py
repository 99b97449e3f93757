"""Our own pages: static files, served without a token (they hold no secret) but behind the Host check, under a policy that
lets them load and call nothing but this register and, for the kitchen page, the store's other registers.

`/sw.js` is the service worker, with the version of all files and their list before it: it changes when one of them does, and
what it keeps are files of one version (docs/pages.md).

A path is looked up in an index of the files that there are; it is never joined to a folder's name, so no path leads out of it.
"""

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from tillkeeper.api.ways import LAN_KEY, is_local_socket, own_hosts
from tillkeeper.errors import ConfigInvalid, NotFound

PAGES = ("register", "kitchen", "diagnostics", "pair", "devices", "preview")
FOLDERS = (*PAGES, "shared", "vendor")
WORKER = "/sw.js"
VERSION_HEADER = "tillkeeper-pages"
VERSION_S = 1.0
"""How long the version of all files is taken for known: a page asks for fifty files at once."""
STARTS = tuple(f"/{folder}/" for folder in FOLDERS)
BARE = frozenset({"/", WORKER, *(f"/{folder}" for folder in FOLDERS)})
VENDORED = "/vendor/preact.js"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_HEADERS = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_INCOMPLETE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Tillkeeper: pages are not complete</title>
<h1>The pages of this register are not complete</h1>
<p>The file <code>web/static/vendor/preact.js</code> is missing. Run <code>make env</code> in the project's folder (or install
the built package), then load this page again. Orders through the command line and the API are not affected.</p></html>
"""


def is_page(path: str) -> bool:
    """Whether this path belongs to the pages, which everybody on this machine may load."""
    return path in BARE or path.startswith(STARTS)


def static_folder() -> Path:
    """Where the files of the pages are, in the source tree and in an installed package."""
    return Path(str(resources.files("tillkeeper") / "web" / "static"))


class _File:
    """One file, read again only where it has changed on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._body = b""
        self._packed = b""
        self._etag = ""

    def etag(self) -> str:
        """As `read` gives it; empty where the file is gone."""
        try:
            return self.read()[1]
        except OSError:
            return ""

    def read(self, *, packed: bool = False) -> tuple[bytes, str]:
        """Body (`packed`: by gzip) and ETag. Raises: OSError where the file is gone."""
        facts = self._path.stat()
        if (seen := (facts.st_mtime_ns, facts.st_size)) != self._seen:
            self._body = self._path.read_bytes()
            self._packed = b""
            self._etag = f'W/"{hashlib.sha256(self._body).hexdigest()[:32]}"'  # weak: packed or not, it is the same file
            self._seen = seen
        if packed and not self._packed:
            self._packed = gzip.compress(self._body, mtime=0)
        return self._packed if packed else self._body, self._etag


class Pages:
    """The files below `folder` (looked for again where one is asked for that was not there), and the headers of the answers.

    Args:
        folder: holds one folder for each of `FOLDERS`.
        registers: base addresses that a page may call besides this register ("http://host:port").

    Raises:
        ConfigInvalid: an address is none.
    """

    def __init__(self, folder: Path, registers: Iterable[str] = ()) -> None:
        self._folder = folder
        self._index: dict[str, _File] = {}
        self._version = ("", -VERSION_S)
        self._others = tuple(source for address in registers for source in sources(address))

    def routes(self) -> list[BaseRoute]:
        """For `Starlette`: the files, the short addresses, and `/` to the register page."""
        bare = [Route(path, _redirect(f"{path}/"), methods=["GET"]) for path in (f"/{page}" for page in PAGES)]
        files: list[BaseRoute] = [Route(start + "{rest:path}", self.answer, methods=["GET"]) for start in STARTS]
        worker = Route(WORKER, self.worker, methods=["GET"])
        return [Route("/", _redirect("/register/"), methods=["GET"]), worker, *bare, *files]

    async def worker(self, request: Request) -> Response:
        """The service worker with what it keeps. Raises `NotFound`."""
        try:
            body, _ = self._found(WORKER).read()
        except (KeyError, OSError):
            raise NotFound("load", WORKER, "there is no such file") from None
        version = self.version()
        kept = sorted(_address(name) for name in self._index if name != WORKER and not name.startswith("/preview/"))
        head = f"const VERSION = {json.dumps(version)};\nconst FILES = {json.dumps(kept)};\n"
        headers = _HEADERS | {"content-security-policy": self._policy(request.scope), VERSION_HEADER: version}
        return Response(head.encode() + body, headers=headers, media_type=TYPES[".js"])

    def version(self) -> str:
        """Of all files together: a digest of their names and contents."""
        known, at_s = self._version
        if time.monotonic() - at_s >= VERSION_S or not known:
            self._look()
            told = sorted((name, file.etag()) for name, file in self._index.items())
            known = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
            self._version = known, time.monotonic()
        return known

    async def answer(self, request: Request) -> Response:
        """200, 304 where the browser has this very file, 503 as a page of words where the vendored file is missing.

        Raises:
            NotFound: no such file.
        """
        path: str = request.scope["path"]
        name = path + "index.html" if path.endswith("/") else path
        packed = "gzip" in request.headers.get("accept-encoding", "")
        try:
            body, etag = self._found(name).read(packed=packed)
            if name.endswith(".html"):
                self._found(VENDORED).read()
        except (KeyError, OSError):
            if name.endswith(".html") and name in self._index:
                return Response(_INCOMPLETE, 503, _HEADERS | {"cache-control": "no-store"}, "text/html; charset=utf-8")
            raise NotFound("load", path, "there is no such page", "the register page is at /register/") from None
        policy = self._policy(request.scope)
        headers = _HEADERS | {"etag": etag, "content-security-policy": policy, VERSION_HEADER: self.version()}
        if etag in (part.strip() for part in request.headers.get("if-none-match", "").split(",")):
            return Response(status_code=304, headers=headers)
        encoding = {"content-encoding": "gzip"} if packed else {}
        kind = {"content-type": TYPES[Path(name).suffix], "vary": "accept-encoding"}
        return Response(body, headers=headers | encoding | kind)

    def _found(self, name: str) -> _File:
        """Raises: KeyError: no such file."""
        if name not in self._index:
            self._look()
        return self._index[name]

    def _look(self) -> None:
        for path in self._folder.rglob("*"):
            if path.suffix in TYPES and path.is_file():
                self._index.setdefault(f"/{path.relative_to(self._folder).as_posix()}", _File(path))

    def _policy(self, scope: Scope) -> str:
        """Content Security Policy Level 3. `ws:` of this register is named, for not every browser counts it as 'self'."""
        scheme = "wss" if LAN_KEY in scope and scope[LAN_KEY].secure else "ws"
        own = () if is_local_socket(scope) else tuple(f"{scheme}://{host}" for host in own_hosts(scope))
        connect = " ".join(("'self'", *own, *self._others))
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
            f"connect-src {connect}; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def _address(name: str) -> str:
    """Under which a browser asks for a file."""
    return name.removesuffix("index.html") if name.endswith("/index.html") else name


def sources(address: str) -> tuple[str, str]:
    """A register's base address as sources of a policy: for requests and for its WebSockets.

    Raises:
        ConfigInvalid: not "http://host:port" or "https://host:port".
    """
    try:
        parts = urlsplit(address)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, host, port = urlsplit(""), "", ""
    plain = f"{parts.scheme}://{host}{port}"
    legal = all(char.isascii() and (char.isalnum() or char in ".-:[]_") for char in host) and bool(host)
    if parts.scheme not in ("http", "https") or not legal or address.rstrip("/").lower() != plain:
        raise ConfigInvalid("read", "pages.registers", f"{address!r} is no address of a register", 'write "http://host:port"')
    return plain, plain.replace("http", "ws", 1)


def _redirect(target: str) -> Callable[[Request], RedirectResponse]:
    def redirect(request: Request) -> RedirectResponse:
        asked = request.url.query
        return RedirectResponse(f"{target}?{asked}" if asked else target, 307, _HEADERS)

    return redirect
