"""Whether receipt printers have the letters of the language that the store prints in."""

import unicodedata
from collections.abc import Iterator

from tillkeeper.config.model import Config
from tillkeeper.config.own_models import escpos
from tillkeeper.layouts.language import language
from tillkeeper_drivers.escpos.profile import Profile
from tillkeeper_drivers.escpos.text import Pages


def warning(config: Config) -> str:
    """What is spelled in Latin letters on which receipt printers, and what helps; empty where all have the letters. A Latin
    letter that loses its accent is no matter, and Star's models are not asked."""
    spoken = language(config.store.language)
    letters = "".join(sorted({letter for word in spoken.printable().words.values() for letter in word if _other(letter)}))
    if not letters:
        return ""
    models = escpos(config.models.own)
    bad: dict[str, str] = {}
    for name in _receipt_printers(config):
        device = config.devices[name]
        if device.kind != "escpos":
            continue
        model = models.get(device.profile)  # of one that is not known nothing is known
        if model is not None and not _has(model, letters):
            bad[name] = device.profile
    if not bad:
        return ""
    able = [name for name, model in models.items() if _has(model, letters)]
    of = ", ".join(f"{name} ({model})" for name, model in bad.items())
    return (
        f"store.language {config.store.language!r} ({spoken.name}) has letters that {of} can not print: its words are spelled"
        f' in Latin ones there. Another language, as "en", or a model that has them: {", ".join(able[:5]) or "none of ours"}'
    )


def _has(model: Profile, letters: str) -> bool:
    pages = Pages(model.codec_pages(), None, model.wide)
    return all(pages.transliterate(letter) == letter for letter in letters)


def _other(letter: str) -> bool:
    return letter.isalpha() and not unicodedata.name(letter, "").startswith(("LATIN", "FEMININE", "MASCULINE"))


def _receipt_printers(config: Config) -> Iterator[str]:
    names: list[str | None] = [register.receipt_printer for register in config.registers.values()]
    names += [terminal.receipt_printer for terminal in config.terminals.values()]
    yield from dict.fromkeys(name for name in names if name)
