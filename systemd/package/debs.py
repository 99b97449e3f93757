"""From sources to .deb files. The same sources give the same bytes, on any day."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from systemd.package import maintainer
from systemd.package.layout import Made, files, lay_out
from systemd.package.licences import bundled
from systemd.package.model import PACKAGES, PYTHON, REGISTER, ROOT, Package
from systemd.package.papers import MAINTAINER
from systemd.package.tools import Tell, digest, locked, quiet, run, target_python
from systemd.package.tree import OWN, environment, own_wheel, project_version, third_party

KEPT = ROOT / "build" / "deb"
INPUTS = (*OWN, "systemd", "CHANGELOG.md", "docs", "requirements")
KEPT_BUILDS = 12
QUICK, SMALL = 1, 6
"""Levels of xz: one fifth of the time, or one sixth less to carry."""


def ready_debs(
    names: Iterable[str] = tuple(PACKAGES), arch: str = "amd64", version: str = "", level: int = QUICK, tell: Tell = quiet
) -> dict[str, Path]:
    """Name of package -> its file, of the working tree as it is; built once for each content, by one process at a time.

    Args:
        version: as which version; without it that of pyproject.toml. The content is the same.
        level: how hard it is compressed, `QUICK` or `SMALL`.

    Raises:
        RuntimeError: a step of the build fails; its words say which.
    """
    version = version or project_version()
    with locked(KEPT / "lock", tell):
        epoch_s = epoch(tell=tell)
        content = digest([str(epoch_s).encode(), version.encode(), target_python().encode(), bytes([level]), *_inputs()])
        return {name: _built(PACKAGES[name], arch, version, epoch_s, content, level, tell) for name in names}


def epoch(root: Path = ROOT, tell: Tell = quiet) -> int:
    """Seconds since 1970 of the newest change: SOURCE_DATE_EPOCH where it is set, else of the last commit of an input; where
    there is no clone, of CHANGELOG.md, whose date an archive keeps. Raises RuntimeError where that can not be told."""
    if given := os.environ.get("SOURCE_DATE_EPOCH", ""):
        if not given.isdecimal():
            raise RuntimeError(f"SOURCE_DATE_EPOCH is {given!r}: seconds since 1970 are wanted")
        return int(given)
    try:
        committed, trouble = run("git", "log", "-1", "--format=%ct", "--", *INPUTS, cwd=root).strip(), ""
    except (RuntimeError, FileNotFoundError) as error:
        committed, trouble = "", str(error)
    if committed:
        return int(committed)
    if (root / ".git").exists():
        hint = "make git work here, or set SOURCE_DATE_EPOCH to the date of the sources, in seconds since 1970"
        raise RuntimeError(f"the date of the last commit is not known ({hint})\n{trouble}".rstrip())
    noted = int((root / "CHANGELOG.md").stat().st_mtime)
    tell(f"no clone of git: the sources are of {datetime.fromtimestamp(noted, UTC):%Y-%m-%d %H:%M} UTC, as CHANGELOG.md is")
    return noted


def _inputs() -> Iterable[bytes]:
    for name in INPUTS:
        there = ROOT / name
        for path in files(there) if there.is_dir() else [there]:
            if "__pycache__" not in path.parts and "node_modules" not in path.parts:
                yield str(path.relative_to(ROOT)).encode()
                yield path.read_bytes()


def _built(package: Package, arch: str, version: str, epoch_s: int, content: str, level: int, tell: Tell) -> Path:
    def of_this(step: str) -> None:
        tell(f"{package.name} {version} {arch}: {step}")

    folder = KEPT / f"deb-{content}"
    made = folder / f"{package.name}_{version}_{arch}.deb"
    if made.is_file():
        os.utime(folder)
        of_this("built before, of the same sources")
        return made
    folder.mkdir(parents=True, exist_ok=True)
    _forget_oldest(folder)
    work = KEPT / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    fresh = made.with_suffix(".new")
    build(package, arch, version, epoch_s, work, fresh, level, tell=of_this)
    shutil.rmtree(work)
    fresh.rename(made)
    return made


def _forget_oldest(but: Path) -> None:
    builds = sorted((one for one in KEPT.glob("deb-*") if one != but), key=lambda one: one.stat().st_mtime)
    for old in builds[: max(0, len(builds) - KEPT_BUILDS)]:
        shutil.rmtree(old)


def build(
    package: Package,
    arch: str,
    version: str,
    epoch_s: int,
    work: Path,
    made: Path,
    level: int,
    kept: Path = KEPT,
    tell: Tell = quiet,
) -> None:
    """Write the package to `made`; `work` is an empty folder, `kept` one for what is used again."""
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch_s)  # for hatchling and dpkg-deb
    os.umask(0o022)
    made_of = Made(package, arch, version, epoch_s)
    site = third_party(package, arch, kept, tell)
    tell("what we wrote: built and compiled")
    parts = bundled(site, pages=package is REGISTER)
    environment(package, site, own_wheel(version, work), work / "tree")
    tell("files, papers and scripts are laid out")
    root = work / "root"
    root.mkdir()
    lay_out(made_of, work / "tree", parts, root)
    _control(package, arch, version, root)
    for path in (root, *root.rglob("*")):
        os.utime(path, (epoch_s, epoch_s), follow_symlinks=False)
    tell("packed by dpkg-deb")
    run("dpkg-deb", "--root-owner-group", "-Zxz", f"-z{level}", "--threads-max=1", "--build", str(root), str(made))


def _control(package: Package, arch: str, version: str, root: Path) -> None:
    payload = list(files(root))
    size = sum(-(-path.stat().st_size // 1024) for path in payload) + sum(1 for path in root.rglob("*") if path.is_dir())
    sums = "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in payload)  # noqa: S324
    python = f"python3 (>= {PYTHON}), python3 (<< 3.12)"
    depends = ", ".join(("libc6 (>= 2.36)", "systemd (>= 252)", *package.depends))
    fields: Mapping[str, str] = {
        "Package": package.name,
        "Version": version,
        "Architecture": arch,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size),
        "Pre-Depends": python,  # preinst runs it (Debian policy 7.2)
        "Depends": depends,
        **({"Recommends": ", ".join(package.recommends)} if package.recommends else {}),
        "Section": "misc",
        "Priority": "optional",
        "Description": package.summary + "\n" + "".join(f" {line}\n" for line in package.description.splitlines()).rstrip(),
    }
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()), "utf-8")
    (control / "md5sums").write_text(sums, "utf-8")
    for name, text in maintainer.scripts(package, version).items():
        (control / name).write_text(text, "utf-8")
        (control / name).chmod(0o755)
    control.chmod(0o755)
    for name in ("control", "md5sums"):
        (control / name).chmod(0o644)
