"""The unit files as systemd reads them: how exposed each is, that none waits for a network, and that none is given up on."""

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from tests.support.prerequisites import need

SYSTEM = Path(__file__).resolve().parents[2] / "systemd" / "system"
UNITS = sorted(path.name for path in SYSTEM.iterdir())
FOR_EVER = ("tillkeeper.service", "tillkeeper-probe.service", "tillkeeper-hq.service")
MOST_EXPOSED = {
    "tillkeeper.service": 1.5, "tillkeeper-probe.service": 1.8, "tillkeeper-hq.service": 1.5, "tillkeeper-nightly.service": 1.5,
}  # fmt: skip


def said(*command: str) -> str:
    need(command[0], root=False)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("unit", MOST_EXPOSED)
def test_a_unit_is_no_more_exposed_than_it_may_be(unit: str) -> None:
    told = said("systemd-analyze", "security", "--offline=true", "--no-pager", str(SYSTEM / unit))
    found = re.search(rf"Overall exposure level for {re.escape(unit)}: (\d+\.\d)", told)
    assert found, told
    assert float(found[1]) <= MOST_EXPOSED[unit], told


def test_systemd_understands_every_line() -> None:
    told = said("systemd-analyze", "verify", "--man=no", *(str(SYSTEM / unit) for unit in UNITS))
    # The programs are where the package puts them, which is not here.
    lines = [line for line in told.splitlines() if "tillkeeper" in line and "is not executable" not in line]
    assert lines == []


def values(unit: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", (SYSTEM / unit).read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS)
def test_none_waits_for_a_network_and_none_runs_without_its_configuration(unit: str) -> None:
    text = re.sub(r"^#.*$", "", (SYSTEM / unit).read_text(), flags=re.MULTILINE)
    assert "network-online" not in text
    if not unit.startswith("tillkeeper-hq"):
        assert "network.target" not in text
    assert unit.endswith(".timer") or values(unit, "ConditionPathExists")


@pytest.mark.parametrize("unit", FOR_EVER)
def test_none_is_given_up_on(unit: str) -> None:
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "Type") == ["notify"]
    assert values(unit, "WatchdogSec")


def test_hq_may_take_as_long_as_its_tables_take() -> None:
    """One transaction without a timeout (postgres.py): a start that was ended would roll it back and begin again, for ever."""
    assert values("tillkeeper-hq.service", "TimeoutStartSec") == ["infinity"]


def test_only_the_prober_has_a_capability_and_only_packets() -> None:
    for unit in MOST_EXPOSED:
        wanted = ["CAP_NET_RAW"] if "probe" in unit else [""]
        assert values(unit, "CapabilityBoundingSet") == values(unit, "AmbientCapabilities") == wanted, unit


def test_no_verdict_holds_up_the_start_of_the_machine() -> None:
    assert values("tillkeeper-probe.service", "WantedBy") == ["tillkeeper.service"]
    (agents,), (probers,) = (values(f"{unit}.service", "StartupCPUWeight") for unit in ("tillkeeper", "tillkeeper-probe"))
    assert int(agents) > 100 > int(probers), "100 is everybody's"
    assert int(values("tillkeeper-probe.service", "CPUWeight")[0]) > 100, "a busy machine makes no verdict late"


def test_printers_are_asked_for_before_other_devices() -> None:
    assert "systemd-udev-trigger.service" in values("tillkeeper-printers.service", "Before")[0].split()
    assert values("tillkeeper-printers.service", "Wants") == ["systemd-udevd.service"]


def test_the_sockets_are_where_tmpfiles_makes_their_folders() -> None:
    folders = [
        line.split() for line in (SYSTEM.parent / "tmpfiles.d/tillkeeper.conf").read_text().splitlines() if line[:1] == "d"
    ]
    made = {line[1]: tuple(line[2:5]) for line in folders}
    assert made["/run/tillkeeper"] == ("2755", "tillkeeper", "tillkeeper")
    assert made["/run/tillkeeper/probe"] == ("2750", "tillkeeper", "tillkeeper-probe")
    socket = ConfigParser(strict=False)
    socket.optionxform = str  # type: ignore[assignment,method-assign]
    socket.read(SYSTEM / "tillkeeper.socket")
    assert Path(socket["Socket"]["ListenStream"]).parent == Path("/run/tillkeeper")
    assert socket["Socket"]["SocketMode"] == "0660"
    assert not {"SocketUser", "SocketGroup"} & {*socket["Socket"]}, "root's chown(2), where the agent may put a link"
    assert not values("tillkeeper.service", "RuntimeDirectory"), "it would be removed, with the sockets, at each stop"
