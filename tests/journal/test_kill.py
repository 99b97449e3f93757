"""SIGKILL in the middle of appends: what was acknowledged is there, and the chain verifies."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.journal.world import opened

from tillkeeper.journal.verify import verify_file

ROOT = Path(__file__).resolve().parents[2]
_SELLER = """
    import asyncio, sys
    from pathlib import Path
    from tests.journal.world import check_row, opened, sale

    async def seller(journal, number):
        for n in range(1_000_000):
            key = f"{sys.argv[2]}-{number}-{n}"
            appended = await journal.append(sale(key, checks=(check_row(key),)))
            print(appended.last_seq, key, flush=True)

    async def main():
        async with opened(Path(sys.argv[1])) as journal:
            await asyncio.gather(*(seller(journal, number) for number in range(8)))

    asyncio.run(main())
"""


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_moments_nothing_acknowledged_is_lost(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "journal.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "agent", ROOT / "drivers")))}
    told: dict[str, int] = {}
    for run in range(5):
        command = [sys.executable, "-c", textwrap.dedent(_SELLER), str(path), f"run{run}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(1, 400)):
                seq, key = child.stdout.readline().split()
                told[key.decode()] = int(seq)
            child.send_signal(signal.SIGKILL)
            # What it had said before it died counts too; its last line may be torn.
            for entry in child.stdout.read().split(b"\n")[:-1]:
                seq, key = entry.split()
                told[key.decode()] = int(seq)

    async def check() -> None:
        async with opened(path) as journal:
            assert journal.alarms == ()
            for key, seq in told.items():
                assert journal.kept_command(key) is not None
                stored = journal.check(key)
                assert stored is not None
                assert stored.last_seq == seq

    (report,) = verify_file(path)
    assert report.problem == ""
    assert report.last_seq >= 1 + len(told)
    asyncio.run(check())
