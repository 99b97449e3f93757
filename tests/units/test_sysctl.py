"""The kernel's settings of a register, applied by systemd-sysctl in a network namespace of their own."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.prerequisites import need

SETTINGS = Path(__file__).resolve().parents[2] / "systemd" / "sysctl.d" / "60-tillkeeper.conf"
APPLY = "/lib/systemd/systemd-sysctl"
SCENE = f"""
set -e
ip link add till0 type veth peer name till1
{APPLY} {SETTINGS}
ip link add later0 type veth peer name later1
for family in ipv4 ipv6; do for name in all default till0 later0; do
  echo $family $name $(cat /proc/sys/net/$family/conf/$name/accept_redirects)
done; done
"""


@pytest.mark.root
def test_no_interface_takes_a_redirect_whenever_it_came() -> None:
    need("ip", "unshare", APPLY)
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", f"mount -t sysfs sysfs /sys 2>/dev/null; {SCENE}"],
        capture_output=True, text=True, check=False, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = dict(line.rsplit(" ", 1) for line in done.stdout.splitlines())
    assert said == {f"{family} {name}": "0" for family in ("ipv4", "ipv6") for name in ("all", "default", "till0", "later0")}
