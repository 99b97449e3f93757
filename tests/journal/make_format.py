"""Writes a journal as the code at hand makes it, for `tests/journal/formats/`: one file per released format, made once with the
code of that release and never made again. How: `docs/decisions/0019-formats-of-files.md`.

    python -m tests.journal.make_format tests/journal/formats/journal-1.db.gz
"""

import asyncio
import gzip
import itertools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import apsw

from tillkeeper.contract.availability import AvailabilitySet
from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import header, link
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.contract.events import CheckClosed, CheckOpened, CheckVoided, LineAdded, RefundRecorded, TenderRecorded
from tillkeeper.contract.values import Modifier, Personal, Tax, TaxTotal, Totals
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, CheckRow, JobRow, KeptCommand, NewEvent

STORE, REGISTER = "corner", "till-1"
DAY = "2026-11-21"
NOW = 1_795_000_000_000
VAT = Tax("vat", 190_000, True)
SALES = 12
UNKNOWN = (
    ("robot_waiter_dispatched", 1, '{ "b" : 1.50,\t"a":"\\u00e9 \u00e9 \u6f22", "b":2 }'),
    ("check_closed", 9, '{"meaning":"changed"}'),
)
"""Written by a newer agent that was taken off again."""


def counted(text: str) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{text}{next(numbers)}"


def stamped(event: Event) -> NewEvent:
    return NewEvent(event=event, business_day=DAY, at_ms=NOW)


async def sell(journal: Journal, check_id: str, code: str, gross: int, *, closed: bool = True) -> None:
    name = make_personal(f"Guest of {code}")
    tax = gross * 19 // 119
    totals = Totals(gross, 0, gross - tax, tax, gross, 0, gross, 0, (TaxTotal(VAT, gross - tax, tax),))
    events: list[Event] = [
        CheckOpened(
            check_id=check_id,
            ticket_code=code,
            order_type="dine_in",
            catalogue_version="c1",
            terminal=REGISTER,
            table="4",
            name=Personal(name.digest),
        ),
        LineAdded(
            check_id=check_id,
            line_id=f"{check_id}-l",
            item_id="burger",
            name="Cr\u00eape br\u00fbl\u00e9e",
            quantity=1,
            unit_price_minor=gross,
            tax=VAT,
            station="grill",
            modifiers=(Modifier("rare", "rare", 0),),
            note='no "onions" \u6771\u4eac',
        ),
    ]
    if closed:
        paid = TenderRecorded(
            check_id=check_id, tender_id=f"{check_id}-t", tender="cash", kind="cash", amount_minor=gross, tendered_minor=gross
        )
        events += [paid, CheckClosed(check_id=check_id, totals=totals)]
    state = "closed" if closed else "open"
    fire_at_ms = None if closed else NOW + 60_000
    check = CheckRow(check_id, code, DAY, state, NOW, b'{"check":"%b"}' % code.encode(), next_fire_at_ms=fire_at_ms)
    job = JobRow(f"{check_id}-j", "grill", "confirmed" if closed else "queued", NOW, closed, b'{"job":1}', check_id)
    await journal.append(
        Batch(
            events=tuple(map(stamped, events)),
            checks=(check,),
            jobs=(job,),
            command=KeptCommand(f"key-{code}", b"\1" * 32, b'{"events":4}', NOW),
            personal=(name,),
            settings={"ticket_codes": b'{"2026-11-21":%d}' % int(code[2:])},
        )
    )


def write_unknown(path: Path) -> None:
    """As a newer agent chains events whose types are not known here."""
    connection = apsw.Connection(str(path))
    for type_name, version, body in UNKNOWN:
        (incarnation, log_no), *_ = connection.execute("SELECT incarnation, log_no FROM logs ORDER BY log_no DESC LIMIT 1")
        (last_id, tip), *_ = connection.execute("SELECT id, hash FROM events ORDER BY id DESC LIMIT 1")
        seq = last_id - (log_no << 40) + 1
        text = header(STORE, REGISTER, incarnation, seq, type_name, version, DAY, NOW)
        found = bytes.fromhex(link(tip.hex(), text, body.encode()))
        sql = "INSERT INTO events (id, type, version, business_day, at_ms, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
        connection.execute(sql, (last_id + 1, type_name, version, DAY, NOW, body, found))
    connection.close()


async def make(path: Path) -> None:
    new_id, clock = counted("incarnation"), lambda: NOW
    options = {"wall_ms": clock, "new_id": new_id, "reserve_bytes": 0}

    async with await Journal.open(path, STORE, REGISTER, machine_id="machine-1", **options) as journal:  # type: ignore[arg-type]
        await journal.append(Batch(catalogues={"c1": b'{"items":[]}'}, settings={"hq.cursor.x": b'{"acked":3}'}))
        for n in range(SALES):
            await sell(journal, f"check-{n}", f"B-{n + 1:03d}", 1_000 + n, closed=n % 4 != 3)
        await journal.append(Batch(events=(stamped(CheckVoided(check_id="check-3", reason="left")),)))
        erased = make_personal("Somebody who wished to be forgotten")
        await journal.append(Batch(personal=(erased,)))
        await journal.erase((erased.digest,))
    write_unknown(path)
    async with await Journal.open(path, STORE, REGISTER, machine_id="machine-2", **options) as journal:  # type: ignore[arg-type]
        await sell(journal, "check-90", "B-090", 9_000)
        given_back = RefundRecorded(
            check_id="check-90",
            refund_id="01REFUND",
            tender="cash",
            kind="cash",
            amount_minor=100,
            tax_minor=16,
            reason="cold",
        )
        no_sale = NoSaleRecorded(no_sale_id="no-sale", drawer="front", reason="change", by="Mia")
        sold_out = AvailabilitySet(kind="item", subject_id="burger", state="sold_out", by="Mia")
        await journal.append(Batch(events=tuple(map(stamped, (given_back, no_sale, sold_out)))))
    connection = apsw.Connection(str(path))
    connection.execute("VACUUM")
    connection.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        asyncio.run(make(path))
        Path(sys.argv[1]).write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main()
