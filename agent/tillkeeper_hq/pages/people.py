"""Users, and the journal of what they did: for owners."""

import asyncio
import os
import secrets

from starlette.responses import Response

from tillkeeper_hq.pages.frame import alone, page
from tillkeeper_hq.pages.html import Child, Column, Html, badge, banner, choice, el, field, link, table
from tillkeeper_hq.pages.visit import PageRefused, Visit, moved_to
from tillkeeper_hq.pages.words import Facts, when
from tillkeeper_hq.sql import Sql
from tillkeeper_hq.users import passwords, tables
from tillkeeper_hq.users.model import ROLES, Role, User, UserRefused, tidy_name, tidy_stores

ROWS = 50
ACTS = 100
_ROLES = [("viewer", "viewer: reads"), ("manager", "manager: also quarantine"), ("owner", "owner: everything")]
_USERS = (Column("Name", lead=True), Column("Role"), Column("Stores"), Column("State"), Column("Since"))
_ACTS = (Column("When"), Column("Who", lead=True), Column("What"), Column("About"), Column("In detail"))


async def users(visit: Visit) -> Response:
    found = await visit.look(tables.users, visit.asked("after"), ROWS + 1)
    rows = [_row(one) for one in found[:ROWS]]
    more = el("p", link("More users", "/users", after=found[ROWS - 1].name), class_="more") if len(found) > ROWS else None
    body = el("div", table("Users", _USERS, rows), class_="card")
    add = el(
        "section",
        el("h2", "Add a user"),
        visit.form_to(
            "/users",
            field("Name", "name", required=True, autocomplete="off", autocapitalize="none", maxlength=64),
            _role_field("viewer"),
            _stores_field(()),
            el("button", "Add", class_="primary"),
        ),
        class_="card part narrow",
    )
    return page(visit, "Users", body, more, add, place="/users")


def _row(one: User) -> list[Child]:
    state = badge("disabled", "bad") if one.disabled else badge("may sign in", "good")
    if one.must_change and not one.disabled:
        state = badge("first password", "info")
    seen = ", ".join(one.stores) or "all"
    return [link(one.name, "/user", name=one.name), one.role.word, seen, state, when(one.created_ms, Facts())]


def _role_field(chosen: str) -> Html:
    return choice("Role", "role", _ROLES, chosen)


def _stores_field(stores: tuple[str, ...]) -> Html:
    return field("Stores", "stores", ", ".join(stores), hint="separated by commas; empty: all", autocomplete="off")


def _role_and_stores(visit: Visit) -> tuple[Role, tuple[str, ...]]:
    """Raises UserRefused."""
    role = ROLES.get(visit.form.get("role", ""))
    if role is None:
        raise UserRefused("there is no such role")
    return role, tidy_stores(visit.form.get("stores", "").split(","), role)


async def add(visit: Visit) -> Response:
    """HQ makes up the first password: whoever gets it has to choose another one, so nobody else knows it."""
    try:
        name = tidy_name(visit.form.get("name", ""))
        role, stores = _role_and_stores(visit)
        first, kept = await _made_up()
        new = User(0, name, role, stores, must_change=True, created_ms=visit.now_ms)

        def act(sql: Sql) -> None:
            tables.add(sql, new, kept)
            visit.write_act(sql, "user_added", name, f"{role.word}, {' '.join(stores) or 'all stores'}")

        await visit.change(act)
    except UserRefused as error:
        raise _no(error) from error
    return _told(name, first)


async def _made_up() -> tuple[str, str]:
    """A password to be read aloud, and as it is kept."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    first = "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
    return first, await asyncio.to_thread(passwords.hashed, first, os.urandom(passwords.SALT_BYTES))


def _told(name: str, first: str) -> Response:
    return alone(
        f"Password of {name}",
        el("p", "Shown only now. It is good for the first sign-in, then another one has to be chosen."),
        el("p", el("code", first, class_="first-password")),
        el("p", link("To the users", "/users")),
    )


def _no(error: UserRefused) -> PageRefused:
    words = str(error)
    return PageRefused(422, "That can not be done", words[:1].upper() + words[1:] + ".")


async def user(visit: Visit) -> Response:
    one = await _asked(visit)
    parts: list[Child] = [el("p", "This is you: your own role and state only another owner can change.", class_="muted")]
    if one.name != visit.user.name:
        parts = [
            _part(
                visit, one, "Role and stores", "role", "Change",
                _role_field(one.role.word), _stores_field(one.stores),
            ),
            _part(
                visit, one, "Another password", "password", "Make up a new one",
                el("p", "All sessions end. It is shown once; then another one has to be chosen.", class_="muted small"),
            ),
            _part(visit, one, "Wrong passwords", "unlock", "Unlock the name"),
            _part(visit, one, "Signing in", "enable", "Enable") if one.disabled
            else _part(visit, one, "Signing in", "disable", "Disable, and end all sessions", danger=True),
            _part(visit, one, "Remove", "remove", "Remove the user", danger=True),
        ]  # fmt: skip
    state = banner("warn", "Disabled: nobody signs in under this name.") if one.disabled else None
    return page(visit, one.name, state, el("div", *parts, class_="parts"), place="/users")


def _part(visit: Visit, one: User, title: str, act: str, words: str, *fields: Child, danger: bool = False) -> Html:
    hidden = el("input", type="hidden", name="act", value=act)
    form = visit.form_to("/user", hidden, *fields, el("button", words, class_="danger" if danger else None), name=one.name)
    return el("section", el("h2", title), form, class_="card part")


async def _asked(visit: Visit) -> User:
    """Raises PageRefused."""
    found = await visit.look(tables.user, visit.asked("name"))
    if found is None:
        raise PageRefused(404, "There is no such user")
    return found


async def change(visit: Visit) -> Response:
    one, act = await _asked(visit), visit.form.get("act", "")
    if one.name == visit.user.name:
        raise PageRefused(422, "That can not be done", "Only another owner can change this for you.")
    if act == "password":
        first, kept = await _made_up()

        def set_password(sql: Sql) -> None:
            tables.set_password(sql, one.name, kept, must_change=True)
            tables.forget_tries(sql, one.name)
            visit.write_act(sql, "password_set", one.name)

        await visit.change(set_password)
        return _told(one.name, first)
    return await _do(visit, one, act)


async def _do(visit: Visit, one: User, act: str) -> Response:
    """Raises PageRefused."""
    try:
        role, stores = _role_and_stores(visit) if act == "role" else (one.role, one.stores)
    except UserRefused as error:
        raise _no(error) from error

    def do(sql: Sql) -> None:
        match act:
            case "role":
                tables.change(sql, one.name, role, stores)
                visit.write_act(sql, "user_changed", one.name, f"{role.word}, {' '.join(stores) or 'all stores'}")
            case "unlock":
                tables.forget_tries(sql, one.name)
                visit.write_act(sql, "user_unlocked", one.name)
            case "enable" | "disable":
                tables.set_disabled(sql, one.name, disabled=act == "disable")
                visit.write_act(sql, f"user_{act}d", one.name)
            case "remove":
                tables.remove(sql, one.name)
                visit.write_act(sql, "user_removed", one.name)
            case _:
                raise PageRefused(422, "That can not be done")

    await visit.change(do)
    if act == "remove":
        return moved_to("/users", done="user-removed")
    return moved_to("/user", name=one.name, done="user-changed")


async def journal(visit: Visit) -> Response:
    before = visit.asked_number("before", 2**62)
    found = await visit.look(tables.acts, before, ACTS + 1)
    rows = [[when(one.at_ms, Facts()), one.who, one.act.replace("_", " "), one.subject, one.detail] for one in found[:ACTS]]
    more = el("p", link("Older ones", "/journal", before=found[ACTS - 1].act_id), class_="more") if len(found) > ACTS else None
    body = (
        el("div", table("What users did", _ACTS, rows), class_="card")
        if rows
        else el("p", "Nothing yet.", class_="card part empty")
    )
    return page(
        visit,
        "Journal",
        el("p", "What users did here. Nothing is ever taken out of it.", class_="muted"),
        body,
        more,
        place="/journal",
    )
