"""What is around every page: head, navigation, foot, and the headers that keep it to itself."""

from starlette.responses import Response

from tillkeeper_hq.pages.html import Child, Html, banner, el, join, link
from tillkeeper_hq.pages.visit import PageRefused, Visit
from tillkeeper_hq.pages.words import Facts, when
from tillkeeper_hq.users.model import Role

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}

_NAVIGATION = (
    ("/", "Overview", Role.VIEWER),
    ("/sales", "Sales", Role.VIEWER),
    ("/quarantine", "Quarantine", Role.VIEWER),
    ("/checks", "Checks", Role.VIEWER),
    ("/online", "Online", Role.VIEWER),
    ("/users", "Users", Role.OWNER),
    ("/journal", "Journal", Role.OWNER),
)

DONE = {
    "looked": "Noted. The event stays here.",
    "user-added": "The user is added, and chooses a password of their own when they first sign in.",
    "user-changed": "Changed; it holds at once.",
    "user-removed": "The user is removed. What they did stays in the journal.",
    "password-set": "The password is set; all sessions of the user have ended.",
    "password-changed": "Your password is changed; your other sessions have ended.",
}
"""What a page says after a form was done, by the code in its address."""


def document(title: str, *body: Child) -> Html:
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{title} - Tillkeeper HQ"),
        el("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        el("link", rel="stylesheet", href="/static/hq.css"),
    )
    return join((Html("<!doctype html>"), el("html", head, el("body", *body), lang="en")))


def answer(markup: Html, status: int = 200, **headers: str) -> Response:
    content = markup.encode("utf-8", "replace")
    return Response(content, status, {**HEADERS, **headers}, media_type="text/html; charset=utf-8")


def page(visit: Visit, title: str, *content: Child, place: str = "", status: int = 200) -> Response:
    """`place`: which part of the navigation it is in."""
    done = DONE.get(visit.asked("done"))
    main = el(
        "main",
        banner("info", done) if done else None,
        el("h1", title),
        *content,
        id="content",
    )
    foot = el("footer", f"As of {when(visit.now_ms, Facts())}. ", el("a", "Reload", href=""), class_="foot small muted")
    return answer(document(title, _top(visit, place), main, foot), status)


def _top(visit: Visit, place: str) -> Html:
    shown = [] if visit.user.must_change else [one for one in _NAVIGATION if visit.user.may(one[2])]
    links = [el("a", words, href=path, aria_current="page" if path == place else None) for path, words, _ in shown]
    person = el(
        "div",
        link(el("span", visit.user.name, class_="strong clip"), "/account", class_="who"),
        el("span", visit.user.role.word, class_="small muted"),
        class_="person",
    )
    leave = visit.form_to("/logout", el("button", "Sign out", class_="ghost"))
    brand = el("a", el("span", "Tillkeeper"), " ", el("strong", "HQ"), href="/", class_="brand")
    skip = el("a", "To the content", href="#content", class_="skip")
    return el("header", skip, brand, el("nav", *links, aria_label="Pages"), person, leave, class_="top")


def alone(title: str, *content: Child, status: int = 200, **headers: str) -> Response:
    """A card in the middle, for those who are not signed in."""
    brand = el("p", el("span", "Tillkeeper"), " ", el("strong", "HQ"), class_="brand")
    card = el("div", brand, el("h1", title), *content, class_="card stage-card")
    return answer(document(title, el("main", card, class_="stage", id="content")), status, **headers)


def refused(error: PageRefused) -> Response:
    words = el("p", error.words) if error.words else None
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return alone(error.title, words, el("p", link("To the overview", "/")), status=error.status, **headers)
