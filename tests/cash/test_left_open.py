"""A session over the end of the business day stays one session, and the status says that it is still open."""

import asyncio
from pathlib import Path

import msgspec
from tests.till.world import config_in

from tillkeeper.cash.sessions import Drawer, Session
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.till.drawers import SETTING, DrawerDesk, DrawerParts

DAY_MS = 86_400_000


def test_only_an_open_session_of_an_earlier_day_is_told(tmp_path: Path) -> None:
    now_ms = [10 * DAY_MS]

    async def scene() -> None:
        path, new_id = tmp_path / "journal.db", lambda: "0" * 26
        async with await Journal.open(path, "s", "front", wall_ms=lambda: 1, new_id=new_id, machine_id="m") as journal:
            old = Session(session_id="S1", drawer="drawer", opened_at_ms=9 * DAY_MS, float_minor=0)
            counted = msgspec.structs.replace(old, session_id="S2", drawer="side", state="counted", counted_minor={"USD": 0})
            state = {"drawer": Drawer(sessions=(old,)), "side": Drawer(sessions=(counted,))}
            await journal.append(Batch(settings={SETTING: msgspec.json.encode(state)}))
            desk = DrawerDesk(
                DrawerParts(
                    config=config_in(tmp_path),
                    journal=journal,
                    changed=lambda: None,
                    sensor=lambda _drawer: "unknown",
                    day=lambda at_ms: f"{at_ms // DAY_MS:04d}",
                    now_ms=lambda: now_ms[0],
                )
            )
            assert desk.left_open() == ("drawer",)
            now_ms[0] = 9 * DAY_MS + 5
            assert desk.left_open() == ()
            listed = {view.drawer: view for view in desk.drawers().drawers}
            assert [one.session_id for one in listed["side"].waiting] == ["S2"], "it has left the configuration"

    asyncio.run(scene())
