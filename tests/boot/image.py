"""A bare Debian 12, made once a machine (`build/boot/`, named by what is in it); an environment with this tree's package."""

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
SYSTEM_PYTHON = "/usr/bin/python3"
"""The environment is made for the Python that the image has too, and that every user may read."""


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


@contextlib.contextmanager
def environment() -> Iterator[Path]:
    """The folder of a relocatable environment with the package as it is now, for /opt/tillkeeper. Nobody else makes it anew
    meanwhile."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with locked(KEPT / "environment.lock"):
        yield _environment()


def _environment() -> Path:
    environment = KEPT / "environment"
    requirements = ROOT / "requirements" / "runtime.txt"
    stamp = environment / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    uv = str(ROOT / ".venv/bin/uv")
    python = str(environment / "bin/python")
    certificates = ("--system-certs",) if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(environment, ignore_errors=True)
        run(uv, "venv", "-q", "--python", SYSTEM_PYTHON, "--relocatable", str(environment))
        install = (uv, "pip", "install", "-q", *certificates, "--python", python, "--compile-bytecode")
        run(*install, "--require-hashes", "-r", str(requirements))
        stamp.write_text(wanted)
    dist = KEPT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(str(ROOT / ".venv/bin/hatchling"), "build", "-t", "wheel", "-d", str(dist))
    (wheel,) = dist.glob("*.whl")
    run(uv, "pip", "install", "-q", "--python", python, "--reinstall", "--no-deps", "--compile-bytecode", str(wheel))
    return environment


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
