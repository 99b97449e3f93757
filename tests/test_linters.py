"""Style is a test: ruff, mypy --strict, the rules of direction, and a few rules of this project's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

TOOLS = {
    "ruff": ["ruff", "check", "--no-cache", "agent", "drivers", "systemd", "tests"],
    "mypy": ["mypy"],
    "import-linter": ["lint-imports", "--no-cache"],
}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.timeout(300)
def test_tool_is_clean(tool: str) -> None:
    name, *arguments = TOOLS[tool]
    done = subprocess.run([BIN / name, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {' '.join(arguments)}\n{done.stdout}{done.stderr}"


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_needs_scrolling_to_be_understood() -> None:
    long = {path.name: lines for path in tracked("agent/*.py", "drivers/*.py") if (lines := path.read_text().count("\n")) > 400}
    assert not long, f"files over 400 lines want to be two rooms: {long}"


def test_nothing_is_left_open_in_the_code() -> None:
    left = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|NotImplemented" r"Error")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("agent/*.py", "drivers/*.py", "tests/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if left.search(line)
    ]
    assert not found, "\n".join(found)


def test_lock_files_carry_hashes_and_no_addresses() -> None:
    for source in (ROOT / "requirements").glob("*.in"):
        lock = source.with_suffix(".txt")
        text = lock.read_text()
        assert "--hash=sha256:" in text, lock.name
        assert "://" not in text, lock.name
        assert "--index-url" not in text, lock.name


def test_links_between_documents_lead_somewhere() -> None:
    link = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")
    dead = [
        f"{document.relative_to(ROOT)} -> {target}"
        for document in tracked("*.md")
        for target in link.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert not dead, "\n".join(dead)
