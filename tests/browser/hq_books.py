"""A chain's books for pictures of HQ's pages: stores that are fine, behind, silent and cloned, and people who look."""

import random
from pathlib import Path

import msgspec
from tests.hq.people import add_by_command
from tests.hq.world import STORE, Hq, Log, token

from tillkeeper.contract.envelope import Author
from tillkeeper_hq import heard
from tillkeeper_hq.database import Database
from tillkeeper_hq.heard import Heard
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.sqlite import SqliteBackend

DAYS = ("2026-11-19", "2026-11-20", "2026-11-21")
STORES = (STORE, "harbour", "station")
SAID = Author(0, "EUR", 2, "Europe/Berlin")
MARKUP = "<script>document.title='owned'</script><b>"


def fill(folder: Path, now_ms: int) -> None:
    """Before HQ starts. `now_ms`: when registers were heard last, but for one that fell silent three hours before."""
    chance = random.Random(5)
    logs = [Log(register, f"01JD{register}", store) for store in STORES for register in ("till-1", "till-2")]
    for log in logs:
        for day in DAYS:
            for n in range(chance.randint(8, 25)):
                tender = chance.choice(["cash", "cash", "visa", "voucher"])
                log.sale(f"{log.register}-{day}-{n}", chance.randint(290, 9_900), day, tender)
    clone = Log("till-2", "01JDtill-2", "harbour")
    clone.sale("of-the-clone", 4_250, DAYS[-1])
    odd = Log("till-1", "01JDodd", "station")
    odd.raw("check_voided", f'{{"name":"{MARKUP}","bytes":"\\u0000\\u0007\u202e"}}')
    with Database(SqliteBackend(folder / "hq")) as database:
        for log in logs:
            # As a relay: it is no sign of life, which comes below.
            database.write(Taking(log.batch(), relayed=True, sender=log.register)).result(60)
        for log in (clone, odd):
            database.write(Taking(log.batch(), relayed=True, sender="till-1")).result(60)
        rows = []
        for n, log in enumerate([*logs, odd]):
            last = len(log.events) + (37 if n == 1 else 0)
            said = None if n == 4 else msgspec.structs.replace(SAID, last_seq=last)
            heard_ms = now_ms - 3 * 3_600_000 if n == 2 else now_ms
            rows.append(((log.store, log.register, log.incarnation), Heard(heard_ms, said)))
        database.change(lambda sql: heard.keep(sql, sorted(rows, key=lambda row: row[0]))).result(60)


def credentials(folder: Path) -> Path:
    """Of a register more than has ever been heard."""
    rows = [(store, name) for store in STORES for name in ("till-1", "till-2")] + [("station", "till-3")]
    path = folder / "chain.toml"
    path.write_text("".join(f'[[registers]]\nstore = "{s}"\nregister = "{r}"\ntoken = "{token(s + r)}"\n' for s, r in rows))
    return path


def staffed(hq: Hq) -> None:
    add_by_command(hq, "mia", "owner")
    add_by_command(hq, "ben", "manager", STORE, "harbour")
    add_by_command(hq, "zo\u00eb", "viewer", STORE)
