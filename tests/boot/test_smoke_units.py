"""What the product uses works under each unit's sandbox, and what it may not is refused with an error: in a booted Debian with
the packages, by the real unit files."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.boot import smoke
from tests.boot.installed import HQ, REGISTER, installed
from tests.boot.machine import Machine
from tests.support.prerequisites import need
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml

HERE = Path(__file__).resolve().parent
SCRIPT = "usr/share/smoke.py"
UNITS = "usr/lib/systemd/system"
PORT = 8400
KNOCKS = f"""
import http.client
asking = http.client.HTTPConnection("127.0.0.1", {PORT}, timeout=60)
asking.request("GET", "/v1/status")
print(asking.getresponse().status)
"""
CREDENTIALS = '[[readers]]\nstore = "s"\ntoken = "a-token-that-is-long-enough"\n'


@contextlib.contextmanager
def machine(folder: Path, package: str) -> Iterator[Machine]:
    """With `package`, and nothing running of it: its configuration is not there yet."""
    need("systemd-nspawn", "mmdebstrap", "nsenter", "ip")
    layers = installed(package)
    space = f"smoke{os.getpid()}"
    subprocess.run(["ip", "netns", "add", space], check=True)
    try:
        subprocess.run(["ip", "-n", space, "link", "set", "lo", "up"], check=True)
        with Machine(f"tk{space}", space, layers, folder / "machine", {}, {}) as made:
            shutil.copy(HERE / "smoke.py", made.root / SCRIPT)
            (made.root / "usr/share/smoke.pem").write_bytes(smoke.certificate())
            made.boot()
            yield made
    finally:
        subprocess.run(["ip", "netns", "del", space], check=True)


def smoked(there: Machine, unit: str, role: str, package: str) -> dict[str, str]:
    """What `smoke.py` says under a copy of `unit` that differs in nothing but what it starts."""
    text = (there.seen / UNITS / unit).read_text()
    python = f"/usr/lib/{package}/current/bin/python3 -I"
    text = re.sub(r"^ExecStart=.*$", f"ExecStart={python} /{SCRIPT} {role}", text, flags=re.MULTILINE)
    text = re.sub(r"^(Condition|Restart|WatchdogSec|Wants=|After=|LoadCredential).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^Type=.*$", "Type=oneshot", text, flags=re.MULTILINE)
    name = f"smoke-{role}.service"
    (there.seen / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    (there.seen / "run/systemd/system" / name).write_text(text)
    there.run("systemctl", "daemon-reload")
    there.run("systemctl", "start", name, check=False)
    told = there.run("journalctl", "--no-pager", "-o", "cat", "-u", name)
    found = re.search(r"^SMOKE (.*)$", told, re.MULTILINE)
    assert found, told
    said: dict[str, str] = json.loads(found[1])
    return said


def nodes(there: Machine) -> None:
    """As udev makes them where a printer is plugged in, without one."""
    for path, major, minor, group in smoke.NODES:
        place = there.seen / path
        place.parent.mkdir(parents=True, exist_ok=True)
        os.mknod(place, 0o20660, os.makedev(major, minor))
        place.chmod(0o660)
        there.run("chgrp", group, f"/{path}")


def only_ok(said: dict[str, str]) -> None:
    assert {what: words for what, words in said.items() if words != "ok"} == {}


@pytest.mark.root
@pytest.mark.timeout(900)
def test_agent_prober_and_nightly_work_in_their_sandboxes(tmp_path: Path) -> None:
    with machine(tmp_path, REGISTER) as there:
        for unit in ("tillkeeper.service", "tillkeeper-probe.service", "tillkeeper.socket"):
            assert there.shown(unit, "ActiveState") == "inactive", f"{unit} runs without a configuration"
        assert there.run("systemctl", "--failed", "--no-legend") == ""
        nodes(there)
        only_ok(smoked(there, "tillkeeper.service", "agent", REGISTER))
        only_ok(smoked(there, "tillkeeper-probe.service", "prober", REGISTER))
        only_ok(smoked(there, "tillkeeper-nightly.service", "nightly", REGISTER))
        sells(there)
        nightly(there)
        restarts_and_keeps_its_socket(there)
        a_typo_is_said_and_repaired_without_a_command(there)


def sells(there: Machine) -> None:
    """The register itself, by its own units: it serves, and the prober comes in by the folder of tmpfiles.d."""
    own: dict[str, Any] = {
        "data_dir": "/var/lib/tillkeeper",
        "api": {"socket": "/run/tillkeeper/tillkeeper.sock", "listen": f"127.0.0.1:{PORT}"},
        "hq": {"url": "http://127.0.0.1:9", "token_file": "credential:hq-token"},
        "network": {"socket": "/run/tillkeeper/probe/probe.sock"},
    }
    etc = there.seen / "etc/tillkeeper"
    etc.mkdir(exist_ok=True)
    etc.chmod(0o755)
    (etc / "tillkeeper.toml").write_text(dumps(merged(tomllib.loads(example_toml()), own)))
    (etc / "hq-token").write_text("the-secret-of-this-register\n")
    (etc / "hq-token").chmod(0o600)  # root's alone
    edit(there, "tillkeeper.socket", f"[Socket]\nListenStream=127.0.0.1:{PORT}\n")
    edit(there, "tillkeeper.service", "[Service]\nLoadCredential=hq-token:/etc/tillkeeper/hq-token\n")
    there.run("systemctl", "start", "tillkeeper.socket", "tillkeeper.service", "tillkeeper-probe.service")
    assert there.shown("tillkeeper.service", "StatusText").startswith("register front")
    there.wait_for("the prober at the agent", lambda: asked(there, "network")["prober"]["state"] == "reporting")
    assert there.run("stat", "-c", "%U:%G %a", "/run/tillkeeper/tillkeeper.sock").strip() == "root:tillkeeper 660"
    assert there.run("stat", "-c", "%U:%G %a", "/run/tillkeeper/probe/probe.sock").strip() == "tillkeeper:tillkeeper-probe 660"
    assert there.run("/usr/lib/tillkeeper/current/bin/python3", "-I", "-c", KNOCKS).strip() == "401", "no token"
    sold = asked(there, "order", "--item", "cola", "--takeout", "--cash", "20.00")
    assert sold["state"] == "closed"


def edit(there: Machine, unit: str, text: str) -> None:
    """As `systemctl edit` does."""
    folder = there.seen / f"etc/systemd/system/{unit}.d"
    folder.mkdir(parents=True)
    (folder / "override.conf").write_text(text)
    there.run("systemctl", "daemon-reload")


def asked(there: Machine, *arguments: str) -> Any:
    return json.loads(there.run("tillkeeper", *arguments, "--socket", "/run/tillkeeper/tillkeeper.sock", "--json"))


def nightly(there: Machine) -> None:
    there.run("systemctl", "start", "tillkeeper-nightly.service")
    assert there.shown("tillkeeper-nightly.service", "Result") == "success"
    assert (there.seen / "var/lib/tillkeeper/nightly.json").exists()
    assert there.shown("tillkeeper-nightly.timer", "ActiveState") == "active"


def restarts_and_keeps_its_socket(there: Machine) -> None:
    """Killed and stopped in its tracks, the same socket answers; and systemd says why it was ended."""
    before = there.run("stat", "-c", "%i", "/run/tillkeeper/tillkeeper.sock")
    dead = there.main_pid("tillkeeper.service")
    there.run("kill", "-9", str(dead))
    assert asked(there, "status")["selling"], "a client that comes meanwhile waits"
    stalled = there.main_pid("tillkeeper.service")
    assert stalled != dead
    there.run("kill", "-STOP", str(stalled))
    there.wait_for("another agent", lambda: there.main_pid("tillkeeper.service") not in (0, stalled))
    assert asked(there, "status")["selling"]
    told = there.run("journalctl", "--no-pager", "-u", "tillkeeper.service")
    assert "Watchdog timeout" in told
    assert "Fatal Python error: Aborted" in told, "systemd sends SIGCONT with its signal: the trace is written"
    assert there.run("stat", "-c", "%i", "/run/tillkeeper/tillkeeper.sock") == before


def a_typo_is_said_and_repaired_without_a_command(there: Machine) -> None:
    file = there.seen / "etc/tillkeeper/tillkeeper.toml"
    right = file.read_text()
    file.write_text(right.replace("this_register", "this_regsiter", 1))
    there.run("systemctl", "restart", "tillkeeper.service", check=False)
    assert there.shown("tillkeeper.service", "ActiveState") != "active"
    there.wait_for("its words", lambda: "this_regsiter" in there.shown("tillkeeper.service", "StatusText"))
    file.write_text(right)
    assert asked(there, "status")["selling"], "a client that came meanwhile waited"


@pytest.mark.root
@pytest.mark.timeout(900)
def test_hq_works_in_its_sandbox(tmp_path: Path) -> None:
    with machine(tmp_path, HQ) as there:
        assert there.shown("tillkeeper-hq.service", "ActiveState") == "inactive"
        only_ok(smoked(there, "tillkeeper-hq.service", "hq", HQ))
        etc = there.seen / "etc/tillkeeper-hq"
        etc.mkdir(exist_ok=True)
        etc.chmod(0o755)
        shutil.copy(HERE.parents[1] / "systemd/hq.example.toml", etc / "hq.toml")
        (etc / "credentials.toml").write_text(CREDENTIALS)
        (etc / "credentials.toml").chmod(0o600)
        there.run("systemctl", "start", "tillkeeper-hq.service")
        there.wait_for(
            "its own words",
            lambda: there.shown("tillkeeper-hq.service", "StatusText") == "http://127.0.0.1:8470; the database answers",
        )
        assert there.run("stat", "-c", "%U %a", "/var/lib/tillkeeper-hq/hq.sqlite3").strip() == "tillkeeper-hq 600"
