"""Secrets that systemd hands over (LoadCredential= and SetCredentialEncrypted= of systemd.exec(5)): a path "credential:NAME" is
the file NAME in the folder that only this service sees."""

import os
import re
from pathlib import Path

PREFIX = "credential:"
FOLDER = "CREDENTIALS_DIRECTORY"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,254}")
"""Narrower than systemd's own rule, which takes any printable file name."""


def is_credential(path: str) -> bool:
    return path.startswith(PREFIX)


def problem(path: str) -> str:
    """What is wrong with a "credential:NAME", in words, or empty."""
    name = path.removeprefix(PREFIX)
    return "" if _NAME.fullmatch(name) else f"{name!r} is no name of a credential: letters, digits and . _ - @ +"


def located(path: str) -> str:
    """The file of a "credential:NAME"; the text itself where it is none, or where this process was handed none (then nothing
    can be read from it, which `missing` explains)."""
    folder = os.environ.get(FOLDER, "")
    if not is_credential(path) or problem(path) or not folder:
        return path
    return str(Path(folder) / path.removeprefix(PREFIX))


def missing(path: str) -> str:
    """What to do about a credential that can not be read, or empty where `path` is none."""
    folder = os.environ.get(FOLDER, "")
    if is_credential(path):
        name = path.removeprefix(PREFIX)
    elif folder and Path(path).parent == Path(folder):
        name = Path(path).name
    else:
        return ""
    return f"the unit needs LoadCredential={name}:/path/of/the/file (`systemctl edit`), and only the service itself can read it"
