"""A Debian 12 with systemd, the built package and the units, for `systemd-nspawn`.

The bare system is made once a machine (`build/boot/`, named by what is in it); package and units are put in anew each time.
"""

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
UNITS = ("tillkeeper.service", "tillkeeper-probe.service")
SYSTEM_PYTHON = "/usr/bin/python3"
"""The environment is made for the Python that the image has too, and that every user may read."""


def ready() -> Path:
    """The root folder of an image that boots into this tree's package. Raises `CalledProcessError` where it can not be made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with _locked(KEPT / "lock"):
        base = _base()
        _install(base)
    return base


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _base() -> Path:
    name = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    base = KEPT / f"debian-{name}"
    if not base.is_dir():
        fresh = base.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(fresh))
        (fresh / "etc/machine-id").write_text("")
        fresh.rename(base)
    return base


def _install(base: Path) -> None:
    environment = KEPT / "environment"
    locked = ROOT / "requirements" / "runtime.txt"
    stamp = environment / ".installed"
    wanted = hashlib.sha256(locked.read_bytes()).hexdigest()
    uv = str(ROOT / ".venv/bin/uv")
    python = str(environment / "bin/python")
    certificates = ("--system-certs",) if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(environment, ignore_errors=True)
        _run(uv, "venv", "-q", "--python", SYSTEM_PYTHON, "--relocatable", str(environment))
        install = (uv, "pip", "install", "-q", *certificates, "--python", python, "--compile-bytecode")
        _run(*install, "--require-hashes", "-r", str(locked))
        stamp.write_text(wanted)
    dist = KEPT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    _run(str(ROOT / ".venv/bin/hatchling"), "build", "-t", "wheel", "-d", str(dist))
    (wheel,) = dist.glob("*.whl")
    _run(uv, "pip", "install", "-q", "--python", python, "--reinstall", "--no-deps", "--compile-bytecode", str(wheel))
    opt = base / "opt/tillkeeper"
    shutil.rmtree(opt, ignore_errors=True)
    shutil.copytree(environment, opt, symlinks=True)
    _link(base / "usr/bin/tillkeeper", "/opt/tillkeeper/bin/tillkeeper")
    shutil.copy(ROOT / "systemd/sysusers.d/tillkeeper.conf", base / "usr/lib/sysusers.d/tillkeeper.conf")
    _run("systemd-sysusers", f"--root={base}")
    for unit in UNITS:
        shutil.copy(ROOT / "systemd" / unit, base / "usr/lib/systemd/system" / unit)
        _link(base / "etc/systemd/system/multi-user.target.wants" / unit, f"/usr/lib/systemd/system/{unit}")


def _link(path: Path, to: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(to)


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
