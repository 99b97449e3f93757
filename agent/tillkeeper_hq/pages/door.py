"""Signing in and out. Who has no session gets no page but the door's."""

import asyncio
import contextlib
import ipaddress
import os
import secrets
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from tillkeeper_hq.database import Overloaded
from tillkeeper_hq.pages.frame import alone
from tillkeeper_hq.pages.html import Html, banner, el, field, join
from tillkeeper_hq.pages.visit import FORM_KEY, PageRefused, Site, Visit, moved_to
from tillkeeper_hq.sql import Sql, StoreFailed
from tillkeeper_hq.users import passwords, sessions, tables
from tillkeeper_hq.users.model import User, UserRefused, tidy_name

WAITING = 16
"""People whose password waits to be looked at; one more is told to come again."""
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip")
"""A proxy on this machine says so; on which wire it was asked is not known."""
WRONG = "Name or password is wrong."


class Door:
    """One password is looked at at a time: it takes a core, and the registers need one too."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._hashing = asyncio.Semaphore(1)
        self._waiting = 0
        prefix = "__Host-" if site.https else ""
        self._session_cookie, self._form_cookie = f"{prefix}hq", f"{prefix}hq-form"

    async def signed_in(self, request: Request) -> tuple[User, str] | None:
        """Whose session the browser has, and its token. Raises StoreFailed."""
        token = request.cookies.get(self._session_cookie, "")
        if not token or len(token) > sessions.MAX_TOKEN:
            return None
        hashed, now_ms = sessions.token_hash(token), self._site.now_ms()
        session = await self._site.look(tables.session, hashed)
        if session is None or not sessions.is_alive(session.began_ms, session.used_ms, now_ms):
            return None
        if now_ms - session.used_ms >= sessions.USED_EVERY_MS:
            # While nothing can be written people still may read; the session then ends too early rather than never.
            with contextlib.suppress(StoreFailed, Overloaded):
                await self._site.change(partial(tables.used, token_hash=hashed, now_ms=now_ms))
        return session.user, token

    def ask(self, request: Request, trouble: str = "", status: int = 200, wait_s: int = 0) -> Response:
        """The form. Another site's page can not send it: it can not know what is in the cookie."""
        if not self._is_private(request):
            raise PageRefused(
                403,
                "Sign in over https",
                "This connection is not encrypted: a password would be readable on its way. Start HQ with --tls-cert and"
                " --tls-key, or behind a proxy that ends TLS with --behind-tls.",
            )
        key = request.cookies.get(self._form_cookie, "")
        if not 32 <= len(key) <= sessions.MAX_TOKEN:
            key = secrets.token_urlsafe(32)
        form = el(
            "form",
            el("input", type="hidden", name=FORM_KEY, value=sessions.form_key(key)),
            field("Name", "name", autocomplete="username", autocapitalize="none", required=True, autofocus=True, maxlength=200),
            field(
                "Password",
                "password",
                type="password",
                autocomplete="current-password",
                required=True,
                maxlength=passwords.MOST,
            ),
            el("button", "Sign in", class_="primary big"),
            method="post",
            action="/login",
            class_="form",
        )
        headers = {"Retry-After": str(wait_s)} if wait_s else {}
        made = alone("Sign in", banner("bad", trouble) if trouble else None, form, status=status, **headers)
        self._set(made, self._form_cookie, key)
        return made

    async def enter(self, request: Request, form: dict[str, str]) -> Response:
        """Raises PageRefused, StoreFailed, Overloaded."""
        if not self._is_private(request):
            return self.ask(request)
        key = request.cookies.get(self._form_cookie, "")
        if not key or not sessions.is_form_key(form.get(FORM_KEY, ""), key):
            return self.ask(request, "The form was too old. Please try once more.", 403)
        password = form.get("password", "")[: passwords.MOST + 1]
        try:
            name = tidy_name(form.get("name", ""))
        except UserRefused:
            return self.ask(request, WRONG, 401)
        now_ms = self._site.now_ms()
        wait_s = await self._site.change(partial(tables.take_try, name=name, now_ms=now_ms))
        if wait_s:
            words = f"Too many wrong passwords for this name. Try again in {wait_s} s."
            return self.ask(request, words, 429, wait_s)
        kept = await self._site.look(tables.password, name)
        if not await self.matches(password, kept):
            return self.ask(request, WRONG, 401)
        token = secrets.token_urlsafe(32)
        if not await self._site.change(partial(_begin, name=name, kept=kept, token=token, now_ms=now_ms)):
            return self.ask(request, WRONG, 401)
        made = moved_to("/")
        self._set(made, self._session_cookie, token)
        return made

    async def matches(self, password: str, kept: str) -> bool:
        """Raises PageRefused: too many wait."""
        if self._waiting >= WAITING:
            raise PageRefused(503, "HQ is busy", "Too many people sign in at once. Try again in a moment.", 5)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(passwords.matches, password, kept)
        finally:
            self._waiting -= 1

    async def leave(self, visit: Visit) -> Response:
        await visit.change(partial(tables.end, token_hash=sessions.token_hash(visit.token)))
        made = moved_to("/login")
        made.delete_cookie(self._session_cookie, secure=self._site.https, httponly=True, samesite="strict")
        return made

    def _set(self, response: Response, name: str, value: str) -> None:
        """Gone when the browser is closed; no script reads it; no other site's link or form brings it along."""
        response.set_cookie(name, value, secure=self._site.https, httponly=True, samesite="strict", path="/")

    def _is_private(self, request: Request) -> bool:
        """Over TLS, or from this machine and through nobody else's hands."""
        if self._site.https:
            return True
        if any(name in request.headers for name in _PASSED_ON):
            return False
        try:
            return request.client is None or ipaddress.ip_address(request.client.host).is_loopback
        except ValueError:
            return False


def _begin(sql: Sql, name: str, kept: str, token: str, now_ms: int) -> bool:
    """Unless the user was changed while the password was looked at."""
    user_id = tables.lock(sql, name, kept)
    if user_id is None:
        return False
    tables.forget_tries(sql, name)
    tables.begin(sql, user_id, sessions.token_hash(token), now_ms)
    tables.write_act(sql, now_ms, name, "signed_in")
    return True


def account_page(visit: Visit, trouble: str = "") -> Html:
    """One's own password."""
    why = banner("warn", "Choose a password of your own before you go on.") if visit.user.must_change else None
    hint = f"{passwords.LEAST} characters or more"
    form = visit.form_to(
        "/account",
        banner("bad", trouble) if trouble else None,
        field("Password now", "password", type="password", autocomplete="current-password", required=True),
        field("New password", "new", type="password", autocomplete="new-password", required=True, hint=hint),
        field("New password once more", "again", type="password", autocomplete="new-password", required=True),
        el("button", "Change the password", class_="primary"),
    )
    stores = ", ".join(visit.user.stores) or "all stores"
    about = el("p", f"You are {visit.user.name}: {visit.user.role.word}, {stores}.", class_="muted")
    return join((why, about, el("section", el("h2", "Your password"), form, class_="card part narrow")))


async def change_own(door: Door, visit: Visit) -> str:
    """What is wrong with it, in words; empty where it is changed, and all other sessions have ended. A wrong password counts
    as one at the door. Raises PageRefused, StoreFailed, Overloaded."""
    name, new = visit.user.name, visit.form.get("new", "")
    try:
        passwords.check(new, name)
    except UserRefused as error:
        return str(error)
    if new != visit.form.get("again", ""):
        return "the new passwords are not the same"
    wait_s = await visit.change(partial(tables.take_try, name=name, now_ms=visit.now_ms))
    if wait_s:
        return f"too many wrong passwords: try again in {wait_s} s"
    kept = await visit.look(tables.password, name)
    if not await door.matches(visit.form.get("password", "")[: passwords.MOST + 1], kept):
        return "the password now is wrong"
    hashed = await asyncio.to_thread(passwords.hashed, new, os.urandom(passwords.SALT_BYTES))

    def change(sql: Sql) -> bool:
        # Not where an owner has set another one, or shut the user out, while this one was looked at.
        if tables.lock(sql, name, kept) is None:
            return False
        tables.forget_tries(sql, name)
        tables.set_password(sql, name, hashed, must_change=False)
        tables.begin(sql, visit.user.user_id, sessions.token_hash(visit.token), visit.now_ms)
        visit.write_act(sql, "password_changed", name)
        return True

    return "" if await visit.change(change) else "the password now is wrong"
