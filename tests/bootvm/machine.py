"""A register with a kernel of its own: QEMU without hardware help (KVM is not needed), two sockets for USB printers, and a disk
that stays when its power is cut."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.boot.image import run
from tests.bootvm.architecture import Architecture
from tests.bootvm.image import Image
from tests.vm.machine import Machine

KERNEL = "root=/dev/vda ro quiet panic=-1 mitigations=off"
COUNTED = "tsc=reliable"
MEMORY_MB, CORES = 1024, 2
BOOT_S = 900.0


@dataclass(frozen=True)
class Setup:
    """How it is built. `counted`: one core whose clock counts instructions, 2 ns each, so that a busy host changes nothing."""

    bare: bool = False
    counted: bool = False
    rtc: str = "utc"
    words: str = ""
    """More of the kernel's command line."""
    cables: Sequence[Path] = field(default=())
    """The sockets of what hangs at its USB, in the order of the ports."""


class Register(Machine):
    """`cut` is the power cut; `began_s` is when the kernel began, by this side's clock."""

    began_s: float

    @property
    def console_file(self) -> Path:
        return self._folder / "console"

    async def console_says(self, word: str, times: int, deadline_s: float) -> None:
        """Until the console has said it so often. Raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            while self.console_file.read_text(errors="replace").count(word) < times:  # noqa: ASYNC110 - a file wakes nobody
                await asyncio.sleep(0.01)

    async def cut(self) -> None:
        self._process.kill()
        await self._process.wait()


def fresh_disk(image: Image, folder: Path, *, bare: bool = False) -> Path:
    """One for a single register: what is written stays in it."""
    disk = folder / "register.qcow2"
    base = image.bare if bare else image.disk
    run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(base), str(disk))
    return disk


@contextlib.asynccontextmanager
async def booted(image: Image, disk: Path, setup: Setup) -> AsyncIterator[Register]:
    """Up to its shell."""
    with tempfile.TemporaryDirectory(prefix="tillkeeper-bootvm-") as name:
        folder = Path(name)
        command = (
            *_machine(image.architecture, setup),
            *_boots(image, disk, setup),
            *_hangs_on(image.architecture, folder, setup.cables),
        )
        began_s = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            async with contextlib.AsyncExitStack() as stack:
                register = Register(process, folder)
                register.began_s = began_s
                await register.connect(stack, BOOT_S)
                yield register
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _machine(architecture: Architecture, setup: Setup) -> tuple[str, ...]:
    board = (architecture.emulator, *architecture.board)
    if setup.counted:
        return (*board, "-accel", "tcg,thread=single", "-icount", "shift=1", "-smp", "1")
    return (*board, "-accel", "tcg,thread=multi", "-smp", str(CORES))


def _boots(image: Image, disk: Path, setup: Setup) -> tuple[str, ...]:
    clock = COUNTED if setup.counted else image.architecture.clock
    words = " ".join(filter(None, (KERNEL, f"console={image.architecture.console}", clock, setup.words)))
    return (
        "-nodefaults", "-display", "none", "-no-reboot", "-rtc", f"base={setup.rtc}",
        "-m", str(MEMORY_MB), "-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", words,
        "-drive", f"file={disk},if=virtio,format=qcow2,cache=writeback",
        "-netdev", "user,id=lan,restrict=on,ipv6=off", "-device", "virtio-net-pci,netdev=lan",
    )  # fmt: skip


def _hangs_on(architecture: Architecture, folder: Path, cables: Sequence[Path]) -> tuple[str, ...]:
    ends = (
        "-serial", f"file:{folder / 'console'}",
        "-chardev", f"socket,id=shell,path={folder / 'shell'},server=on,wait=off", *architecture.shell_port,
        "-qmp", f"unix:{folder / 'monitor'},server=on,wait=off", "-device", "qemu-xhci,id=usb",
    )  # fmt: skip
    usb = (
        word
        for port, path in enumerate(cables, 1)
        for word in (
            "-chardev", f"socket,id=cable{port},path={path}", "-device", f"usb-redir,chardev=cable{port},bus=usb.0,port={port}",
        )
    )  # fmt: skip
    return (*ends, *usb)
