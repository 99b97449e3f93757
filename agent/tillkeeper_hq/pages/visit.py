"""One request of a person: who asks, what was sent, and the way to the database."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tillkeeper_hq.credentials import Credentials
from tillkeeper_hq.database import Database
from tillkeeper_hq.pages.html import Child, Html, el, url
from tillkeeper_hq.queries import RegisterLog
from tillkeeper_hq.sql import Sql
from tillkeeper_hq.users import sessions, tables
from tillkeeper_hq.users.model import Role, User

T = TypeVar("T")

FORM_KEY = "form_key"


class PageRefused(Exception):
    """Answered with a page that says why."""

    def __init__(self, status: int, title: str, words: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.words, self.retry_after_s = status, title, words, retry_after_s


class Site:
    """What all pages have in common. `with_beat`: a log with what this process heard last. `https`: whoever comes from another
    machine has a TLS connection."""

    def __init__(
        self,
        database: Database,
        credentials: Credentials,
        with_beat: Callable[[RegisterLog], RegisterLog],
        now_ms: Callable[[], int],
        *,
        https: bool,
    ) -> None:
        self.database, self.credentials, self.with_beat, self.now_ms, self.https = (
            database,
            credentials,
            with_beat,
            now_ms,
            https,
        )

    async def look(self, query: Callable[..., T], *args: object) -> T:
        """Raises StoreFailed."""
        return await asyncio.wrap_future(self.database.look(lambda sql: query(sql, *args)))

    async def change(self, act: Callable[[Sql], T]) -> T:
        """Raises StoreFailed, Overloaded, and whatever `act` raises."""
        return await asyncio.wrap_future(self.database.change(act))


class Visit:
    """`token`: of the session. `form`: what was sent, empty for a GET. Nobody but `user` (signed in) gets one."""

    def __init__(self, site: Site, request: Request, user: User, token: str, form: Mapping[str, str]) -> None:
        self.site, self.request, self.user, self.token, self.form = site, request, user, token, form
        self.now_ms = site.now_ms()
        self.look, self.change = site.look, site.change

    def asked(self, name: str) -> str:
        """Of the query; empty where it is missing."""
        return self.request.query_params.get(name, "")[:200]

    def asked_number(self, name: str, default: int) -> int:
        text = self.asked(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else default

    def sent_number(self, name: str) -> int:
        """Raises PageRefused."""
        text = self.form.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise PageRefused(400, "That can not be done", f"{name} is missing")
        return int(text)

    def seen_store(self, store: str) -> str:
        """The store, if this user may see it. Raises PageRefused: the same for one that there is not."""
        if not store or not self.user.may_see(store):
            raise PageRefused(404, "There is no such store here")
        return store

    def write_act(self, sql: Sql, act: str, subject: str = "", detail: str = "") -> None:
        tables.write_act(sql, self.now_ms, self.user.name, act, subject, detail)

    def form_to(self, path: str, *children: Child, **query: str | int) -> Html:
        """A form that this session alone can send."""
        key = el("input", type="hidden", name=FORM_KEY, value=sessions.form_key(self.token))
        return el("form", key, *children, method="post", action=url(path, **query), class_="form")

    @property
    def is_owner(self) -> bool:
        return self.user.may(Role.OWNER)


def moved_to(path: str, **query: str | int) -> Response:
    """After a form: a reload sends nothing twice."""
    return Response(status_code=303, headers={"Location": url(path, **query)})
