"""Which text is meant."""

import pytest

from tillkeeper.privacy.matching import fits


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Zoë Martínez", "zoë  martínez "),
        ("Zoe\u0308", "Zoë"),
        ("+49 151 234-5678", "+491512345678"),
        ("(0151) 2345678", "0151/2345678"),
        ("Straße", "STRASSE"),
    ],
)
def test_the_same_person_however_it_is_typed(text: str, wanted: str) -> None:
    assert fits(text, wanted, exact=True)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("Anna", "Ann"), ("Ann", "Anna"), ("Table 12345 at 6", "123456"), ("12", "1 2 3"), ("0151 2345678", "0151 2345679")],
)
def test_another_one_is_not_taken_for_it(text: str, wanted: str) -> None:
    assert not fits(text, wanted, exact=True)


def test_a_part_is_found_but_not_meant() -> None:
    assert fits("Anna Schmidt", "schmidt", exact=False)
    assert fits("0151 234 56 78", "2345", exact=False) is False, "fewer than five digits are no phone number"
    assert fits("0151 234 56 78", "23456", exact=False)
    assert not fits("Anna Schmidt", "schmitt", exact=False)
