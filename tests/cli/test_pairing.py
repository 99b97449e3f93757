"""`tillkeeper devices pair`, `replace`, `undo`, `reset`, `list --export`, and what `config check` says of them."""

import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from tests.cli.fake_agent import FakeAgent, Store

from tillkeeper.cli import main
from tillkeeper.config.embedded import example_toml
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.devices import FoundList, FoundView, ProbeView, ReplacedView, ReplacementView, SheetLine
from tillkeeper.contract.views import DeviceList, DeviceView
from tillkeeper.devices import moves
from tillkeeper.devices import overlay as rules
from tillkeeper.devices.moves import Move
from tillkeeper.devices.overlay import Overlay
from tillkeeper.devices.pairing import exported
from tillkeeper_drivers.escpos.profile import parse_profiles

Capture = pytest.CaptureFixture[str]

HERE = "usb:serial=ACME1"
NEW = FoundView(identity=HERE, bus="usb", address=HERE, title="USB printer ACME 9", port="1-1")
USED = FoundView(
    identity="mac:00:26:ab:01:02:03", bus="network", address="192.0.2.9:9100", title="TM-m30", mac="00:26:ab:01:02:03",
    devices=("bar",),
)  # fmt: skip
SCREEN = FoundView(identity="fresh:1", bus="display", address="192.0.2.8:9104", title="Fresh KDS")
SLIP = ReplacementView(
    replacement_id="R1", device="grill", title=NEW.title, address=HERE, kind="escpos", profile="generic-80", number="427",
    printed="confirmed", profile_known=False, waiting=2,
)  # fmt: skip
TOLD = ProbeView(
    title=NEW.title, address=HERE, speaks="escpos", maker="ACME", model="Nine\x1b", real_time_status="yes", process_id="yes",
    cutter="no", sheet=(SheetLine("A", 0, "cp437", "\u00c4"), SheetLine("B", 16, "cp1252", "\u20ac")),
)  # fmt: skip
SAID = ReplacedView(
    at_ms=1_790_000_000_000, by="ana", configured="192.0.2.1:9100, tm-t88vi", edited=True, toml="[devices.grill]"
)


@contextmanager
def agent(folder: Path, told: ProbeView = TOLD) -> Iterator[FakeAgent]:
    with FakeAgent(folder / "s", Store(folder)) as made:
        rows = (
            DeviceView(device="grill", kind="escpos", address=HERE, profile="generic-80", replaced=SAID),
            DeviceView(device="drawer", kind="drawer"),
        )
        done = msgspec.to_builtins(CommandResult(events=1, entity_id="R1"))
        made.answers |= {
            "GET /v1/devices": msgspec.to_builtins(DeviceList(devices=rows)),
            "POST /v1/devices/search": msgspec.to_builtins(FoundList(found=(NEW, USED, SCREEN))),
            "POST /v1/devices/grill/probe": msgspec.to_builtins(told),
            "POST /v1/devices/grill/replacements": msgspec.to_builtins(SLIP),
            "POST /v1/devices/grill/replacements/R1/confirm": done,
            "POST /v1/devices/drawer/try": done,
            "POST /v1/devices/grill/try": done,
            "POST /v1/devices/drawer/learn": done,
            "POST /v1/devices/grill/undo": done,
            "POST /v1/devices/grill/reset": done,
        }
        yield made


def run(made: FakeAgent, *arguments: str) -> int:
    return main(["devices", *arguments, "--socket", str(made.socket)])


def posts(made: FakeAgent) -> list[tuple[str, Any]]:
    return [(one.path.removeprefix("/v1/devices/"), one.body) for one in made.requests if one.method == "POST"]


def test_replace_by_flags_alone(tmp_path: Path, capsys: Capture) -> None:
    with agent(tmp_path) as made:
        assert run(made, "replace", "grill", "--with", "acme", "--yes", "--by", "ana", "--key", "k1") == 0
        assert posts(made) == [
            ("search", {}),
            ("grill/replacements", {"found": HERE, "profile": "", "by": "ana"}),
            ("grill/replacements/R1/confirm", {"by": "ana", "release": True}),
        ]
        assert [one.key for one in made.requests[1:]] == ["k1", "k1.confirm"]
        said = capsys.readouterr().out
        assert "slip 427" in said
        assert "2 tickets will follow" in said


def test_replace_asks_and_a_no_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with agent(tmp_path) as made:
        monkeypatch.setattr("sys.stdin", io.StringIO("what?\nn\n"))
        assert run(made, "replace", "grill", "--with", HERE) == 1
        assert [path for path, _ in posts(made)] == ["search", "grill/replacements"]
        assert "Nothing was changed" in capsys.readouterr().out
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        assert run(made, "replace", "grill", "--with", HERE) == 2
        assert "each question has a flag" in capsys.readouterr().err


@pytest.mark.parametrize(("wanted", "why"), [("nothing like it", "none fits"), ("m", "several fit"), ("fresh", "none fits")])
def test_what_is_meant_has_to_be_one(tmp_path: Path, capsys: Capture, wanted: str, why: str) -> None:
    with agent(tmp_path) as made:
        assert run(made, "replace", "grill", "--with", wanted, "--yes") == 2
        assert why in capsys.readouterr().err
        assert [path for path, _ in posts(made)] == ["search"]


@pytest.mark.parametrize("wanted", ["192.0.2.9", "192.0.2.9:9100", "mac:00:26:ab:01:02:03", "00-26-AB-01-02-03"])
def test_an_address_without_its_port_and_a_mac_fit(tmp_path: Path, wanted: str) -> None:
    with agent(tmp_path) as made:
        assert run(made, "replace", "grill", "--with", wanted, "--yes") == 0
        assert posts(made)[1][1]["found"] == USED.identity


def test_what_does_not_fit_is_told_with_what_the_list_shows_and_the_way_of_one_that_answers_no_search(
    tmp_path: Path, capsys: Capture
) -> None:
    with agent(tmp_path) as made:
        assert run(made, "replace", "grill", "--with", "192.0.2.77", "--yes") == 2
        said = capsys.readouterr().err
        assert "TM-m30 (192.0.2.9:9100)" in said
        assert '[devices.grill] address = "192.0.2.77:9100"' in said
        assert run(made, "replace", "grill", "--with", "acme 10", "--yes") == 2
        assert "into the configuration" not in capsys.readouterr().err


def test_what_the_file_says_too_is_told_so_and_not_exported(tmp_path: Path, capsys: Capture) -> None:
    with agent(tmp_path) as made:
        row = DeviceView(device="grill", kind="escpos", replaced=msgspec.structs.replace(SAID, edited=False, same=True))
        made.answers["GET /v1/devices"] = msgspec.to_builtins(DeviceList(devices=(row,)))
        assert run(made, "list") == 0
        said = capsys.readouterr().out
        assert "the configuration says the same now" in said
        assert "devices reset" in said
        assert run(made, "list", "--export") == 0
        assert tomllib.loads(capsys.readouterr().out) == {}


def test_config_check_warns_of_a_receipt_printer_without_the_language_s_letters(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "store.toml"
    text = example_toml()
    line = next(line for line in text.splitlines() if line.startswith("language ="))
    for tag, profile, warns in (
        ("el", "generic-58", True), ("el", "tm-t88vi", False), ("ja", "generic-58", False), ("pl", "srp-350", False)
    ):  # fmt: skip
        made = text.replace(line, f'language = "{tag}"').replace('profile = "tm-t88vi"', f'profile = "{profile}"')
        file.write_text(made, "utf-8")
        assert main(["config", "check", str(file)]) == 0
        said = capsys.readouterr().out
        assert ("warning:" in said) == warns, (tag, profile)
        assert ("tm-t20iii" in said) == warns, "a model that has them is named"


def test_a_placeholder_for_a_maker_is_no_part_of_an_exported_title() -> None:
    told = msgspec.structs.replace(TOLD, maker="_", model="POS-80")
    (made,) = parse_profiles(exported(told, "pos-80", "generic-80", {})).values()
    assert made.title == "POS-80"


def test_pair_asks_its_way_and_writes_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    profile = tmp_path / "acme.toml"
    with agent(tmp_path) as made:
        # device, which one, the sheet, its lines, the paper, the slip, the drawer, whether it opened
        answers = ["grill", "1", "y", "ba", "58", "y", "y", "y"]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
        assert run(made, "pair", "--export", str(profile), "--drawer", "drawer") == 0
        assert [path for path, _ in posts(made)] == [
            "search", "grill/probe", "grill/probe", "grill/replacements", "grill/replacements/R1/confirm", "drawer/try",
            "drawer/learn",
        ]  # fmt: skip
        assert posts(made)[3][1]["profile"] == "generic-58"
        assert posts(made)[-1][1]["opened"] is True
        shown = capsys.readouterr()
        assert "\x1b" not in shown.out
    (made_of,) = parse_profiles(profile.read_text("utf-8")).values()
    assert (made_of.name, made_of.process_id, made_of.cut) == ("acme-nine", True, "none")
    assert list(made_of.code_pages.items()) == [(16, "cp1252"), (0, "cp437")]


def test_pair_by_flags_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with agent(tmp_path) as made:
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        flags = ["--with", HERE, "--sheet", "yes", "--lines", "A", "--paper", "80", "--yes", "--json"]
        assert run(made, "pair", "grill", *flags, "--drawer", "drawer", "--opened", "no") == 0
        assert json.loads(capsys.readouterr().out)["confirmed"] is True
        assert posts(made)[-1] == ("drawer/learn", {"opened": False, "by": ""})
        assert run(made, "pair", "grill", "--with", HERE, "--sheet", "yes", "--lines", "Z", "--yes") == 2


def test_a_model_that_is_known_is_asked_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent(tmp_path, msgspec.structs.replace(TOLD, profile="tm-m30")) as made:
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert run(made, "pair", "grill", "--with", HERE) == 0
        assert posts(made)[2] == ("grill/replacements", {"found": HERE, "profile": "tm-m30", "by": ""})


def test_the_bell_rings_after_asking_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with agent(tmp_path, msgspec.structs.replace(TOLD, profile="tm-m30")) as made:
        monkeypatch.setattr("sys.stdin", io.StringIO("y\nn\n"))
        assert run(made, "pair", "grill", "--with", HERE, "--bell") == 0
        assert "grill/try" not in dict(posts(made))
        monkeypatch.setattr("sys.stdin", io.StringIO("y\ny\nn\n"))
        assert run(made, "pair", "grill", "--with", HERE, "--bell") == 0
        assert "grill/try" in dict(posts(made))
        assert "bell_pin" in capsys.readouterr().err


def test_undo_reset_and_what_the_list_says(tmp_path: Path, capsys: Capture) -> None:
    with agent(tmp_path) as made:
        assert run(made, "undo", "grill", "--by", "ana") == 0
        assert run(made, "reset", "grill") == 0
        assert [path for path, _ in posts(made)] == ["grill/undo", "grill/reset"]
        capsys.readouterr()
        assert run(made, "list") == 0
        said = capsys.readouterr().out
        assert "replaced on 2026-" in said
        assert "by ana; the configuration says 192.0.2.1:9100, tm-t88vi (edited since)" in said
        assert run(made, "list", "--export") == 0
        assert tomllib.loads(capsys.readouterr().out) == {"devices": {"grill": {}}}


def test_config_check_says_what_wins_over_the_file(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "store.toml"
    text = example_toml()
    file.write_text(text, "utf-8")
    assert main(["config", "check", str(file)]) == 0
    assert "replaced" not in capsys.readouterr().out
    overlay = Overlay(kind="escpos", address=HERE, mac="", profile="tm-m30", at_ms=1_790_000_000_000, by="ana")
    (tmp_path / "data").mkdir(exist_ok=True)
    journal = apsw.Connection(str(tmp_path / "data" / "journal.db"))
    journal.execute("CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB)")
    journal.execute("INSERT INTO settings VALUES (?, ?)", (rules.setting("receipt"), rules.encoded(overlay)))
    journal.close()
    assert main(["config", "check", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"devices.receipt at {HERE} (tm-m30): replaced on 2026-" in said
    # Its lines were pasted, with the address to which it was followed since.
    pasted = 'kind = "escpos"\naddress = "192.0.2.33:9100"\nmac = "00:26:ab:00:00:09"\nprofile = "tm-m30"'
    table = text.partition("[devices.receipt]\n")[2].partition("\n\n")[0]
    file.write_text(text.replace(table, pasted), "utf-8")
    here = msgspec.structs.replace(overlay, address="192.0.2.3:9100", mac="00:26:ab:00:00:09")
    move = Move("00:26:ab:00:00:09", "192.0.2.3", "192.0.2.33", 1)
    for followed, says in ((None, "(edited since)"), (move, "says the same now")):
        journal = apsw.Connection(str(tmp_path / "data" / "journal.db"))
        rows = {rules.setting("receipt"): rules.encoded(here), moves.setting("receipt"): msgspec.json.encode(followed)}
        for row in rows.items():
            journal.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", row)
        journal.close()
        assert main(["config", "check", str(file)]) == 0
        assert says in capsys.readouterr().out
    (tmp_path / "data" / "journal.db").write_bytes(b"no database" * 100)
    assert main(["config", "check", str(file)]) == 0
    assert "can not be read" in capsys.readouterr().out
