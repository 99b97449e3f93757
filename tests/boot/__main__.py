"""Plays the booted store: three registers and HQ, installed from their packages, and what befalls them. Root only.

    python -m tests.boot [--only SCENE ...] [--rounds 12]

Writes `build/boot.json`; 0 only if every scene was as it should be and every goal was kept.
"""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.bench import rows as bench
from tests.boot import figures
from tests.boot.plays import SCENES, Scene, by_store, watchdog_s
from tests.boot.share import before_others
from tests.boot.shop import Shop, opened

FILE = Path(__file__).resolve().parents[2] / "build" / "boot.json"


async def play(folder: Path, names: Sequence[str], rounds: int) -> tuple[list[bench.Row], list[str]]:
    """The figures, and which scenes were not as they should be."""
    began_s = time.monotonic()

    def tell(words: str) -> None:
        print(f"{time.monotonic() - began_s:7.1f}  {words}", flush=True)

    measured: dict[str, list[float]] = {}
    goal_s, broken = 0.0, []
    for number, (hq, scenes) in enumerate(by_store(names).items()):
        async with opened(folder / f"store-{number}", tell, hq) as shop:
            shop.measured, goal_s = measured, await watchdog_s(shop)
            for name in scenes:
                if not await _played(shop, name, SCENES[name], rounds):
                    broken.append(name)
                    break  # the next ones would find a store that is not whole
    return figures.rows(measured, goal_s), broken


async def _played(shop: Shop, name: str, scene: Scene, rounds: int) -> bool:
    began_s = time.monotonic()
    shop.tell(name)
    try:
        await scene(shop, rounds)
    except Exception:  # noqa: BLE001 - each is told, and ends the run
        traceback.print_exc()
        for till in shop.tills.values():
            print(f"\n--- {till.name}\n{await asyncio.to_thread(till.machine.told)}", flush=True)
        return False
    shop.tell(f"    {time.monotonic() - began_s:.1f} s, {len(shop.ledger.sold)} sales so far")
    return True


async def ended_by_signals(folder: Path, names: Sequence[str], rounds: int) -> tuple[list[bench.Row], list[str]]:
    """SIGTERM and SIGINT cancel the work: machines and namespaces are taken down whoever ends this."""
    task = asyncio.create_task(play(folder, names, rounds))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.boot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only", nargs="+", default=list(SCENES), choices=list(SCENES), metavar="SCENE", help=", ".join(SCENES)
    )
    parser.add_argument("--rounds", type=int, default=figures.ROUNDS, help="of each figure")
    parser.add_argument("--file", type=Path, default=FILE, help="where the figures go")
    args = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="boot-"))
    with before_others():
        found, broken = asyncio.run(ended_by_signals(folder, args.only, args.rounds))
    print(bench.table(found))
    bench.merge(args.file, found)
    shutil.rmtree(folder)
    if broken or any(row.holds is False for row in found):
        print("\nNOT KEPT" + (f": {', '.join(broken)}" if broken else "."))
        return 1
    print("\nEvery scene was as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
