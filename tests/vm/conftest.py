"""One machine for all scenes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.support.prerequisites import need
from tests.vm import image
from tests.vm.machine import Machine, started
from tests.vm.store import prepare

Play = Callable[[Callable[[Machine], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="session")
def play() -> Iterator[Play]:
    """Plays a scene in a machine that is booted once."""
    need("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "depmod", "busybox")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        machine = runner.run(stack.enter_async_context(started(image.ready())))
        try:
            runner.run(prepare(machine))
            yield lambda scene: runner.run(scene(machine))
        finally:
            runner.run(stack.aclose())
