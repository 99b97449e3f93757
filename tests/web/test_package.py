"""What a built package carries of the pages."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "agent/tillkeeper/web"


def test_a_wheel_carries_the_pages_with_their_library_and_its_licence(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    for name in ("static/vendor/preact.js", "static/register/index.html", "static/kitchen/index.html", "third-party.txt"):
        assert f"tillkeeper/web/{name}" in names
    assert not [name for name in names if "node_modules" in name]


def test_the_lock_has_hashes_and_no_addresses() -> None:
    text = (WEB / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert "://" not in text
    assert "resolved" not in text
