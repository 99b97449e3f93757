"""HQ as a real process, and logs to send to it."""

import contextlib
import json
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.support import warm
from tests.support.plain_http import NOBODY

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import Books, DayBooks, day_books, post
from tillkeeper.contract.chain import GENESIS, envelope_header, link, personal_digest
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.events import (
    TYPE_NAMES,
    CheckClosed,
    CheckOpened,
    CheckVoided,
    RefundRecorded,
    TenderRecorded,
    encode_body,
)
from tillkeeper.contract.values import Personal, Tax, TaxTotal, Totals

STORE = "corner"
DAY = "2026-11-21"
VAT = Tax("vat", 190_000, True)
REGISTERS = tuple(f"till-{n}" for n in range(1, 9))
DATABASE = "TILLKEEPER_HQ_DATABASE"
READER = "reader-of-this-store"
SHOP = "the-token-of-the-web-shop"


def token(register: str) -> str:
    return f"the-secret-of-{register}"


def credentials(folder: Path, authority: str = "") -> Path:
    """`authority`: public key of the store's, in hex; empty: none is pinned."""
    rows = "".join(f'[[registers]]\nstore = "{STORE}"\nregister = "{r}"\ntoken = "{token(r)}"\n' for r in REGISTERS)
    foreign = f'[[registers]]\nstore = "harbour"\nregister = "till-1"\ntoken = "{token("harbour")}"\n'
    path = folder / "credentials.toml"
    pinned = f'[[stores]]\nstore = "{STORE}"\nauthority = "{authority}"\n' if authority else ""
    shop = f'[[integrations]]\nstore = "{STORE}"\nname = "web shop"\ntoken = "{SHOP}"\n'
    path.write_text(rows + foreign + pinned + shop + f'[[readers]]\nstore = "{STORE}"\ntoken = "{READER}"\n')
    return path


class Log:
    """One register's log, chained as registers chain it, with its own books."""

    def __init__(self, register: str = "till-1", incarnation: str = "inc-1", store: str = STORE) -> None:
        self.store, self.register, self.incarnation = store, register, incarnation
        self.events: list[Envelope] = []
        self.books: Books = {}

    @classmethod
    def again(cls, log: "Log", register: str) -> "Log":
        """The same events as another register's."""
        self = cls(register, log.incarnation, log.store)
        for event in log.events:
            self.raw(event.type, event.body, day=event.business_day)
        return self

    def raw(self, type_name: str, body: str, *, version: int = 1, day: str = DAY, **fields: Any) -> Envelope:
        """Append whatever is given, correctly chained."""
        prev = self.events[-1].hash if self.events else GENESIS
        seq = len(self.events) + 1
        bare = Envelope(
            self.store,
            self.register,
            self.incarnation,
            seq,
            type_name,
            version,
            day,
            1_795_000_000_000,
            body,
            prev,
            "",
            **fields,
        )
        whole = msgspec.structs.replace(bare, hash=link(prev, envelope_header(bare), body.encode()))
        self.events.append(whole)
        return whole

    def add(self, event: Event, day: str = DAY, **fields: Any) -> Envelope:
        post(self.books, event, day)
        return self.raw(TYPE_NAMES[type(event)], encode_body(event).decode(), day=day, **fields)

    def open(self, check_id: str, day: str = DAY) -> Envelope:
        opened = CheckOpened(
            check_id=check_id, ticket_code="A-001", order_type="dine_in", catalogue_version="c1", terminal=self.register
        )
        return self.add(opened, day)

    def sale(self, check_id: str, gross: int, day: str = DAY, tender: str = "cash") -> None:
        tax = gross * 19 // 119
        self.open(check_id, day)
        paid = TenderRecorded(
            check_id=check_id, tender_id=f"{check_id}-t", tender=tender, kind="cash", amount_minor=gross, tendered_minor=gross
        )
        self.add(paid, day)
        totals = Totals(gross, 0, gross - tax, tax, gross, 0, gross, 0, (TaxTotal(VAT, gross - tax, tax),))
        self.add(CheckClosed(check_id=check_id, totals=totals), day)

    def day_at(self, chance: random.Random, checks: int) -> None:
        """A day with sales, refunds, voids and no-sales in it."""
        for n in range(checks):
            check_id = f"{self.register}-{self.incarnation}-{n}"
            kind = chance.random()
            if kind < 0.1:
                self.open(check_id)
                self.add(CheckVoided(check_id=check_id, reason="left"))
                continue
            if kind < 0.15:
                self.open(check_id)
                continue
            self.sale(check_id, chance.randint(1, 99_999), tender=chance.choice(["cash", "voucher"]))
            if kind < 0.3:
                refund = RefundRecorded(
                    check_id=check_id,
                    refund_id=f"{check_id}-r",
                    tender="cash",
                    kind="cash",
                    amount_minor=100,
                    tax_minor=16,
                    reason="cold",
                )
                self.add(refund)
            if kind > 0.9:
                self.add(NoSaleRecorded(no_sale_id=f"{check_id}-n", drawer="front", reason="change", by="Mia"))

    def batch(self, first: int = 1, last: int | None = None) -> HqBatch:
        events = tuple(self.events[first - 1 : last])
        return HqBatch(self.store, self.register, self.incarnation, events)

    def day_books(self, day: str = DAY) -> DayBooks:
        return day_books(self.books, day)


def personal(text: str, salt: str = "5a" * 16) -> tuple[Personal, dict[str, tuple[str, str]]]:
    digest = personal_digest(salt, text)
    return Personal(digest), {digest: (salt, text)}


class Hq:
    """The process. `url` once it is up."""

    def __init__(self, folder: Path, *options: str, authority: str = "") -> None:
        self.folder = folder
        self.options = options
        self.authority = authority
        self.url = ""
        self.start()

    @classmethod
    def at(cls, url: str) -> "Hq":
        """One that somebody else started."""
        self = cls.__new__(cls)
        self.url = url
        return self

    def start(self) -> None:
        path = credentials(self.folder, self.authority)
        where = [] if os.environ.get(DATABASE) else ["--data", str(self.folder / "hq")]
        self._process = warm.start("tillkeeper_hq", ["run", *where, "--credentials", str(path), *self.options])
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"HQ did not start: exit code {self._process.wait(10)}"
        self.url = json.loads(line)["url"]

    def restart_at(self, url: str) -> None:
        """Again at the address it had."""
        self.options = (*self.options, "--listen", url.removeprefix("http://"))
        self.start()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(how)
        code = self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def send(self, batch: HqBatch, secret: str | None = None) -> HqAnswer:
        response = self.post(msgspec.json.encode(batch), secret or token(batch.register))
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=HqAnswer)

    def post(self, body: Any, secret: str = token("till-1"), **headers: str) -> httpx.Response:
        return self.post_to("/v1/events", body, secret, **headers)

    def post_to(self, path: str, body: Any, secret: str = token("till-1"), **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {secret}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return httpx.post(self.url + path, content=body, headers=sent, timeout=30, trust_env=False, verify=NOBODY)

    def get(self, path: str, secret: str = READER, **query: Any) -> Any:
        response = self.ask(path, secret, **query)
        assert response.status_code == 200, response.text
        return response.json()

    def ask(self, path: str, secret: str = READER, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.get(self.url + path, params=query, headers=headers, timeout=30, trust_env=False, verify=NOBODY)

    def books(self, day: str = DAY) -> DayBooks:
        return msgspec.convert(self.get("/v1/books", day=day)["days"][0]["books"], DayBooks)


@contextlib.contextmanager
def running(folder: Path, *options: str, authority: str = "") -> Iterator[Hq]:
    hq = Hq(folder, *options, authority=authority)
    try:
        yield hq
    finally:
        if hq.is_running:
            assert hq.end() == 0
        else:
            hq.end()
