"""A shift by the command line, against a register in this process."""

import asyncio
import json
from pathlib import Path

import pytest
from tests.cash.world import Till, at_till
from tests.till.world import config_in

from tillkeeper.cli import exits, main


def test_a_shift_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_in(tmp_path)

    async def scene(till: Till) -> None:
        async def run(line: str, code: int = exits.OK) -> str:
            arguments = ["drawer", *line.split(), "--socket", config.api.socket]
            assert await asyncio.to_thread(main, arguments) == code, line
            said = capsys.readouterr()
            return said.out + said.err

        assert "drawer" in await run("list")
        assert "no Z" in await run("z", exits.REFUSED)
        assert "recorded" in await run("open 150.00 --by ana")
        due = (await till.cash())["totals"]["gross_minor"]
        await run("paid-in 20 --reason bank")
        await run("paid-out 12.50 --reason milk")
        await run("drop 100 --reason safe")
        assert "no_drawer_session" not in await run("list")
        x = await run("x")
        expected = f"{(15_000 + due + 2_000 - 1_250 - 10_000) / 100:.2f}"
        assert expected in x
        assert "not been counted" in await run("close", exits.REFUSED)
        await run("count 10 10", exits.USAGE)
        await run("count ten", exits.USAGE)
        counted = await run(f"count {expected} EUR=0")
        assert "counted" in counted
        await run("close --by mia")
        z = json.loads(await run("z --json --print"))
        assert (z["session"]["number"], z["session"]["over_short_minor"]) == (1, {"USD": 0, "EUR": 0})
        assert "Z 1 of drawer" in await run("z --number 1")
        assert "has no Z 2" in await run("z --number 2", exits.REFUSED)

    at_till(config, scene)
