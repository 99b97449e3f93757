import pytest

from tillkeeper_drivers.escpos.profile import ProfileError, load_profiles, parse_profiles, profile

MODELS = ["tm-t88vi", "tm-t20iii", "tm-m30", "tm-t88iii", "tm-u220", "generic-80", "generic-58", "kds-text"]


def test_the_models_shipped() -> None:
    assert sorted(load_profiles()) == sorted(MODELS)


@pytest.mark.parametrize("name", ["tm-t88iii", "tm-u220", "generic-80", "generic-58"])
def test_models_without_process_ids_are_not_asked_for_one(name: str) -> None:
    assert profile(name).process_id is False


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"'tm-t88v'.*tm-t88vi"):
        profile("tm-t88v")


GOOD = """
[x]
title = "X"
columns = 42
dots = 512
process_id = true
automatic_status = true
paper_query = "yes"
real_time_status = "yes"
preflight = [1]
drawer_pins = [2]
size_command = "gs"
cut = "none"
code_pages = { 0 = "cp437" }
"""


def test_a_profile_of_ones_own() -> None:
    assert parse_profiles(GOOD)["x"].codec_pages() == ((0, "cp437"),)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("columns = 42", "columns = 0", "columns"),
        ("columns = 42", 'columns = "42 or so"', "columns"),
        ("columns = 42", "colums = 42", "colums"),
        ("dots = 512", "dots = 9", "dots"),
        ("preflight = [1]", "preflight = [9]", "preflight"),
        ("drawer_pins = [2]", "drawer_pins = [3]", "drawer_pins"),
        ('0 = "cp437"', '300 = "cp437"', "300"),
        ('0 = "cp437"', '0 = "cp4370"', "cp4370"),
        ('title = "X"', "title = ", "TOML"),
        ('cut = "none"', 'cut = "none"\nprint_mode_base = 256', "print_mode_base"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        parse_profiles(GOOD.replace(old, new))
