"""A register to set up below a folder: users as the package makes them, a file of answers, the command as a process."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

AGENT, PROBER = 64_990, 64_991
TOKEN, PIN = "tok-3141592653589793", "271828"
ANSWERS = """\
version = 1
register = "front"

[store]
name = "Harbour Grill"
timezone = "Europe/Berlin"
currency = "EUR"
language = "de"
country = "DE"
receipt_header = ["12 Harbour Street"]

[registers.front]
letter = "A"
address = "192.168.1.11"
receipt_printer = "receipt"
drawer = "drawer"

[registers.bar]
letter = "B"
address = "192.168.1.12"

[menu]
file = "example"

[taxes]
name = "MwSt."
included = true

[taxes.categories.food]
percent = "19"
takeaway = "7"

[taxes.categories.grocery]
percent = "7"

[printers.receipt]
address = "192.168.1.40:9100"
model = "tm-t88vi"

[drawers.drawer]
printer = "receipt"

[stations.kitchen]
devices = ["receipt"]

[hq]
url = "https://hq.example:8443"
token_file = "hq-token"

[people]
manager = "ana"
name = "Ana"
pin_file = "pin"
"""


class World:
    """`root`: what the image is. As root its files belong to the users of its own passwd(5), else to whoever runs the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        (self.root / "etc").mkdir(parents=True)
        users = f"root:x:0:0::/:/bin/sh\ntillkeeper:x:{AGENT}:{AGENT}::/:/x\ntillkeeper-probe:x:{PROBER}:{PROBER}::/:/x\n"
        groups = f"root:x:0:\ntillkeeper:x:{AGENT}:\ntillkeeper-probe:x:{PROBER}:\n"
        (self.root / "etc/passwd").write_text(users)
        (self.root / "etc/group").write_text(groups)
        self.answers = folder / "answers.toml"
        self.answers.write_text(ANSWERS.replace('"hq-token"', f'"{folder}/token"').replace('"pin"', f'"{folder}/pin"'))
        (folder / "token").write_text(f"{TOKEN}\n")
        (folder / "pin").write_text(f"{PIN}\n")
        folder.chmod(0o711)  # the agent's user goes through it

    @property
    def etc(self) -> Path:
        return self.root / "etc/tillkeeper"

    @property
    def config(self) -> Path:
        return self.etc / "tillkeeper.toml"

    @property
    def data(self) -> Path:
        return self.root / "var/lib/tillkeeper"

    def change(self, was: str, put: str) -> None:
        text = self.answers.read_text()
        assert was in text
        self.answers.write_text(text.replace(was, put, 1))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tillkeeper", "setup", "--root", str(self.root), *arguments]

    def unattended(self, *arguments: str, prefix: Sequence[str] = (), given: str = "") -> subprocess.CompletedProcess[str]:
        command = [*prefix, *self.command("--answers", str(self.answers), *arguments)]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def files(self) -> dict[str, tuple[int, int, int, bytes]]:
        """(mode, user, group, content) of all that is below the root."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            facts = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(self.root))] = (facts.st_mode & 0o7777, facts.st_uid, facts.st_gid, content)
        return found


@contextmanager
def worlds() -> Iterator[World]:
    """In a folder through which other users may go: pytest's own is closed to them."""
    with tempfile.TemporaryDirectory(prefix="tillkeeper-test-") as folder:
        yield World(Path(folder))
