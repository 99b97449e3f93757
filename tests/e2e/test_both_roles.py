"""I2: each sale is at HQ once, whichever of primary and backup brought it there, however often it was sent or asked for."""

import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.test_roles import has, holding
from tests.support.several import SeveralRig

ROLES = {"roles": {"primary": "front", "backup": "side"}}
NAMES = ("front", "side", "back")
ORDER = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}


def test_what_primary_and_backup_bring_to_hq_for_each_other_counts_once(tmp_path: Path) -> None:
    """The primary sells without internet and its backup brings that to HQ; it dies, the backup acts and loses its internet; the
    old primary is back and brings its own log, and that of the new one. Clients ask again everywhere."""
    sold: dict[tuple[str, str], Any] = {}

    async def scenario() -> None:
        async with SeveralRig(tmp_path, *NAMES, changes=ROLES) as store:
            front, side = store["front"], store["side"]

            async def sell(name: str, key: str) -> None:
                made = await store[name].ok("POST", "/v1/orders", ORDER, key=key)
                assert sold.setdefault((name, key), made) == made, "asked again it is the same sale"

            async def at_hq(sales: int) -> None:
                async def there() -> bool:
                    return await store.hq_sales() == sales

                await store["back"].wait_for(f"HQ counts {sales} sales", there)

            await holding(store, "front")
            await store.wait_sinks("front", HQ=0, side=0, back=0)
            await store.internets["front"].cut()
            for key in ("one", "two"):
                await sell("front", key)
            await at_hq(2)  # its backup, or the third one, brought them
            await front.kill_agent()
            await holding(store, "side")
            await store.internets["side"].cut()
            for key in ("three", "four"):
                await sell("side", key)
            await front.start_agent()
            await store.internets["front"].mend()
            await has(store, "front", role="backup", phase="guarding")
            await sell("front", "five")
            for key in ("one", "two"):
                await sell("front", key)
            await at_hq(5)  # front has sent its own log again, and that of the new primary
            await store.internets["side"].mend()
            await sell("side", "six")
            for key in ("three", "four"):
                await sell("side", key)
            await at_hq(6)
            for name in NAMES:
                await store.wait_sinks(name, HQ=0)
            assert await store.hq_sales() == 6
            books = (await store.hq_get("/v1/books"))["days"]
            gross = sum(day["books"]["gross_minor"] for day in books)
            assert gross == sum(made["totals"]["gross_minor"] for made in sold.values())
            assert (await store.hq_get("/v1/quarantine"))["events"] == []
            epoch = (await side.get("/v1/roles"))["now"]["epoch"]
            assert epoch == {"counter": 2, "register": "side"}

    asyncio.run(scenario())
