"""Who may see and do what: every page for every kind of visitor, forms of other sites, and what tokens open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hq.people import Office, Person, password_of, words
from tests.hq.world import DAY, STORE, Log, token

from tillkeeper_hq.pages.site import PAGES, Page
from tillkeeper_hq.users.model import Role

NO_KEY = {"form_key": ""}
VISITORS = {"viewer": Role.VIEWER, "manager": Role.MANAGER, "owner": Role.OWNER}
QUERIES = {
    "/store": f"?store={STORE}",
    "/day": f"?store={STORE}&day={DAY}",
    "/aside": "?id=1",
    "/user": "?name=somebody",
    "/checks": "?q=A-001",
}
FORMS = {
    "/quarantine": {"note": "seen", "up_to": "1"},
    "/aside": {"note": "seen"},
    "/users": {"name": "another", "role": "viewer"},
    "/user": {"act": "unlock"},
    "/account": {"password": "x", "new": "y", "again": "z"},
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("office")) as office:
        for name, role in VISITORS.items():
            office.add(name, role.word)
            if role is not Role.OWNER:
                office.add(f"{name}-elsewhere", role.word, "harbour")
        office.add("somebody", "viewer")
        log = Log()
        log.sale("c1", 1190)
        log.raw("check_voided", "{}")
        office.take(log)
        yield office


@pytest.fixture(scope="module")
def visitors(office: Office) -> dict[str, Person]:
    """Signed in for all tests of this file."""
    return {name: office.person(name) for name in (*VISITORS, "viewer-elsewhere", "manager-elsewhere")}


def ask(person: Person, page: Page, **form: str) -> tuple[int, str]:
    path = page.path + QUERIES.get(page.path, "")
    sent = {**NO_KEY, **FORMS.get(page.path, {}), **form} if page.method == "POST" else None
    answer = person.ask(path, page.method, sent)
    return answer.status_code, answer.headers.get("location", "")


GATED = [page for page in PAGES if page.least is not None]
IDS = [f"{page.method} {page.path}" for page in GATED]


@pytest.mark.parametrize("page", GATED, ids=IDS)
def test_who_is_not_signed_in_is_sent_to_the_door(office: Office, page: Page) -> None:
    assert ask(office.stranger(), page) == (303, "/login")


@pytest.mark.parametrize("page", GATED, ids=IDS)
@pytest.mark.parametrize("name", VISITORS)
def test_each_role_may_do_its_part_and_no_more(office: Office, visitors: dict[str, Person], name: str, page: Page) -> None:
    person = visitors[name] if page.path != "/logout" else office.person(name)
    form = {"form_key": person.form_key()} if page.method == "POST" else {}
    status, _ = ask(person, page, **form)
    assert page.least is not None
    if VISITORS[name] < page.least:
        assert status == 403
    else:
        assert status in ((200, 303, 422) if page.method == "POST" else (200,))


@pytest.mark.parametrize("page", [page for page in GATED if page.method == "POST"], ids=lambda page: page.path)
def test_a_form_of_another_site_or_session_does_nothing(office: Office, page: Page) -> None:
    owner, other = office.person("owner"), office.person("owner")
    for key in ("", "0" * 64, other.form_key()):
        assert ask(owner, page, form_key=key)[0] == 403
    path = page.path + QUERIES.get(page.path, "")
    good = {**FORMS.get(page.path, {}), "form_key": owner.form_key()}
    for said in ("cross-site", "same-site"):
        assert owner.ask(path, "POST", good, Sec_Fetch_Site=said).status_code == 403
    assert owner.ask("/account").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/store?store={STORE}",
        f"/day?store={STORE}&day={DAY}",
        "/aside?id=1",
        f"/checks?q=c1&store={STORE}",
        f"/quarantine?store={STORE}",
        "/store?store=nowhere",
    ],
)
@pytest.mark.parametrize("name", ["viewer-elsewhere", "manager-elsewhere"])
def test_another_store_is_as_if_it_were_not_there(visitors: dict[str, Person], name: str, path: str) -> None:
    assert visitors[name].ask(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/sales", f"/sales?day={DAY}", "/quarantine?all=1", "/checks?q=c1", "/checks?q=A-001"])
def test_lists_hold_the_own_stores_only(visitors: dict[str, Person], path: str) -> None:
    seen = visitors["manager-elsewhere"].see(path)
    assert STORE not in seen
    assert "check_voided" not in seen
    assert STORE in visitors["viewer"].see(path)


def test_a_manager_of_another_store_can_note_nothing(office: Office) -> None:
    person = office.person("manager-elsewhere")
    assert person.send("/aside?id=1", note="mine now").status_code == 404
    assert person.send("/quarantine", note="mine now", up_to="99").status_code == 303
    assert person.send("/quarantine", note="mine now", up_to="99", store=STORE).status_code == 404
    assert "mine now" not in office.person("viewer").see("/aside?id=1")


def test_a_registers_token_opens_no_page_and_a_session_takes_no_events(office: Office) -> None:
    secret = {"Authorization": f"Bearer {token(f'{STORE}-till-1')}"}
    for page in GATED:
        sent = NO_KEY if page.method == "POST" else None
        assert office.stranger().ask(page.path, page.method, sent, **secret).status_code == 303
    owner = office.person("owner")
    for path in ("/v1/books?store=corner", "/v1/registers", "/v1/quarantine", "/v1/events"):
        assert owner.ask(path).status_code == 401
    assert owner.ask("/v1/events", "POST", {"form_key": owner.form_key()}).status_code == 401


def test_what_every_page_says_to_the_browser(office: Office) -> None:
    for answer in (office.stranger().ask("/login"), office.person("owner").ask("/"), office.stranger().ask("/static/hq.css")):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
    assert office.stranger().ask("/static/../app.py").status_code == 404
    assert office.stranger().ask("/static/nothing").status_code == 404


def test_a_cookie_is_for_the_browser_alone(tmp_path: Path) -> None:
    def cookies(https: bool) -> list[str]:
        with Office(tmp_path, https=https) as office:
            office.add("mia" if https else "ben", "owner")
            return office.stranger().sign_in("mia" if https else "ben").headers.get_list("set-cookie")

    (plain,) = cookies(https=False)
    (secure,) = cookies(https=True)
    assert plain.startswith("hq=")
    assert secure.startswith("__Host-hq=")
    assert "; Secure" in secure
    for one in (plain, secure):
        assert "; HttpOnly" in one
        assert "; Path=/" in one
        assert "samesite=strict" in one.lower()


def test_over_a_plain_connection_from_elsewhere_nobody_types_a_password(tmp_path: Path) -> None:
    with Office(tmp_path, client="192.0.2.7") as office:
        office.add("mia", "owner")
        refused = office.stranger().ask("/login")
        assert refused.status_code == 403
        assert "--behind-tls" in words(refused.text)
        form = {"form_key": "x", "name": "mia", "password": password_of("mia")}
        assert office.stranger().ask("/login", "POST", form).status_code == 403


def test_a_proxy_on_this_machine_without_tls_is_no_private_way(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        for header in ("X-Forwarded-For", "Forwarded", "Via"):
            assert office.stranger().ask("/login", **{header: "192.0.2.7"}).status_code == 403
        assert office.stranger().ask("/login").status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b'{"form_key": "x"}', 415),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/x-www-form-urlencoded", b"a=1&" * 5_000, 413),
        ("application/x-www-form-urlencoded", b"a=1&" * 60, 400),
        ("application/x-www-form-urlencoded", b"name=\xff\xfe", 400),
        ("application/x-www-form-urlencoded", b"", 403),
        ("application/x-www-form-urlencoded", b"name=%00%ff&form_key=%d8%00", 403),
    ],
)
def test_a_body_that_is_no_form_is_refused(office: Office, content_type: str, body: bytes, status: int) -> None:
    headers = {"Content-Type": content_type, "Cookie": "hq=" + office.person("owner").cookies["hq"]}
    assert office.request("POST", "/users", content=body, headers=headers).status_code == status
