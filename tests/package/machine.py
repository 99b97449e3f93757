"""A throw-away Debian 12 as a folder: the bare one below, what a test does to it on top, forgotten afterwards."""

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from tests.boot.image import PACKAGES, base, run
from tests.boot.machine import laid_over

UNSAFE = "--force-unsafe-io"
"""Its disk is thrown away."""


class Chroot:
    """`root` is its file system. No systemd runs in it, as in a chroot of an installer."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["chroot", self.root, *command], capture_output=True, text=True, check=False, env=self.env())

    def run(self, *command: str) -> str:
        """Standard output. Raises AssertionError, with what was said, where the command fails."""
        done = self.call(*command)
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def dpkg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.call("dpkg", UNSAFE, *arguments)

    def install(self, deb: Path) -> subprocess.CompletedProcess[str]:
        return self.dpkg("--install", self.carry(deb))

    def carry(self, file: Path) -> str:
        """Its name inside."""
        shutil.copy(file, self.root / "var/tmp" / file.name)
        return f"/var/tmp/{file.name}"

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def status(self, package: str) -> str:
        """As dpkg says it: "install ok installed 0.1.0"; empty where it knows nothing of it."""
        done = self.call("dpkg-query", "-W", "-f", "${Status} ${Version}", package)
        return done.stdout.strip()

    @staticmethod
    def env() -> dict[str, str]:
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def chroot(scratch: Path) -> Iterator[Chroot]:
    """In the folder `scratch`. Nothing may run in it any more at the end."""
    below = base(PACKAGES)
    root = scratch / "root"
    with laid_over(root, scratch / "upper", (below,)):
        run("mount", "-t", "proc", "proc", str(root / "proc"))
        run("mount", "--bind", "/dev", str(root / "dev"))
        try:
            yield Chroot(root)
        finally:
            run("umount", str(root / "dev"))
            run("umount", str(root / "proc"))


class Agent:
    """`tillkeeper run --embedded` in a chroot, with a listener that takes the place of systemd's."""

    def __init__(self, machine: Chroot, data: str) -> None:
        self._machine, self.data = machine, data
        self._folder = Path(tempfile.mkdtemp(prefix="n", dir=machine.path("/run")))
        self._heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._heard.bind(str(self._folder / "s"))
        self._heard.settimeout(60)
        inside = f"/run/{self._folder.name}/s"
        command = ["chroot", str(machine.root), "/usr/bin/tillkeeper", "run", "--embedded", "--data", data]
        self._log = (self._folder / "log").open("w+")
        self.process = subprocess.Popen(
            command, env={**machine.env(), "NOTIFY_SOCKET": inside}, stdout=self._log, stderr=self._log, text=True
        )

    def __enter__(self) -> "Agent":
        self.until(lambda: self._machine.path(f"{self.data}/tillkeeper.sock").exists())
        return self

    def until(self, holds: Callable[[], bool]) -> None:
        """Ask again until it does. Raises AssertionError where the agent ends before."""
        while not holds():
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)

    def __exit__(self, *_error: object) -> None:
        self.process.terminate()
        self.process.wait(60)
        self._heard.close()
        self._log.close()

    def log(self) -> str:
        return (self._folder / "log").read_text()

    def api(self) -> httpx.Client:
        """A client on its unix socket, which may do everything."""
        transport = httpx.HTTPTransport(uds=str(self._machine.path(f"{self.data}/tillkeeper.sock")))
        return httpx.Client(base_url="http://tillkeeper", transport=transport, timeout=60)

    def tree(self) -> str:
        """The environment that it was started from, as its command line says."""
        line = Path(f"/proc/{self.process.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        found = re.match(r"(/usr/lib/tillkeeper/versions/[^/]+)/bin/python3", line)
        assert found, line
        return found[1]
