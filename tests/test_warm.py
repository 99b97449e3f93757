"""What is forked off a nursery is as good as one that was started by itself."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.support import warm


def test_it_has_its_own_arguments_environment_folder_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILLKEEPER_HQ_CREDENTIALS", "no JSON")
    with (tmp_path / "said").open("w") as said:
        wrong, helped = warm.start("tillkeeper_hq", ["run"], said), warm.start("tillkeeper_hq", ["run", "--help"])
        assert wrong.pid != helped.pid
        assert (wrong.wait(20), wrong.poll(), helped.wait(20)) == (2, 2, 0)
    assert "TILLKEEPER_HQ_CREDENTIALS" in (tmp_path / "said").read_text()
    assert helped.stdout is not None
    with helped.stdout:
        assert helped.stdout.read().startswith("usage: tillkeeper-hq run")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)])
def test_it_ends_as_signals_say(tmp_path: Path, number: signal.Signals, code: int) -> None:
    (tmp_path / "credentials.toml").touch()
    child = warm.start("tillkeeper_hq", ["run", "--data", str(tmp_path), "--credentials", str(tmp_path / "credentials.toml")])
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline().startswith('{"url"')
        assert psutil.Process(child.pid).cwd() == os.getcwd()
        assert child.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0)
        child.send_signal(number)
        assert child.wait(20) == code
        child.send_signal(number)


def test_a_nursery_ends_with_who_has_started_it_and_what_was_forked_off_goes_on(tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").touch()
    script = f"""
from tests.support import warm
child = warm.start("tillkeeper_hq", ["run", "--data", r"{tmp_path}", "--credentials", r"{tmp_path}/credentials.toml"])
child.stdout.readline()
print(child.pid, flush=True)
input()
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        nursery = child.parent()
        assert nursery is not None
        assert nursery.ppid() == starter.pid
        starter.kill()
    try:
        assert not psutil.wait_procs([nursery], 20)[1]
        assert child.is_running()
        assert child.status() != psutil.STATUS_ZOMBIE
    finally:
        child.kill()
