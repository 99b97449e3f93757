"""A booted machine: `systemd-nspawn` in a network namespace of the lab, ended by its own pid. What it writes stays until
the end of the test: it can lose its power and be switched on again."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.boot.disk import Disk
from tests.boot.image import run

CGROUPS = ("systemd", "unified")
BOOT_S = 60.0
STOP_S = 20.0
LOOK_S = 0.05
COMMAND_S = 120.0
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
REBOOTED = 133
"""How nspawn with --keep-unit ends where the machine wants to boot again (systemd-nspawn, `run_container`)."""

# nspawn keeps the cgroup that it was started in, and a machine wants one of its own.
_OWN_CGROUP = "mkdir -p /sys/fs/cgroup/$c/{name}; echo $$ > /sys/fs/cgroup/$c/{name}/cgroup.procs"
_START = f'for c in {{cgroups}}; do {_OWN_CGROUP}; done; exec "$@"'


class Machine:
    """`run` executes inside it as root. `root` is its whole disk, seen from outside, whether it runs or not.

    Args:
        layers: what it starts from, the uppermost first.
        disks: what is mounted where.
        binds: files of outside that are seen inside, for reading.
        own: the disk that all else is written to; without one that outlives every power cut as it was written.
    """

    def __init__(
        self,
        name: str,
        namespace: str,
        layers: tuple[Path, ...],
        folder: Path,
        disks: Mapping[str, Disk],
        binds: Mapping[str, Path],
        own: Disk | None = None,
    ) -> None:
        self.name, self.disks = name, disks
        self._own, self._written = own, own.place if own is not None else folder
        self._namespace, self._layers, self._folder, self._binds = namespace, layers, folder, binds
        self.root = folder / "root"
        self._log = folder / "console"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    # --- the machine ---

    def __enter__(self) -> "Machine":
        for folder in (self.root, self._written / "upper", self._written / "work"):
            folder.mkdir(parents=True)
        self._mount()
        return self

    def _mount(self) -> None:
        mount_layers(self.root, self._written / "upper", self._written / "work", self._layers)

    def __exit__(self, *_: object) -> None:
        if self.is_on:
            self.shut_down()
        run("umount", "--lazy", str(self.root))

    @property
    def is_on(self) -> bool:
        return self._nspawn is not None and self._nspawn.poll() is None

    def switch_on(self) -> None:
        """Returns at once: its init has not begun."""
        command = (
            "systemd-nspawn", "-q", "-D", str(self.root), "-M", self.name, "--register=no", "--keep-unit",
            f"--network-namespace-path=/run/netns/{self._namespace}", "--resolv-conf=off", "--link-journal=no",
            *(f"--bind-ro={path}:{place}" for place, path in self._binds.items()),
            *(f"--bind={disk.place}:{place}" for place, disk in self.disks.items()), "--boot",
        )  # fmt: skip
        start = _START.format(cgroups=" ".join(CGROUPS), name=self.name)
        self._leader = 0
        with self._log.open("ab") as console:
            self._nspawn = subprocess.Popen(
                ("sh", "-ec", start, "sh", *command), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )

    def boot(self) -> None:
        """Until all that starts at boot has started, or has failed to."""
        self.switch_on()
        self.wait_for("a booted system", lambda: self.system_state() in ("running", "degraded"))

    def system_state(self) -> str:
        return self.run("systemctl", "is-system-running", check=False).strip()

    def power_off(self) -> None:
        """The plug is pulled: what was not synced to its disks is lost, and they come back as they are at the next power-on."""
        disks = (*self.disks.values(), *((self._own,) if self._own is not None else ()))
        for disk in disks:
            disk.power_off()
        os.kill(self.leader, signal.SIGKILL)
        self._ended()
        if self._own is not None:
            run("umount", "--lazy", str(self.root))
        for disk in disks:
            disk.repair()
        if self._own is not None:
            self._mount()

    def reboot(self) -> None:
        """As somebody who tells it to; it boots again, which is not waited for."""
        self.run("systemctl", "reboot", check=False)
        assert self._ended() == REBOOTED, self.told()
        self.switch_on()

    def shut_down(self) -> None:
        with contextlib.suppress(StopIteration, FileNotFoundError, ProcessLookupError):
            os.kill(self.leader, signal.SIGRTMIN + 4)  # systemd(1): power off
        self._ended()

    def _ended(self) -> int:
        """How nspawn ended, which is killed where it does not."""
        assert self._nspawn is not None
        try:
            code = self._nspawn.wait(STOP_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(StopIteration, FileNotFoundError, ProcessLookupError):
                os.kill(self.leader, signal.SIGKILL)
            self._nspawn.kill()
            code = self._nspawn.wait()
        for group in CGROUPS:
            for folder in sorted(Path(f"/sys/fs/cgroup/{group}/{self.name}").glob("**/"), reverse=True):
                with contextlib.suppress(OSError):
                    folder.rmdir()
        return code

    # --- inside ---

    def run(self, *command: str, check: bool = True, user: str = "", said: str | None = None) -> str:
        """Standard output; `said` is typed. AssertionError where it fails and `check` is set."""
        inside = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *command) if user else command
        done = subprocess.run(
            ("nsenter", "-t", str(self.leader), "-a", "--", *inside),
            input=said or "",
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_S,
            cwd="/",  # a folder of this tree is nowhere in the machine
            env={"PATH": PATH},
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + ("" if check else done.stderr)

    @property
    def leader(self) -> int:
        """The pid of its init, seen from outside. Raises FileNotFoundError or StopIteration where there is none (yet)."""
        if not self._leader:
            assert self._nspawn is not None, f"{self.name} is off"
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            self._leader = next(int(pid) for pid in children if _is_init(int(pid)))
        return self._leader

    @property
    def seen(self) -> Path:
        """Its files as itself sees them, /run too."""
        return Path(f"/proc/{self.leader}/root")

    def main_pid(self, unit: str) -> int:
        """Of a unit, as the machine numbers it; 0 where it does not run."""
        return int(self.shown(unit, "MainPID"))

    def outer_pid(self, unit: str) -> int:
        """Of a unit, as the kernel outside numbers it. Raises StopIteration where it does not run."""
        inner = str(self.main_pid(unit))
        spaces = os.readlink(f"/proc/{self.leader}/ns/pid")
        return next(pid for pid in _pids() if _is_it(pid, inner, spaces))

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", "-p", name, "--value", unit).strip()

    def wait_for(self, what: str, look: Callable[[], Any], deadline_s: float = BOOT_S) -> Any:
        """What `look` answers once it is true. AssertionError, with the machine's journal, after `deadline_s`."""
        until_s = time.monotonic() + deadline_s
        while True:
            with contextlib.suppress(AssertionError, StopIteration, FileNotFoundError, ProcessLookupError):
                if found := look():
                    return found
            if time.monotonic() > until_s or not self.is_on:
                raise AssertionError(f"{self.name}: not within {deadline_s:g} s: {what}\n{self.told()}")
            time.sleep(LOOK_S)

    def told(self) -> str:
        """The console, and the journal where there is one."""
        journal = ""
        with contextlib.suppress(AssertionError, StopIteration, OSError, subprocess.TimeoutExpired):
            journal = self.run("journalctl", "--no-pager", "-n", "80", check=False)
        return self._log.read_text(errors="replace")[-3000:] + journal


def mount_layers(at: Path, upper: Path, work: Path, layers: tuple[Path, ...]) -> None:
    lower = ":".join(map(str, layers))
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}", str(at))


@contextlib.contextmanager
def laid_over(at: Path, upper: Path, layers: tuple[Path, ...]) -> Iterator[None]:
    """What is done in `at` meanwhile is in `upper` afterwards."""
    work = upper.with_name(f"{upper.name}.work")
    for folder in (at, upper, work):
        folder.mkdir(parents=True)
    mount_layers(at, upper, work, layers)
    try:
        yield
    finally:
        run("umount", str(at))


def _is_init(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_it(pid: int, inner: str, space: str) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        if os.readlink(f"/proc/{pid}/ns/pid") == space:
            line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid:"))
            return line.split()[-1] == inner
    return False
