"""Signing in: wrong passwords, locks that outlive a restart and say nothing of who exists, sessions that end."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hq.people import PASSWORD, Office, Person, kept, password_of, words

from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.sql import Backend
from tillkeeper_hq.sqlite import SqliteBackend
from tillkeeper_hq.users import lockout, passwords, sessions, tables
from tillkeeper_hq.users.lockout import Tries
from tillkeeper_hq.users.model import UserRefused, tidy_name

MINUTE = 60_000


@pytest.fixture
def backend(new_database: Callable[[], str], tmp_path: Path) -> Backend:
    url = new_database()
    return PostgresBackend(url) if url else SqliteBackend(tmp_path)


def fail(person: Person, name: str, times: int) -> list[int]:
    return [person.sign_in(name, "not the password at all").status_code for _ in range(times)]


def test_name_and_password_open_the_door_and_nothing_else_does(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        person = office.stranger()
        wrong = (("mia", "wrong wrong wrong"), ("ben", password_of("mia")), ("mia", " "), ("\u0000", "x"), ("x" * 99, "y"))
        for name, password in wrong:
            answer = person.sign_in(name, password)
            assert (answer.status_code, "hq" in person.cookies) == (401, False)
        assert person.sign_in(" MIA ", password_of("mia")).status_code == 303
        assert "mia" in person.see("/")


def test_known_and_unknown_names_are_answered_alike(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        office.add("gone", "owner")
        boss = office.person("mia")
        boss.send("/user?name=gone", act="disable")
        seen = {}
        for name in ("mia", "nobody", "gone"):
            person = office.stranger()
            answers = [person.sign_in(name, "no no no no no") for _ in range(7)]
            seen[name] = [(one.status_code, words(one.text)) for one in answers]
        assert seen["mia"] == seen["nobody"] == seen["gone"]
        assert [status for status, _ in seen["mia"]] == [401] * 5 + [429] * 2


def test_a_lock_outlives_a_restart_and_grows(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        assert fail(office.stranger(), "mia", 5) == [401] * 5
    with Office(tmp_path, backend) as office:
        locked = office.stranger().sign_in("mia")
        assert (locked.status_code, locked.headers["retry-after"]) == (429, "30")
        office.now_ms += 29_000
        assert office.stranger().sign_in("mia").status_code == 429
        office.now_ms += 1_000
        assert fail(office.stranger(), "mia", 6) == [401] * 5 + [429]
        assert office.stranger().sign_in("mia").headers["retry-after"] == "60"
        office.now_ms += 60_000
        assert office.stranger().sign_in("mia").status_code == 303
        assert fail(office.stranger(), "mia", 5) == [401] * 5
        assert office.stranger().sign_in("mia").headers["retry-after"] == "30"


def test_an_owner_unlocks_a_name(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        office.add("ben", "viewer")
        boss = office.person("mia")
        fail(office.stranger(), "ben", 5)
        assert office.stranger().sign_in("ben").status_code == 429
        assert boss.send("/user?name=ben", act="unlock").status_code == 303
        assert office.stranger().sign_in("ben").status_code == 303


def test_one_name_never_locks_the_others(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        fail(office.stranger(), "ben", 6)
        assert office.stranger().sign_in("mia").status_code == 303


def test_guessing_in_ones_own_account_counts_as_well(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        person = office.person("mia")
        form = {"new": "another long word", "again": "another long word"}
        for _ in range(5):
            assert person.send("/account", password="a guess, a guess", **form).status_code == 422
        assert "Too many wrong passwords" in words(person.send("/account", password=password_of("mia"), **form).text)


def test_a_session_ends_when_it_rests_for_an_hour_and_after_twelve(backend: Backend, tmp_path: Path) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "viewer")
        resting, busy = office.person("mia"), office.person("mia")
        began_ms = office.now_ms
        for _ in range(23):
            office.now_ms += 31 * MINUTE
            assert busy.ask("/").status_code == 200
        assert resting.ask("/").status_code == 303
        office.now_ms = began_ms + sessions.LONGEST_MS
        assert busy.ask("/").status_code == 303


def test_use_within_the_hour_keeps_it(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        person = office.person("mia")
        office.now_ms += sessions.IDLE_MS - 1
        assert person.ask("/").status_code == 200
        office.now_ms += sessions.IDLE_MS
        assert person.ask("/").status_code == 303


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        person, thief = office.person("mia"), office.stranger()
        thief.cookies.update(person.cookies)
        assert thief.ask("/").status_code == 200
        assert person.send("/logout").headers["location"] == "/login"
        assert "hq" not in person.cookies
        assert thief.ask("/").status_code == 303


@pytest.mark.parametrize("act", ["disable", "remove", "password"])
def test_what_an_owner_does_to_a_user_ends_their_sessions_at_once(backend: Backend, tmp_path: Path, act: str) -> None:
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        office.add("ben", "manager")
        boss, ben = office.person("mia"), office.person("ben")
        assert boss.send("/user?name=ben", act=act).status_code in (200, 303)
        assert ben.ask("/").status_code == 303
        assert office.stranger().sign_in("ben").status_code == 401


def test_another_role_holds_at_once(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        office.add("ben", "owner")
        boss, ben = office.person("mia"), office.person("ben")
        assert ben.ask("/users").status_code == 200
        boss.send("/user?name=ben", act="role", role="viewer", stores="harbour")
        assert ben.ask("/users").status_code == 403
        assert ben.ask("/store?store=corner").status_code == 404


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer", must_change=True)
        person, other = office.person("mia"), office.person("mia")
        assert person.ask("/sales").headers["location"] == "/account"
        new = "ganz anders jetzt"
        own = password_of("mia")
        for password, chosen, again in (("wrong wrong wrong", new, new), (own, new, "not the same"), (own, "short", "short")):
            assert person.send("/account", password=password, new=chosen, again=again).status_code == 422
        assert person.send("/account", password=password_of("mia"), new=new, again=new).status_code == 303
        assert person.ask("/sales").status_code == 200
        assert other.ask("/account").status_code == 303
        assert office.stranger().sign_in("mia").status_code == 401
        assert office.stranger().sign_in("mia", new).status_code == 303


def test_who_is_shut_out_while_the_own_password_is_looked_at_does_not_come_in_again(tmp_path: Path) -> None:
    new = "ganz anders jetzt"

    async def scene(office: Office, cookie: str, form: dict[str, str]) -> tuple[int, bool]:
        tries, theirs = "SELECT wrong FROM login_tries WHERE wrong > 0", kept("the owner's words")
        async with office.clients() as client:
            sent = client().post("/account", data=form, headers={"Cookie": f"hq={cookie}"})
            asked = asyncio.create_task(sent)
            while not asked.done() and not await office.change(lambda sql: sql.rows(tries)):
                pass
            await office.change(lambda sql: tables.set_password(sql, "mia", theirs, must_change=True))
            return (await asked).status_code, "hq=" in (await asked).headers.get("set-cookie", "")

    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        mia = office.person("mia")
        form = {"form_key": mia.form_key(), "password": password_of("mia"), "new": new, "again": new}
        assert office.run(scene(office, mia.cookies["hq"], form)) == (422, False)
        assert mia.ask("/account").status_code == 303
        assert office.stranger().sign_in("mia", new).status_code == 401
        assert office.stranger().sign_in("mia", "the owner's words").status_code == 303


def test_a_user_has_a_bounded_number_of_sessions(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "viewer")
        first = office.person("mia")
        for _ in range(sessions.MOST_OF_ONE):
            office.now_ms += 1_000
            last = office.person("mia")
        assert first.ask("/").status_code == 303
        assert last.ask("/").status_code == 200


def test_the_database_is_for_hq_alone(tmp_path: Path) -> None:
    for name in ("hq.sqlite3", "hq.sqlite3-wal"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        office.person("mia")
        for path in tmp_path.glob("hq.sqlite3*"):
            assert path.stat().st_mode & 0o077 == 0, path.name


def test_forged_cookies_open_nothing(tmp_path: Path) -> None:
    with Office(tmp_path) as office:
        office.add("mia", "owner")
        for value in ("x", "x" * 5_000, "' OR 1=1 --", PASSWORD):
            stranger = office.stranger()
            stranger.cookies["hq"] = value
            assert stranger.ask("/").status_code == 303


@given(st.lists(st.integers(0, 4_000_000), max_size=60))
def test_a_lock_never_lasts_longer_than_the_longest_and_holds_back_guesses(waits: list[int]) -> None:
    """Whatever somebody does with the time between tries: in an hour there are no more than 40 tries."""
    tries, now_ms, taken = Tries(), 1_795_000_000_000, []
    for wait_ms in waits:
        now_ms += wait_ms
        assert 0 <= lockout.remaining_s(tries, now_ms) <= lockout.LONGEST_S
        if not lockout.remaining_s(tries, now_ms):
            tries = lockout.tried(tries, now_ms)
            taken.append(now_ms)
    for at in taken:
        assert sum(at <= one < at + 3_600_000 for one in taken) <= 40


@pytest.mark.parametrize("text", ["", "   ", "x" * 65, "a<b", "a\u0000b", "a/b", "a\u202eb", "\ud800"])
def test_names_that_nobody_can_have(text: str) -> None:
    with pytest.raises(UserRefused):
        tidy_name(text)


@pytest.mark.parametrize("password", ["short", "long" * 65, "aaaaaaaaaaaaaa", "christopher1", ""])
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(UserRefused):
        passwords.check(password, "christopher")


def test_a_password_is_kept_salted_and_slow() -> None:
    salts = (b"1" * 16, b"2" * 16)
    one, other = (passwords.hashed("cafe\u0301 au lait, deux", salt) for salt in salts)
    assert one != other
    assert one.startswith("scrypt$15$")
    assert "lait" not in one
    assert passwords.matches("caf\u00e9 au lait, deux", one)
    for wrong in ("", "cafe au lait, deux"):
        assert not passwords.matches(wrong, one)
    for broken in ("", "scrypt$15$", "scrypt$x$y$z", "scrypt$99$AAAA$AAAA", "scrypt$-1$AAAA$AAAA"):
        assert not passwords.matches("caf\u00e9 au lait, deux", broken)
