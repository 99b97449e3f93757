"""What a cook does on a display is an event of the journal, once."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store

from tillkeeper.journal.files import JOURNAL_FILE


def touches(rig: StoreRig, *types: str) -> list[str]:
    """Types of the events that came from displays, in their order; of these types only."""
    wanted = types or ("ticket_bumped", "ticket_recalled")
    with contextlib.closing(sqlite3.connect(f"file:{rig.data / JOURNAL_FILE}?mode=ro", uri=True)) as journal:
        return [name for (name,) in journal.execute("SELECT type FROM events ORDER BY id") if name in wanted]


async def touch(rig: StoreRig, kind: str, order: Any, wanted: list[str]) -> None:
    await rig.display().command({kind: order["check_id"]})

    async def there() -> bool:
        return touches(rig) == wanted

    await rig.wait_for(f"the events are {wanted}", there, 20)


def test_a_bump_and_a_recall_are_events_also_of_a_paid_check_after_a_restart(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        order = await rig.order("caesar-salad")
        await rig.wait_all_settled()
        await touch(rig, "bump", order, ["ticket_bumped"])
        await touch(rig, "bump", order, ["ticket_bumped"])
        await touch(rig, "recall", order, ["ticket_bumped", "ticket_recalled"])
        assert await rig.stop_agent() == 0
        await rig.start_agent()
        await rig.order("caesar-salad")
        await rig.wait_all_settled()
        await touch(rig, "bump", order, ["ticket_bumped", "ticket_recalled", "ticket_bumped"])

    in_store(tmp_path, scene, hq=False)
