"""What people, or a broken disk, can write into files that are read: refused in words or shown as it is; nothing ends by it."""

from pathlib import Path
from typing import Any

import pytest
from tests.network.small_store import config

from tillkeeper.cli import output
from tillkeeper.errors import ConfigInvalid
from tillkeeper.network.prober.setup import read


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"network": {"portal_url": "http://a b/"}}, "network.portal_url"),
        ({"network": {"portal_url": "http://" + "a" * 300 + ".example/"}}, "network.portal_url"),
        ({"network": {"portal_url": "http://x..y/"}}, "network.portal_url"),
        ({"network": {"portal_url": "http://x/\u00e4"}}, "network.portal_url"),
        ({"hq": {"url": "https://hq.example/a b"}}, "hq.url"),
        ({"hq": {"url": "https://" + "a." * 200 + "example"}}, "hq.url"),
        ({"network": {"gateway_mac": "zz\x1b[2J"}}, "network.gateway_mac"),
        ({"network": {"gateway_mac": "02:00:5e:10:00"}}, "network.gateway_mac"),
        ({"network": {"families": []}}, "network.families"),
    ],
)
def test_what_could_never_be_asked_is_refused_at_the_start(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read(config(tmp_path, changes))
    assert any(problem.startswith(word) for problem in refused.value.extra["problems"])


@pytest.mark.parametrize("host", ["k\u00fcche.lan", "a..b", "x" * 64, "a b"])
def test_a_printer_whose_name_no_resolver_can_be_told_is_left_out(tmp_path: Path, host: str) -> None:
    devices = {"odd": {"kind": "escpos", "address": f"{host}:9100"}, "fine": {"kind": "escpos", "address": "bar.lan:9100"}}
    found = read(config(tmp_path, {"devices": devices}))
    assert [target.name for target in found.setup.targets if target.role == "printer"] == ["printer:fine"]


def test_a_pinned_mac_may_be_written_in_any_usual_way(tmp_path: Path) -> None:
    assert read(config(tmp_path, {"network": {"gateway_mac": "02-00-5E-10-00-01"}})).setup.gateway_mac == "02:00:5e:10:00:01"


@pytest.mark.parametrize("at_ms", [2**63 - 1, -(2**63), 10**30, -62_135_596_800_001])
def test_a_time_of_no_calendar_is_shown_and_ends_no_command(at_ms: int) -> None:
    assert output.clock(at_ms) == f"{at_ms} ms"
