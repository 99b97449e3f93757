"""`tillkeeper journal verify` looks at what is held for other registers too."""

import asyncio
import json
import os
import re
from pathlib import Path

import apsw
import pytest
from tests.replication.logs_of_others import STORE, ToyKey, batch, sales

from tillkeeper.cli import main
from tillkeeper.replication.held.held import HeldLogs

NOW = 1_795_000_000_000
KEY = ToyKey()
LOG = sales(100)
LAST = LOG.events[-1]


def alter(path: Path, back: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(
        "UPDATE events SET body = replace(body, 'cash', 'cask') WHERE id = (SELECT max(id) - ? FROM events)", (back,)
    )
    connection.close()


def test_what_is_held_is_verified_from_outside_while_it_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "held.db"

    async def scene() -> None:
        async with await HeldLogs.open(path, STORE, wall_ms=lambda: NOW, min_free_bytes=0, idle_s=0.05) as held:
            for first in range(0, len(LOG.events), 100):
                await held.take(batch(LOG.events[first : first + 100], KEY), NOW)
            assert await asyncio.to_thread(main, ["journal", "verify", str(path)]) == 0

    asyncio.run(scene())
    said = capsys.readouterr().out
    assert "held for other registers, in held.db" in said
    assert re.search(rf"{LAST.register} +{LAST.incarnation} +{LAST.seq} +{LAST.hash[:16]} +verified", said)
    assert main(["journal", "verify", str(tmp_path)]) == 2, "there is no journal beside it"
    capsys.readouterr()
    alter(path, 4)
    assert main(["journal", "verify", str(path), "--json"]) == 5
    (report,) = json.loads(capsys.readouterr().out)["held"]
    assert str(LAST.seq - 4) in report["problem"]
    os.truncate(path, path.stat().st_size // 2)
    assert main(["journal", "verify", str(path)]) == 5
