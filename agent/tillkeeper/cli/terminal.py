"""What others wrote must not steer the terminal that shows it."""

import re

# C0, DEL and C1 controls; line and paragraph separators; the marks that turn the direction of text (Unicode UAX #9).
_STEERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """On one line, with every character that would move the cursor, colour or reorder what is shown made visible."""
    return _STEERS.sub("\N{REPLACEMENT CHARACTER}", str(text))
