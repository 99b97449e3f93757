"""`make audit`: what can be known of the dependencies. What could not be asked is told as such (exit code 3); 1 where something
is wrong."""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from systemd.package.debs import KEPT
from systemd.package.licences import bundled
from systemd.package.model import PACKAGES, PLATFORMS, PYTHON, REGISTER, ROOT
from systemd.package.tools import BIN, locked, target_python
from systemd.package.tree import third_party

OK, WRONG, UNKNOWN = 0, 1, 3
LOCKS = ("runtime.txt", "hq-package.txt")
Found = tuple[int, str]


def hashes_and_withdrawals() -> Found:
    """By an installation that is thrown away: uv compares hashes, and tells of releases that were withdrawn (PEP 592)."""
    said = []
    for lock in LOCKS:
        for arch, platform in PLATFORMS.items():
            with tempfile.TemporaryDirectory() as folder:
                done = _uv(
                    "pip", "install", "--target", folder, "--python-version", PYTHON, "--python", target_python(),
                    "--python-platform", platform, "--only-binary", ":all:", "--require-hashes",
                    "-r", str(ROOT / "requirements" / lock),
                )  # fmt: skip
            if done.returncode:
                unreached = "error sending request" in done.stderr or "Failed to fetch" in done.stderr
                return (UNKNOWN if unreached else WRONG), f"{lock} for {arch}: {done.stderr.strip()}"
            said += [line for line in done.stderr.splitlines() if "yanked" in line]
    return (
        (WRONG, "; ".join(said)) if said else (OK, f"{', '.join(LOCKS)}: every release is there as locked, none is withdrawn")
    )


def licences() -> Found:
    """Of all that goes into the packages."""
    with locked(KEPT / "lock"):
        try:
            counts = [
                len(bundled(third_party(package, "amd64", KEPT), pages=package is REGISTER)) for package in PACKAGES.values()
            ]
        except RuntimeError as error:
            return WRONG, str(error)
    return OK, f"{' and '.join(map(str, counts))} distributions, all with a text and an accepted licence"


def vulnerabilities() -> Found:
    """Of Python distributions, by pip-audit, which asks PyPI's JSON interface (and not what `uv pip` asks)."""
    counts = []
    for lock in LOCKS:
        arguments = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "-f", "json")
        done = _uv("tool", "run", "pip-audit", *arguments, "-r", str(ROOT / "requirements" / lock))
        try:
            report = json.loads(done.stdout)["dependencies"]
        except (ValueError, KeyError):
            return UNKNOWN, f"{lock}: {done.stderr.strip()[-300:]}"
        if bad := [f"{one['name']} {one['version']}: {vuln['id']}" for one in report for vuln in one.get("vulns", ())]:
            return WRONG, "; ".join(bad)
        if asked := [one["name"] for one in report if "skip_reason" in one]:
            return UNKNOWN, f"{lock}: the registry told nothing of {len(asked)} of {len(report)} distributions"
        counts.append(len(report))
    return OK, f"{' and '.join(map(str, counts))} distributions, no known vulnerability"


def pages_library() -> Found:
    """Of npm's part."""
    web = ROOT / "agent/tillkeeper/web"
    npm = [str(BIN / "npm")] if (BIN / "npm").exists() else ["npm"]
    try:
        done = subprocess.run([*npm, "audit", "--json"], cwd=web, capture_output=True, text=True, check=False, timeout=120)
        report = json.loads(done.stdout or "{}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return UNKNOWN, str(error)
    if "vulnerabilities" not in report:
        return UNKNOWN, re.sub(r"\s+", " ", report.get("message", "") or done.stderr)[-200:].strip() or "npm told nothing"
    names = list(report["vulnerabilities"])
    return (WRONG, ", ".join(names)) if names else (OK, "no known vulnerability")


CHECKS: dict[str, Callable[[], Found]] = {
    "hashes, withdrawn releases": hashes_and_withdrawals,
    "licences": licences,
    "known vulnerabilities (Python)": vulnerabilities,
    "known vulnerabilities (npm)": pages_library,
}


def main() -> int:
    worst = OK
    for name, check in CHECKS.items():
        code, words = check()
        print(f"{ {OK: 'ok', WRONG: 'WRONG', UNKNOWN: 'NOT CHECKED'}[code]:12} {name}: {words}")
        worst = code if code == WRONG or worst == OK else worst
    return worst


def _uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    certificates = ("--system-certs",) if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ()
    return subprocess.run([BIN / "uv", *certificates, *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
