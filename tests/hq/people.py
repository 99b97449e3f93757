"""People at browsers: they keep cookies and send the forms of the pages that they see. HQ is a real process, or runs inside the
test with a clock that the test sets."""

import asyncio
import contextlib
import html
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
from tests.hq.world import DATABASE, STORE, Hq, Log, token

from tillkeeper.contract.envelope import Author, HqAnswer, HqBatch
from tillkeeper_hq.app import create_app
from tillkeeper_hq.credentials import parse
from tillkeeper_hq.database import Database
from tillkeeper_hq.sql import Backend, Sql
from tillkeeper_hq.sqlite import SqliteBackend
from tillkeeper_hq.users import passwords, tables
from tillkeeper_hq.users.model import ROLES, User

T = TypeVar("T")
NOW = 1_795_300_000_000
PASSWORD = "a long word for {}"
_KEPT: dict[str, str] = {}
"""Password -> as it is kept: scrypt is slow on purpose."""


def password_of(name: str) -> str:
    return PASSWORD.format(name)


def kept(password: str) -> str:
    if password not in _KEPT:
        _KEPT[password] = passwords.hashed(password, bytes(passwords.SALT_BYTES))
    return _KEPT[password]


def add_by_command(hq: Hq, name: str, role: str, *stores: str) -> None:
    """As an administrator at the server."""
    where = [] if os.environ.get(DATABASE) else ["--data", str(hq.folder / "hq")]
    command = [sys.executable, "-m", "tillkeeper_hq", "user", "add", name, "--role", role, "--password-file", "-", *where]
    for store in stores:
        command += ["--store", store]
    done = subprocess.run(command, input=password_of(name), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def _asked(method: str, url: str, **rest: Any) -> httpx.Response:
    """Over plain http; without certificates, which take long to load."""
    with httpx.Client(verify=False, trust_env=False, timeout=60) as client:
        return client.request(method, url, **rest)


class Person:
    """One browser. `request` as `httpx.request`, without a memory of its own; `base`: what comes before paths."""

    def __init__(self, request: Callable[..., httpx.Response] | None = None, base: str = "") -> None:
        self._request, self._base = request or _asked, base
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, method: str = "GET", data: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._request(method, self._base + path, data=data, headers=sent, follow_redirects=False)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if not self.cookies[name]:
                del self.cookies[name]
        return answer

    def see(self, path: str) -> str:
        """The page, as text: what the markup says, not the markup."""
        answer = self.ask(path)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return words(answer.text)

    def form_key(self, path: str = "/account") -> str:
        found = re.search(r'name="form_key" value="([0-9a-f]+)"', self.ask(path).text)
        assert found, path
        return found[1]

    def send(self, path: str, **data: Any) -> httpx.Response:
        """A form, as the page sends it."""
        return self.ask(path, "POST", {"form_key": self.form_key(), **data})

    def sign_in(self, name: str, password: str = "", **headers: str) -> httpx.Response:
        data = {"form_key": self.form_key("/login"), "name": name, "password": password or password_of(name)}
        return self.ask("/login", "POST", data, **headers)


def words(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())


def _claims(sql: Sql) -> dict[tuple[str, str, str], int | None]:
    return {(store, register, inc): seq for store, register, inc, seq in sql.rows(_CLAIMS)}


_CLAIMS = "SELECT store, register, incarnation, claimed_seq FROM logs"


class Office:
    """HQ inside the test. `now_ms` is what its clock says."""

    def __init__(self, folder: Path, backend: Backend | None = None, *, https: bool = False, client: str = "127.0.0.1") -> None:
        self.now_ms = NOW
        self._said: dict[tuple[str, str, str], int | None] = {}
        self._database = Database(backend or SqliteBackend(folder), 1)
        registers = [{"store": store, "register": name, "token": token(f"{store}-{name}")} for store, name in REGISTERS]
        credentials = parse(msgspec.json.encode({"registers": registers}).decode(), "test")
        app = create_app(self._database, credentials, https=https, now_ms=lambda: self.now_ms, keep_heard_s=0.05)
        self._lifespan = app.router.lifespan_context(app)
        transport = self._transport = httpx.ASGITransport(app, client=(client, 50_000))
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=transport, base_url="http://hq.example")

    def __enter__(self) -> Self:
        self._database.__enter__()
        self._runner.__enter__()
        self._runner.run(self._lifespan.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._runner.run(self._client.aclose())
        self._runner.run(self._lifespan.__aexit__(None, None, None))
        self._runner.__exit__(kind, error, trace)
        self._database.__exit__(kind, error, trace)

    def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """What a `Person` needs of a client."""
        answer = self._runner.run(self._client.request(method, path, **rest))
        self._client.cookies.clear()
        return answer

    def run(self, scene: Coroutine[Any, Any, T]) -> T:
        """In HQ's own loop."""
        return self._runner.run(scene)

    @contextlib.asynccontextmanager
    async def clients(self) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
        """Makes clients for many requests at once."""
        async with contextlib.AsyncExitStack() as stack:
            made = [httpx.AsyncClient(transport=self._transport, base_url="http://hq.example") for _ in range(200)]
            for client in made:
                stack.push_async_callback(client.aclose)
            yield iter(made).__next__

    async def change(self, act: Callable[[Sql], T]) -> T:
        """Past the pages, as somebody at the server."""
        return await asyncio.wrap_future(self._database.change(act))

    def add(self, name: str, role: str, *stores: str, must_change: bool = False) -> None:
        new = User(0, name, ROLES[role], stores, must_change=must_change, created_ms=self.now_ms)
        self._database.change(lambda sql: tables.add(sql, new, kept(password_of(name)))).result(30)

    def stranger(self) -> Person:
        return Person(self.request)

    def person(self, name: str) -> Person:
        """Signed in."""
        person = self.stranger()
        answer = person.sign_in(name)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
        return person

    def take(self, log: Log, first: int = 1, last: int | None = None, author: Author | None = None) -> HqAnswer:
        return self.post(msgspec.structs.replace(log.batch(first, last), author=author))

    def settle(self) -> None:
        """Waits until what registers said of themselves is written down."""
        deadline = time.monotonic() + 30
        while not self._said.items() <= self._database.read(_claims).result(30).items():
            assert time.monotonic() < deadline
            self._runner.run(asyncio.sleep(0.02))

    @staticmethod
    def written(batch: HqBatch) -> bytes:
        return msgspec.json.encode(batch)

    def post(self, batch: HqBatch, sender: str = "") -> HqAnswer:
        """`sender`: the register whose token brings it; its own, where it is empty."""
        headers = {"Authorization": f"Bearer {token(f'{batch.store}-{sender or batch.register}')}"}
        if batch.author is not None:
            self._said[batch.store, batch.register, batch.incarnation] = batch.author.last_seq
        answer = self.request("POST", "/v1/events", content=self.written(batch), headers=headers)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=HqAnswer)


REGISTERS = ((STORE, "till-1"), (STORE, "till-2"), (STORE, "till-3"), ("harbour", "till-1"))
