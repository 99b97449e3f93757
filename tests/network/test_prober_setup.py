"""What the prober reads of the configuration, and how it says what is wrong with it."""

from pathlib import Path
from typing import Any

import pytest
from tests.network.small_store import config
from tests.support.toml import dumps

from tillkeeper.config.embedded import example_toml
from tillkeeper.errors import ConfigInvalid
from tillkeeper.network.model import Target
from tillkeeper.network.prober.setup import Plan, read, read_key


def plan(folder: Path, changes: dict[str, Any] | None = None, *, uplink: bool = True) -> Plan:
    return read(config(folder, changes), uplink=uplink)


def targets(found: Plan) -> dict[str, Target]:
    return {target.name: target for target in found.setup.targets}


def problems(folder: Path, changes: dict[str, Any]) -> str:
    with pytest.raises(ConfigInvalid) as refused:
        plan(folder, changes)
    return " | ".join(refused.value.extra["problems"])


def test_the_example_file_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "example.toml"
    file.write_text(example_toml())
    found = read(file)
    assert found.setup.register == "front"
    assert {target.role for target in found.setup.targets} == {"anycast", "portal"}, "its printers are virtual, on this machine"
    assert not found.setup.has_uplink, "it has no HQ"


def test_printers_and_displays_with_an_address_are_targets(tmp_path: Path) -> None:
    devices = {
        "grill": {"kind": "escpos", "address": "10.77.0.21:9100", "profile": "tm-m30"},
        "again": {"kind": "escpos", "address": "10.77.0.21:9101"},
        "line": {"kind": "escpos_display", "address": "[fd77::22]:9100"},
        "named": {"kind": "escpos", "address": "bar.lan:9100"},
        "here": {"kind": "escpos", "address": "127.0.0.1:9100"},
        "usb": {"kind": "escpos", "address": "usb:/dev/usb/lp0"},
        "serial": {"kind": "escpos", "address": "serial:/dev/ttyUSB0"},
        "page": {"kind": "display"},
        "drawer": {"kind": "drawer", "printer": "grill"},
    }
    found = targets(plan(tmp_path, {"devices": devices, "network": {"families": ["ipv4", "ipv6"]}}))
    devices_found = {name for name in found if name.startswith(("printer:", "display:"))}
    assert devices_found == {"printer:grill", "display:line", "printer:named"}
    assert found["printer:grill"].ways == ("echo", "arp")
    assert found["display:line"].ways == ("echo", "nd")
    assert (found["printer:named"].address, found["printer:named"].host) == ("", "bar.lan")


def test_hq_is_asked_by_name_in_both_families_or_by_its_address(tmp_path: Path) -> None:
    both = {"families": ["ipv4", "ipv6"]}
    named = plan(tmp_path, {"hq": {"url": "https://hq.example/"}, "network": both})
    hq = targets(named)["hq"]
    assert (hq.host, hq.port, hq.ways, hq.wan) == ("hq.example", 443, ("tls", "tcp"), True)
    assert targets(named)["hq:ipv6"].family == "ipv6"
    assert named.setup.has_uplink
    assert named.setup.resolve_name == "hq.example"
    plain = plan(tmp_path, {"hq": {"url": "http://10.9.9.9:8080"}, "network": both}, uplink=False)
    assert targets(plain)["hq"].address == "10.9.9.9"
    assert targets(plain)["hq"].port == 8080
    assert "hq:ipv6" not in targets(plain)
    assert not plain.setup.has_uplink


def test_registers_share_budgets_by_name_or_by_letter(tmp_path: Path) -> None:
    three = {"registers": {"bar": {"letter": "C"}, "lane": {"letter": "D"}}}
    assert (plan(tmp_path, three).setup.registers, plan(tmp_path, three).setup.position) == (3, 1)
    alone = {"registers": {"front": {"letter": "C"}}, "network": {"store_registers": 4}}
    assert (plan(tmp_path, alone).setup.registers, plan(tmp_path, alone).setup.position) == (4, 2)


def test_links_with_an_address_and_paths_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "beacon.key").write_text("ab" * 32 + "\n")
    links = {"switch": {"address": "10.77.0.9"}, "modem": {"address": "192.168.100.1"}, "router": {"where": "in the office"}}
    network = {"links": links, "key_file": "beacon.key", "gateway_mac": "02-00-AA-00-00-01"}
    found = plan(tmp_path, {"data_dir": "till", "network": network})
    assert targets(found)["switch"].role == "switch"
    assert targets(found)["modem"].wan
    assert found.key == bytes.fromhex("ab" * 32)
    assert found.setup.beacons
    assert found.socket == tmp_path / "till" / "probe.sock"
    assert found.setup.gateway_mac == "02:00:aa:00:00:01"


def test_two_runs_have_different_sessions(tmp_path: Path) -> None:
    assert plan(tmp_path).setup.session != plan(tmp_path).setup.session


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"this_register": "frnt"}, "'frnt' is none of the registers front"),
        ({"network": {"anycast": ["one.one.one.one"]}}, "network.anycast: 'one.one.one.one' is no address"),
        ({"network": {"other_resolvers": ["1.1.1"]}}, "network.other_resolvers: '1.1.1' is no address"),
        ({"network": {"portal_url": "https://check.example/"}}, "network.portal_url: 'https://check.example/' is not http://host"),
        ({"network": {"portal_url": "http://[::1"}}, "network.portal_url"),
        ({"hq": {"url": "hq.example"}}, "hq.url: 'hq.example' is not http://host/... or https://host/..."),
        ({"network": {"links": {"modem": {"address": "modem"}}}}, "network.links.modem.address: 'modem' is no address"),
        ({"network": {"interfce": "eth0"}}, "network: object contains unknown field `interfce`"),
        ({"network": {"beacon_port": 0}}, "network.beacon_port: expected `int` >= 1"),
        ({"registers": 3}, "registers: expected `object`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    assert word in problems(tmp_path, changes)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    said = problems(tmp_path, {"this_register": "x", "hq": {"url": "x"}, "network": {"anycast": ["x"]}})
    assert said.count(" | ") == 2


@pytest.mark.parametrize("line", ["zz" * 32, "ab" * 3, "", "\xff", "\0" * 65, None])
def test_a_key_that_is_none_keeps_it_from_nothing_else(tmp_path: Path, line: str | None) -> None:
    if line is not None:
        (tmp_path / "beacon.key").write_text(line)
    found = plan(tmp_path, {"network": {"key_file": "beacon.key"}})
    assert (found.key, found.key_file, found.setup.beacons) == (b"", tmp_path / "beacon.key", True)
    said = "can not be read: No such file or directory" if line is None else "is no key of 64 hexadecimal digits"
    assert said in read_key(tmp_path / "beacon.key")[1]


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"a = [", "is not TOML"), (b"\xff", "is not UTF-8"), (b"x = 1\n", "missing required field `this_register`"),
     (b"a = " + b"[" * 20_000, "nested too deeply"), (b"#" * 1_000_001, "is larger than")],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path, content: bytes, word: str) -> None:
    (tmp_path / "bad.toml").write_bytes(content)
    with pytest.raises(ConfigInvalid, match=word):
        read(tmp_path / "bad.toml")
    with pytest.raises(ConfigInvalid, match="No such file"):
        read(tmp_path / "none.toml")


def test_what_is_wrong_elsewhere_does_not_keep_it_from_work(tmp_path: Path) -> None:
    file = tmp_path / "register.toml"
    file.write_text(dumps({"this_register": "front", "registers": {"front": {"letter": "A"}}, "taxes": {"rates": "nonsense"}}))
    assert read(file).setup.register == "front"
