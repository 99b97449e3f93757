"""A CUPS scheduler of the test's own: everything in one folder, on a loopback port, with one raw queue.

    async with cups(folder, f"socket://127.0.0.1:{port}") as queue:
        await queue.print(b"...")
        await queue.idle(10)
"""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.ports import free_port
from tests.support.prerequisites import need

START_S, COMMAND_S = 20.0, 20.0
_QUEUE = "receipts"
_FILES = """\
ServerRoot {folder}
RequestRoot {folder}/spool
CacheDir {folder}/cache
StateDir {folder}/state
TempDir {folder}/spool/tmp
AccessLog {folder}/access_log
ErrorLog {folder}/error_log
PageLog {folder}/page_log
Printcap {folder}/printcap
User {user}
Group {group}
SystemGroup root
"""
_CUPSD = """\
Listen 127.0.0.1:{port}
Browsing Off
WebInterface No
DefaultAuthType None
LogLevel info
ErrorPolicy retry-job
JobRetryInterval 1
JobRetryLimit 1000
<Location />
  Order allow,deny
</Location>
<Location /admin>
  Order allow,deny
</Location>
<Policy default>
  <Limit All>
    Order allow,deny
  </Limit>
</Policy>
"""


class Queue:
    """`print` and `idle` raise AssertionError with what CUPS said, or wrote into its log."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._server = f"127.0.0.1:{port}"

    async def print(self, data: bytes) -> None:
        """Leave a job in the queue; it is printed afterwards."""
        await self.run("lp", "-h", self._server, "-d", _QUEUE, "-o", "raw", data=data)

    async def idle(self, deadline_s: float) -> None:
        """Until all its jobs are done."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        while jobs := await self.run("lpstat", "-h", self._server, "-o"):
            assert loop.time() < end, f"{jobs}\n{self.log()}"
            await asyncio.sleep(0.2)

    async def run(self, *command: str, data: bytes = b"") -> str:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(COMMAND_S):
            said, _ = await process.communicate(data)
        assert process.returncode == 0, f"{command}: {said.decode()}\n{self.log()}"
        return said.decode()

    def log(self) -> str:
        log = self._folder / "error_log"
        return log.read_text("utf-8", "replace")[-4_000:] if log.exists() else ""


@asynccontextmanager
async def cups(folder: Path, where: str) -> AsyncIterator[Queue]:
    """`where`: the device of its queue, as socket://127.0.0.1:PORT or serial:/dev/pts/3."""
    need("cupsd", "lpadmin", "lp", "lpstat")
    port = free_port()
    user = pwd.getpwnam("lp")
    for name in ("spool/tmp", "cache", "state"):
        (folder / name).mkdir(parents=True)
        os.chown(folder / name, 0, user.pw_gid)
    os.chmod(folder, 0o755)
    (folder / "cups-files.conf").write_text(_FILES.format(folder=folder, user="lp", group="lp"), "utf-8")
    (folder / "cupsd.conf").write_text(_CUPSD.format(port=port), "utf-8")
    queue = Queue(folder, port)
    command = ("cupsd", "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf"))
    daemon = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        await _listens(port, queue)
        await queue.run("lpadmin", "-h", f"127.0.0.1:{port}", "-p", _QUEUE, "-E", "-m", "raw", "-v", where)
        yield queue
    finally:
        with suppress(ProcessLookupError):
            daemon.terminate()
        try:
            async with asyncio.timeout(10):
                await daemon.wait()
        except TimeoutError:
            daemon.kill()
            await daemon.wait()


async def _listens(port: int, queue: Queue) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + START_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert loop.time() < end, queue.log()
            await asyncio.sleep(0.05)
            continue
        writer.close()
        await writer.wait_closed()
        return
