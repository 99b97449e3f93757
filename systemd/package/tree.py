"""The environment of a package: a Python tree without a path of the machine that built it.

What others wrote comes as wheels, by the hashes of the lock file, for the target's machine; each such tree is kept in
build/deb/ and used again. What we wrote comes as our own wheel. Nothing is resolved, and no compiler runs.
"""

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from systemd.package import maintainer
from systemd.package.model import HERE, PLATFORMS, PYTHON, ROOT, SITE, Package
from systemd.package.tools import BIN, Tell, digest, quiet, run, target_python, uv

LEFT_OUT = (
    # Not imported by anything here, and a file that Python reads at each start.
    "setuptools",
    "setuptools-*.dist-info",
    "_distutils_hack",
    "distutils-precedence.pth",
    # What wheels put beside their packages.
    "bin",
    "docs",
    "share",
    "tests",
    "psutil/tests",
    "apsw/sqlite_extra_binaries",  # programs of SQLite's, that nobody starts
    # An installer's notes: times and paths of the machine that built it.
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/uv_cache.json",
    ".lock",
)
OWN = ("agent", "drivers", "pyproject.toml", "README.md", "LICENSE")
"""What our wheel is built from."""


def third_party(package: Package, arch: str, kept: Path, tell: Tell = quiet) -> Path:
    """The folder with what others wrote, compiled. Raises RuntimeError where a wheel can not be had or is not as locked."""
    lock = ROOT / "requirements" / package.lock
    sources = (Path(__file__), HERE / "bytecode.py", lock)
    name = digest([package.home.encode(), arch.encode(), *(source.read_bytes() for source in sources)])
    site = kept / f"site-{package.name}-{arch}-{name}"
    if site.is_dir():
        return site
    for old in kept.glob(f"site-{package.name}-{arch}-*"):
        shutil.rmtree(old)
    fresh = site.with_suffix(".new")
    tell(f"what others wrote, as {package.lock} locks it: fetched and compiled")
    wheels(package, arch, fresh)
    _compile(fresh, package)
    fresh.rename(site)
    return site


def wheels(package: Package, arch: str, folder: Path) -> None:
    """What is locked for a package, unpacked into `folder` for that machine, without what is left out. Raises RuntimeError."""
    lock = ROOT / "requirements" / package.lock
    where = ("--target", str(folder), "--python", target_python(), "--python-platform", PLATFORMS[arch])
    locked = ("--only-binary", ":all:", "--require-hashes", "-r", str(lock))
    uv("pip", "install", "-q", "--python-version", PYTHON, "--link-mode", "copy", *where, *locked)
    for pattern in LEFT_OUT:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def environment(package: Package, site: Path, wheel: Path, tree: Path) -> None:
    """Make `tree`: a Python environment with what is in `site`, and of ours what the package keeps."""
    ours = tree / SITE
    with zipfile.ZipFile(wheel) as file:
        file.extractall(ours, [name for name in file.namelist() if _kept(name, package.keep)])
    for folder in {name.split("/")[0] for name in package.keep if "/" in name}:
        shutil.copy(ROOT / "agent" / folder / "__init__.py", ours / folder / "__init__.py")
    for record in ours.glob("*.dist-info/RECORD"):
        record.unlink()
    _compile(ours, package)
    shutil.copytree(site, ours, dirs_exist_ok=True, ignore=shutil.ignore_patterns("RECORD"))
    (tree / "bin").mkdir()
    (tree / "bin/python3").symlink_to(f"/usr/bin/python{PYTHON}")
    (tree / "bin" / package.program).write_text(maintainer.program(package), "ascii")
    (tree / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n", "ascii")


def own_wheel(version: str, into: Path) -> Path:
    """Our wheel, of the working tree as it is, under the name of `version`. Raises RuntimeError where the pages' library is
    missing or the build fails."""
    if not (ROOT / "agent/tillkeeper/web/static/vendor/preact.js").is_file():
        raise RuntimeError("agent/tillkeeper/web/static/vendor/preact.js is missing: make env")
    source = into / "source"
    for name in OWN:
        there = ROOT / name
        if there.is_dir():
            shutil.copytree(there, source / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "*.pyc"))
        else:
            shutil.copy(there, source / name)
    project = source / "pyproject.toml"
    text = project.read_text("utf-8")
    project.write_text(text.replace(f'\nversion = "{project_version()}"\n', f'\nversion = "{version}"\n', 1), "utf-8")
    run(str(BIN / "hatchling"), "build", "-t", "wheel", "-d", str(into / "wheel"), cwd=source)
    (wheel,) = (into / "wheel").glob("*.whl")
    return wheel


def project_version() -> str:
    """As pyproject.toml has it."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    return text.split('\nversion = "', 1)[1].split('"', 1)[0]


def _kept(name: str, keep: Iterable[str]) -> bool:
    return ".dist-info/" in name or any(name.startswith(f"{path}/") for path in keep)


def _compile(folder: Path, package: Package) -> None:
    shown = f"/{package.home}/app/{SITE}"
    run(target_python(), "-I", str(HERE / "bytecode.py"), str(folder), shown, env={"PYTHONHASHSEED": "0"})
