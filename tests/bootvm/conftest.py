"""One register for all scenes of a module, in their order: a boot takes one to three minutes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.bootvm import image
from tests.bootvm.store import World
from tests.support.prerequisites import need

Play = Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays a scene with the printers and the machine that the scene before left."""
    need("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "chroot")
    with asyncio.Runner() as runner:
        world = World(image.ready(), tmp_path_factory.mktemp("register"))
        runner.run(world.begin())
        try:
            yield lambda scene: runner.run(scene(world))
        finally:
            runner.run(world.end())
