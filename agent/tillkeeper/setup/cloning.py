"""Answers as a file of answers, for the next register: `tillkeeper setup --print-answers`. No secret is in it. Pure."""

from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace

from tillkeeper.config.lan import place
from tillkeeper.config.model import SerialLine
from tillkeeper.setup.answers import EXAMPLE, VERSION, Answers, JoinSaid
from tillkeeper.setup.text import sections, value_text

HEAD = f"""\
# Answers for `tillkeeper setup --answers FILE` (docs/setup.md). No secret is in here: name files that hold them.
version = {VERSION}
"""
HINTS = {
    "register": "of [registers]: on the next register, its name",
    "menu": "# Take the file along.",
    "hq": '# token_file = "/root/hq-token"   # each register has its own; the file of `ca_file` goes along',
    "pages": "# On the next register: `lan` with its own address.",
    "people": '# manager = "ana"                  # of a store\'s first register; with it:\n# pin_file = "/root/pin"',
}


def to_text(said: Answers) -> str:
    """What `answers.read` reads as these answers again, but for the secrets."""
    plain = replace(said, hq=replace(said.hq, token_file=""), people=replace(said.people, pin_file=""), join=JoinSaid())
    if said.pages.lan and len(said.registers) > 1:  # what the next one has to know of this one
        mine = replace(said.this, pages_port=place(said.pages.lan)[1])
        plain = replace(plain, registers=said.registers | {said.register: mine})
    built = _pruned(to_builtins(plain))
    for printer in built.get("printers", {}).values():
        if printer.get("serial") == to_builtins(SerialLine()):
            del printer["serial"]
    tables = {key: value for key, value in built.items() if isinstance(value, dict)}
    lines = [HEAD + f"register = {value_text(said.register)}   # {HINTS['register']}"]
    lines += [f"displays = {value_text(list(said.displays))}"] if said.displays else []
    for key, table in tables.items():
        hinted = key in HINTS and table.get("file") != EXAMPLE and (key != "pages" or said.pages.lan)
        lines += ["", *sections((key,), table), *([HINTS[key]] if hinted else [])]
    if "hq" not in tables:
        lines += ["", "# [hq]", '# url = "https://hq.example:8443"', HINTS["hq"]]
    if len(said.registers) > 1:
        lines += [
            "",
            "# [join]                             # of every register but the primary",
            '# code_file = "/root/join-code"',
        ]
    return "\n".join(lines) + "\n"


def _pruned(table: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing."""
    kept = {key: _pruned(value) if isinstance(value, dict) else _listed(value) for key, value in table.items()}
    return {key: value for key, value in kept.items() if value not in ("", [], {})}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
