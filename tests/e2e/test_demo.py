"""`make demo`, as a user gets it."""

import subprocess
import sys
from pathlib import Path

WORDS = ("offline", "confirmed by", "the drawer opened, once", "a card is refused", "online again", "equal to the cent")


def test_the_demo_observes_each_step_of_an_outage(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "tillkeeper", "demo", "--data", data], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = [line for line in done.stdout.splitlines() if line.startswith("  ok")]
    for words in WORDS:
        assert any(words in line for line in seen), f"{words!r} was not observed:\n{done.stdout}"
    assert list(data.glob("paper/receipt/slip-*.png"))
    assert (data / "paper" / "kitchen" / "board.png").stat().st_size > 1000


def test_the_demo_deletes_no_folder_that_is_not_its_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    command = [sys.executable, "-m", "tillkeeper", "demo", "--data", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 2
    assert mine.read_text() == "keep"
