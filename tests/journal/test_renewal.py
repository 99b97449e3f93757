"""A new log begun while selling goes on: what came before is in the old one, what comes after in the new one."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.journal.shim import FAULTS, NAME
from tests.journal.world import check_opened, check_row, line, mode, opened, sale

from tillkeeper.clock import new_id
from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.events import IncarnationBegan, decode_body
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.faults import AlreadyDone, TooManyRenewals
from tillkeeper.journal.numbering import Codes
from tillkeeper.journal.records import Batch
from tillkeeper.journal.verify import verify_file

ROOT = Path(__file__).resolve().parents[2]


def test_a_renewal_parts_the_appends_around_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            first = journal.incarnation
            before = [asyncio.ensure_future(journal.append(sale(f"a{n}"))) for n in range(20)]
            await asyncio.sleep(0)
            renewed = asyncio.ensure_future(journal.renew("restored_copy", "this is a restored copy"))
            await asyncio.sleep(0)
            after = [asyncio.ensure_future(journal.append(sale(f"b{n}"))) for n in range(20)]
            old = await asyncio.gather(*before)
            second = await renewed
            new = await asyncio.gather(*after)
            assert [(done.incarnation, done.last_seq) for done in old] == [(first, seq) for seq in range(2, 22)]
            assert [(done.incarnation, done.last_seq) for done in new] == [(second, seq) for seq in range(2, 22)]
            assert (journal.incarnation, journal.last_seq) == (second, 21)
            assert journal.alarms == ("this is a restored copy",)
            assert [(log.incarnation, log.last_seq, log.current) for log in journal.logs()] == [
                (first, 21, False),
                (second, 21, True),
            ]
            began = decode_body("incarnation_began", journal.events(second, 0, 1)[0].body.encode())
            assert began == IncarnationBegan(reason="restored_copy", previous_incarnation=first, previous_last_seq=21)
            for incarnation in (first, second):
                verify(journal.events(incarnation, 0, 100), GENESIS)
            with pytest.raises(AlreadyDone):
                await journal.append(sale("a3"))
        async with opened(tmp_path / "journal.db") as journal:
            assert (journal.incarnation, journal.last_seq, journal.alarms) == (second, 21, ())

    asyncio.run(scenario())
    assert [report.problem for report in verify_file(tmp_path / "journal.db")] == ["", ""]


def test_what_a_check_needs_of_earlier_logs_is_known(tmp_path: Path) -> None:
    """`older`: those that HQ must hold wholly before the check is no longer marked as not synced."""

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            one = journal.incarnation
            for name in ("stays", "crosses once", "crosses twice"):
                await journal.append(Batch(events=(check_opened(name),), checks=(check_row(name),)))
            two = await journal.renew("by_hand")
            for name in ("crosses once", "crosses twice", "new in two"):
                await journal.append(Batch(events=(line(name),), checks=(check_row(name),)))
            three = await journal.renew("by_hand")
            for name in ("crosses twice", "new in two", "new in three"):
                await journal.append(Batch(events=(line(name),), checks=(check_row(name),)))
        expected = {
            "stays": (one, ()),
            "crosses once": (two, (one,)),
            "crosses twice": (three, (one, two)),
            "new in two": (three, (two,)),
            "new in three": (three, ()),
        }
        async with opened(path) as journal:
            assert {check.row.check_id: (check.incarnation, check.older) for check in journal.open_checks()} == expected
            assert {name: journal.older_logs(name) for name in expected} == {n: older for n, (_, older) in expected.items()}
            assert journal.older_logs("unknown") == ()
            assert [journal.end_of(log) for log in (one, two)] == [4, 4]

    asyncio.run(scenario())


def test_ticket_codes_are_not_given_twice(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        async with opened(path) as journal:
            codes = Codes(tmp_path / "codes", journal.setting("ticket_codes"))
            given = [codes.next("2026-03-29") for _ in range(3)]
            await journal.append(Batch(events=(mode(),), settings=codes.setting()))
            await journal.renew("forked_log")
            given.append(codes.next("2026-03-29"))
            codes = Codes(tmp_path / "codes", journal.setting("ticket_codes"))
            given.append(codes.next("2026-03-29"))
            assert len(set(given)) == len(given)

    asyncio.run(scenario())


def test_only_a_few_logs_begin_in_one_run(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            for _ in range(3):
                await journal.renew("forked_log")
            with pytest.raises(TooManyRenewals):
                await journal.renew("forked_log")
            assert len(journal.logs()) == 4
            assert (await journal.append(sale("goes on"))).last_seq == 2

    asyncio.run(scenario())


def test_a_renewal_that_the_disk_refuses_leaves_the_old_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME) as journal:
            first = journal.incarnation
            FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await journal.renew("by_hand", "never seen")
            FAULTS.reset()
            assert (await journal.append(sale("after"))).incarnation == journal.incarnation == first
            assert journal.alarms == ()
            assert len(journal.logs()) == 1
            assert await journal.renew("by_hand") == journal.incarnation != first

    asyncio.run(scenario())


_RENEWER = """
    import asyncio, sys
    from pathlib import Path
    from tests.journal.world import check_row, opened, sale

    async def seller(journal, number):
        for n in range(1_000_000):
            key = f"{sys.argv[2]}-{number}-{n}"
            appended = await journal.append(sale(key, checks=(check_row(key),)))
            print(appended.incarnation, appended.last_seq, key, flush=True)

    async def renewer(journal):
        for n in range(3):
            await journal.renew("by_hand")
            print("renewed", journal.incarnation, n, flush=True)

    async def main():
        async with opened(Path(sys.argv[1])) as journal:
            await asyncio.gather(*(seller(journal, number) for number in range(4)), renewer(journal))

    asyncio.run(main())
"""


@pytest.mark.parametrize("seed", [3, 4])
def test_killed_in_the_middle_of_renewals_every_log_is_whole(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "journal.db"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "agent", ROOT / "drivers")))}
    told: dict[str, tuple[str, int]] = {}
    renewed: set[str] = set()
    for run in range(5):
        command = [sys.executable, "-c", textwrap.dedent(_RENEWER), str(path), f"run{run}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline() for _ in range(chance.randrange(1, 30))]
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.read().split(b"\n")[:-1]
            for entry in lines:
                first, second, key = entry.decode().split()
                if first == "renewed":
                    renewed.add(second)
                else:
                    told[key] = (first, int(second))

    async def check() -> None:
        async with opened(path) as journal:
            assert renewed <= {log.incarnation for log in journal.logs()}
            for key, where in told.items():
                stored = journal.check(key)
                assert stored is not None
                assert (stored.incarnation, stored.last_seq) == where

    reports = verify_file(path)
    assert all(report.problem == "" and report.last_seq >= 1 for report in reports)
    asyncio.run(check())


def test_a_new_id_for_each_log(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db", new_id=new_id) as journal:
            found = {journal.incarnation, *[await journal.renew("by_hand") for _ in range(3)]}
            assert len(found) == 4

    asyncio.run(scenario())
