"""All pages, who may see which, and the one gate that they go through."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from tillkeeper_hq.database import Overloaded
from tillkeeper_hq.pages import checks, online, overview, people, quarantine, sales
from tillkeeper_hq.pages.door import Door, account_page, change_own
from tillkeeper_hq.pages.frame import HEADERS, page, refused
from tillkeeper_hq.pages.visit import FORM_KEY, PageRefused, Site, Visit, moved_to
from tillkeeper_hq.sql import DatabaseAway, StoreFailed
from tillkeeper_hq.users import sessions
from tillkeeper_hq.users.model import Role

MAX_FORM_BYTES = 16 * 1024
FORM_TIMEOUT_S = 10.0
_STATIC = {"hq.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}

log = logging.getLogger(__name__)


class Page(NamedTuple):
    """`least`: the role that one needs; None: the door, which is open to all."""

    method: str
    path: str
    show: Callable[[Visit], Awaitable[Response]] | None
    least: Role | None


PAGES = (
    Page("GET", "/", overview.overview, Role.VIEWER),
    Page("GET", "/store", overview.store, Role.VIEWER),
    Page("GET", "/sales", sales.sales, Role.VIEWER),
    Page("GET", "/day", sales.day, Role.VIEWER),
    Page("GET", "/quarantine", quarantine.listed, Role.VIEWER),
    Page("POST", "/quarantine", quarantine.note_all, Role.MANAGER),
    Page("GET", "/aside", quarantine.one, Role.VIEWER),
    Page("POST", "/aside", quarantine.note_one, Role.MANAGER),
    Page("GET", "/checks", checks.checks, Role.VIEWER),
    Page("GET", "/online", online.online, Role.VIEWER),
    Page("GET", "/users", people.users, Role.OWNER),
    Page("POST", "/users", people.add, Role.OWNER),
    Page("GET", "/user", people.user, Role.OWNER),
    Page("POST", "/user", people.change, Role.OWNER),
    Page("GET", "/journal", people.journal, Role.OWNER),
    Page("GET", "/account", None, Role.VIEWER),
    Page("POST", "/account", None, Role.VIEWER),
    Page("POST", "/logout", None, Role.VIEWER),
    Page("GET", "/login", None, None),
    Page("POST", "/login", None, None),
)
_OWN = ("/account", "/logout")
"""What is open to those who have to choose a password first."""


class Pages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._door = Door(site)
        self._shown: dict[tuple[str, str], Callable[[Visit], Awaitable[Response]]] = {
            ("GET", "/account"): self._account,
            ("POST", "/account"): self._change_own,
            ("POST", "/logout"): self._door.leave,
        }
        for one in PAGES:
            if one.show is not None:
                self._shown[one.method, one.path] = one.show

    def routes(self) -> list[Route]:
        paths = sorted({one.path for one in PAGES})
        made = [Route(path, self._serve, methods=[one.method for one in PAGES if one.path == path]) for path in paths]
        return [*made, Route("/static/{name}", self._static, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except PageRefused as error:
            return refused(error)
        except Overloaded:
            return refused(PageRefused(503, "HQ is busy", "Try again in a moment.", 1))
        except DatabaseAway as error:
            log.warning("a page was refused: %s", error)
            return refused(
                PageRefused(503, "HQ's database does not answer", "Registers keep what they have and send it later.", 5)
            )
        except StoreFailed as error:
            log.warning("a page was refused: %s", error)
            return refused(PageRefused(507, "HQ's database refused it", "Nothing was changed. Is its disk full?", 5))

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        wanted = next(one for one in PAGES if (one.method, one.path) == (method, request.scope["path"]))
        form = await _form(request) if method == "POST" else {}
        if wanted.least is None:
            return self._door.ask(request) if method == "GET" else await self._door.enter(request, form)
        found = await self._door.signed_in(request)
        if found is None:
            return moved_to("/login")
        user, token = found
        if method == "POST" and not sessions.is_form_key(form.get(FORM_KEY, ""), token):
            raise PageRefused(
                403, "That form is not of this session", "Nothing was done. Open the page anew and send it again."
            )
        if user.must_change and wanted.path not in _OWN:
            return moved_to("/account")
        if not user.may(wanted.least):
            raise PageRefused(403, "This is not for you", f"It needs the role {wanted.least.word}; you are {user.role.word}.")
        return await self._shown[method, wanted.path](Visit(self._site, request, user, token, form))

    async def _account(self, visit: Visit) -> Response:
        return page(visit, "Your account", account_page(visit))

    async def _change_own(self, visit: Visit) -> Response:
        if trouble := await change_own(self._door, visit):
            return page(visit, "Your account", account_page(visit, trouble[:1].upper() + trouble[1:] + "."), status=422)
        return moved_to("/account", done="password-changed")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return refused(PageRefused(404, "There is no such page"))
        content = (files("tillkeeper_hq") / "pages" / "static" / name).read_bytes()
        return Response(content, 200, {**HEADERS, "Cache-Control": "max-age=300"}, media_type=_STATIC[name])


async def _form(request: Request) -> dict[str, str]:
    """What a form of ours sends; of a name that comes twice the last. Another site's page may not send it, whatever it knows
    (Fetch Metadata: a browser says so where it can). Raises PageRefused."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PageRefused(403, "That form is of another site", "Nothing was done.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise PageRefused(415, "That is no form")
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_BYTES:
                    raise PageRefused(413, "That is too much")
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="replace"))
    except TimeoutError:
        raise PageRefused(408, "That took too long") from None
    except (ClientDisconnect, ValueError):  # UnicodeDecodeError is one; too many fields is one
        raise PageRefused(400, "That is no form") from None
