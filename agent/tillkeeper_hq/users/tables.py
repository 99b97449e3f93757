"""Users, sessions, tries and acts in HQ's database, the same for all databases. Every call happens inside a transaction."""

from typing import Any, NamedTuple

import msgspec

from tillkeeper_hq.sql import Sql
from tillkeeper_hq.users import lockout, sessions
from tillkeeper_hq.users.lockout import Tries
from tillkeeper_hq.users.model import ROLES, Role, User, UserRefused

MAX_USERS = 10_000
_FIELDS = "user_id, name, role, stores, must_change, disabled, created_ms"


class Act(NamedTuple):
    act_id: int
    at_ms: int
    who: str
    act: str
    subject: str
    detail: str


class Session(NamedTuple):
    user: User
    began_ms: int
    used_ms: int


def users(sql: Sql, after: str, limit: int) -> list[User]:
    """By name, behind `after`."""
    return [_user(row) for row in sql.rows(f"SELECT {_FIELDS} FROM users WHERE name > $1 ORDER BY name LIMIT $2", after, limit)]  # noqa: S608


def user(sql: Sql, name: str) -> User | None:
    rows = sql.rows(f"SELECT {_FIELDS} FROM users WHERE name = $1", name)  # noqa: S608 - no value in it
    return _user(rows[0]) if rows else None


def password(sql: Sql, name: str) -> str:
    """As it is kept; empty where nobody who may sign in has that name."""
    rows = sql.rows("SELECT password FROM users WHERE name = $1 AND disabled = 0", name)
    return str(rows[0][0]) if rows else ""


def lock(sql: Sql, name: str, kept_password: str) -> int | None:
    """The user's id, if that is still the password; until this transaction ends nobody changes it."""
    rows = sql.rows(
        "UPDATE users SET name = name WHERE name = $1 AND password = $2 AND disabled = 0 RETURNING user_id", name, kept_password
    )
    return int(rows[0][0]) if rows else None


def add(sql: Sql, new: User, kept_password: str) -> None:
    """Raises UserRefused."""
    ((count,),) = sql.rows("SELECT COUNT(*) FROM users")
    if count >= MAX_USERS:
        raise UserRefused(f"there are {count} users already")
    made = sql.rows(
        "INSERT INTO users (name, role, stores, password, must_change, created_ms) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (name) DO NOTHING RETURNING user_id",
        new.name, new.role.word, _stores(new.stores), kept_password, int(new.must_change), new.created_ms,
    )  # fmt: skip
    if not made:
        raise UserRefused(f"there is a user {new.name} already")


def change(sql: Sql, name: str, role: Role, stores: tuple[str, ...]) -> None:
    """What a session may do is looked up each time: it holds at once."""
    sql.rows("UPDATE users SET role = $1, stores = $2 WHERE name = $3", role.word, _stores(stores), name)


def set_password(sql: Sql, name: str, kept_password: str, *, must_change: bool) -> None:
    """All sessions of the user end."""
    sql.rows("UPDATE users SET password = $1, must_change = $2 WHERE name = $3", kept_password, int(must_change), name)
    end_all(sql, name)


def set_disabled(sql: Sql, name: str, *, disabled: bool) -> None:
    sql.rows("UPDATE users SET disabled = $1 WHERE name = $2", int(disabled), name)
    end_all(sql, name)


def remove(sql: Sql, name: str) -> None:
    end_all(sql, name)
    sql.rows("DELETE FROM users WHERE name = $1", name)


def end_all(sql: Sql, name: str) -> None:
    sql.rows("DELETE FROM sessions WHERE user_id IN (SELECT user_id FROM users WHERE name = $1)", name)


def begin(sql: Sql, user_id: int, token_hash: bytes, now_ms: int) -> None:
    """Old sessions are swept out on the way."""
    oldest = now_ms - sessions.LONGEST_MS
    sql.rows(
        "DELETE FROM sessions WHERE user_id = $1 AND (began_ms < $2 OR used_ms < $3)",
        user_id,
        oldest,
        now_ms - sessions.IDLE_MS,
    )
    sql.rows(
        "DELETE FROM sessions WHERE token_hash IN"
        " (SELECT token_hash FROM sessions WHERE user_id = $1 ORDER BY used_ms DESC LIMIT $2 OFFSET $3)",
        user_id, 1_000, sessions.MOST_OF_ONE - 1,
    )  # fmt: skip
    sql.rows(
        "INSERT INTO sessions (token_hash, user_id, began_ms, used_ms) VALUES ($1, $2, $3, $4)",
        token_hash,
        user_id,
        now_ms,
        now_ms,
    )


def session(sql: Sql, token_hash: bytes) -> Session | None:
    rows = sql.rows(
        f"SELECT began_ms, used_ms, {_FIELDS} FROM sessions JOIN users USING (user_id) WHERE token_hash = $1 AND disabled = 0",  # noqa: S608
        token_hash,
    )
    return Session(_user(rows[0][2:]), *rows[0][:2]) if rows else None


def used(sql: Sql, token_hash: bytes, now_ms: int) -> None:
    sql.rows("UPDATE sessions SET used_ms = $1 WHERE token_hash = $2 AND used_ms < $1", now_ms, token_hash)


def end(sql: Sql, token_hash: bytes) -> None:
    sql.rows("DELETE FROM sessions WHERE token_hash = $1", token_hash)


def take_try(sql: Sql, name: str, now_ms: int) -> int:
    """Counts one try for that name. How many seconds it has to wait instead: then none was counted. Tries of other processes
    at the same place wait until this transaction ends."""
    place = lockout.place(name)
    ((*kept,),) = sql.rows(
        "INSERT INTO login_tries (place, wrong, locks, until_ms, at_ms) VALUES ($1, 0, 0, 0, $2)"
        " ON CONFLICT (place) DO UPDATE SET place = excluded.place RETURNING wrong, locks, until_ms, at_ms",
        place, now_ms,
    )  # fmt: skip
    tries = Tries(*kept)
    wait_s = lockout.remaining_s(tries, now_ms)
    if not wait_s:
        after = lockout.tried(tries, now_ms)
        sql.rows("UPDATE login_tries SET wrong = $1, locks = $2, until_ms = $3, at_ms = $4 WHERE place = $5", *after, place)
    return wait_s


def forget_tries(sql: Sql, name: str) -> None:
    sql.rows("DELETE FROM login_tries WHERE place = $1", lockout.place(name))


def write_act(sql: Sql, at_ms: int, who: str, act: str, subject: str = "", detail: str = "") -> None:
    """Adds to the journal of what users did."""
    sql.rows(
        "INSERT INTO acts (at_ms, who, act, subject, detail) VALUES ($1, $2, $3, $4, $5)", at_ms, who, act, subject, detail
    )


def acts(sql: Sql, before: int, limit: int) -> list[Act]:
    """Newest first, those before `before`."""
    rows = sql.rows(
        "SELECT act_id, at_ms, who, act, subject, detail FROM acts WHERE act_id < $1 ORDER BY act_id DESC LIMIT $2",
        before,
        limit,
    )
    return [Act(*row) for row in rows]


def _user(row: Any) -> User:
    user_id, name, role, stores, must_change, disabled, created_ms = row
    seen = tuple(msgspec.json.decode(stores, type=list[str])) if stores else ()
    return User(user_id, name, ROLES[role], seen, bool(must_change), bool(disabled), created_ms)


def _stores(stores: tuple[str, ...]) -> str:
    return msgspec.json.encode(stores).decode() if stores else ""
