"""Star printers in a configuration, and what the registry and the preview make of them."""

import tomllib
from pathlib import Path

import pytest

from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import known_profiles, parse, star_profiles
from tillkeeper.devices.changeable import Changeable
from tillkeeper.devices.registry import Registry, preview
from tillkeeper.errors import ConfigInvalid
from tillkeeper.layouts.previews import Asked
from tillkeeper_drivers.api import Attended
from tillkeeper_drivers.simulator.models import models
from tillkeeper_drivers.simulator.shop import render_bytes
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import load_profiles

PRINTER = 'kind = "escpos"\naddress = "127.0.0.1:9100"\nprofile = "tm-t88vi"'


def text(profile: str, more: str = "") -> str:
    """The example with a Star printer for receipts, which its drawer hangs on."""
    assert PRINTER in example_toml()
    return example_toml().replace(PRINTER, f'kind = "star"\naddress = "127.0.0.1:9100"\nprofile = "{profile}"\n{more}')


@pytest.mark.parametrize("profile", sorted(load_profiles()))
def test_it_is_a_register_s_receipt_printer_with_a_drawer_like_any_other(profile: str, tmp_path: Path) -> None:
    config = parse(text(profile, "hold = true\nbell_pin = 5"), file="store.toml", folder=tmp_path)
    made = Registry(config, lambda digests: {}, lambda event: None)
    receipt = made.device("receipt")
    assert isinstance(receipt, Changeable)
    assert isinstance(receipt.driver, StarPrinter)
    assert isinstance(made.device("receipt"), Attended)
    assert made.worker_of("drawer") == "receipt"
    encoded = preview(Asked(document="receipt"), config)
    assert encoded.profile == profile
    paper = render_bytes(encoded.data, encoded.profile)
    assert paper.cut is not None
    if profile != "tsp100":
        assert "Tillkeeper Grill" in paper.as_text()


def test_what_is_wrong_is_told_with_the_models_of_its_kind(tmp_path: Path) -> None:
    wrong = [
        (text("tm-t88vi"), "no profile 'tm-t88vi' of kind 'star'"),
        (text("tsp650i"), "did you mean 'tsp650ii'"),
        (text("tsp100").replace('profile = "tsp100"\n', ""), "a printer needs a 'profile'"),
        (example_toml().replace('"tm-m30"', '"mc-print3"'), "no profile 'mc-print3' of kind 'escpos'"),
    ]
    for file, said in wrong:
        with pytest.raises(ConfigInvalid) as told:
            parse(file, file="store.toml", folder=tmp_path)
        assert said in "\n".join(map(str, told.value.extra["problems"]))


def test_every_model_can_be_simulated_and_no_name_is_given_twice() -> None:
    star = {key for key, model in models().items() if model.language != "escpos"}
    assert star == star_profiles() == set(load_profiles())
    assert not star & known_profiles()


def test_the_example_names_models_that_there_are() -> None:
    commented = "\n".join(line.removeprefix("# ") for line in example_toml().splitlines())
    block = commented.partition("[devices.patio]")[2].partition("\n\n")[0]
    assert tomllib.loads(block)["profile"] in star_profiles()
