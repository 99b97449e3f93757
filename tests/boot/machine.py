"""A booted register: `systemd-nspawn` in a network namespace of the lab, ended by its own pid."""

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CGROUPS = ("systemd", "unified")
BOOT_S = 60.0
STOP_S = 20.0
LOOK_S = 0.1
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# nspawn keeps the cgroup that it was started in, and a machine wants one of its own.
_OWN_CGROUP = "mkdir -p /sys/fs/cgroup/$c/{name}; echo $$ > /sys/fs/cgroup/$c/{name}/cgroup.procs"
_START = f'for c in {{cgroups}}; do {_OWN_CGROUP}; done; exec "$@"'


class Machine:
    """A running one. `run` executes inside it as root."""

    def __init__(self, name: str, nspawn: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self._nspawn = nspawn
        self._log = log
        self._leader = 0

    def run(self, *command: str, check: bool = True, user: str = "") -> str:
        """Standard output. AssertionError where it fails and `check` is set."""
        inside = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--", *command) if user else command
        done = subprocess.run(
            ("nsenter", "-t", str(self.leader), "-a", "--", *inside),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd="/",  # a folder of this tree is nowhere in the machine
            env={"PATH": PATH},
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + ("" if check else done.stderr)

    @property
    def leader(self) -> int:
        """The pid of its init, seen from outside."""
        if not self._leader:
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            self._leader = next(int(pid) for pid in children if _is_init(int(pid)))
        return self._leader

    def main_pid(self, unit: str) -> int:
        """Of a unit, as the machine numbers it; 0 where it does not run."""
        return int(self.run("systemctl", "show", "-p", "MainPID", "--value", unit))

    def wait_for(self, what: str, look: Callable[[], Any], deadline_s: float = BOOT_S) -> Any:
        """What `look` answers once it is true. AssertionError, with the machine's journal, after `deadline_s`."""
        until_s = time.monotonic() + deadline_s
        while True:
            with contextlib.suppress(AssertionError, StopIteration, FileNotFoundError):
                if found := look():
                    return found
            if time.monotonic() > until_s or self._nspawn.poll() is not None:
                raise AssertionError(f"{self.name}: not within {deadline_s:g} s: {what}\n{self.told()}")
            time.sleep(LOOK_S)

    def told(self) -> str:
        """The console, and the journal where there is one."""
        journal = ""
        with contextlib.suppress(AssertionError, StopIteration, FileNotFoundError, subprocess.TimeoutExpired):
            journal = self.run("journalctl", "--no-pager", "-n", "80", check=False)
        return self._log.read_text(errors="replace")[-3000:] + journal

    def stop(self) -> None:
        with contextlib.suppress(StopIteration, FileNotFoundError, ProcessLookupError):
            subprocess.run(("kill", "-s", "RTMIN+4", str(self.leader)), check=False)  # systemd(1): power off
        try:
            self._nspawn.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        for group in CGROUPS:
            folders = sorted(Path(f"/sys/fs/cgroup/{group}/{self.name}").glob("**/"), reverse=True)
            for folder in folders:
                with contextlib.suppress(OSError):
                    folder.rmdir()


@contextlib.contextmanager
def booted(root: Path, name: str, namespace: str, etc: Path, resolvers: Path) -> Iterator[Machine]:
    """A machine of `root` in the named network namespace, with `etc` as its /etc/tillkeeper and `resolvers` as its resolv.conf.
    Nothing that it writes stays."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "console"
        start = _START.format(cgroups=" ".join(CGROUPS), name=name)
        command = (
            "systemd-nspawn", "-q", "-D", str(root), "--volatile=overlay", "-M", name, "--register=no", "--keep-unit",
            f"--network-namespace-path=/run/netns/{namespace}", f"--bind-ro={etc}:/etc/tillkeeper",
            "--resolv-conf=off", f"--bind-ro={resolvers}:/etc/resolv.conf", "--boot",
        )  # fmt: skip
        with log.open("wb") as console:
            nspawn = subprocess.Popen(
                ("sh", "-ec", start, "sh", *command), stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        machine = Machine(name, nspawn, log)
        try:
            machine.wait_for("a booted system", lambda: _system_state(machine) in ("running", "degraded"))
            yield machine
        finally:
            machine.stop()


def _system_state(machine: Machine) -> str:
    return machine.run("systemctl", "is-system-running", check=False).strip()


def _is_init(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"
