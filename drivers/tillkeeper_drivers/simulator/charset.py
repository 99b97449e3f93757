"""Which character a byte means: code pages (`ESC t`), international sets (`ESC R`), double-byte and UTF-8 modes.

Source: Epson ESC/POS reference, "Character code tables" and ESC R; GB 18030 for double-byte clones.
"""

from functools import cache

UNDEFINED = "�"
"""Stands for a byte without a meaning in the selected page; paper shows it as a box."""

_INTERNATIONAL_BYTES = "#$@[\\]^`{|}~"
_INTERNATIONAL = (
    "#$@[\\]^`{|}~",  # 0 USA
    "#$à°ç§^`éùè¨",  # 1 France
    "#$§ÄÖÜ^`äöüß",  # 2 Germany
    "£$@[\\]^`{|}~",  # 3 United Kingdom
    "#$@ÆØÅ^`æøå~",  # 4 Denmark I
    "#¤ÉÄÖÅÜéäöåü",  # 5 Sweden
    "#$@°\\é^ùàòèì",  # 6 Italy
    "₧$@¡Ñ¿^`¨ñ}~",  # 7 Spain I
    "#$@[¥]^`{|}~",  # 8 Japan
    "#¤ÉÆØÅÜéæøåü",  # 9 Norway
    "#$ÉÆØÅÜéæøåü",  # 10 Denmark II
    "#$á¡Ñ¿é`íñóú",  # 11 Spain II
    "#$á¡Ñ¿éüíñóú",  # 12 Latin America
    "#$@[₩]^`{|}~",  # 13 Korea
    "#$ŽŠĐĆČžšđćč",  # 14 Slovenia, Croatia
    "#¥@[\\]^`{|}~",  # 15 China
)
COUNTRIES = len(_INTERNATIONAL)


@cache
def high_half(codec: str) -> str:
    """The characters of bytes 80h to FFh in `codec`, `UNDEFINED` where the page has none."""
    if codec == "katakana":
        kana = bytes(range(0xA1, 0xE0)).decode("shift_jis")
        return UNDEFINED * 33 + kana + UNDEFINED * 32
    return "".join(bytes([n]).decode(codec, "replace")[:1] or UNDEFINED for n in range(0x80, 0x100))


def low(byte: int, country: int) -> str:
    """The character of a byte 20h to 7Eh in the international set `country`."""
    at = _INTERNATIONAL_BYTES.find(chr(byte))
    return _INTERNATIONAL[country][at] if at >= 0 else chr(byte)


def double(lead: int, trail: int) -> str:
    """The character of a double-byte code in a clone's Kanji mode (GB 18030, two-byte part)."""
    return bytes((lead, trail)).decode("gb18030", "replace")[:1] or UNDEFINED


def utf8_length(lead: int) -> int:
    """How many bytes a UTF-8 sequence starting with `lead` has; 0 where none starts so (RFC 3629)."""
    if lead < 0x80:
        return 1
    if 0xC2 <= lead <= 0xDF:
        return 2
    if 0xE0 <= lead <= 0xEF:
        return 3
    return 4 if 0xF0 <= lead <= 0xF4 else 0
