"""Registers that keep copies of each other's books."""

import asyncio
from pathlib import Path

from tests.replication.registers import corner, until


def test_what_one_sells_the_others_hold_and_what_was_cut_off_catches_up(tmp_path: Path) -> None:
    async def scene() -> None:
        async with corner(tmp_path, "a", "b", "c") as store:
            a, b, c = store["a"], store["b"], store["c"]
            await a.sell(10)
            await until(lambda: b.holds(a.own) == c.holds(a.own) == 11)
            await store.cut("a", "b")
            await store.cut("a", "c")
            await a.sell(600)
            await b.sell(3)
            await until(lambda: c.holds(b.own) == 4)
            assert b.holds(a.own) == 11
            await store.mend("a", "b")
            await store.mend("a", "c")
            await until(lambda: b.holds(a.own) == c.holds(a.own) == 611 and a.holds(b.own) == 4)
            assert b.all_of(a.own) == c.all_of(a.own) == a.all_of(a.own)

    asyncio.run(scene())
