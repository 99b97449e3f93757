"""One register for all scenes of a module, in their order: a boot takes one to three minutes."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.bootvm import image
from tests.bootvm.architecture import AMD64, ARCHITECTURES
from tests.bootvm.store import World
from tests.support.prerequisites import need

Play = Callable[[Callable[[World], Coroutine[Any, Any, None]]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--arch", choices=sorted(ARCHITECTURES), default=AMD64.name, help="of the machine that is booted")


@pytest.fixture(scope="module")
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Plays a scene with the printers and the machine that the scene before left."""
    architecture = ARCHITECTURES[request.config.getoption("--arch")]
    need(architecture.emulator, "qemu-img", "mmdebstrap", "mke2fs", "chroot")
    with asyncio.Runner() as runner:
        world = World(image.ready(architecture), tmp_path_factory.mktemp("register"))
        runner.run(world.begin())
        try:
            yield lambda scene: runner.run(scene(world))
        finally:
            runner.run(world.end())
