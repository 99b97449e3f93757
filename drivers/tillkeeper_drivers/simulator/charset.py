"""Which character a byte means: code pages (`ESC t`), international sets (`ESC R`), double-byte and UTF-8 modes.

Source: Epson ESC/POS reference, "Character code tables", ESC R, FS &, FS C; GB 18030 for double-byte clones; TCVN 5712:1993
(VN3) for the two Vietnamese pages.
"""

import unicodedata
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

_VN3_SMALL = (
    "A8 ă A9 â AA ê AB ô AC ơ AD ư AE đ B5 à B6 ả B7 ã B8 á B9 ạ BB ằ BC ẳ BD ẵ BE ắ C6 ặ "
    "C7 ầ C8 ẩ C9 ẫ CA ấ CB ậ CC è CE ẻ CF ẽ D0 é D1 ẹ D2 ề D3 ể D4 ễ D5 ế D6 ệ D7 ì D8 ỉ "
    "DC ĩ DD í DE ị DF ò E1 ỏ E2 õ E3 ó E4 ọ E5 ồ E6 ổ E7 ỗ E8 ố E9 ộ EA ờ EB ở EC ỡ ED ớ "
    "EE ợ EF ù F1 ủ F2 ũ F3 ú F4 ụ F5 ừ F6 ử F7 ữ F8 ứ F9 ự FA ỳ FB ỷ FC ỹ FD ý FE ỵ "
)
_VN3_TONELESS_CAPITALS = "A1 Ă A2 Â A7 Đ"
"""The others (Ê, Ô, Ơ, Ư) stand at different bytes in the standard and in what owners of printers report: boxes here."""


@cache
def high_half(codec: str) -> str:
    """The characters of bytes 80h to FFh in `codec`, `UNDEFINED` where the page has none."""
    if codec.startswith("tcvn3"):
        return _vietnamese(capitals=codec == "tcvn3-capitals")
    if codec == "katakana":
        kana = bytes(range(0xA1, 0xE0)).decode("shift_jis")
        return UNDEFINED * 33 + kana + UNDEFINED * 32
    return "".join(bytes([n]).decode(codec, "replace")[:1] or UNDEFINED for n in range(0x80, 0x100))


def _vietnamese(*, capitals: bool) -> str:
    page = [UNDEFINED] * 0x80
    words = _VN3_SMALL.upper().split() if capitals else _VN3_SMALL.split()
    if capitals:
        words = _VN3_TONELESS_CAPITALS.split() + words[14:]
    for byte, letter in zip(words[::2], words[1::2], strict=True):
        page[int(byte, 16) - 0x80] = letter
    return "".join(page)


def low(byte: int, country: int) -> str:
    """The character of a byte 20h to 7Eh in the international set `country`."""
    at = _INTERNATIONAL_BYTES.find(chr(byte))
    return _INTERNATIONAL[country][at] if at >= 0 else chr(byte)


def double(code: str, lead: int, trail: int) -> str:
    """The character of two bytes in double-byte mode: "gb18030" (its two-byte part) or "jis" (JIS X 0208, 21h to 7Eh each)."""
    if code == "jis":
        in_range = 0x21 <= lead <= 0x7E and 0x21 <= trail <= 0x7E
        return _one(bytes((lead | 0x80, trail | 0x80)), "euc_jp") if in_range else UNDEFINED
    return _one(bytes((lead, trail)), "gb18030")


def _one(data: bytes, codec: str) -> str:
    """Private characters have no glyph in a printer."""
    text = data.decode(codec, "replace")[:1] or UNDEFINED
    return UNDEFINED if unicodedata.category(text) == "Co" else text


def in_font(char: str, fonts: tuple[str, ...]) -> bool:
    """Whether one of the full-width `fonts` has `char`: JIS X 0208, or the Chinese GBK."""
    for font in fonts:
        try:
            if len(char.encode("shift_jis" if font == "japanese" else "gbk")) == 2:
                return True
        except UnicodeEncodeError:
            continue
    return False


def utf8_length(lead: int) -> int:
    """How many bytes a UTF-8 sequence starting with `lead` has; 0 where none starts so (RFC 3629)."""
    if lead < 0x80:
        return 1
    if 0xC2 <= lead <= 0xDF:
        return 2
    if 0xE0 <= lead <= 0xEF:
        return 3
    return 4 if 0xF0 <= lead <= 0xF4 else 0
