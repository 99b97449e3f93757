"""The prober's side of a deep diagnosis, with children that misbehave; and the real child where it may do nothing."""

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.network.deep_world import COMMAND

from tillkeeper.network.assignment import Assignment
from tillkeeper.network.model import Address
from tillkeeper.network.prober.deep import CAPTURES_KEPT, NAME, Diagnoses
from tillkeeper.network.wire import Diagnose, DiagnoseEnded, DiagnoseStep

ASSIGNMENT = Assignment(request="", interface="lo", addresses=(Address(family="ipv4", address="127.0.0.1", prefix=8),))
DEADLINE_S = 20.0
STEP = msgspec.json.encode(DiagnoseStep(request="R1", check="dhcp", state="running", words="Asking ...")).decode()
END = msgspec.json.encode(DiagnoseEnded(request="R1", took_s=1.0)).decode()


class Loop:
    """The prober's loop as far as it matters here, and the agent's end of it."""

    def __init__(self, command: tuple[str, ...], *, limit_s: float = 30.0, captures: Path | None = None) -> None:
        self.said: list[DiagnoseStep | DiagnoseEnded] = []
        self.watched: dict[int, Callable[[], None]] = {}
        self.diagnoses = Diagnoses(self, self.said.append, captures, command=command, limit_s=limit_s)

    def add(self, source: int, ready: Callable[[], None]) -> None:
        self.watched[source] = ready

    def remove(self, source: int) -> None:
        self.watched.pop(source, None)

    def start(self, request: str = "R1", *, pcap: bool = False, assignment: Assignment = ASSIGNMENT) -> None:
        self.diagnoses.start(Diagnose(request=request, pcap=pcap), assignment, time.monotonic())

    def turn(self) -> None:
        ready, _, _ = select.select(list(self.watched), [], [], 0.02)
        for each in ready:
            self.watched[each]()
        self.diagnoses.tick(time.monotonic())

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not true():
            assert time.monotonic() < end, f"it did not come to that: {self.said}"
            self.turn()

    def to_the_end(self) -> DiagnoseEnded:
        self.until(lambda: not self.diagnoses.busy)
        ends = [each for each in self.said if isinstance(each, DiagnoseEnded)]
        assert len(ends) == 1
        assert not self.watched
        assert self.said[-1] is ends[0]
        return ends[0]

    def steps(self) -> list[DiagnoseStep]:
        return [each for each in self.said if isinstance(each, DiagnoseStep)]


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", f"import sys, time, os, signal\nsys.stdin.readline()\n{code}")


def test_what_the_child_says_is_passed_on_in_order() -> None:
    done = STEP.replace('"running"', '"done"')
    loop = Loop(python(f"print({STEP!r}); print({done!r}); print({END!r}, flush=True)"))
    loop.start()
    assert loop.to_the_end().trouble == ""
    assert [step.state for step in loop.steps()] == ["running", "done"]


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        ("pass", "broke off (status 0)"),
        ("sys.exit(7)", "broke off (status 7)"),
        ("raise ValueError('no such thing')", "broke off (status 1: ValueError: no such thing)"),
        ("os.write(2, b'x' * 60_000 + b'\\n\\n'); sys.exit(1)", "broke off (status 1: xxx"),
        ("os.write(2, b'\\x1b[31m'); sys.exit(1)", "broke off (status 1)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "broke off (signal 11)"),
        ("print('garbage', flush=True); time.sleep(60)", "makes no sense"),
        ("print('{\"type\":\"hello\"}', flush=True); time.sleep(60)", "makes no sense"),
        ("sys.stdout.buffer.write(b'\\xff' * 100 + b'\\n'); sys.stdout.flush(); time.sleep(60)", "makes no sense"),
        ("os.write(1, b'{\"type\":\"diagnose_ended\",\"request\":\"\\xff\"}\\n'); time.sleep(60)", "makes no sense"),
        ("os.write(1, b'[' * 9000 + b'\\n'); time.sleep(60)", "makes no sense"),
        ("while True: os.write(1, b'x' * 65536)", "more than it may"),
        (f"while True: os.write(1, {STEP!r}.encode() + b'\\n')", "nobody asked for"),
        (f"print({STEP.replace('R1', 'R2')!r}, flush=True); time.sleep(60)", "nobody asked for"),
    ],
)
def test_a_child_that_misbehaves_ends_with_words(code: str, trouble: str) -> None:
    loop = Loop(python(code))
    loop.start()
    assert trouble in loop.to_the_end().trouble
    assert len(loop.said) <= 62


def test_a_child_that_hangs_is_ended_and_its_open_checks_have_failed() -> None:
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    loop = Loop(python(f"{deaf}\nprint({STEP!r}, flush=True)\ntime.sleep(600)"), limit_s=1.0)
    loop.start()
    ended = loop.to_the_end()
    assert ended.trouble == "ended after 1 s, before it was through"
    assert ended.took_s >= 1.0
    assert [(step.check, step.state) for step in loop.steps()] == [("dhcp", "running"), ("dhcp", "failed")]


def test_a_child_that_closes_its_output_and_stays_is_ended() -> None:
    loop = Loop(python("os.close(1)\ntime.sleep(600)"), limit_s=1.0)
    loop.start()
    assert "ended after 1 s" in loop.to_the_end().trouble


def test_one_at_a_time() -> None:
    loop = Loop(python(f"time.sleep(600); print({END!r})"), limit_s=1.0)
    loop.start()
    loop.start("R2")
    refused = loop.said[0]
    assert isinstance(refused, DiagnoseEnded)
    assert (refused.request, refused.trouble) == ("R2", "another diagnosis is running")
    loop.said.clear()
    loop.to_the_end()
    loop.said.clear()
    loop.start("R3")
    assert loop.to_the_end().request == "R3"


def test_a_child_that_cannot_be_started_is_told() -> None:
    loop = Loop(("/nowhere/python",))
    loop.start()
    assert "No such file" in loop.to_the_end().trouble


def test_words_are_cut() -> None:
    long = STEP.replace("Asking", "x" * 5000)
    loop = Loop(python(f"print({long!r}); print({END!r}, flush=True)"))
    loop.start()
    loop.to_the_end()
    assert len(loop.steps()[0].words) <= 400


def test_the_prober_that_stops_leaves_no_child(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    loop = Loop(python(f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); print({STEP!r}, flush=True); time.sleep(600)"))
    loop.start()
    loop.until(lambda: bool(loop.said))
    loop.diagnoses.close()
    assert not Path("/proc", pid_file.read_text()).exists()
    assert not loop.watched
    loop.diagnoses.close()


def test_captures_are_asked_for_in_a_folder_and_old_ones_go(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{NAME}-20260101-00000{number}-000000.pcap").write_bytes(b"")
    (tmp_path / "other.pcap").write_bytes(b"")
    echo = "import json\norder = json.loads(line)\nopen(order['pcap'], 'x').write('pcap')\nprint({END!r}, flush=True)"
    code = echo.format(END=END)
    loop = Loop((sys.executable, "-I", "-c", f"import sys\nline = sys.stdin.readline()\n{code}"), captures=tmp_path)
    loop.start(pcap=True)
    kept = Path(loop.to_the_end().pcap)
    assert kept.read_text() == "pcap"
    assert kept.parent == tmp_path
    left = sorted(path.name for path in tmp_path.glob(f"{NAME}-*"))
    assert len(left) == CAPTURES_KEPT
    assert left[-1] == kept.name
    assert (tmp_path / "other.pcap").exists()


def test_without_a_folder_a_capture_is_refused_in_words() -> None:
    loop = Loop(python(f"print({END!r}, flush=True)"))
    loop.start(pcap=True)
    assert loop.to_the_end().pcap == ""
    assert [(step.check, step.state) for step in loop.steps()] == [("capture", "failed")]


# --- the real child ---


def unprivileged() -> tuple[str, ...]:
    """Root without any capability where this runs as root, else nothing has to be taken away."""
    if os.geteuid():
        return COMMAND
    tool = shutil.which("setpriv")
    assert tool is not None, "util-linux has it"
    return (tool, "--bounding-set=-all", "--inh-caps=-all", *COMMAND)


def test_without_the_capability_every_check_says_so_and_the_others_run(tmp_path: Path) -> None:
    loop = Loop(unprivileged(), captures=tmp_path)
    assignment = msgspec.structs.replace(ASSIGNMENT, resolvers=("127.0.0.1",), name="hq.example.net", limit_s=8.0)
    loop.start(pcap=True, assignment=assignment)
    ended = loop.to_the_end()
    assert (ended.trouble, ended.pcap) == ("", "")
    last = {step.check: step for step in loop.steps()}
    raw = {"dhcp", "switch_port", "duplicate_address", "gateway", "route_hq", "route_anycast", "path_mtu", "capture"}
    assert all(last[check].state == "failed" and "CAP_NET_RAW" in last[check].words for check in raw), last
    assert last["link"].state == "done"
    assert last["resolvers"].state == "done"
    assert not list(tmp_path.iterdir())


def test_a_child_whose_prober_died_goes_at_once() -> None:
    order = msgspec.json.encode(msgspec.structs.replace(ASSIGNMENT, request="R1", limit_s=25.0)) + b"\n"
    child = subprocess.Popen(unprivileged(), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child, child.stdout:
        child.stdin.write(order)
        child.stdin.flush()
        assert b"diagnose_step" in child.stdout.readline()
        # As when the prober is gone.
        child.stdin.close()
        assert child.wait(timeout=DEADLINE_S / 2) == 3, "it waits for its own limit"


def test_a_child_killed_in_the_middle_is_told(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    loop = Loop(("/bin/sh", "-c", 'echo $$ >"$0"; exec "$@"', str(pid_file), *unprivileged()))
    loop.start(assignment=msgspec.structs.replace(ASSIGNMENT, resolvers=("127.0.0.1",), name="hq.example.net"))
    loop.until(lambda: any(step.check == "link" for step in loop.steps()))
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    assert loop.to_the_end().trouble == "the diagnosis broke off (signal 9)"
    last = {step.check: step.state for step in loop.steps()}
    assert last["link"] == "failed"


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b"[" * 20_000 + b"\n", b'{"request":"x"', b"\xff\n"])
def test_an_order_that_is_none_ends_the_child(line: bytes) -> None:
    done = subprocess.run(COMMAND, input=line, capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2
    assert b"not an assignment" in done.stderr
    assert not done.stdout
