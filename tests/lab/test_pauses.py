"""The real prober, stopped for seconds, and on a busy machine: no verdict comes of it. `make lab` does it for longer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.lab.places import V4
from tests.lab.register import Watched
from tests.lab.topology import Lab, Shape
from tests.lab.trial import again, watched
from tests.lab.watch import loaded, stopped
from tests.support.prerequisites import need

pytestmark = [pytest.mark.root, pytest.mark.timeout(400)]

STOPPED_S, LOADED_S = 5.0, 6.0


@pytest.mark.parametrize(("what", "seconds"), [(stopped, STOPPED_S), (loaded, LOADED_S)], ids=["SIGSTOP", "busy machine"])
def test_no_verdict_comes_of(what: Callable[[list[Watched], float], Awaitable[list[tuple[str, ...]]]], seconds: float) -> None:
    need("ip", "nft", "ping", "arping")

    async def scene() -> list[tuple[str, ...]]:
        with Lab(Shape(families=(V4,), registers=2), "p") as lab:
            async with lab.served(), watched(lab, lab.shape.names) as registers:
                false = await what(registers, seconds)
                assert max(register.last.stalls for register in registers if register.last) > 0 or what is loaded
        return false

    assert asyncio.run(again(scene, lambda false: not false)) == []
