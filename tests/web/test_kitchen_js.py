"""The kitchen page's logic, tested without a browser by Node's own test runner."""

import subprocess
from pathlib import Path

import pytest
from tests.web.test_node import node

HERE = Path(__file__).parent


@pytest.mark.parametrize("suite", sorted(HERE.glob("kitchen-*.test.mjs")), ids=lambda path: path.stem)
def test_logic_of_the_kitchen_page(suite: Path) -> None:
    done = subprocess.run([node(), "--test", str(suite)], capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
