"""The card-number guard: no payment card number reaches the disk (PCI DSS 3.2.1 / 4.0 requirement 3). Pure.

A text is refused if it holds a run of 13 to 19 digits (ISO/IEC 7812-1) whose Luhn check digit is right, where spaces,
dashes and invisible characters between digits are ignored, digits of every script count, and the run may stand among other
groups of digits. Two more rules catch what that misses: groups in a card's own rhythm (4-4-4-4, 4-6-5) between any
punctuation, and a number of a known issuer glued to other digits.

What we make ourselves is exempt by field *and* exact form (an id field holding 26 characters of Crockford base 32, a digest
field holding hex), so a text typed by a person is always looked at. Catalogue keys (`item_id` and the like) are often
EAN/GTIN bar codes, of which one in ten passes Luhn: they are refused only if they are a known issuer's number. JSON numbers
are no texts. Idempotency keys are stored as SHA-256 only (see `commit.py`); a key that *is* a card number is refused all
the same.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from tillkeeper.errors import Refused
from tillkeeper.journal.records import Batch

MIN_DIGITS, MAX_DIGITS = 13, 19

_HINT = "leave the number out; a phone number can be written without its country code"
_SEPARATOR_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Pd", "Mn", "Me"})
# Minus sign, hyphen bullet, modifier minus, Hangul fillers, braille blank: look like a space or a dash, are classed otherwise.
_SEPARATORS = frozenset("\u2212\u2043\u02d7\u3164\u115f\u1160\u2800")


def _class_of(code: int) -> str:
    """An ASCII digit, " " for what is ignored between digits, "." for other punctuation, "x" for what ends a run."""
    char = chr(code)
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    category = unicodedata.category(char)
    if category in _SEPARATOR_CATEGORIES or char in _SEPARATORS:
        return " "
    return "." if category[0] in "PS" else "x"


class _Classes(dict[int, str]):
    def __missing__(self, code: int) -> str:
        return _class_of(code)  # not kept: whoever types cannot make this table grow


_CLASSES = _Classes({code: _class_of(code) for code in range(256)})

_RUN = re.compile(r"\d(?: *\d){12,}")
_RHYTHM = re.compile(r"(?<!\d)\d{4}[ .]+(?:\d{4}[ .]+\d{4}[ .]+\d{1,7}|\d{6}[ .]+\d{4,5})(?!\d)")
# Visa, Mastercard, Discover, JCB, UnionPay, Maestro (16), American Express (15), Diners (14).
_ISSUER = re.compile(
    r"(?=(4\d{15}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:5018|5020|5038|6304|6759|676[123])\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}))"
)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: double every second digit from the right, add the digits of all, divisible by ten."""
    total = sum(map(int, digits[-1::-2]))
    return (total + sum((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[int(d)] for d in digits[-2::-2])) % 10 == 0


def _whole_groups(run: str) -> Iterator[str]:
    """Every stretch of 13 to 19 digits of the run that starts and ends with a group."""
    digits: list[str] = []
    starts: list[int] = []
    ends: set[int] = set()
    for at, char in enumerate(run):
        if char != " ":
            if at == 0 or run[at - 1] == " ":
                starts.append(len(digits))
            digits.append(char)
            if at + 1 == len(run) or run[at + 1] == " ":
                ends.add(len(digits))
    joined = "".join(digits)
    for start in starts:
        for length in range(MIN_DIGITS, MAX_DIGITS + 1):
            if start + length in ends:
                yield joined[start : start + length]


def holds_issuer_number(digits: str) -> bool:
    return any(_luhn(match[1]) for match in _ISSUER.finditer(digits))


def holds_card_number(text: str) -> bool:
    """Whether the text holds what may be a payment card number, in any script and grouping."""
    if len(text) < MIN_DIGITS:
        return False
    plain = (text if text.isascii() else unicodedata.normalize("NFKC", text)).translate(_CLASSES)
    for run in _RUN.findall(plain):
        if any(map(_luhn, _whole_groups(run))) or holds_issuer_number(run.replace(" ", "")):
            return True
    for grouped in _RHYTHM.findall(plain):
        digits = grouped.replace(" ", "").replace(".", "")
        if MIN_DIGITS <= len(digits) <= MAX_DIGITS and _luhn(digits):
            return True
    return False


def refuse_card_numbers(operation: str, texts: Iterable[str]) -> None:
    """Raises: Refused with code `card_number_in_text`; the text itself is never part of the error."""
    for text in texts:
        if holds_card_number(text):
            _refuse(operation, "a text")


def _refuse(operation: str, subject: str) -> None:
    cause = "it holds a number that looks like a payment card number, which must not be stored"
    raise Refused("card_number_in_text", operation, subject, cause, _HINT)


# --- whole batches ---

_OUR_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_HEX = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")
_SET_ASIDE = re.compile(r"[\w.-]*-set-aside-[0-9A-Z]+(-\d{1,3})?\.db")
_SIGNATURE = re.compile(r"[0-9A-Za-z+/=_-]{40,4096}")
_TASK = re.compile(r"[a-z_]+:[0-9a-f]{40}")  # `contract.after.task_id`, where it is long
_OURS = {
    **dict.fromkeys(
        ("check_id", "line_id", "line_ids", "tender_id", "discount_id", "refund_id", "job_id", "new_job_id", "original_job_id"),
        _OUR_ID,
    ),
    **dict.fromkeys(
        ("entry_id", "no_sale_id", "previous_incarnation", "rerouted_from", "taxes", "quantities", "items"),
        _OUR_ID,
    ),
    **dict.fromkeys(("movement_id", "session_id", "drawer_session", "session", "finals", "word", "counter"), _OUR_ID),
    **dict.fromkeys(("authorisation_id", "original"), _OUR_ID),
    **dict.fromkeys(("at", "known"), _OUR_ID),  # logs of a check that changed hands
    **dict.fromkeys(("digest", "digests", "sha256", "salt", "personal", "key_sha256", "token_sha256"), _HEX),
    **dict.fromkeys(("key", "keys", "authority", "replaced"), _HEX),  # public keys of registers
    "set_aside": _SET_ASIDE,
    "held": _OUR_ID,
    "signature": _SIGNATURE,
    "task_id": _TASK,
    "entity_id": re.compile(f"{_OUR_ID.pattern}|{_TASK.pattern}"),  # of an answer
}
_CATALOGUE_KEYS = frozenset({"item_id", "modifier_id", "subject_id", "catalogue_version"})

# Quick look at JSON: punctuation other than the quotes around a text is dropped, every digit becomes 0, all else x.
_DROPPED = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != '"')
_DIGITS = bytes(ord("0") if chr(code).isdecimal() else ord("x") for code in range(128)) + b"x" * 128
_STAMP = re.compile(rb'_ms":\d{13}\b')
_ENOUGH = b"0" * MIN_DIGITS


# Latin, Greek, Cyrillic, Hebrew, Arabic, kana, CJK and Hangul letters that in every normal form stay letters and end a run.
# A test goes through all of them.
_LETTERS = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0386\u0388-\u03f5\u03f7-\u03ff\u0400-\u0481\u048a-\u052f"
_LETTERS += "\u05d0-\u05ea\u0620-\u064a\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3"
_STRANGE = re.compile(f"[^\x00-\x7f{_LETTERS}]")


def _needs_a_look(raw: bytes) -> bool:
    """False only if no text in this JSON can hold 13 digits. An escape or a rare character may hide some: it needs a look."""
    if b"\\" in raw or (not raw.isascii() and _STRANGE.search(raw.decode(errors="replace"))):
        return True
    return _ENOUGH in _STAMP.sub(b"", raw).translate(_DIGITS, _DROPPED)


def _check_value(operation: str, value: object, field: str, path: str) -> None:
    if isinstance(value, str):
        ours = _OURS.get(field)
        if ours is not None and ours.fullmatch(value):
            return
        if field in _CATALOGUE_KEYS:
            if holds_issuer_number(value.translate(_CLASSES)):
                _refuse(operation, path)
        elif holds_card_number(value):
            _refuse(operation, path)
    elif isinstance(value, list):
        for part in value:
            _check_value(operation, part, field, path)
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_value(operation, key, field, path)
            _check_value(operation, part, "personal" if field == "personal" else key, f"{path}.{key}"[:80])


def _check_json(operation: str, raw: bytes, path: str) -> None:
    if not _needs_a_look(raw):
        return
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        value = raw.decode(errors="replace")
    _check_value(operation, value, "", path)


def guard_batch(operation: str, batch: Batch, bodies: Iterable[tuple[str, bytes]]) -> None:
    """Look at every text of a batch. `bodies`: type name and encoded body of each event.

    Catalogues and settings are not looked at: they are adopted files and our own cursors, with digests and bar codes.

    Raises:
        Refused: code `card_number_in_text`.
    """
    for type_name, body in bodies:
        _check_json(operation, body, type_name)
    for text in batch.personal:
        if holds_card_number(text.text):
            _refuse(operation, "a personal text")
    for check in batch.checks:
        _check_json(operation, check.body, "check")
    for job in batch.jobs:
        _check_json(operation, job.body, "job")
    if batch.command is not None:
        _check_json(operation, batch.command.result, "result")
        key = batch.command.key.translate(_CLASSES)
        # A key made of a time stamp starts with 1 until 2033, a card number with 2 to 6.
        if _RUN.fullmatch(key) and key[0] in "23456" and holds_card_number(key):
            _refuse(operation, "the idempotency key")
