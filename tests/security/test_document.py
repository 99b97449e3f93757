"""What docs/security.md names as its proof is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`", TEXT)))


def test_every_test_that_it_names_is_there() -> None:
    assert len(NAMED) > 50
    missing = []
    for name, test in NAMED:
        file = ROOT / name
        if not file.exists() or (test and f"def {test}(" not in file.read_text("utf-8")):
            missing.append(f"{name}::{test}")
    assert not missing


def test_every_file_that_it_names_is_there() -> None:
    files = re.findall(r"`((?:api|people|replication|systemd)/[\w./-]+\.(?:py|service))`", TEXT)
    assert files
    assert not [name for name in files if not (ROOT / name).exists() and not (ROOT / "agent" / "tillkeeper" / name).exists()]
