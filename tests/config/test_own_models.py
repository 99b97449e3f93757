"""Printer models of the store's own: what `devices pair --export` writes is a model like ours from the next start on."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tillkeeper import beside
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import load
from tillkeeper.config.model import Config
from tillkeeper.config.own_models import MOST_BYTES, MOST_FILES, MOST_MODELS, escpos, read
from tillkeeper.contract.devices import ProbeView
from tillkeeper.devices.overlay import Overlay, encoded, setting
from tillkeeper.devices.overlays import Overlays
from tillkeeper.devices.pairing import exported, model_of
from tillkeeper.devices.registry import Registry, driver_of, preview
from tillkeeper.layouts.previews import Asked
from tillkeeper_drivers.api import NotSent, PulseDocument
from tillkeeper_drivers.printing.told import Told

TOLD = ProbeView(
    title="USB printer", address="usb:port=1-1", speaks="escpos", maker="ACME", model="Nine", process_id="yes", cutter="no",
    real_time_status="yes",
)  # fmt: skip
ACME = exported(TOLD, "acme-nine", "generic-58", {16: "cp1252", 0: "cp437"})


def written(folder: Path, *, own: str = "models", grill: str = "acme-nine") -> Path:
    """The example with own models, one of which is the first printer's."""
    text = example_toml()
    line = next(line for line in text.splitlines() if line.startswith("profile ="))
    file = folder / "store.toml"
    file.write_text(text.replace(line, f'profile = "{grill}"', 1) + f'\n[models]\nown = "{own}"\n', "utf-8")
    return file


def problems(folder: Path, **given: Any) -> str:
    file = written(folder, **given)
    return "\n".join(map(str, beside.problems(file, load(file))))


def devices_of(config: Config) -> list[str]:
    return [name for name, device in config.devices.items() if device.profile == "acme-nine"]


@pytest.mark.parametrize("own", ["models", "models/acme.toml"])
def test_an_exported_model_is_one_like_ours(tmp_path: Path, own: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.toml").write_text(ACME, "utf-8")
    (tmp_path / "models" / ".half-written.toml").write_text("[", "utf-8")
    (tmp_path / "models" / "readme.txt").write_text("[", "utf-8")
    config = load(written(tmp_path, own=own))
    (name,) = devices_of(config)
    overlays = Overlays(config, lambda _name: None)
    assert "acme-nine" in overlays.models
    assert model_of(Told(speaks="escpos", maker="ACME", model="Nine"), overlays.models) == "acme-nine", "found, it is known"
    registry = Registry(config, lambda _digests: {}, lambda _event: None)
    assert name in registry.worker_ids()
    drawn = preview(Asked(document="receipt"), config)
    assert b"\x1dV" not in drawn.data, "it has no cutter"
    assert drawn.profile == "generic-58", "whoever draws it knows ours only"


def test_it_may_be_like_one_of_ours(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[mine]\nlike = "tm-t88vi"\ntitle = "Mine"\ncolumns = 40\n[his]\nlike = "mine"\ntitle = "His"\n', "utf-8")
    made = read(own).found
    assert sorted(made) == ["his", "mine"]
    assert made["his"].columns == 40
    assert made["his"].code_pages == escpos("")["tm-t88vi"].code_pages
    assert "mine" not in escpos("")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "own.toml: has no model in it"),
        ("[x", "own.toml: is not TOML"),
        ('x = 1\n', "expected a table"),
        (ACME.replace("cp1252", "cp9999"), "no codec 'cp9999'"),
        (ACME + "nonsense = 1\n", "nonsense"),
        (ACME.replace("columns = 32", "columns = 4"), "columns must be"),
        (ACME.replace("[acme-nine]", "[tm-t88vi]"), "there is a model 'tm-t88vi' already"),
        ('[x]\nlike = "nothing"\n', "there is no profile 'nothing' above it"),
        ("[acme-nine]\n", "missing"),
        ("x = " + "[" * 5_000, "own.toml: is"),
        ("# " + "x" * MOST_BYTES, f"has more than {MOST_BYTES // 1024} KB"),
        ("\n".join(f'[m{number}]\nlike = "tm-t88vi"' for number in range(MOST_MODELS + 1)), f"the most is {MOST_MODELS}"),
    ],
    ids=lambda value: value[:20].strip(),
)  # fmt: skip
def test_what_is_wrong_with_one_is_said_with_its_line_of_the_configuration(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.toml").write_text(text, "utf-8")
    said = problems(tmp_path, own="own.toml")
    assert words in said
    assert "models.own" in said


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    assert "own.toml" in problems(tmp_path, own="own.toml")
    os.mkfifo(tmp_path / "pipe.toml")
    assert "not a file" in problems(tmp_path, own="pipe.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in problems(tmp_path, own="binary.toml")
    many = tmp_path / "many"
    many.mkdir()
    for number in range(MOST_FILES + 1):
        (many / f"{number:03}.toml").write_text(ACME.replace("acme-nine", f"m{number}"), "utf-8")
    assert f"the most is {MOST_FILES}" in problems(tmp_path, own="many", grill="m1")
    twice = tmp_path / "twice"
    twice.mkdir()
    for name in ("a", "b"):
        (twice / f"{name}.toml").write_text(ACME, "utf-8")
    assert "b.toml: there is a model 'acme-nine' already" in problems(tmp_path, own="twice")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("colums = 32", "acme.toml: line 2: nine.colums: unknown key 'colums' (did you mean 'columns'?)"),
        ("features = { qrr = true }", "acme.toml: line 2: nine.features.qrr: unknown key 'qrr' (did you mean 'qr'?)"),
        ("shoe_size = 45", "acme.toml: line 2: nine.shoe_size: unknown key 'shoe_size'"),
    ],
)
def test_a_wrong_key_is_named_with_its_line_and_the_right_one(tmp_path: Path, wrong: str, told: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.toml").write_text(f'[nine]\n{wrong}\nlike = "generic-58"\n', "utf-8")
    assert told in problems(tmp_path)


def test_the_models_of_the_other_files_hold(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.toml").write_text(ACME, "utf-8")
    (tmp_path / "models" / "broken.toml").write_bytes(bytes(200))
    config = load(written(tmp_path))
    assert escpos(config.models.own).keys() - escpos("").keys() == {"acme-nine"}
    assert problems(tmp_path).endswith("models.own: broken.toml: is not TOML: Invalid statement (at line 1, column 1)")


def test_a_model_of_no_file_is_named_with_its_line_and_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.toml").write_text(ACME, "utf-8")
    said = problems(tmp_path, grill="acme-nien")
    assert "profile: no profile 'acme-nien' (did you mean 'acme-nine'?)" in said
    line = int(said.partition("store.toml:")[2].partition(":")[0])
    assert "acme-nien" in (tmp_path / "store.toml").read_text().splitlines()[line - 1]


def test_a_printer_of_unknown_model_can_not_be_used_and_says_why(tmp_path: Path) -> None:
    config = load(written(tmp_path))
    (name,) = devices_of(config)
    status = asyncio.run(driver_of(name, config).status())
    assert (status.trouble(), status.detail) == ("unknown_model", "there is no model 'acme-nine'")
    with pytest.raises(NotSent, match="unknown_model: there is no model 'acme-nine'"):
        asyncio.run(driver_of(name, config).deliver(PulseDocument(job_id="j"), b"0000"))


def test_a_replacement_by_a_model_that_can_not_be_read_stays_one(tmp_path: Path) -> None:
    """The printer that it took the place of is gone: its model would print nonsense on the new one."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.toml").write_bytes(b"")
    config = load(written(tmp_path, grill="tm-t88vi"))
    (name,) = [name for name, device in config.devices.items() if device.profile == "tm-t88vi"][:1]
    said = encoded(Overlay(kind="escpos", address="192.0.2.9:9100", profile="acme-nine", at_ms=1))
    overlays = Overlays(config, {setting(name): said}.get)
    assert (overlays.config.devices[name].address, overlays.config.devices[name].profile) == ("192.0.2.9:9100", "acme-nine")
    assert "acme-nine" not in overlays.models
    assert overlays.problem(name, Overlay(kind="escpos", address="192.0.2.9:9100", profile="acme-nine"))
