import pytest

from tillkeeper_drivers.escpos.profile import CLAIMS, load_profiles, parse_profiles, profile
from tillkeeper_drivers.printing.profiles import ProfileError

MODELS = [
    "tm-t88v", "tm-t88vi", "tm-t20iii", "tm-m30", "tm-t88iii", "tm-u220", "generic-80", "generic-58", "ct-s310", "srp-350",
    "srp-350iii", "kds-text",
    "tm-t88vi-ja", "tm-t88vi-zh", "tm-m30-ja", "tm-m30-zh", "tm-t88v-ja", "generic-80-zh", "generic-58-zh",
]  # fmt: skip


def test_the_models_shipped() -> None:
    assert sorted(load_profiles()) == sorted(MODELS)


@pytest.mark.parametrize("name", ["tm-t88iii", "tm-u220", "generic-80", "generic-58"])
def test_models_without_process_ids_are_not_asked_for_one(name: str) -> None:
    assert profile(name).process_id is False


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"'tm-t88ix'.*tm-t88vi"):
        profile("tm-t88ix")


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
        ('cut = "none"', 'cut = "none"\nread = { speed = "a page" }', "speed"),
        ('cut = "none"', 'cut = "none"\nread = { cut = "a page" }\ncopied = { cut = "a base" }', "both"),
        ('cut = "none"', 'cut = "none"\nlike = "y"', "'y' above it"),
        ('cut = "none"', 'cut = "none"\nwide = { mode = "utf8", charset = "cp9999" }', "cp9999"),
        ('cut = "none"', 'cut = "none"\nwide = { mode = "utf7", charset = "gbk" }', "utf7"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(ProfileError, match=says):
        parse_profiles(GOOD.replace(old, new))


def test_a_variant_takes_the_rest_from_the_model_it_is_like() -> None:
    known = load_profiles()
    assert known["tm-m30-ja"].wide is not None
    assert known["tm-m30"].wide is None
    assert known["tm-m30-ja"].code_pages == known["tm-m30"].code_pages
    assert parse_profiles(GOOD + '[y]\nlike = "x"\ncolumns = 32\n')["y"].dots == 512


def test_what_is_not_said_to_be_read_counts_as_not_read() -> None:
    """Nobody has to remember to mark a guess."""
    plain = parse_profiles(GOOD)["x"]
    assert set(plain.not_read) == set(CLAIMS) - {"wide"}
    told = parse_profiles(GOOD + 'read = { columns = "Manual, 1.1" }\ncopied = { dots = "a base" }\n[y]\nlike = "x"\n')
    assert set(plain.not_read) - set(told["x"].not_read) == {"columns", "dots"}
    assert told["y"].not_read == plain.not_read, "another model's manual is not this one's"


def test_no_synthetic_model_claims_a_manual() -> None:
    for one in load_profiles().values():
        assert not one.read or not one.name.startswith(("generic", "kds")), one.name
        assert not any("captured" in said for said in (*one.read.values(), *one.copied.values()))
