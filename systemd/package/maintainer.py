"""The maintainer scripts: the shared text of `scripts/`, with what differs between the packages put in."""

from collections.abc import Mapping

from systemd.package.formats import KNOWN
from systemd.package.model import HERE, Package

HEAD = "#!/bin/sh\n# Made by systemd/package/maintainer.py.\nset -e\n\n"


def scripts(package: Package, version: str) -> Mapping[str, str]:
    """Name in the control archive -> text."""
    words = {
        "NAME": package.name,
        "VERSION": version,
        "DATA": package.data,
        "CONFIG": package.config,
        "PROGRAM_PATH": f"/usr/bin/{package.program}",
        "UNITS": " ".join(package.units),
        "FORMATS": " ".join(f"{one.file}:{one.newest}" for one in KNOWN[package.name]),
        "READER": _code("refuse_newer.py"),
    }
    for step in ("settle", "start", "leave", "purge"):
        words[step.upper()] = _text(f"{package.name}.{step}.sh").rstrip("\n")
    made = {
        "preinst": _text("preinst.sh"),
        "postinst": _text("trees.sh") + "\n" + _text("postinst.sh"),
        "prerm": f"home=/usr/lib/{package.name}\n\n" + _text("prerm.sh"),
        "postrm": _text("aside.sh") + _text("postrm.sh"),
    }
    return {name: HEAD + _filled(text, words) for name, text in made.items()}


def launcher(package: Package) -> str:
    """What is in /usr/bin."""
    return _filled(_text("launcher.sh"), {"NAME": package.name, "PROGRAM": package.program})


def program(package: Package) -> str:
    """What that starts, in Python: the environment's `bin/`."""
    return _filled(_text("program.py"), {"PROGRAM": package.program, "ENTRY": package.entry})


def _text(name: str) -> str:
    return (HERE / "scripts" / name).read_text("utf-8")


def _code(name: str) -> str:
    """A program of this folder without its docstring, which is for those who read it here."""
    text = (HERE / name).read_text("utf-8")
    return text.split('"""\n', 1)[1].strip("\n")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for _ in range(2):  # what is put in may name others
        for name, word in words.items():
            text = text.replace(f"@{name}@", word)
    return text
