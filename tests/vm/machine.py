"""A machine with a kernel of its own (QEMU, without hardware help): devices that are really plugged in and out.

A shell answers on its second serial port, QMP plugs. Everything that it says of time is slow.
"""

import asyncio
import contextlib
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.boot.image import run
from tests.vm.image import Image

BOOT_S, ANSWER_S = 120.0, 120.0
CMDLINE = "console=ttyS0 quiet panic=-1 mitigations=off tsc=unstable clocksource=acpi_pm nohz=off highres=off"
"""The emulated TSC drifts until the kernel gives it up in the middle of a scene; a tick of 4 ms can not be missed for good, as
a single timer was seen to be (all sleeps hang, "rcu_preempt kthread timer wakeup didn't happen")."""
MEMORY_MB = 640
_LINE = 65_536


class Failed(AssertionError):
    """A command in the machine failed, or QEMU refused."""


class Machine:
    """A running one. `run` executes in it as root; `plug` adds a device."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._numbers = itertools.count(1)
        self._plugged: list[str] = []
        self._running: list[str] = []
        self._shell: tuple[asyncio.StreamReader, asyncio.StreamWriter]
        self._monitor: tuple[asyncio.StreamReader, asyncio.StreamWriter]

    async def connect(self, stack: contextlib.AsyncExitStack, boot_s: float = BOOT_S) -> None:
        """Wait for the shell."""
        self._monitor = await _connected(self._folder / "monitor", stack)
        self._shell = await _connected(self._folder / "shell", stack)
        await self._monitor[0].readline()  # its greeting
        await self.ask("qmp_capabilities")
        try:
            async with asyncio.timeout(boot_s):
                await self._shell[0].readuntil(b"ready\n")
        except (TimeoutError, asyncio.IncompleteReadError) as error:
            raise Failed(f"no shell within {boot_s:g} s: {self.console()}") from error

    async def run(self, command: str, *, check: bool = True, deadline_s: float = ANSWER_S) -> str:
        """What one line of shell says, both outputs. Raises Failed where it fails and `check` is set."""
        if "\n" in command:
            raise ValueError("one line")
        reader, writer = self._shell
        number = next(self._numbers)
        mark = f"<end-{number}>"
        writer.write(f'{{ {command}\n}} 2>&1 </dev/null; echo "{mark}$?"\n'.encode())
        async with asyncio.timeout(deadline_s):
            said = (await reader.readuntil(mark.encode())).decode(errors="replace").removesuffix(mark)
            code = int((await reader.readline()).strip() or b"1")
        if code and check:
            raise Failed(f"{command}: exit {code}\n{said}\n{self.console()}")
        return said

    async def ask(self, command: str, **arguments: Any) -> Any:
        """QMP (QEMU QMP reference). Raises Failed where QEMU refuses."""
        reader, writer = self._monitor
        writer.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(await reader.readline())
            if "error" in answer:
                raise Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    async def start(self, name: str, command: str) -> None:
        """A program that runs on; what it says is in `log(name)`."""
        await self.run(f"{command} >{log(name)} 2>&1 & {name}=$!")
        self._running.append(name)

    async def end(self, name: str, signal: str = "KILL") -> None:
        """End it, and wait until it has ended."""
        self._running.remove(name)
        await self.run(f"kill -{signal} ${name}; wait ${name}", check=False)

    async def signal(self, name: str, signal: str) -> None:
        await self.run(f"kill -{signal} ${name}")

    async def plug(self, name: str, driver: str, port: int, /, **options: Any) -> None:
        """A device whose other end is the TCP port `port` of this side."""
        address = {"type": "inet", "data": {"host": "127.0.0.1", "port": str(port)}}
        await self.ask("chardev-add", id=f"{name}-end", backend={"type": "socket", "data": {"addr": address, "server": False}})
        await self.ask("device_add", id=name, driver=driver, chardev=f"{name}-end", **options)
        self._plugged.append(name)

    async def unplug(self, name: str) -> None:
        """Pull it, and cut its other end off."""
        self._plugged.remove(name)
        await self.ask("device_del", id=name)
        async with asyncio.timeout(ANSWER_S):
            while True:
                try:
                    await self.ask("chardev-remove", id=f"{name}-end")
                    return
                except Failed:  # still in use
                    await asyncio.sleep(0.05)

    async def clear(self) -> None:
        """End all that was started, pull all that was plugged in."""
        for name in tuple(self._running):
            await self.end(name)
        for name in tuple(self._plugged):
            await self.unplug(name)

    async def wait_for(self, command: str, deadline_s: float = ANSWER_S) -> str:
        """Until the command succeeds; what it said. Raises Failed."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + deadline_s
        while True:
            try:
                return await self.run(command)
            except Failed:
                if loop.time() > until_s:
                    raise
                await asyncio.sleep(0.1)

    def console(self) -> str:
        return (self._folder / "console").read_text(errors="replace")[-3000:]


def log(name: str) -> str:
    """Where in the machine the program `name` writes."""
    return f"/tmp/{name}.log"


@contextlib.asynccontextmanager
async def started(image: Image) -> AsyncIterator[Machine]:
    """Booted, with nothing of it left on the image's disk."""
    with tempfile.TemporaryDirectory(prefix="tillkeeper-vm-") as name:
        folder = Path(name)
        disk = folder / "disk.qcow2"
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image.disk), str(disk))
        process = await asyncio.create_subprocess_exec(
            "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", str(MEMORY_MB), "-nodefaults", "-display", "none",
            "-no-reboot", "-kernel", str(image.kernel), "-initrd", str(image.initrd),
            "-machine", "pc,hpet=off", "-append", CMDLINE, "-drive", f"file={disk},if=virtio,format=qcow2",
            "-serial", f"file:{folder / 'console'}", "-serial", f"unix:{folder / 'shell'},server=on,wait=off",
            "-qmp", f"unix:{folder / 'monitor'},server=on,wait=off",
            "-device", "virtio-serial-pci,id=ports", "-device", "qemu-xhci,id=usb",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with contextlib.AsyncExitStack() as stack:
                machine = Machine(process, folder)
                await machine.connect(stack)
                yield machine
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _connected(path: Path, stack: contextlib.AsyncExitStack) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(BOOT_S):
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(path), limit=_LINE * 16)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.02)
    stack.callback(writer.close)
    return reader, writer
