"""Killed at any moment, or on a full disk: the old configuration or the new one is there, whole, with all that it names."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.setup.world import AGENT, PIN, TOKEN, World, worlds
from tests.support.prerequisites import need

from tillkeeper.cli import exits
from tillkeeper.config.load import load

NEW_TOKEN = "tok-2718281828459045"
KILLED_AT = """
import os, signal, sys

TOUCH = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "os.chown", "tempfile.mkdtemp", "os.truncate"}
left = 0

def hook(event, args):
    # Before each step that touches the disk: opening to write among them (PEP 578 tells before it is done).
    global left
    if event in TOUCH or (event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)):
        if os.getpid() == child:
            left -= 1
            if left == 0:
                os.kill(child, signal.SIGKILL)

from tillkeeper.cli import main as run
import tillkeeper.cli.setup
child = 0
sys.addaudithook(hook)
for line in open(0, closefd=False):
    left, pid = int(line), os.fork()
    if pid == 0:
        child = os.getpid()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(run(["setup", *sys.argv[1:]]))
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
"""Runs `tillkeeper setup` once for each line, which says before which step on the disk it is killed."""
REWRITER = """
import itertools, sys
from pathlib import Path
from tillkeeper.setup.disk import File, commit, free_name

folder = Path(sys.argv[1])
print("begun", flush=True)
for number in itertools.count():
    token = b"token-%d" % (number % 2) * 500
    name = free_name(folder, "hq-token", token)
    text = b'token_file = "%s"\\n' % name.encode() + b"# %d\\n" % (number % 2) * 2000
    commit(folder, File("tillkeeper.toml", text), [File(name, token, 0o640)], f"copy-{number}")
    for copy in folder.glob("tillkeeper.toml.copy-*"):
        copy.unlink()
"""
"""Writes one of two configurations after the other, each with a token of its own, until it is killed."""


@pytest.fixture
def world() -> Iterator[World]:
    with worlds() as made:
        yield made


def whole(world: World) -> str:
    """The store's name, of a configuration that the loader takes and whose secrets are right."""
    config = load(world.config)
    token = {"Harbour Grill": TOKEN, "Harbour Bar": NEW_TOKEN}[config.store.name]
    assert Path(config.hq.token_file).read_text() == f"{token}\n"
    return config.store.name


@contextmanager
def mortal(world: World) -> Iterator[Callable[[int], int]]:
    """Runs it once, to be killed before a step; answers the exit code."""
    command = [sys.executable, "-c", KILLED_AT, "--root", str(world.root), "--answers", str(world.answers)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        to, back = server.stdin, server.stdout

        def dies_at(step: int) -> int:
            to.write(f"{step}\n")
            to.flush()
            return int(back.readline())

        yield dies_at


def restore(before: Path, root: Path) -> None:
    """With owners, which copytree leaves out."""
    shutil.rmtree(root)
    subprocess.run(["cp", "-a", str(before), str(root)], check=True)


def test_killed_before_each_step_on_the_disk_of_a_change(world: World) -> None:
    assert world.unattended().returncode == exits.OK
    before = world.folder / "before"
    subprocess.run(["cp", "-a", str(world.root), str(before)], check=True)
    (world.folder / "token").write_text(f"{NEW_TOKEN}\n")
    world.change('name = "Harbour Grill"', 'name = "Harbour Bar"')
    seen = []
    with mortal(world) as dies_at:
        for step in range(1, 200):
            code = dies_at(step)
            seen.append(whole(world))
            if code == exits.OK:
                break
            assert code == -signal.SIGKILL
            if step % 3:  # else the next run begins with what was left
                restore(before, world.root)
    assert len(seen) > 12, "the steps were not met"
    assert {"Harbour Grill", "Harbour Bar"} == set(seen)
    assert world.unattended().returncode == exits.OK
    assert whole(world) == "Harbour Bar"
    assert not [path.name for path in world.etc.iterdir() if path.name.startswith(".setup-")]


def test_killed_before_each_step_on_the_disk_of_a_first_run(world: World) -> None:
    with mortal(world) as dies_at:
        for step in range(1, 200):
            code = dies_at(step)
            if code == exits.OK:
                break
            assert code == -signal.SIGKILL
            assert not world.config.exists() or whole(world) == "Harbour Grill"
            if step % 2:  # else the next run begins with what was left
                shutil.rmtree(world.etc, ignore_errors=True)
                shutil.rmtree(world.root / "var", ignore_errors=True)
    assert step > 12, "the steps were not met"
    assert whole(world) == "Harbour Grill"
    assert world.unattended("--check").returncode == exits.OK
    assert [path.name for path in world.root.rglob("*") if path.name.startswith(".setup-")] == []
    if os.geteuid() == 0:
        assert (world.data.stat().st_uid, world.data.stat().st_mode & 0o777) == (AGENT, 0o700)
        assert (world.etc.stat().st_uid, world.etc.stat().st_mode & 0o777) == (0, 0o755)


@pytest.mark.timeout(300)
def test_killed_at_random_moments_of_the_writing(tmp_path: Path) -> None:
    chance = random.Random(8)
    seen = set()
    for _ in range(15):
        writer = subprocess.Popen([sys.executable, "-c", REWRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        while not (tmp_path / "tillkeeper.toml").exists():
            assert writer.poll() is None
        time.sleep(chance.uniform(0.0, 0.2))
        writer.kill()
        writer.wait()
        writer.stdout.close()
        text = (tmp_path / "tillkeeper.toml").read_bytes()
        first, *rest = text.splitlines()
        number = rest[0].removeprefix(b"# ")
        assert rest == [b"# " + number] * 2000
        token = (tmp_path / first.split(b'"')[1].decode()).read_bytes()
        assert token == b"token-" + number + token[len(b"token-") + 1 :]
        assert token == b"token-%d" % int(number) * 500
        seen.add(number)
    assert seen == {b"0", b"1"}


@contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave: int) -> None:
    """All but `leave` bytes; a page of 4 KiB is the least."""
    facts = os.statvfs(folder)
    (folder / "fill").write_bytes(b"x" * max(0, facts.f_bavail * facts.f_frsize - leave))


@pytest.mark.parametrize("leave", [0, 4096, 8192])
def test_a_full_disk_leaves_what_was_there_and_says_so(world: World, leave: int) -> None:
    need("mount")
    world.etc.mkdir(mode=0o755)
    with small_disk(world.etc, 64):
        assert world.unattended().returncode == exits.OK
        before = world.config.read_bytes()
        (world.folder / "token").write_text(f"{NEW_TOKEN}\n")
        world.change('receipt_header = ["12 Harbour Street"]', f"receipt_header = {[str(n) * 60 for n in range(9)] * 10}")
        world.change('name = "Harbour Grill"', 'name = "Harbour Bar"')
        fill(world.etc, leave)
        done = world.unattended()
        assert done.returncode == exits.STORAGE, done.stdout + done.stderr
        assert "No space left on device; the configuration is as it was" in done.stderr
        assert world.config.read_bytes() == before
        assert whole(world) == "Harbour Grill"
        assert not [path.name for path in world.etc.iterdir() if path.name.startswith(".setup-")]
        (world.etc / "fill").unlink()
        assert world.unattended().returncode == exits.OK
        assert whole(world) == "Harbour Bar"


def test_a_full_disk_under_the_agents_folder(world: World) -> None:
    need("mount")
    world.data.mkdir(parents=True)
    with small_disk(world.data, 8):
        (world.data / "fill").write_bytes(b"x" * 8192)
        os.chown(world.data, 64_990, 64_990)
        world.data.chmod(0o700)
        done = world.unattended()
        assert done.returncode in (exits.STORAGE, exits.USAGE), done.stderr
        assert not world.config.exists()
        assert PIN not in done.stdout + done.stderr
