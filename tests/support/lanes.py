"""Which of pytest-xdist's workers plays which file of tests next, where it deals them out by file (`--dist loadfile`, as
`make test` does).

The tests of some folders wait: for the deadlines of printers, for what a network does next, for a lease to end. They cost next
to no processor time, and have workers of their own beyond the first `WORKING`, which play those that keep a processor busy: as
many as two cores bear. Who finds nothing of his own any more takes of the others'. Long files come first, and their tests are
dealt out one by one, so that none is left alone at the end."""

from collections.abc import Iterable

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

WORKING = 3
WAITING = frozenset({"devices", "drivers", "e2e", "lab", "network"})
"""Folders whose tests take less than a quarter of their time of a processor."""
LONG = (
    "simulation/test_simulation.py", "lab/test_lab.py", "boot/test_scenes.py", "storelab/test_store_lab.py",
    "browser/test_lunch_hour.py",
    "browser/test_replace_printer.py", "devices/test_replace.py", "browser/test_views.py", "cards/test_checks_elsewhere.py",
    "e2e/test_restored_registers.py", "drivers/test_hostile_devices.py", "devices/test_finder.py", "network/test_prober.py",
    "conformance/test_faults.py", "network/test_deep_lan.py", "browser/test_shift.py", "browser/test_kitchen_day.py",
    "browser/test_store_page.py", "drivers/test_star_printer.py", "day/test_several.py", "devices/test_kill_at_swap.py",
    "drivers/test_kds_storms.py", "after/test_green.py", "network/test_engine_fuzz.py", "replication/test_peers.py",
    "access/test_attacks.py", "access/test_pages.py",
)  # fmt: skip
"""Of more than half a minute, and with no fixture that several of their tests share; the longest first (docs/figures.md)."""

_PLACE = {f"tests/{name}": number for number, name in enumerate(LONG)}


def unit(test: str) -> str:
    """What is dealt out together with a test, as "tests/lab/test_lab.py"; the test alone in a long file."""
    file = test.partition("::")[0]
    return test if file in _PLACE else file


def waits(unit: str) -> bool:
    return unit.split("/")[1] in WAITING


def next_unit(left: Iterable[str], worker: int) -> str:
    """Of those that are left, the one for this worker, counted from 0. Raises ValueError where none is left."""
    units = list(left)
    own = [one for one in units if waits(one) == (worker >= WORKING)]
    return min(own or units, key=lambda one: _PLACE.get(one.partition("::")[0], len(_PLACE)))


class Lanes(LoadFileScheduling):
    """xdist's own (3.8), which gives out the first of its queue."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(next_unit(self.workqueue, int(node.gateway.id.removeprefix("gw"))), last=False)
        super()._assign_work_unit(node)
