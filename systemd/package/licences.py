"""What is bundled, and under which licence. A distribution without a licence text, or under a licence that is not in
`ACCEPTED`, fails the build."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from systemd.package.model import HERE, ROOT

ACCEPTED = frozenset(
    {
        "Apache-2.0", "Apache-2.0 OR BSD-3-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MIT-CMU", "OFL-1.1", "PSF-2.0",
        # Weak copyleft, bundled unchanged and replaceable: Python modules of their own.
        "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0",
        # scapy alone, which runs in a child process of its own (docs/decisions/0037-package.md).
        "GPL-2.0-only",
        # apsw: "any OSI approved licence"; its text is the zlib licence.
        "Zlib",
    }
)  # fmt: skip
SAID_OTHERWISE = {
    "anyascii": "ISC",
    "apsw": "Zlib",
    "argcomplete": "Apache-2.0",
    "defusedxml": "PSF-2.0",
    "pynacl": "Apache-2.0",
    "pyserial": "BSD-3-Clause",
    "python-bidi": "LGPL-3.0-or-later",
    "qrcode": "BSD-3-Clause",
}
"""SPDX names of those whose metadata says it in words, from the texts that they bring."""
_MARKS = ("licen", "copying", "notice", "authors")


class Bundled(NamedTuple):
    """One distribution. `paths`: its files in site-packages, as patterns. `texts`: name of the file -> text."""

    name: str
    version: str
    licence: str
    holder: str
    paths: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    requires: tuple[str, ...] = ()
    info: Path | None = None


def bundled(site: Path, *, pages: bool) -> list[Bundled]:
    """What others wrote, by name: all in `site` (`tree.third_party`), and the library of the `pages`.

    Raises:
        RuntimeError: a licence text is missing, or a licence is none that is accepted.
    """
    found = [_of(one) for one in importlib.metadata.distributions(path=[str(site)])]
    if pages:
        found.append(_pages_library())
    refused = [f"{one.name} {one.version}: {one.licence or 'none'}" for one in found if one.licence not in ACCEPTED]
    if refused:
        raise RuntimeError(f"licences that systemd/package/licences.py does not accept: {'; '.join(refused)}")
    return sorted(found, key=lambda one: one.name)


def _of(one: importlib.metadata.Distribution) -> Bundled:
    name = one.name.lower().replace("_", "-")
    info = Path(str(one._path))  # type: ignore[attr-defined]
    texts = [(str(path.relative_to(info)), path.read_text("utf-8", "replace")) for path in _texts(info)]
    ours = HERE / "texts" / f"{name}.txt"
    if ours.is_file():
        texts.append(("LICENSE", ours.read_text("utf-8")))
    if not texts:
        raise RuntimeError(f"{name} brings no licence text: put it into systemd/package/texts/{name}.txt")
    said = _first(one, "License-Expression", "License")
    licence = SAID_OTHERWISE.get(name, said)
    holder = _first(one, "Author-email", "Author") or f"the authors of {one.name}"
    return Bundled(
        name, one.version, licence, " ".join(holder.split()), _paths(one), tuple(texts), tuple(one.requires or ()), info
    )


def _first(one: importlib.metadata.Distribution, *names: str) -> str:
    return next((value for name in names for value in one.metadata.get_all(name) or () if value), "")


def _texts(info: Path) -> Iterator[Path]:
    return (path for path in sorted(info.rglob("*")) if path.is_file() and any(mark in path.name.lower() for mark in _MARKS))


def _paths(one: importlib.metadata.Distribution) -> tuple[str, ...]:
    """By the wheel's own list: its folders, and files at the top; those that were left out are not there any more."""
    there = [path for path in one.files or () if Path(str(one.locate_file(path))).is_file() and ".." not in path.parts]
    return tuple(sorted({f"{path.parts[0]}/*" if len(path.parts) > 1 else path.parts[0] for path in there}))


def _pages_library() -> Bundled:
    """htm with Preact (npm), of which `third-party.txt` tells."""
    notice = (ROOT / "agent/tillkeeper/web/third-party.txt").read_text("utf-8")
    version = notice.partition("htm ")[2].split()[0]
    texts = (("third-party.txt", notice),)
    where = ("tillkeeper/web/static/vendor/preact.js",)
    return Bundled("htm", version, "Apache-2.0", "Google Inc.; Jason Miller", where, texts)
