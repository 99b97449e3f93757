"""The live message about what is there."""

import asyncio
import json
from typing import Any, cast

from tillkeeper.api.hub import LiveHub
from tillkeeper.contract.devices import FoundList, FoundView
from tillkeeper.till.till import Announcer

USB = FoundView(identity="usb:serial=J8XY", bus="usb", address="usb:serial=J8XY", title="USB printer", devices=("grill",))


def test_pages_are_told_and_nothing_is_put_together_while_nobody_reads() -> None:
    async def run() -> None:
        hub = LiveHub()
        nobody: Any = cast(Any, None)
        announcer = Announcer(hub, nobody, nobody, nobody)
        asked = 0

        def found() -> FoundList:
            nonlocal asked
            asked += 1
            return FoundList(found=(USB,))

        announcer.found_changed(found)
        assert asked == 0
        with hub.subscribe() as feed:
            announcer.found_changed(found)
            message = json.loads(await anext(aiter(feed)))
        assert message["type"] == "found"
        assert message["found"]["found"][0]["devices"] == ["grill"]

    asyncio.run(run())
