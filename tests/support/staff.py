"""A roster with known PINs, and people who sign in.

config = with_staff(config, folder, STAFF)                    # an in-process register (tests/till/world.py)
StoreRig(folder, changes=STAFF_CONFIG); write_roster(rig.folder / "staff.json", rig.data)   # a store of processes
session = await sign_in(client, token, "1397", terminal="front")
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from msgspec.structs import replace

from tillkeeper.config.model import Config
from tillkeeper.people import pins, roster
from tillkeeper.people.roster import Member, Roster
from tillkeeper.token_files import load_or_create_token

STORE = "store-1"
FILE = "staff.json"
STAFF_CONFIG: dict[str, Any] = {"staff": {"file": FILE}}
"""For `StoreRig(changes=...)`: the roster lies beside the configuration."""


class Person(NamedTuple):
    employee: str
    pin: str
    roles: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.employee.capitalize()


ANA = Person("ana", "139726", ("cashier",))
BEN = Person("ben", "826491", ("cashier",))
COOK = Person("cleo", "517038", ("cook",))
BOSS = Person("mia", "402915", ("manager",))
NEW = Person("tim", "960374", ("trainee",))
STAFF = (ANA, BEN, COOK, BOSS, NEW)
WRONG = ("111222", "918273", "640199", "730128", "295513", "384061", "172930")
"""PINs of nobody."""


def write_roster(file: Path, data: Path, people: Sequence[Person] = STAFF, *, store: str = STORE) -> Roster:
    """The roster of these people in `file`, their PINs keyed with the store secret in the data folder, made where there is
    none."""
    data.mkdir(parents=True, exist_ok=True)
    secret = load_or_create_token(data / "store-secret")
    members = tuple(
        Member(employee=one.employee, name=one.name, roles=one.roles, pin=pins.digest(one.pin, secret, store)) for one in people
    )
    made = Roster(store=store, secret_id=pins.secret_id(secret), members=members)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_bytes(roster.encode(made))
    fresh.rename(file)
    return made


def with_staff(config: Config, folder: Path, people: Sequence[Person] = STAFF) -> Config:
    """The same register, with a roster and a loopback port (pages come in there)."""
    write_roster(folder / FILE, Path(config.data_dir), people, store=config.store.id)
    staff, api = replace(config.staff, file=str(folder / FILE)), replace(config.api, listen="127.0.0.1:0")
    return replace(config, staff=staff, api=api)


def page_token(data: Path) -> str:
    """The token of our own pages, as the agent has made it."""
    return (data / "page-token").read_text("ascii").split("\n", 1)[0]


class Page:
    """One of our pages: the page token, a terminal, and a session once somebody has signed in."""

    def __init__(self, http: httpx.AsyncClient, token: str, terminal: str = "") -> None:
        self._http, self._token, self.terminal = http, token, terminal
        self.session = ""

    async def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", approval: str = "",
        training: str = "",
    ) -> httpx.Response:  # fmt: skip
        """One request; a POST gets a key of its own where none is given. `training`: "on" or "off", as it was entered."""
        headers = {"authorization": f"Bearer {self._token}", "tillkeeper-terminal": self.terminal}
        headers |= {"tillkeeper-session": self.session} if self.session else {}
        headers |= {"tillkeeper-approval": approval} if approval else {}
        headers |= {"tillkeeper-training": training} if training else {}
        if method == "POST":
            headers |= {"idempotency-key": key or f"page-{uuid.uuid4()}", "content-type": "application/json"}
        content = json.dumps(body or {}) if method == "POST" else None
        return await self._http.request(method, f"/v1{path}", content=content, headers=headers)

    async def get(self, path: str, *, status: int = 200) -> Any:
        answer = await self.call("GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", approval: str = "", training: str = "",
        status: int = 200,
    ) -> Any:  # fmt: skip
        answer = await self.call("POST", path, body, key=key, approval=approval, training=training)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def sign_in(self, person: Person, *, training: bool = False) -> Any:
        """The answer; the session is kept for what follows."""
        made = await self.post("/sign-in", {"pin": person.pin, "training": training})
        self.session = made["session"]
        return made

    async def approval(self, person: Person, permission: str) -> str:
        made = await self.post("/approvals", {"pin": person.pin, "permission": permission})
        return str(made["approval"])


async def sign_in(http: httpx.AsyncClient, token: str, person: Person, terminal: str = "") -> Page:
    """A page on which this person has signed in. `http` is a client of the loopback port."""
    page = Page(http, token, terminal)
    await page.sign_in(person)
    return page
