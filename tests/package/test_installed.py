"""A register's life with the package, in a throw-away Debian without a running systemd: installed, upgraded under a running
agent, cut off in the middle, downgraded, removed, purged. The tests of this file are one story, in order; the booted scenes are
in tests/boot."""

import os
import sqlite3
import stat
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd.package.debs import ready_debs
from tests.package.machine import Agent, Chroot, chroot
from tests.support.prerequisites import need
from tests.support.toml import dumps

from tillkeeper.config.embedded import example_toml

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]

DATA = "/var/lib/tillkeeper"
HOME = "/usr/lib/tillkeeper"
NEXT = "99.0.0"
"""As in the scenes of tests/boot, so that it is built once for both."""


@pytest.fixture(scope="module")
def debs() -> dict[str, Path]:
    need("mmdebstrap", "dpkg-deb")
    if folder := os.environ.get("TILLKEEPER_DEBS", ""):
        return {"now": Path(folder, "tillkeeper_0.1.0_amd64.deb"), "next": Path(folder, f"tillkeeper_{NEXT}_amd64.deb")}
    return {"now": ready_debs(("tillkeeper",))["tillkeeper"], "next": ready_debs(("tillkeeper",), version=NEXT)["tillkeeper"]}


@pytest.fixture(scope="module")
def machine(debs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroot]:
    with chroot(tmp_path_factory.mktemp("debian")) as made:
        yield made


def trees(machine: Chroot) -> set[str]:
    return {path.name for path in machine.path(f"{HOME}/versions").iterdir()}


def current(machine: Chroot) -> str:
    return os.readlink(machine.path(f"{HOME}/current")).removeprefix("versions/")


def version(machine: Chroot) -> str:
    done = machine.call("tillkeeper", "--version")
    return (done.stdout + done.stderr).strip()


def order(agent: Agent) -> str:
    """The check's id. Sent to the kitchen and paid, so a ticket and a receipt are printed."""
    body = {
        "lines": [{"item_id": "cheeseburger", "quantity": 1}],
        "order_type": "takeout",
        "tenders": [{"tender": "cash", "tendered_minor": 4000}],
        "send": True,
    }
    with agent.api() as http:
        answer = http.post("/v1/orders", json=body, headers={"idempotency-key": uuid.uuid4().hex})
    assert answer.status_code == 200, answer.text
    check_id: str = answer.json()["check_id"]
    return check_id


def printed(agent: Agent, check_id: str) -> None:
    """Wait until nothing of this check waits for a device any more."""
    with agent.api() as http:
        agent.until(lambda: check_id not in {job["check_id"] for job in http.get("/v1/jobs").json()["jobs"]})


def test_a_first_installation_is_quiet_and_ready(machine: Chroot, debs: dict[str, Path]) -> None:
    done = machine.install(debs["now"])
    assert done.returncode == 0, done.stdout + done.stderr
    # systemd-sysusers and deb-systemd-helper tell what they make; nothing else is said, and nothing failed.
    said = [line for line in done.stderr.splitlines() if not line.startswith(("Creating ", "Created symlink "))]
    assert said == []
    assert machine.status("tillkeeper") == "install ok installed 0.1.0"
    assert version(machine) == "tillkeeper 0.1.0"
    assert "uid=" in machine.run("id", "tillkeeper")
    assert "uid=" in machine.run("id", "tillkeeper-probe")
    for ending in (".socket", ".service", "-probe.service", "-printers.service", "-nightly.timer"):
        unit = f"tillkeeper{ending}"
        assert machine.run("systemctl", "is-enabled", unit).strip() == "enabled", unit


def test_what_can_not_be_started_says_so_and_is_held_for_systemd_that_starts_it_for_ever(machine: Chroot) -> None:
    there, away = machine.path(f"{HOME}/current"), machine.path(f"{HOME}/current.away")
    there.rename(away)
    try:
        done = machine.call("tillkeeper", "--version")
        assert done.returncode == 1
        assert "apt install --reinstall tillkeeper" in done.stderr
        held = machine.call("env", "NOTIFY_SOCKET=/run/none", "timeout", "1", "tillkeeper", "run")
        assert held.returncode == 124, "it ended at once: systemd would start it hundreds of times a minute"
    finally:
        away.rename(there)


def test_every_command_starts_from_the_package(machine: Chroot) -> None:
    """All modules of the agent load, from their .pyc, with nothing missing that only a machine of ours would have."""
    program = """
import importlib, pkgutil, sys, tillkeeper, tillkeeper_drivers, tillkeeper_systemd
names = [one.name for top in (tillkeeper, tillkeeper_drivers, tillkeeper_systemd)
         for one in pkgutil.walk_packages(top.__path__, top.__name__ + ".")
         if not one.name.endswith("__main__") and ".network.deep" not in one.name]
for name in names:
    importlib.import_module(name)
loaded = [one for one in sys.modules.values() if getattr(one, "__file__", None) and one.__file__.endswith(".py")]
print(len(names), sum("site-packages" in one.__file__ for one in loaded))
for one in loaded:
    assert one.__spec__ is None or one.__spec__.cached is None or __import__("os").path.exists(one.__spec__.cached), one
"""
    modules, ours = machine.run(f"{HOME}/current/bin/python3", "-I", "-c", program).split()
    assert int(modules) > 300
    assert int(ours) > int(modules)


def test_an_upgrade_under_a_running_agent_takes_nothing_from_it(machine: Chroot, debs: dict[str, Path]) -> None:
    """It was started and has done nothing yet: drivers, pages and children are loaded after its files were replaced."""
    with Agent(machine, DATA) as agent:
        before = agent.tree()
        assert before == f"{HOME}/versions/{current(machine)}"
        inode = machine.path(f"{HOME}/app/pyvenv.cfg").stat().st_ino
        done = machine.install(debs["next"])
        assert done.returncode == 0, done.stdout + done.stderr
        assert machine.path(f"{HOME}/app/pyvenv.cfg").stat().st_ino != inode
        assert current(machine).startswith(f"{NEXT}.")
        assert trees(machine) == {before.rpartition("/")[2], current(machine)}

        check_id = order(agent)
        printed(agent, check_id)
        with agent.api() as http:
            for page in ("/register/", "/kitchen/", "/vendor/preact.js", "/openapi.json"):
                assert http.get(page).status_code == 200, page
            shown = http.get("/v1/preview/receipt")  # laid out by a child, which runs this Python
            assert shown.status_code == 200, shown.text
            assert shown.content.startswith(b"\x89PNG")
            agent.until(lambda: "upgrade_waits" in {one["code"] for one in http.get("/v1/status").json()["advisories"]})
            status, waits = http.get("/v1/status").json(), http.get("/v1/restart").json()
        assert status["version"] == "0.1.0"
        assert (waits["version"], waits["installed"], waits["wanted"]) == ("0.1.0", NEXT, True)
        assert any("entered" in words for words in waits["reasons"]), waits
        assert version(machine) == f"tillkeeper {NEXT}"

        # Nobody orders any more: it ends by itself, in the ordinary way.
        assert agent.process.wait(120) == 0, agent.log()

    with Agent(machine, DATA) as agent, agent.api() as http:
        assert http.get("/v1/status").json()["version"] == NEXT
        assert http.get(f"/v1/checks/{check_id}").json()["state"] == "closed"
        assert http.get("/v1/restart").json()["wanted"] is False


def test_it_waits_while_something_is_entered(machine: Chroot, debs: dict[str, Path]) -> None:
    with Agent(machine, DATA) as agent, agent.api() as http:
        done = machine.install(debs["now"])  # back again: the same formats
        assert done.returncode == 0, done.stdout + done.stderr
        agent.until(lambda: bool(http.get("/v1/restart").json()["wanted"]))
        orders = [order(agent) for _ in range(3)]
        assert agent.process.poll() is None
        reasons = http.get("/v1/restart").json()["reasons"]
        assert reasons
        for check_id in orders:
            printed(agent, check_id)


def test_files_whose_new_names_a_power_cut_took_are_not_run(machine: Chroot, debs: dict[str, Path]) -> None:
    """/usr and dpkg's database on two disks: the database has it that all is unpacked, a file still has its name of before."""
    before = current(machine)
    assert machine.dpkg("--unpack", machine.carry(debs["next"])).returncode == 0
    file = machine.path(f"{HOME}/app/bin/tillkeeper")
    file.rename(f"{file}.dpkg-new")
    file.write_text("of the version before")
    done = machine.dpkg("--configure", "-a")
    assert done.returncode == 1
    assert "install the same package once more" in done.stderr
    assert (current(machine), version(machine)) == (before, "tillkeeper 0.1.0")


def test_an_upgrade_that_is_cut_off_starts_the_version_before(machine: Chroot, debs: dict[str, Path]) -> None:
    """The power goes after dpkg has put the new files in place and before it is done."""
    done = machine.dpkg("--unpack", machine.carry(debs["next"]))
    assert done.returncode == 0, done.stderr
    assert machine.status("tillkeeper") == f"install ok unpacked {NEXT}"
    assert version(machine) == "tillkeeper 0.1.0"
    machine.path(f"{HOME}/versions/.new.cutoff").mkdir()  # as a postinst that was cut off leaves it
    machine.path(f"{HOME}/app/bin/tillkeeper.dpkg-tmp").write_text("of the version before")
    assert machine.dpkg("--configure", "-a").returncode == 0
    assert version(machine) == f"tillkeeper {NEXT}"
    assert trees(machine) == {current(machine)}, "nothing runs, so the trees before are gone"
    assert not list(machine.path(HOME).rglob("*.dpkg-tmp"))


def test_a_downgrade_that_could_not_read_the_journal_is_refused(machine: Chroot, debs: dict[str, Path]) -> None:
    """The format is read from the -wal file too: there it is after a power cut."""
    journal = machine.path(f"{DATA}/journal.db")
    whole = journal.read_bytes()
    before = version(machine)
    database = sqlite3.connect(journal)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA user_version=99")
    for_sure = int.from_bytes(journal.read_bytes()[60:64], "big")
    saved = {ending: journal.with_name(journal.name + ending).read_bytes() for ending in ("", "-wal")}
    database.close()
    for ending, content in saved.items():
        journal.with_name(journal.name + ending).write_bytes(content)
    assert for_sure < 99, "the newer format is in the -wal file alone"

    done = machine.install(debs["now"])
    assert done.returncode != 0
    assert "it has format 99, this version reads up to 2" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert machine.status("tillkeeper") == f"install ok installed {NEXT}"
    assert version(machine) == before
    assert {ending: journal.with_name(journal.name + ending).read_bytes() for ending in ("", "-wal")} == saved
    journal.with_name("journal.db-wal").unlink()
    journal.write_bytes(whole)


def test_a_removal_keeps_books_and_configuration(machine: Chroot) -> None:
    machine.path("/etc/tillkeeper/tillkeeper.toml").write_text(dumps(tomllib.loads(example_toml()) | {"data_dir": DATA}))
    machine.run("chown", "-R", "tillkeeper:tillkeeper", DATA)
    done = machine.dpkg("--remove", "tillkeeper")
    assert done.returncode == 0, done.stderr
    assert "not empty" not in done.stdout + done.stderr.replace("/etc/tillkeeper", "")
    assert not machine.path(HOME).exists()
    assert machine.path(f"{DATA}/journal.db").is_file()
    assert machine.path("/etc/tillkeeper/tillkeeper.toml").is_file()
    left, books = machine.path(f"{DATA}.left").read_text().split()
    assert int(left) > 0, "no HQ has answered anything"
    assert books == DATA


def test_a_purge_sets_aside_what_reached_nobody(machine: Chroot) -> None:
    done = machine.dpkg("--purge", "tillkeeper")
    assert done.returncode == 0, done.stderr
    assert "NOT deleted" in done.stderr
    assert not machine.path(DATA).exists()
    assert not machine.path("/etc/tillkeeper").exists()
    (aside,) = machine.path("/var/backups/tillkeeper").iterdir()
    assert (aside / "var/lib/tillkeeper/journal.db").is_file()
    assert (aside / "etc/tillkeeper/tillkeeper.toml").is_file()
    assert stat.S_IMODE(aside.parent.stat().st_mode) == 0o700
    assert machine.status("tillkeeper") in ("", "unknown ok not-installed")


def test_hq_is_upgraded_and_its_books_are_never_deleted(machine: Chroot) -> None:
    hq = ready_debs(("tillkeeper-hq",))["tillkeeper-hq"]
    done = machine.install(hq)
    assert done.returncode == 0, done.stderr
    assert machine.run("systemctl", "is-enabled", "tillkeeper-hq.service").strip() == "enabled"
    data = machine.path("/var/lib/tillkeeper-hq")
    data.mkdir(mode=0o700)
    database = sqlite3.connect(data / "hq.sqlite3")
    database.execute("PRAGMA user_version=99")
    database.close()
    refused = machine.install(hq)
    assert refused.returncode != 0
    assert "it has format 99" in refused.stderr
    assert machine.dpkg("--configure", "-a").returncode == 0
    assert "usage: tillkeeper-hq" in machine.run("tillkeeper-hq", "--help")
    done = machine.dpkg("--purge", "tillkeeper-hq")
    assert done.returncode == 0, done.stderr
    assert "NOT deleted" in done.stderr
    (aside,) = machine.path("/var/backups/tillkeeper-hq").iterdir()
    assert (aside / "var/lib/tillkeeper-hq/hq.sqlite3").is_file()
    assert not data.exists()
    assert not machine.path("/usr/lib/tillkeeper-hq").exists()
