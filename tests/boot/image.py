"""A bare Debian 12, made once a machine (`build/boot/`, named by what is in it)."""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "boot"
SUITE = "bookworm"
PACKAGES = ("systemd", "systemd-sysv", "dbus", "iproute2", "python3", "procps", "util-linux")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def base(packages: tuple[str, ...]) -> Path:
    """The folder of a bare Debian with `packages`. Raises RuntimeError where it can not be made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(" ".join((SUITE, *packages)).encode()).hexdigest()[:12]
    root = KEPT / f"debian-{name}"
    with locked(KEPT / "lock"):
        if not root.is_dir():
            fresh = root.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}", SUITE, str(fresh))
            (fresh / "etc/machine-id").write_text("")
            fresh.rename(root)
    return root


def link(path: Path, to: str) -> None:
    """A symbolic link to `to`, also where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def run(*command: str, cwd: Path = ROOT) -> str:
    """Standard output. Raises RuntimeError where the command fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
